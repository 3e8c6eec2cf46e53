"""A free store: a reference store that does all that the port merely allows.

It is busy now and then, answers short pages, shows events late, finishes cancelled commits
unobserved, and does not know the outcome when its deadline comes. The laws must bear with it.
"""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from attrs import Factory, define

from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Shelf
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.limits import check_commit, check_page
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
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

EXAMINED = 40
LAG = 4


@define(kw_only=True)
class LateShelf(Shelf):
    """A shelf that remembers where the head was, some calls ago."""

    calls: int = 0
    heads: deque[int] = Factory(lambda: deque([0] * LAG, maxlen=LAG))


class FreeStore(ReferenceStore):
    """Every freedom at once."""

    @classmethod
    def new_shelf(cls) -> Shelf:
        return LateShelf()

    @property
    def late(self) -> LateShelf:
        assert isinstance(self.shelf, LateShelf)
        return self.shelf

    def require_open(self, deadline: Deadline | None) -> None:
        super().require_open(deadline)
        self.late.calls += 1
        self.late.heads.append(self.shelf.head)

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
        self.require_open(deadline)
        if self.late.calls % 7 == 0:
            return Stale(frozenset(), busy=True)
        finishing = super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        answer = await asyncio.shield(asyncio.ensure_future(finishing))
        if deadline.remaining_seconds() <= 0:
            raise OutcomeUnknown("the answer came after the deadline")
        return answer

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        check_page(limit)
        short = max(1, limit // 2)
        return await super().scan(query, after=after, limit=short, deadline=deadline)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        check_page(limit)
        self.require_open(deadline)
        await self.suspend()
        begin = self.number(after)
        if begin is None or not self.shelf.floor <= begin <= self.shelf.head:
            return CursorLost(self.cursor(self.shelf.floor))
        shown = [told for told in self.shelf.log if begin < told.number <= self.late.heads[0]]
        found, examined = [], begin
        for told in shown[:EXAMINED]:
            examined = told.number
            if self.wants(query, told):
                found.append(self.stored(told))
                if len(found) == limit:
                    break
        return EventPage(tuple(found), self.cursor(examined))

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        number = self.number(before)
        if number is not None and number < self.shelf.floor:
            return CursorLost(self.cursor(self.shelf.floor))
        return await super().trim(before, deadline=deadline)

    def number(self, cursor: Cursor) -> int | None:
        if len(cursor) not in (0, len(self.cursor(0))):
            raise InvalidValue("after", "must be a cursor")
        return super().number(cursor)

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        """What is both stale and late is stale here."""
        return super().judge(writes, None) or super().judge(writes, valid_until)
