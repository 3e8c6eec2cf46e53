"""A late commit: on its way to the store while its caller already doubts it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from attrs import define, field, frozen

from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.store import (
    Check,
    CommitId,
    Committed,
    EventDraft,
    Late,
    RecordStore,
    Stale,
    Write,
)

# A network does not know the caller's deadline; it only gives up in the end.
_LATEST_SECONDS: Final = 60.0


@frozen(kw_only=True)
class CommitOrder:
    """What a commit was asked to write; the values are the caller's no more."""

    commit_id: CommitId
    writes: tuple[Write, ...]
    events: tuple[EventDraft, ...]
    valid_until: datetime | None

    def collections(self) -> frozenset[str]:
        """What the commit concerns: its writes, its checks and its events."""
        concerned = [*self.writes, *self.events]
        return frozenset(item.address.collection for item in concerned)

    def first_written(self) -> Address:
        """The first cell that the commit puts or deletes."""
        return next(write.address for write in self.writes if not isinstance(write, Check))

    async def commit(self, store: RecordStore, deadline: Deadline) -> Committed | Stale | Late:
        """Hands the commit over to a store."""
        return await store.commit(
            self.commit_id,
            self.writes,
            self.events,
            valid_until=self.valid_until,
            deadline=deadline,
        )


@frozen
class Landing:
    """How a late commit ended.

    Attributes:
        answer: The class of what the store answered or raised, and nobody heard.
    """

    commit_id: CommitId
    answer: type[object]


@define(eq=False)
class LateCommits:
    """The commits that are handed over after their callers were told to doubt them.

    They model the network: no caller's cancellation stops them, and each is judged by the store
    as if it came just then.
    """

    _inner: RecordStore
    _clock: Clock
    _waiting: list[_Waiting] = field(factory=list, init=False)
    _landing: set[asyncio.Task[object]] = field(factory=set, init=False)
    _landings: list[Landing] = field(factory=list, init=False)

    def add(self, order: CommitOrder, operations: int) -> None:
        """Keeps a commit until as many operations have begun, and the last of them has ended."""
        self._waiting.append(_Waiting(order, operations))

    def operation_begins(self) -> tuple[CommitOrder, ...]:
        """The commits that are to be sent when the operation that begins now has ended."""
        for waiting in self._waiting:
            waiting.operations -= 1
        due = tuple(waiting.order for waiting in self._waiting if waiting.operations == 0)
        self._waiting = [waiting for waiting in self._waiting if waiting.operations > 0]
        return due

    async def send(self, orders: Iterable[CommitOrder]) -> None:
        """Hands commits over and waits for their ends; a cancellation stops only the waiting."""
        if tasks := self.start(orders):
            await asyncio.wait(tasks)

    def start(self, orders: Iterable[CommitOrder]) -> list[asyncio.Task[object]]:
        """Hands commits over, in tasks that no caller waits for."""
        return [self._start(order) for order in orders]

    async def finish(self) -> None:
        """Hands over every commit that is still on its way, and waits until all have ended."""
        rest, self._waiting = self._waiting, []
        self.start(waiting.order for waiting in rest)
        if self._landing:
            await asyncio.wait(self._landing)

    def all(self) -> tuple[Landing, ...]:
        """The late commits that have ended, in the order of their ends."""
        return tuple(self._landings)

    def _start(self, order: CommitOrder) -> asyncio.Task[object]:
        deadline = Deadline.after(self._clock, _LATEST_SECONDS)
        task: asyncio.Task[object] = asyncio.create_task(
            order.commit(self._inner, deadline), name="late commit"
        )
        self._landing.add(task)
        task.add_done_callback(partial(self._landed, order))
        return task

    def _landed(self, order: CommitOrder, task: asyncio.Task[object]) -> None:
        self._landing.discard(task)
        if task.cancelled():
            answer: type[object] = asyncio.CancelledError
        else:
            error = task.exception()
            answer = type(task.result()) if error is None else type(error)
        self._landings.append(Landing(order.commit_id, answer))


@define(eq=False)
class _Waiting:
    order: CommitOrder
    operations: int
