"""The people of a demonstration: who decide what agents ask for, and look after what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import Enum
from functools import partial
from typing import Final

from attrs import define, field

from turnkeep import (
    Actor,
    ApprovalState,
    ApprovalView,
    Category,
    Done,
    EffectId,
    Keep,
    NotDone,
    Principal,
    Refused,
    RequestId,
    RunAddress,
    RunEffect,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    Uncertain,
    step_output,
)
from turnkeep_adapters.cli.demo.costs import MONEY
from turnkeep_adapters.cli.demo.errand import drawn
from turnkeep_adapters.cli.demo.stamina import hesitate, insisting
from turnkeep_adapters.cli.demo.world import Deed, World

OPERATOR: Final = Actor.operator(Principal.person("olga"))
_ROUND_SECONDS: Final = 0.1
_HESITATION_MAX: Final = 6


class Fate(Enum):
    """What people make of a request; who wins a race is for the store to say."""

    GRANTED = "granted"
    DENIED = "denied"
    OPPOSED = "raced by opposite verdicts"
    UNANSWERED = "never answered"


_FATES: Final = {Fate.GRANTED: 72, Fate.DENIED: 10, Fate.OPPOSED: 10, Fate.UNANSWERED: 8}


@define(kw_only=True)
class Request:
    """One request, as those who decide have met it.

    Attributes:
        told: In which final states they were told that it is, each time.
        doubled: Whether a repeat was answered otherwise than the first time.
    """

    scope: Scope
    fate: Fate
    told: list[ApprovalState] = field(factory=list, init=False)
    doubled: bool = field(default=False, init=False)


@define(kw_only=True)
class Deciders:
    """Those who decide: each request once by its fate, some twice under the same ids.

    Attributes:
        requests: What they have met, by approval.
    """

    keep: Keep
    owners: Iterable[Scope]
    seed: int
    requests: dict[str, Request] = field(factory=dict, init=False)

    async def work(self) -> None:
        """Decides what is asked, until it is cancelled."""
        while True:
            for owner in self.owners:
                await self._look_at(ScopePrefix.owner(owner))
            await asyncio.sleep(_ROUND_SECONDS)

    async def _look_at(self, prefix: ScopePrefix) -> None:
        after: str | None = None
        while True:
            page = await insisting(partial(self.keep.approvals.list_pending, prefix, after=after))
            fresh = [view for view in page.approvals if view.id not in self.requests]
            await asyncio.gather(*map(self._decide, fresh))
            after = page.next
            if after is None:
                return

    async def _decide(self, view: ApprovalView) -> None:
        chance = drawn(self.seed, view.id)
        (fate,) = chance.choices(tuple(_FATES), tuple(_FATES.values()))
        self.requests[view.id] = request = Request(scope=view.scope, fate=fate)
        voters = sorted(view.quorum.eligible)
        chance.shuffle(voters)
        needed = voters[: view.quorum.threshold]
        votes: list[tuple[Principal, bool]] = []
        if fate in (Fate.GRANTED, Fate.OPPOSED):
            votes += ((voter, True) for voter in needed)
        if fate in (Fate.DENIED, Fate.OPPOSED):
            votes.append((voters[-1], False))
        await asyncio.gather(*(self._vote(view, request, voter, yes=yes) for voter, yes in votes))

    async def _vote(
        self, view: ApprovalView, request: Request, voter: Principal, *, yes: bool
    ) -> None:
        chance = drawn(self.seed, view.id, voter.id, yes)
        await hesitate(chance.randrange(_HESITATION_MAX))
        approvals = self.keep.approvals
        command = approvals.approve if yes else approvals.deny
        decision = RequestId(f"{view.id}/{voter.id}/{'yes' if yes else 'no'}")
        send = partial(command, view.scope, view.id, by=voter, decision_id=decision)
        first = await insisting(send)
        # As after an answer that never came.
        again = await insisting(send) if chance.random() < 1 / 2 else first
        if isinstance(first, Refused):
            return
        request.doubled |= again != first
        if first.state.final:
            request.told.append(first.state)


@define(kw_only=True)
class Operators:
    """Those who look after runs in which something may have happened.

    Attributes:
        settled: How many uncertain calls they have looked into.
    """

    keep: Keep
    owners: Iterable[Scope]
    world: World
    settled: int = field(default=0, init=False)

    async def work(self) -> None:
        """Looks after runs until it is cancelled."""
        while True:
            for owner in self.owners:
                for run in await self._stranded(ScopePrefix.owner(owner)):
                    await self._look_after(run)
            await asyncio.sleep(_ROUND_SECONDS)

    async def _stranded(self, prefix: ScopePrefix) -> list[RunView]:
        found: list[RunView] = []
        after: str | None = None
        wanted = frozenset({RunStatus.NEEDS_OPERATOR})
        while True:
            page = await insisting(
                partial(self.keep.turns.list, prefix, statuses=wanted, after=after)
            )
            found.extend(page.runs)
            after = page.next
            if after is None:
                return found

    async def _look_after(self, run: RunView) -> None:
        address = RunAddress(run.scope, run.id)
        settlements = await self._found_out(address)
        answer = await insisting(
            partial(
                self.keep.turns.retry,
                address,
                settlements=settlements,
                actor=OPERATOR,
                request_id=RequestId(f"{run.id}/{run.version}"),
            )
        )
        # A refusal means that it has moved on: the next round looks again.
        if not isinstance(answer, Refused):
            self.settled += len(settlements)

    async def _found_out(self, address: RunAddress) -> dict[EffectId, Done | NotDone]:
        found: dict[EffectId, Done | NotDone] = {}
        for entry in await insisting(partial(self.keep.turns.journal, address)):
            if isinstance(entry.state, Uncertain):
                deed = self.world.found(entry.key, entry.state.epoch)
                if deed is None:
                    found[entry.id] = NotDone(category=Category("voided"), redo=True)
                    continue
                await self._charge(address, entry, deed)
                output = step_output({"receipt": entry.key, "again": True})
                found[entry.id] = Done(output=output, disposition=None)
        return found

    async def _charge(self, address: RunAddress, entry: RunEffect, deed: Deed) -> None:
        """Has a call cost what the world says; else what it had reserved would be charged."""
        if entry.reservation is None:
            return
        # Of the refusals each means that it was charged before.
        await insisting(
            partial(
                self.keep.budgets.reconcile,
                address.scope,
                entry.reservation,
                request_id=RequestId("found out"),
                usage={MONEY: deed.cost},
            )
        )
