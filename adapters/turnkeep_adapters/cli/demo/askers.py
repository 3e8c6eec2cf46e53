"""An asker: a simulated host that works through tasks, call by call, and waits for each consent."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from attrs import frozen

from turnkeep import (
    ApprovalView,
    IdSpent,
    InputTooDeep,
    InputTooLarge,
    InvalidInput,
    Keep,
    RaiseRefusal,
    Refused,
    StillPending,
    TooManyPending,
    TurnkeepError,
)
from turnkeep_adapters.cli.demo.asking import Ask
from turnkeep_adapters.cli.demo.errand_desk import Desk, OpenCase
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.recording import Unusable
from turnkeep_adapters.cli.demo.scene import Withdrawal, scene_of
from turnkeep_adapters.cli.demo.stamina import hesitate, insisting
from turnkeep_adapters.cli.demo.telling import told_of_command, told_of_raising, told_of_waiting

if TYPE_CHECKING:
    # A worker has no terminal, and need not load what draws on one.
    from turnkeep_adapters.cli.demo.audience import Audience

InputRefusal: TypeAlias = InvalidInput | InputTooDeep | InputTooLarge

UNDECIDED: Final = "undecided"
_SPENT: Final = "already withdrawn"
_WAIT_SECONDS: Final = 2.0
_CROWDED_SECONDS: Final = 0.1
_CROWDED_TIMES_MAX: Final = 600


@frozen(kw_only=True)
class Asker:
    """One actor: it takes tasks from the feed, has their calls decided, and closes their cases."""

    keep: Keep
    desk: Desk
    feed: Feed
    ledger: Ledger
    audience: Audience
    seed: int

    async def work(self) -> None:
        """Asks until there is nothing left to ask."""
        while (asks := await self.feed.next()) is not None:
            for ask in asks:
                case = await self._have_decided(ask)
                if case is not None:
                    case.end()
                self.audience.one_more()

    async def _have_decided(self, ask: Ask) -> OpenCase | None:
        """The case of a call, with all that came of it; None where it cannot be asked at all."""
        try:
            answer = await self._raised(ask)
        except TurnkeepError as error:
            return self._not_raised(ask, error.code)
        match answer:
            case TooManyPending():
                return self._not_raised(ask, answer.code)
            case ApprovalView():
                return await self._played(ask, answer)
            case IdSpent(id):
                # Somebody asked the very same before and withdrew it: that is its decision.
                case = OpenCase(ask, id, _SPENT, self.ledger)
                case.was_told(told_of_raising(ask.requester, answer))
                return case
            case _:
                self.feed.reject(Unusable(ask.line, ask.position, _words(answer)))
                return None

    async def _raised(self, ask: Ask) -> ApprovalView | RaiseRefusal:
        times = 0
        while True:
            answer = await insisting(lambda: self._raise(ask))
            if isinstance(answer, ApprovalView):
                return answer
            times += 1
            if not isinstance(answer.reason, TooManyPending) or times == _CROWDED_TIMES_MAX:
                return answer.reason
            # Others ask under the same task; as theirs are decided, there will be room.
            await asyncio.sleep(_CROWDED_SECONDS)

    async def _raise(self, ask: Ask) -> ApprovalView | Refused[RaiseRefusal]:
        return await self.keep.approvals.raise_request(
            ask.scope,
            invocation=ask.invocation,
            action=ask.action,
            effects=ask.effects,
            requester=ask.requester,
            correlation_id=ask.correlation_id,
            input=ask.input,
            reason=ask.reason,
            display=ask.display,
            quorum=ask.quorum,
        )

    async def _played(self, ask: Ask, raised: ApprovalView) -> OpenCase:
        scene = scene_of(ask, raised.id, self.seed)
        case = OpenCase(ask, raised.id, scene.plot.value, self.ledger)
        case.was_told(told_of_raising(ask.requester, raised))
        self.desk.leave(case, scene)
        try:
            if scene.withdrawal is not None:
                await self._withdraw(case, scene.withdrawal)
            await self._wait(case, raised)
        except TurnkeepError as error:
            case.gave_up(error.code)
        await case.all_done()
        return case

    async def _withdraw(self, case: OpenCase, withdrawal: Withdrawal) -> None:
        by = case.ask.requester
        id = withdrawal.request_id
        for _ in range(withdrawal.times):
            await hesitate(withdrawal.turns)
            answer = await insisting(
                lambda: self.keep.approvals.discard(case.ask.scope, case.gate, by=by, request_id=id)
            )
            case.was_told(told_of_command("discard", by, id, answer))

    async def _wait(self, case: OpenCase, view: ApprovalView) -> None:
        """Returns when the approval has ended, or when nobody is left who could end it."""
        while True:
            idle = case.is_idle
            answer = await insisting(partial(self._waited, case, view.changes))
            match answer:
                case StillPending() if idle:
                    case.gave_up(UNDECIDED)
                    return
                case StillPending():
                    continue
                case ApprovalView(state=state) if not state.final:
                    view = answer
                case _:
                    case.was_told(told_of_waiting(case.ask.requester, answer))
                    return

    def _not_raised(self, ask: Ask, code: str) -> OpenCase:
        case = OpenCase(ask, "", UNDECIDED, self.ledger)
        case.gave_up(code)
        return case

    async def _waited(self, case: OpenCase, seen: int) -> ApprovalView | StillPending | None:
        return await self.keep.approvals.wait(
            case.ask.scope, case.gate, seen=seen, timeout_seconds=_WAIT_SECONDS
        )


def _words(refusal: InputRefusal) -> str:
    match refusal:
        case InvalidInput(rule):
            return f"its args {rule}"
        case InputTooDeep(levels_max):
            return f"its args nest deeper than {levels_max} levels"
        case InputTooLarge(bytes_max):
            return f"its args have more than {bytes_max} bytes"
        case _:
            assert_never(refusal)
