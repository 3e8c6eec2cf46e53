"""Changes: what one store object has heard of, and whom it wakes.

Its own commits are heard at once, those of others by the listener or the poll. A mark counts what
was heard; one that is older than what is remembered, or of another object, wakes at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from typing import Final

from turnkeep_adapters.postgres.signs import ANYTHING, Sign
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.store import Mark

REMEMBERED: Final = 4_096
_NONCE_BYTES: Final = 8
_NUMBER_BYTES: Final = 8


class Wait:
    """One waiter."""

    def __init__(self, sign: Sign) -> None:
        """Waits for a sign."""
        self.sign = sign
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        """Ends the wait; may be repeated."""
        if not self._woken.done():
            self._woken.set_result(None)

    async def ended(self) -> None:
        """Pauses the waiter until the wait has ended."""
        await self._woken


class Changes:
    """What was heard of, in order, and who waits for more."""

    def __init__(self) -> None:
        """Nothing was heard."""
        self._nonce = secrets.token_bytes(_NONCE_BYTES)
        self._last = 0
        self._recent: deque[tuple[int, Sign]] = deque(maxlen=REMEMBERED)
        self._forgotten = 0
        self._waits: dict[Sign, set[Wait]] = {}

    def mark(self) -> Mark:
        """All that was heard so far."""
        return Mark(self._nonce + self._last.to_bytes(_NUMBER_BYTES, "big"))

    def happened(self, signs: frozenset[Sign] | None) -> None:
        """Wakes those whom a change may concern; all, where it is not known what changed."""
        self._last += 1
        if signs is None:
            self._recent.clear()
            self._forgotten = self._last
            self.wake_all()
            return
        for sign in signs:
            if len(self._recent) == REMEMBERED:
                self._forgotten = self._recent[0][0]
            self._recent.append((self._last, sign))
        for sign in (ANYTHING, *signs):
            for wait in self._waits.get(sign, ()):
                wait.wake()

    def missed(self, since: Mark, sign: Sign) -> bool:
        """Whether something with a sign may have happened since a mark; yes when in doubt.

        Raises:
            InvalidValue: It is no mark.
        """
        if len(since) != _NONCE_BYTES + _NUMBER_BYTES:
            raise InvalidValue("since", "must be a mark of this store")
        seen = int.from_bytes(since[_NONCE_BYTES:], "big")
        if since[:_NONCE_BYTES] != self._nonce or not self._forgotten <= seen <= self._last:
            return True
        if sign == ANYTHING:
            return seen < self._last
        for number, happened in reversed(self._recent):
            if number <= seen:
                return False
            if happened == sign:
                return True
        return False

    def add(self, wait: Wait) -> None:
        """Lets a wait be woken."""
        self._waits.setdefault(wait.sign, set()).add(wait)

    def remove(self, wait: Wait) -> None:
        """Forgets a wait; may be repeated."""
        waits = self._waits.get(wait.sign, set())
        waits.discard(wait)
        if not waits:
            self._waits.pop(wait.sign, None)

    def wake_all(self) -> None:
        """Ends every wait."""
        for waits in self._waits.values():
            for wait in waits:
                wait.wake()

    def waiting(self) -> int:
        """How many waits there are."""
        return sum(map(len, self._waits.values()))
