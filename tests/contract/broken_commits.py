"""Broken stores whose commits compare, write or number wrongly."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Row
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.limits import check_commit
from turnkeep_ports.store import (
    ABSENT,
    Check,
    CommitId,
    Committed,
    Delete,
    Entry,
    EventDraft,
    Late,
    Put,
    Revision,
    Stale,
    Write,
)


@breaks("P6", "an_old_revision_is_stale", "of_racers_on_one_revision_one_wins")
class BlindWrite(ReferenceStore):
    """Writes whatever is there, as long as something is."""

    def holds(self, write: Write) -> bool:
        present = write.address in self.shelf.rows
        return present != (write.expect is ABSENT)


@breaks("P6", "of_racers_on_one_revision_one_wins", "of_racers_on_an_absent_cell_one_wins")
@breaks("P6", "of_rival_deletes_and_puts_one_wins", "no_increment_is_lost")
class ComparesBeforehand(ReferenceStore):
    """Compares first and writes a moment later, whatever has happened in between."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        check_commit(commit_id, writes, events)
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        await self.suspend()
        present = [
            write
            for write in writes
            if not isinstance(write, Delete) or write.address in self.shelf.rows
        ]
        revisions = self.apply(commit_id, present)
        self.tell(commit_id, events)
        return Committed(revisions)


@breaks("P6", "of_racers_on_one_revision_one_wins")
class TimestampRevisions(ReferenceStore):
    """Takes the time for a revision: two commits of one moment have the same."""

    def revision(self, commit_id: CommitId, address: Address) -> Revision:
        moment = int(self.time().timestamp() * 1_000_000)
        return Revision(moment.to_bytes(16, "big"))


@breaks("P5", "a_recreated_cell_never_repeats_a_revision")
class ResetRevisions(ReferenceStore):
    """Counts the revisions of each cell, from 1 when it is made anew."""

    def revision(self, commit_id: CommitId, address: Address) -> Revision:
        row = self.shelf.rows.get(address)
        number = 1 if row is None else int.from_bytes(row.revision, "big") + 1
        return Revision(number.to_bytes(16, "big"))


@breaks("P5", "a_revision_ends_with_its_commits_id")
class BareRevisions(ReferenceStore):
    """Takes chance for a revision."""

    def revision(self, commit_id: CommitId, address: Address) -> Revision:
        return Revision(secrets.token_bytes(16))


@breaks("P5", "equal_bytes_are_a_write_too")
class SkipsEqualBytes(ReferenceStore):
    """Takes a put of what is there already for done."""

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = self.shelf.rows.get(address)
        if row is not None and (row.body, row.index) == (entry.body, entry.index):
            return row
        return super().row(commit_id, address, entry)


@breaks("P4", "absent_is_stale_on_a_present_cell")
class FirstWriteUnchecked(ReferenceStore):
    """Makes a cell without looking whether it is there."""

    def holds(self, write: Write) -> bool:
        return write.expect is ABSENT or super().holds(write)


@breaks("P4", "absent_is_stale_on_a_tombstone")
class DeletesForTombstone(ReferenceStore):
    """Deletes a cell where a tombstone should stay."""

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        revisions = super().apply(commit_id, writes)
        for address in revisions:
            if self.shelf.rows[address].state == "tombstone":
                del self.shelf.rows[address]
        return revisions


@breaks("P6", "a_revision_of_an_absent_cell_is_stale")
class RevivesDeleted(ReferenceStore):
    """Finds nothing to compare with where a cell is gone."""

    def holds(self, write: Write) -> bool:
        return write.address not in self.shelf.rows or super().holds(write)

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        gone = [w for w in writes if isinstance(w, Delete) and w.address not in self.shelf.rows]
        return super().apply(commit_id, [write for write in writes if write not in gone])


@breaks("P6", "a_revision_of_another_cell_is_stale")
class ComparesAnywhere(ReferenceStore):
    """Asks whether any cell is at the expected revision."""

    def holds(self, write: Write) -> bool:
        if write.expect is ABSENT:
            return super().holds(write)
        return any(row.revision == write.expect for row in self.shelf.rows.values())


