"""A hint: word to other processes that something was committed; it may be lost.

It is sent after the commit, never inside: commits that notify wait for each other. What gathers
within 25 ms goes in one message.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import Final

from attrs import frozen

from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.signs import Sign
from turnkeep_adapters.postgres.statements import NOTIFY
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Clock, Deadline

GATHER_SECONDS: Final = 0.025
SIGNS_MAX: Final = 400
"""More of them say "anything": a message has less than 8,000 bytes."""

_SEND_SECONDS: Final = 5.0
_NONCE_BYTES: Final = 8
_DIVIDER: Final = ":"
_BETWEEN: Final = ","
_ANYTHING: Final = "*"
_PING: Final = "!"


@frozen
class Hint:
    """What one message says.

    Attributes:
        sender: The store object that sent it, which knows already.
        signs: What changed; None for anything.
        ping: Whether it says nothing but that messages arrive.
    """

    sender: str
    signs: frozenset[Sign] | None
    ping: bool

    @classmethod
    def read(cls, message: str) -> Hint:
        """A message as it was heard; one that is not understood may mean anything."""
        sender, _, rest = message.partition(_DIVIDER)
        if rest == _PING:
            return cls(sender, frozenset(), ping=True)
        if not rest or rest == _ANYTHING:
            return cls(sender, None, ping=False)
        return cls(sender, frozenset(map(Sign, rest.split(_BETWEEN))), ping=False)


class Hints:
    """What one store object has to tell the others."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        """Sends by calls of the store."""
        self.sender = secrets.token_hex(_NONCE_BYTES)
        self._calls = calls
        self._clock = clock
        self._signs: set[Sign] = set()
        self._sending = False

    def tell(self, signs: frozenset[Sign]) -> None:
        """Lets the others know soon; never fails and never waits."""
        self._signs |= signs
        if not self._sending:
            self._sending = True
            self._calls.begin(self._send())

    def ping(self) -> str:
        """A message that only its sender understands."""
        return f"{self.sender}{_DIVIDER}{_PING}"

    async def _send(self) -> None:
        try:
            while self._signs:
                await asyncio.sleep(GATHER_SECONDS)
                signs, self._signs = self._signs, set()
                said = _ANYTHING if len(signs) > SIGNS_MAX else _BETWEEN.join(sorted(signs))
                message = f"{self.sender}{_DIVIDER}{said}"
                # Whoever does not hear it polls.
                with suppress(TurnkeepError):
                    deadline = Deadline.after(self._clock, _SEND_SECONDS)
                    await self._calls.read(NOTIFY, (message,), deadline)
        finally:
            self._sending = False
