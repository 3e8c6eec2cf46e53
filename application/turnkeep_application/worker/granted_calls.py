"""A granted call: a step that a yes allows, begun with its grant and held on to while it lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import define, field

from turnkeep_application.turns.granted_steps import StepGrant, step_token
from turnkeep_application.worker.approval_gates import FIRST, AskedCall
from turnkeep_application.worker.exits import CallRefused
from turnkeep_application.worker.runner import Runner
from turnkeep_domain.approvals.canonical import CanonicalInput, canonical
from turnkeep_domain.approvals.grant_phases import GrantRevokeCause
from turnkeep_domain.approvals.grant_refusals import GrantRevoked, NotApproved, NotGrantee
from turnkeep_domain.approvals.refusals import Unknown
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.turns.effect import EffectState, JournalCall

_LOG: Final = logging.getLogger("turnkeep.worker")

_ASKED_AGAIN: Final = frozenset({GrantRevokeCause.EXPIRED, GrantRevokeCause.RUN_ENDED})
_RETRIES_A_PAUSE: Final = 10


@define(eq=False)
class GrantedCall:
    """One step, and the yes that it is made with.

    Attributes:
        approval: The approval that is used: of a call that had to be asked again, the last one.
        asked: The call as this handler has asked for it; None where it has not, and so cannot ask
            again.
    """

    runner: Runner
    call: JournalCall
    input: CanonicalInput = field(repr=False)
    approval: str
    asked: AskedCall | None

    async def begin(self) -> EffectState:
        """Stores the intent, with the grant begun.

        A yes whose time was up before it was used, or that a run before this one was given, is
        asked for anew, which ends the claim: the handler is begun again when it is decided, and
        comes here with that one.

        Raises:
            CallRefused: The grant cannot be used.
            GateClosed: It was asked anew, and not granted.
            RunLeft: It is asked anew, and the run waits.
        """
        asked, attempt, anew = self.asked, FIRST, 0
        if asked is None:
            return await self._intended()
        while True:
            self.approval = asked.approval(attempt)
            try:
                return await self._intended()
            except CallRefused as refused:
                match refused.reason:
                    case GrantRevoked(cause=cause) if cause in _ASKED_AGAIN:
                        pass
                    case NotApproved(state=ApprovalState.DISCARDED):
                        pass  # a run of this journal had asked that was called off
                    case NotGrantee():
                        pass  # a run of this journal had asked that has ended
                    case Unknown() if attempt > max(FIRST, anew):
                        anew = attempt
                        await asked.ask_again(attempt)
                        continue
                    case _:
                        raise
            attempt += 1
            asked.require_not_closed(attempt)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """While the step is made, a task beside it puts off when its outcome counts as unknown."""
        holding = asyncio.create_task(self._hold_on(), name="turnkeep grant")
        try:
            yield
        finally:
            holding.cancel()

    async def _intended(self) -> EffectState:
        turns, claim = self.runner.turns, self.runner.claim
        grant = StepGrant(approval=self.approval, input=self.input)
        state: EffectState = await self.runner.ask(
            lambda: turns.intend(claim, self.call.id, arguments=self.call.arguments, grant=grant)
        )
        return state

    async def _hold_on(self) -> None:
        runner = self.runner
        usual_seconds = pause_seconds = runner.turns.approvals.dispatch_seconds / 2
        token = step_token(runner.claim, self.call.id)
        while True:
            await runner.turns.clock.sleep(pause_seconds)
            pause_seconds = usual_seconds
            try:
                answer = await runner.keep.approvals.extend(
                    runner.run.scope, self.approval, token=token
                )
            except TurnkeepError as error:
                _LOG.warning("a grant could not be extended: %s", error)
                pause_seconds /= _RETRIES_A_PAUSE
                continue
            if isinstance(answer, Refused):
                _LOG.warning("a grant ends before its step: %s", answer.reason.code)
                return


def approved_input(args: object) -> CanonicalInput:
    """What a step is called with, as people have approved it.

    Raises:
        InvalidValue: It is nothing that can be asked, bytes for example.
    """
    spelt = canonical(args)  # type: ignore[arg-type]  # whether it is JSON, is found out there
    if not isinstance(spelt, CanonicalInput):
        raise InvalidValue("args", "must be what was approved, where a grant is used")
    return spelt
