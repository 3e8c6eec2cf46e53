"""The people of a trial: one approves what agents ask for, one looks after what broke off."""

from __future__ import annotations

import asyncio
from typing import Final

from attrs import define, field

from examples.agentdojo.agent import MONEY
from examples.agentdojo.asking import Asking
from turnkeep import (
    Actor,
    Category,
    Done,
    EffectId,
    Keep,
    NotDone,
    Principal,
    Refused,
    RequestId,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    TurnkeepError,
    Uncertain,
    step_output,
)

OPERATOR: Final = Actor.operator(Principal.person("olga"))
_ROUND_SECONDS: Final = 0.1


@define
class Approver:
    """Whoever owns the tasks, and says yes to every call that is asked for.

    Attributes:
        approved: How many approvals each thread got.
    """

    keep: Keep
    owner: Scope
    approved: dict[str, int] = field(factory=dict, init=False)

    async def work(self) -> None:
        """Approves what is asked, until it is cancelled."""
        while True:
            try:
                await self._look_around()
            except TurnkeepError as error:
                _bear(error)
            await asyncio.sleep(_ROUND_SECONDS)

    async def _look_around(self) -> None:
        after: str | None = None
        while True:
            page = await self.keep.approvals.list_pending(
                ScopePrefix.owner(self.owner), after=after
            )
            for view in page.approvals:
                answer = await self.keep.approvals.approve(
                    view.scope,
                    view.id,
                    by=Principal.person(str(self.owner.user)),
                    decision_id=RequestId(f"yes to {view.id}"),
                )
                if not isinstance(answer, Refused):
                    thread = str(view.scope.thread)
                    self.approved[thread] = self.approved.get(thread, 0) + 1
            after = page.next
            if after is None:
                return


@define
class Operator:
    """Whoever finds out what became of calls that were cut off, by asking the environment.

    Attributes:
        settled: How many calls were looked into.
    """

    keep: Keep
    owner: Scope
    environment: Asking
    settled: int = field(default=0, init=False)

    async def work(self) -> None:
        """Looks after runs until it is cancelled."""
        while True:
            try:
                await self._look_around()
            except TurnkeepError as error:
                _bear(error)
            await asyncio.sleep(_ROUND_SECONDS)

    async def _look_around(self) -> None:
        after: str | None = None
        stranded = frozenset({RunStatus.NEEDS_OPERATOR})
        while True:
            page = await self.keep.turns.list(
                ScopePrefix.owner(self.owner), statuses=stranded, after=after
            )
            for run in page.runs:
                await self._look_after(run)
            after = page.next
            if after is None:
                return

    async def _look_after(self, run: RunView) -> None:
        settlements: dict[EffectId, Done | NotDone] = {}
        for entry in await self.keep.turns.journal(run.address):
            if not isinstance(entry.state, Uncertain):
                continue
            deed = await self.environment.found(
                str(run.turn.message_ref), key=entry.key, epoch=entry.state.epoch
            )
            if deed is None:
                settlements[entry.id] = NotDone(category=Category("never_arrived"), redo=True)
                continue
            if entry.reservation is not None:
                # What it did cost is known here; settling alone would charge the estimate.
                await self.keep.budgets.reconcile(
                    run.scope,
                    entry.reservation,
                    request_id=RequestId("found out"),
                    usage={MONEY: deed.cost},
                )
            settlements[entry.id] = Done(output=step_output(deed.answer), disposition=None)
        answer = await self.keep.turns.retry(
            run.address,
            settlements=settlements,
            actor=OPERATOR,
            request_id=RequestId(f"{run.id}/{run.version}"),
        )
        # A refusal means that it has moved on: the next round looks again.
        if not isinstance(answer, Refused):
            self.settled += len(settlements)


def _bear(error: TurnkeepError) -> None:
    """Goes on after an error that time mends: the next round sends the same again."""
    if not error.retryable:
        raise error
