"""A run's commands: one transition of a turn state, driven through the update loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import journal_of, run_key, turn_state_key
from turnkeep_application.turns.descending import parent_places
from turnkeep_application.turns.following import carry_out, companions
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.ended import EndedRun, RunRecord
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn_state import TurnState
from turnkeep_ports.errors import Corrupt

O = TypeVar("O")
R = TypeVar("R")


@frozen(kw_only=True)
class Found:
    """What a command on a run is decided on, all of one moment.

    Attributes:
        before: The turn state as it is stored; None where there is none.
        state: The same; where there is none, a free one in its place.
        ended: The run's record, if it has ended.
        parent_lost: Whether the parent's record was found unreadable, so that nobody is told.
    """

    records: Records
    before: TurnState | None
    state: TurnState
    ended: RunRecord | None
    now: datetime
    parent_lost: bool = False

    def run(self, address: RunAddress) -> Run | None:
        """The run, active or ended; None where there is none, or it was retired."""
        active = self.state.active
        if active is not None and active.id == address.id:
            return active
        return self.ended.run if isinstance(self.ended, EndedRun) else None

    def journal_of(self, run: RunAddress) -> RunAddress:
        """Whose journal a run writes: its own, or that of the first that it repeats."""
        known = self.run(run)
        return run if known is None else journal_of(run, known.journal)

    def carried_out(
        self,
        decision: Decision[Moved, O, R],
        *,
        records: Records | None = None,
        told: tuple[Event, ...] = (),
    ) -> Decision[Records, O, R] | Need:
        """A turn state's answer with all that goes along.

        Args:
            decision: What it answered.
            records: What was changed before, for the same commit; these as they are unless given.
            told: Events of that, which come first.
        """
        carried = carry_out(
            self.records if records is None else records,
            before=self.before,
            decision=decision,
            parent_lost=self.parent_lost,
            now=self.now,
        )
        match carried:
            case Changed(state, outcome, events, valid_until):
                return Changed(state, outcome, (*told, *events), valid_until)
            case _:
                return carried


Answer: TypeAlias = Callable[[Found], Decision[Records, O, R] | Need]
Command: TypeAlias = Callable[[Found], Decision[Moved, O, R]]


@frozen
class RunCommands:
    """The one way in which a use case changes a run.

    The run's own record is loaded as a hint: while the run is active it is absent, and the turn
    state says so; once it is there, it stays.
    """

    _updates: Updates

    async def carry_out(
        self,
        run: RunAddress,
        command: Command[O, R],
        *,
        ends: bool,
        lost: list[Unreadable] | None = None,
    ) -> O | Refused[R]:
        """One transition and what goes along with it.

        Args:
            run: Which.
            command: The transition.
            ends: Whether it ends a claim or queues the run, as a rule: then what goes along with
                that is loaded in the same round trip.
            lost: As of `decide`.
        """
        return await self.decide(
            run, lambda found: found.carried_out(command(found)), ends=ends, lost=lost
        )

    async def decide(
        self,
        run: RunAddress,
        answer: Answer[O, R],
        *,
        ends: bool,
        keys: Sequence[ReadKey[object]] = (),
        hints: Sequence[ReadKey[object]] = (),
        lost: list[Unreadable] | None = None,
    ) -> O | Refused[R]:
        """A transition that is composed with others.

        A run ends though its parent's record is corrupt: it is decided again as if there were no
        parent. Else a child would be held for ever by damage that is not its own.

        Args:
            run: Which.
            answer: The decision over all records.
            ends: As of `carry_out`.
            keys: Loaded along, and checked.
            hints: Loaded along.
            lost: Where such a parent is reported.
        """
        require_kind("run", run, RunAddress)
        at = turn_state_key(run)
        beside = companions(run) if ends else (run_key(run),)
        parents: list[Address] = []

        def decide(
            records: Records, now: datetime, *, parent_lost: bool = False
        ) -> Decision[Records, O, R] | Need:
            found = _found(records, run, now, parent_lost=parent_lost)
            parents[:] = _parent_of(found.before)
            return answer(found)

        hints = [*beside, *hints]
        try:
            return await self._updates.update([at, *keys], decide, hints=hints)
        except Corrupt as error:
            if error.address is None or error.address not in parents:
                raise
            if lost is not None:
                lost.append(Unreadable(error.address, error.code))
        alone = partial(decide, parent_lost=True)
        return await self._updates.update([at, *keys], alone, hints=hints)


def _found(records: Records, run: RunAddress, now: datetime, *, parent_lost: bool) -> Found:
    at = turn_state_key(run)
    before = records[at]
    free = TurnState.free(scope=run.scope, id=at.address.id, now=now)
    return Found(
        records=records,
        before=before,
        state=free if before is None else before,
        ended=records[run_key(run)],
        now=now,
        parent_lost=parent_lost,
    )


def _parent_of(state: TurnState | None) -> list[Address]:
    """Where the parent of the run that stands there is to be found, if it has one."""
    run = None if state is None else state.active
    return [] if run is None else [place.address for place in parent_places(run)]
