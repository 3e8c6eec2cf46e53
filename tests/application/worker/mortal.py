"""A mortal store: a process's handle on a store, which dies with the process at a chosen commit.

What is dead neither sends nor receives: every call that is under way, and every later one, waits
for ever. So the code above it is exactly where a kill would have left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

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

A = TypeVar("A")


class Moment(Enum):
    """When a process dies: before its commit is handed over, or before it hears of it."""

    BEFORE = "before"
    AFTER = "after"


@define(eq=False)
class MortalStore:
    """A record store that hands everything on, until it dies.

    Attributes:
        at: The number of the commit, from 1, at which it dies; None for never.
        moment: When, around that commit.
        on_death: Called at that moment; a real process ends itself there.
        mortal: Whether that is the end of it; else it goes on when `on_death` returns.
        commits: How many commits it has been asked for.
    """

    inner: RecordStore
    at: int | None = None
    moment: Moment = Moment.BEFORE
    on_death: Callable[[], None] = lambda: None
    mortal: bool = True
    commits: int = field(default=0, init=False)
    died: asyncio.Event = field(factory=asyncio.Event, init=False)

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def die(self) -> None:
        if self.mortal:
            self.died.set()
        self.on_death()

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        self.commits += 1
        fatal = self.commits == self.at
        if fatal and self.moment is Moment.BEFORE:
            self.die()
        call = self.inner.commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        if not fatal or self.moment is Moment.BEFORE:
            return await self._alive(call)
        answer = await call
        self.die()
        return await self._for_ever() if self.died.is_set() else answer

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        return await self._alive(self.inner.load(keys, deadline=deadline))

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        return await self._alive(
            self.inner.scan(query, after=after, limit=limit, deadline=deadline)
        )

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        return await self._alive(
            self.inner.events(query, after=after, limit=limit, deadline=deadline)
        )

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        return await self._alive(self.inner.trim(before, deadline=deadline))

    async def scrub(self, *, deadline: Deadline) -> None:
        await self._alive(self.inner.scrub(deadline=deadline))

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        return await self._alive(
            self.inner.changed(since, interest=interest, timeout_seconds=timeout_seconds)
        )

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

    async def _alive(self, call: Coroutine[Any, Any, A]) -> A:
        if self.died.is_set():
            call.close()
            await self._for_ever()
        answer = await call
        if self.died.is_set():
            await self._for_ever()
        return answer

    async def _for_ever(self) -> NoReturn:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody wakes the dead")
