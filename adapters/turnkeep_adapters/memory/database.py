"""A core: one store in this process's memory, which any number of handles share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock

from turnkeep_adapters.memory.changes import Changes, Wait
from turnkeep_adapters.memory.commits import Commit, committed
from turnkeep_adapters.memory.engine import Engine
from turnkeep_adapters.memory.snapshot import EngineSnapshot
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import Address
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    Committed,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    Late,
    Loaded,
    Mark,
    Stale,
)


class MemoryCore:
    """What the handles of one memory store share: its engine, its time and its waiters.

    Handles of several event loops and threads may share it: each call holds one lock for as long
    as it computes. Nothing is awaited, and no callback of a caller runs, under that lock; the wall
    clock alone is read.
    """

    def __init__(self, *, store_id: bytes, wall_clock: Callable[[], datetime]) -> None:
        """An empty store.

        Args:
            store_id: 16 random bytes; cursors carry them, so that another store refuses them.
            wall_clock: The time, in UTC. Where it goes back, the store's time stands still.

        Raises:
            InvalidValue: The store id has another length.
        """
        self._wall_clock = wall_clock
        self._now: datetime | None = None
        self._engine = Engine(store_id)
        self._changes = Changes()
        # Reentrant: the garbage collector may close an abandoned waiter's coroutine, which ends its
        # wait here, while this very thread computes under the lock.
        self._lock = RLock()

    def load(self, keys: Sequence[Address]) -> Loaded:
        """Cells and the time, at one moment."""
        with self._lock:
            return self._engine.load(keys, self._time())

    def commit(self, commit: Commit) -> Committed | Stale | Late:
        """Judges and applies a commit in one step, and wakes those whom it concerns."""
        with self._lock:
            judged = self._engine.judge(commit, self._time())
            if isinstance(judged, Stale | Late):
                return judged
            keys = {effect.key for effect in judged.effects}
            keys.update(event.key for event in judged.events)
            concerned = self._changes.concerned(keys)
            answer = committed(commit, judged)
            # From here on nothing may fail: what is written must be answered as written.
            self._engine.apply(judged)
            self._changes.happened(keys)
            for wait in concerned:
                wait.wake()
            return answer

    def scan(self, query: Query, *, after: Position | None, limit: int) -> Page:
        """A page of a scan, and the time."""
        with self._lock:
            return self._engine.scan(query, after=after, limit=limit, now=self._time())

    def events(self, query: EventQuery, *, after: Cursor, limit: int) -> EventPage | CursorLost:
        """A page of the event log."""
        with self._lock:
            return self._engine.events(query, after=after, limit=limit)

    def trim(self, before: Cursor) -> Cursor | CursorLost:
        """Raises the floor of the event log."""
        with self._lock:
            return self._engine.trim(before)

    def snapshot(self) -> EngineSnapshot:
        """Everything, at one moment."""
        with self._lock:
            state, now = self._engine.state(), self._time()
        return EngineSnapshot(state, now)

    def mark(self) -> Mark:
        """All that has happened so far."""
        with self._lock:
            return self._changes.mark()

    def begin(self, wait: Wait, since: Mark) -> bool:
        """Lets a wait be woken, unless what it waits for may have happened since its mark.

        Raises:
            InvalidValue: It is no mark.
        """
        with self._lock:
            missed = self._changes.missed(since, wait.begins)
            if not missed:
                self._changes.add(wait)
            return not missed

    def end(self, wait: Wait) -> None:
        """Forgets a wait; may be repeated."""
        with self._lock:
            self._changes.remove(wait)

    def waiting(self) -> int:
        """How many waits could be woken."""
        with self._lock:
            return self._changes.waiting()

    def _time(self) -> datetime:
        """The wall clock's time, or the last time that was told if that is later."""
        now = self._wall_clock()
        require_instant("wall clock", now)
        if self._now is None or self._now < now:
            self._now = now
        return self._now