@breaks("P2", "one_stale_key_among_sixty_four_stops_all")
@breaks("P1", "a_stale_commit_writes_no_cell_and_no_event")
class TornCommit(ReferenceStore):
    """Writes what is not stale, and then says that something was."""

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        refused = super().judge(writes, valid_until)
        if isinstance(refused, Stale):
            torn = [write for write in writes if write.address not in refused.keys]
            self.apply(CommitId(bytes(16)), torn)
        return refused


@breaks("W2", "the_declared_writes_happen_together")
@breaks("P2", "one_stale_key_among_sixty_four_stops_all")
class FailOpen(ReferenceStore):
    """Declares MULTI, and commits write by write until one is stale."""

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        for write in writes:
            if not self.holds(write):
                return Stale(frozenset({write.address}), busy=False)
            self.apply(CommitId(bytes(16)), [write])
        return None


@breaks("P2", "sixty_four_writes_happen_together")
class FirstWritesOnly(ReferenceStore):
    """Writes as much as fits, and says that it wrote all."""

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        return super().apply(commit_id, writes[:50])


@breaks("P3", "stale_names_exactly_the_stale_keys")
class NamesOneStaleKey(ReferenceStore):
    """Stops comparing at the first stale key."""

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        refused = super().judge(writes, valid_until)
        if isinstance(refused, Stale):
            return Stale(frozenset(list(refused.keys)[:1]), busy=False)
        return refused


@breaks("P3", "stale_names_exactly_the_stale_keys")
class BusyWithKeys(ReferenceStore):
    """Says that it was too busy to compare, and names what it has compared."""

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        refused = super().judge(writes, valid_until)
        return evolve(refused, busy=True) if isinstance(refused, Stale) else refused


@breaks("P9", "crossed_checks_of_absence_admit_no_skew")
@breaks("P9", "crossed_checks_of_revisions_admit_no_skew")
class ChecksBeforehand(ReferenceStore):
    """Compares what it writes inside the write, and what it merely checks a moment before."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        checks = [write for write in writes if isinstance(write, Check)]
        refused = self.judge(checks, None)
        if refused is not None:
            return refused
        changes = [write for write in writes if not isinstance(write, Check)]
        return await super().commit(
            commit_id, changes, events, valid_until=valid_until, deadline=deadline
        )


@breaks("Port", "a_check_writes_nothing")
class ChecksTouch(ReferenceStore):
    """Gives a checked cell a new revision."""

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        for write in writes:
            if isinstance(write, Check) and write.address in self.shelf.rows:
                row = self.shelf.rows[write.address]
                revision = self.revision(commit_id, write.address)
                self.shelf.rows[write.address] = evolve(row, revision=revision)
        return super().apply(commit_id, writes)


@breaks("Port", "a_deleted_cell_is_absent")
class DeletesByEmptying(ReferenceStore):
    """Empties a cell where it should delete it."""

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        emptied: list[Write] = []
        for write in writes:
            if isinstance(write, Delete):
                index = self.shelf.rows[write.address].index
                write = Put(write.address, write.expect, Entry(body=b"", index=index))
            emptied.append(write)
        return super().apply(commit_id, emptied)


@breaks("Port", "a_commit_tells_the_revisions_of_its_puts")
class TellsOldRevisions(ReferenceStore):
    """Tells the revisions of checked cells too, as if it had put them."""

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        checked = {
            write.address: self.shelf.rows[write.address].revision
            for write in writes
            if isinstance(write, Check) and write.address in self.shelf.rows
        }
        return {**super().apply(commit_id, writes), **checked}


@breaks("P16", "a_cell_keeps_its_writers_commit_id")
class KeepsFirstWriter(ReferenceStore):
    """Keeps the id of the commit that made a cell."""

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = super().row(commit_id, address, entry)
        made = self.shelf.rows.get(address)
        return row if made is None else evolve(row, written_by=made.written_by)
