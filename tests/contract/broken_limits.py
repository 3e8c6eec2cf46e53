"""Broken stores that take too much, or cut it."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Row
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Late,
    Loaded,
    Stale,
    Write,
)


@breaks("P11", "a_load_may_have_1024_keys", "a_commit_may_have_the_declared_writes")
@breaks("P11", "a_commit_may_have_1024_events", "a_body_may_have_one_mebibyte")
@breaks("P11", "an_event_may_have_16_kibibytes", "a_commit_may_have_eight_mebibytes")
@breaks("Port", "a_load_of_nothing_is_refused", "a_load_of_one_cell_twice_is_refused")
@breaks("Port", "events_alone_are_refused", "a_cell_that_is_written_twice_is_refused")
@breaks("Port", "a_commit_id_has_sixteen_bytes")
class Unlimited(ReferenceStore):
    """Takes whatever it is given."""

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        self.require_open(deadline)
        return Loaded(now=self.time(), cells=self.cells(keys))

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        self.require_open(deadline)
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        revisions = self.apply(commit_id, writes)
        self.tell(commit_id, events)
        return Committed(revisions)


@breaks("P11", "a_page_may_have_500_answers")
class CutsPages(ReferenceStore):
    """Answers a page of the right size to whoever asks for too much."""

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        within = min(max(limit, 1), 500)
        return await super().scan(query, after=after, limit=within, deadline=deadline)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        within = min(max(limit, 1), 500)
        return await super().events(query, after=after, limit=within, deadline=deadline)


@breaks("P11", "the_longest_key_and_index_fit")
class CutsSorts(ReferenceStore):
    """Keeps as much of `sort` as its index has room for."""

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = super().row(commit_id, address, entry)
        return evolve(row, sort=row.sort[:64])
