"""Retiring: what is kept of ended runs goes to the archive, then a tombstone takes its place.

A run is handed over first, then its journal is deleted in batches, and its tombstone comes last:
whatever is cut off is done again by the next sweep, from the run that is still there. No retry can
begin on a journal that is being deleted, for a run is retried only before its retention has passed,
and retired only after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from attrs import Factory, define, field, frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.turns.cells import (
    checkpoint_key,
    effect_key,
    journal_of,
    run_key,
    tree_key,
)
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.turns.journal_users import JournalUsers
from turnkeep_application.turns.run_reading import RunReading
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, Checkpoint, CheckpointKind
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import RUNS, EndedRun, RetiredRun
from turnkeep_domain.turns.refusals import NotFound, RunNotDue
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.archive import Archive
from turnkeep_ports.scans import Position

ENDED: Final = frozenset(status.value for status in RunStatus if status.final)
_KINDS: Final = frozenset(kind.value for kind in CheckpointKind)
_BATCH: Final = 50


@frozen(kw_only=True)
class Retired:
    """What one retirement has done, or would do.

    Attributes:
        runs: Those that were retired, or, in a dry run, would be.
        spared: How many are past their retention and still needed by others.
        failed: Those that the archive did not take over; they stay, and are offered again.
        unreadable: What was passed over, untouched.
    """

    runs: tuple[RunAddress, ...]
    spared: int
    failed: tuple[RunAddress, ...]
    unreadable: tuple[Unreadable, ...]


class _NotKept(Exception):
    """The archive did not take a run over."""


@define(kw_only=True, eq=False)
class _Round:
    """One retirement, and what it has come to so far."""

    users: JournalUsers
    dry_run: bool
    runs: list[RunAddress] = field(factory=list)
    spared: int = 0
    failed: list[RunAddress] = field(factory=list)
    unreadable: list[Unreadable] = field(factory=list)

    def retired(self) -> Retired:
        return Retired(
            runs=tuple(self.runs),
            spared=self.spared,
            failed=tuple(self.failed),
            unreadable=tuple(self.unreadable),
        )


@frozen(kw_only=True)
class Retiring:
    """The use case of retirement, as `Turns` promises it, and the end of checkpoints."""

    updates: Updates
    reading: Reading
    archive: Archive
    settings: TurnSettings
    _due: DueRecords = field(
        init=False, default=Factory(lambda self: DueRecords(self.reading), takes_self=True)
    )

    async def retire(self, *, limit: int, dry_run: bool) -> Retired:
        """As `Turns.retire` promises."""
        this = _Round(users=JournalUsers(reading=self.reading), dry_run=dry_run)
        after: Position | None = None
        while self.archive.accepts and len(this.runs) < limit:
            page = await self._due.of(
                RUNS,
                ENDED,
                limit=limit - len(this.runs),
                age=self.settings.retirement,
                after=after,
            )
            this.unreadable += page.unreadable
            # One after another: what one of them has deleted, the next must know.
            for record in page.records:
                if isinstance(record, EndedRun):
                    _, damaged = await tidied([record], partial(self._deal_with, this), _address)
                    this.unreadable += damaged
            after = page.next
            if after is None:
                break
        return this.retired()

    async def forget_checkpoints(self, *, limit: int) -> Swept:
        """Deletes the checkpoints of runs that ended long ago; those of live runs are spared."""
        forgotten, after = 0, None
        unreadable: list[Unreadable] = []
        while forgotten < limit:
            page = await self._due.of(
                CHECKPOINTS,
                _KINDS,
                limit=limit,
                age=self.settings.checkpoint_retention,
                after=after,
            )
            unreadable += page.unreadable
            done, damaged = await tidied(page.records, self._forget, _checkpoint_address)
            forgotten += done
            unreadable += damaged
            after = page.next
            if after is None:
                break
        return Swept(forgotten=forgotten, unreadable=tuple(unreadable))

    # ---- steps ----------------------------------------------------------------------------------

    async def _deal_with(self, this: _Round, ended: EndedRun) -> bool:
        run = ended.run.address
        if await self._is_needed(ended, this.users):
            this.spared += 1
            return False
        try:
            done = this.dry_run or await self._retire(ended, this.users)
        except _NotKept:
            this.failed.append(run)
            return False
        if done:
            this.runs.append(run)
        return done

    async def _is_needed(self, ended: EndedRun, users: JournalUsers) -> bool:
        """Whether others stand on it: live descendants, or runs that continue its journal."""
        run = ended.run
        if run.lineage.root is None:
            tree = (await self.reading.record(tree_key(run.address))).record
            if tree is not None and tree.live:
                return True
        before = (await self.reading.record(run_key(run.address))).now - self.settings.retirement
        return await users.need(run, before=before)

    async def _retire(self, ended: EndedRun, users: JournalUsers) -> bool:
        run = ended.run
        home = journal_of(run.address, run.journal)
        journal = await RunReading(reading=self.reading).journal_of(home)
        try:
            await self.archive.keep(ended, journal)
        except Exception as error:
            raise _NotKept from error
        if await users.is_last(run):
            for begin in range(0, len(journal), _BATCH):
                await self._delete(run.address, home, journal[begin : begin + _BATCH])
        key, tree = run_key(run.address), tree_key(run.address)
        root = [tree] if run.lineage.root is None else []

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, None, RunNotDue | NotFound]:
            record = records[key]
            if not isinstance(record, EndedRun):
                return Refused(NotFound(run.id))
            return records.adopt(key, record.retire(retention=self.settings.retirement, now=now))

        answer = await self.updates.update([key, *root], decide)
        if isinstance(answer, Refused):
            return False
        users.forget(run)
        return True

    async def _delete(
        self, run: RunAddress, home: RunAddress, entries: Sequence[RunEffect]
    ) -> None:
        key = run_key(run)
        effects = [effect_key(home, entry.id) for entry in entries]

        def decide(records: Records, _: datetime) -> Changed[Records, None] | Unchanged[None]:
            if not isinstance(records[key], EndedRun):
                return Unchanged(None)  # another host has been here
            for effect in effects:
                records = records.delete(effect)
            return Changed(records, None, ())

        await self.updates.update([key, *effects], decide)

    async def _forget(self, saved: Checkpoint) -> bool:
        run = RunAddress(saved.scope, saved.run)
        key, cell = run_key(run), checkpoint_key(run, saved.sequence)

        def decide(records: Records, now: datetime) -> Changed[Records, bool] | Unchanged[bool]:
            record = records[key]
            match record:
                case EndedRun(ended_at=ended_at):
                    gone = ended_at + self.settings.checkpoint_retention <= now
                case RetiredRun():
                    gone = True
                case _:
                    gone = False
            if not gone or records[cell] is None:
                return Unchanged(False)
            return Changed(records.delete(cell), True, ())

        return await self.updates.update([cell], decide, hints=[key]) is True


def _address(ended: EndedRun) -> Address:
    return run_key(ended.run.address).address


def _checkpoint_address(saved: Checkpoint) -> Address:
    return checkpoint_key(RunAddress(saved.scope, saved.run), saved.sequence).address
