"""Broken stores whose log lies, leaks or leaves gaps."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Told
from turnkeep_ports.clock import Deadline
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import check_commit
from turnkeep_ports.store import (
    START,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    EventDraft,
    EventPage,
    EventQuery,
    Late,
    Stale,
    Write,
)


@breaks("E1", "events_appear_exactly_with_their_commit")
class DropsRepeats(ReferenceStore):
    """Takes an event that is like another for the same."""

    def tell(self, commit_id: CommitId, events: Sequence[EventDraft]) -> None:
        super().tell(commit_id, list(dict.fromkeys(events)))


@breaks("E1", "a_commit_that_fails_tells_nothing")
@breaks("P1", "a_stale_commit_writes_no_cell_and_no_event")
class EventOutsideTheCommit(ReferenceStore):
    """Tells an event before it knows whether the commit will be."""

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
        self.tell(commit_id, events)
        return await super().commit(
            commit_id, writes, (), valid_until=valid_until, deadline=deadline
        )


@breaks("E1", "no_event_shows_before_its_cell")
class EventBeforeTheCell(ReferenceStore):
    """Tells an event a moment before it writes the cell."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        self.tell(commit_id, events)
        for _ in range(8):
            await self.suspend()
        return Committed(self.apply(commit_id, writes))


@breaks("P17", "cancelling_a_commit_leaves_all_or_nothing")
class EventAfterTheCommit(ReferenceStore):
    """Tells an event a moment after the commit, if it is not cancelled before."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        answer = await super().commit(
            commit_id, writes, (), valid_until=valid_until, deadline=deadline
        )
        if isinstance(answer, Committed):
            self.tell(commit_id, events)
        return answer


@breaks("E4", "order_within_a_commit_is_kept")
class SortsEvents(ReferenceStore):
    """Tells the events of a commit record by record."""

    def tell(self, commit_id: CommitId, events: Sequence[EventDraft]) -> None:
        super().tell(commit_id, sorted(events, key=lambda event: key_bytes(event.address)))


@breaks("E2", "a_tailing_reader_misses_none_of_ten_slow_writers")
@breaks("E2", "a_filtered_tailing_reader_misses_nothing")
@breaks("E3", "nothing_appears_below_a_returned_cursor")
class GappyEvents(ReferenceStore):
    """Numbers events when a commit begins, and shows them when it ends, in whatever order."""

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
        first = self.shelf.sequence + 1
        self.shelf.sequence += len(events)
        for _ in events:
            await self.suspend()
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        revisions = self.apply(commit_id, writes)
        told = [self.told(n, commit_id, event) for n, event in enumerate(events, start=first)]
        self.shelf.log = sorted((*self.shelf.log, *told), key=lambda each: each.number)
        self.shelf.head = max(self.shelf.head, first - 1 + len(events))
        return Committed(revisions)


@breaks("E4", "order_along_a_record_is_kept")
class OrderedByCommitId(ReferenceStore):
    """Tells commits in the order of their ids, which is none."""

    def tell(self, commit_id: CommitId, events: Sequence[EventDraft]) -> None:
        super().tell(commit_id, events)
        by_id = sorted(self.shelf.log, key=lambda each: each.commit_id)
        self.shelf.log = [evolve(each, number=n) for n, each in enumerate(by_id, start=1)]


@breaks("E4", "cursors_order_as_their_events")
class DecimalCursors(ReferenceStore):
    """Writes the number of a cursor as people do: 9 comes after 10."""

    def cursor(self, number: int) -> Cursor:
        return Cursor(self.shelf.name + b"%d" % number)

    def number(self, cursor: Cursor) -> int | None:
        return self.shelf.floor if cursor == START else int(cursor[len(self.shelf.name) :])


@breaks("E4", "reading_continues_behind_any_event")
class CursorsOfCommits(ReferenceStore):
    """Continues behind the commit that an event was told with."""

    def number(self, cursor: Cursor) -> int | None:
        number = super().number(cursor)
        told = [each for each in self.shelf.log if each.number == number]
        if not told or cursor == START:
            return number
        return max(each.number for each in self.shelf.log if each.commit_id == told[0].commit_id)


@breaks("E5", "filtered_pages_advance_past_foreign_events")
class StuckAtForeigners(ReferenceStore):
    """Continues behind the last event that it has answered, and behind nothing else."""

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        page = await super().events(query, after=after, limit=limit, deadline=deadline)
        if isinstance(page, CursorLost):
            return page
        return evolve(page, next=page.events[-1].cursor if page.events else after)


@breaks("E7", "pages_never_leak_another_scope")
class FiltersTenantsAlone(ReferenceStore):
    """Looks at the tenant of an event, and at no more of its scope."""

    def wants(self, query: EventQuery, told: Told) -> bool:
        wide = evolve(query.prefix, depth=min(query.prefix.depth, 1))
        return super().wants(evolve(query, prefix=wide), told)


@breaks("E6", "an_expired_cursor_is_lost")
class ForgivesTheExpired(ReferenceStore):
    """Begins at the floor for whoever is below it."""

    def number(self, cursor: Cursor) -> int | None:
        number = super().number(cursor)
        return None if number is None else max(number, self.shelf.floor)


@breaks("E6", "a_foreign_cursor_is_lost")
class TakesForeignCursors(ReferenceStore):
    """Takes a number for its own, whoever gave it."""

    def number(self, cursor: Cursor) -> int | None:
        return super().number(Cursor(self.shelf.name + cursor[8:]) if cursor else START)


@breaks("E6", "a_cursor_beyond_the_head_is_lost")
class WaitsBeyondTheHead(ReferenceStore):
    """Answers an empty page to whoever is ahead of it."""

    def number(self, cursor: Cursor) -> int | None:
        number = super().number(cursor)
        return None if number is None else min(number, self.shelf.head)


@breaks("E8", "trim_keeps_everything_behind_its_argument")
class TrimsOneMore(ReferenceStore):
    """Forgets the event behind the cursor too."""

    def raise_floor(self, to: int) -> None:
        self.shelf.log = [told for told in self.shelf.log if told.number > to + 1]
        self.shelf.floor = to


@breaks("E8", "a_repeated_trim_changes_nothing")
class TrimsAgain(ReferenceStore):
    """Forgets another event each time that it is told to."""

    def raise_floor(self, to: int) -> None:
        super().raise_floor(min(to + (to == self.shelf.floor), self.shelf.head))


@breaks("E8", "the_floor_is_never_lowered")
class LowersTheFloor(ReferenceStore):
    """Puts the floor wherever it is told to."""

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        await super().trim(before, deadline=deadline)
        self.shelf.floor = self.number(before) or 0
        return self.cursor(self.shelf.floor)


@breaks("E8", "a_log_that_was_emptied_goes_on")
class RestartsTheLog(ReferenceStore):
    """Counts from one again when the log is empty."""

    def tell(self, commit_id: CommitId, events: Sequence[EventDraft]) -> None:
        if events and not self.shelf.log:
            self.shelf.head = self.shelf.floor = 0
        super().tell(commit_id, events)
