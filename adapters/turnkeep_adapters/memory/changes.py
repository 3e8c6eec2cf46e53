"""Changes: which commits a waiter has not seen, and whom the next one wakes.

A commit is remembered by the scopes it touched, the latest 4,096 of them; a waiter whose mark is
older than that is woken, since what it missed is not known. Waiters are found by the prefixes of
the keys that change, so a commit pays for those it wakes and not for those who wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final

from turnkeep_adapters.memory.prefixes import prefixes, scope_of
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.key_bytes import prefix_bytes
from turnkeep_ports.store import Interest, Mark

SCOPES_REMEMBERED: Final = 4_096
_MARK_BYTES: Final = 8
_ANYTHING: Final = b""


class Wait:
    """One waiter, in the event loop that made it."""

    def __init__(self, interest: Interest | None) -> None:
        """Waits for a change that may concern an interest; None for any change."""
        self.begins = (
            _ANYTHING if interest is None else prefix_bytes(interest.collection, interest.prefix)
        )
        self._loop = asyncio.get_running_loop()
        self._woken = self._loop.create_future()

    def wake(self) -> None:
        """Ends the wait, from any loop or thread; may be repeated, and never fails."""
        if _running_loop() is self._loop:
            self.end()
            return
        try:
            self._loop.call_soon_threadsafe(self.end)
        except RuntimeError:
            # The waiter's loop is closed, and the waiter with it; a commit must not mind.
            return

    def end(self) -> None:
        """Ends the wait, from its own loop."""
        if not self._woken.done():
            self._woken.set_result(None)

    async def ended(self) -> None:
        """Pauses the waiter until the wait has ended."""
        await self._woken


class Changes:
    """The commits of one core as waiters see them; used by one thread at a time."""

    def __init__(self, last: int = 0) -> None:
        """Nobody waits.

        Args:
            last: How many commits have happened before; nothing is known of them.
        """
        self._last = last
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=SCOPES_REMEMBERED)
        self._forgotten = last
        self._waits: dict[bytes, set[Wait]] = {}

    def mark(self) -> Mark:
        """All that has happened so far."""
        return Mark(self._last.to_bytes(_MARK_BYTES, "big"))

    def concerned(self, keys: Collection[bytes]) -> list[Wait]:
        """The waits that a change of these keys ends."""
        if not self._waits:
            return []
        begins = {_ANYTHING}.union(*(prefixes(key) for key in keys))
        return [wait for begin in begins for wait in self._waits.get(begin, ())]

    def happened(self, keys: Collection[bytes]) -> None:
        """Counts a commit that concerns these keys."""
        self._last += 1
        for scope in {scope_of(key) for key in keys}:
            if len(self._recent) == SCOPES_REMEMBERED:
                self._forgotten = self._recent[0][0]
            self._recent.append((self._last, scope))

    def missed(self, since: Mark, begins: bytes) -> bool:
        """Whether keys that begin so may have changed since a mark; yes when it is not known.

        Raises:
            InvalidValue: It is no mark.
        """
        if len(since) != _MARK_BYTES:
            raise InvalidValue("since", "must be a mark of this store")
        seen = int.from_bytes(since, "big")
        if seen < self._forgotten or seen > self._last:
            return True
        for number, scope in reversed(self._recent):
            if number <= seen:
                return False
            if scope.startswith(begins):
                return True
        return False

    def add(self, wait: Wait) -> None:
        """Lets a wait be woken."""
        self._waits.setdefault(wait.begins, set()).add(wait)

    def remove(self, wait: Wait) -> None:
        """Forgets a wait; may be repeated."""
        waits = self._waits.get(wait.begins, set())
        waits.discard(wait)
        if not waits:
            self._waits.pop(wait.begins, None)

    def waiting(self) -> int:
        """How many waits there are."""
        return sum(map(len, self._waits.values()))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
