"""A mortal host: its store works until one commit, and after that nothing ever answers it."""

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


class Died(BaseException):
    """The host is no more; nothing that it runs may deal with that."""


@define(kw_only=True, eq=False)
class MortalStore:
    """A store whose host dies at its `dies_at`-th commit, before or after that has landed.

    Attributes:
        commits: How many it has made.
    """

    inner: RecordStore
    dies_at: int | None
    landed: bool
    commits: int = field(default=0, init=False)
    dead: bool = field(default=False, init=False)

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
        traceback: TracebackType | None,
    ) -> None:
        await self.inner.__aexit__(kind, error, traceback)

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        self._live()
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
        self._live()
        self.commits += 1
        dies = self.commits == self.dies_at
        if dies and not self.landed:
            self._die()
        answer = await self.inner.commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        if dies:
            self._die()
        return answer

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        self._live()
        return await self.inner.scan(query, after=after, limit=limit, deadline=deadline)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        self._live()
        return await self.inner.events(query, after=after, limit=limit, deadline=deadline)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        self._live()
        return await self.inner.trim(before, deadline=deadline)

    async def scrub(self, *, deadline: Deadline) -> None:
        self._live()
        await self.inner.scrub(deadline=deadline)

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        self._live()
        return await self.inner.changed(since, interest=interest, timeout_seconds=timeout_seconds)

    def _live(self) -> None:
        if self.dead:
            raise Died

    def _die(self) -> None:
        self.dead = True
        raise Died
