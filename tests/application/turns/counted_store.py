"""A counted store: how many cells each operation touches, whatever it finds in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from attrs import define, field

from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    Capabilities,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    RecordStore,
    Stale,
    Write,
)


@define(kw_only=True, eq=False)
class CountedStore:
    """Passes everything on, and counts the round trips and the cells of each.

    Attributes:
        touched: For each call since `begin`, its operation and how many cells it named or found.
    """

    inner: RecordStore
    touched: list[tuple[str, int]] = field(factory=list, init=False)

    def begin(self) -> None:
        self.touched.clear()

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        self.touched.append(("load", len(keys)))
        return await self.inner.load(keys, deadline=deadline)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        self.touched.append(("commit", len(writes)))
        return await self.inner.commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        page = await self.inner.scan(query, after=after, limit=limit, deadline=deadline)
        self.touched.append(("scan", len(page.cells)))
        return page

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        return await self.inner.events(query, after=after, limit=limit, deadline=deadline)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        return await self.inner.trim(before, deadline=deadline)

    async def scrub(self, *, deadline: Deadline) -> None:
        await self.inner.scrub(deadline=deadline)

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        return await self.inner.changed(since, interest=interest, timeout_seconds=timeout_seconds)
