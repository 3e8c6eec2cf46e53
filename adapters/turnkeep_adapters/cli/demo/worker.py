"""A worker: a process that has part of a recording decided, on a store that others work on too."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Final

from attrs import define, field

from turnkeep import Tallies, open_keep
from turnkeep_adapters.cli.demo.cast import Cast
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.messages import (
    Contract,
    Deserted,
    Ended,
    Halted,
    Message,
    OneMore,
    handed,
    message_bytes,
)
from turnkeep_adapters.cli.demo.recording import Unusable

_STDIN: Final = 0
_STDOUT: Final = 1
_CHUNK_BYTES: Final = 1 << 16


@define(eq=False)
class Relay:
    """The audience of a worker: it tells the company, and halts when the contract says so."""

    _halts_after: int | None
    _answers: int = field(default=0, init=False)

    def one_more(self) -> None:
        """Tells of it."""
        self.send(OneMore())

    def unusable(self, unusable: Unusable) -> None:
        """Tells of it."""
        self.send(unusable)
        self.answered()

    def examining(self) -> None:
        """Never happens here: the company reads the store again."""

    def answered(self) -> None:
        """One more answer is in the ledger."""
        self._answers += 1
        if self._answers == self._halts_after:
            self.send(Halted())
            _stand_still()

    def send(self, message: Message) -> None:
        """Sends a message; it has left this process when this returns."""
        rest = memoryview(message_bytes(message))
        while rest:
            rest = rest[os.write(_STDOUT, rest) :]


def _stand_still() -> None:
    """Holds the whole process up, event loop and all, until it is killed, or left alone."""
    while os.read(_STDIN, _CHUNK_BYTES):
        pass
    os._exit(1)


async def work() -> None:
    """Does what the contract on standard input says.

    Raises:
        TurnkeepError: The store cannot be opened.
        OSError: The ledger cannot be kept, or the company has gone.
    """
    lines = Source.of(_STDIN).lines()
    first = await anext(lines, None)
    if first is None or first.content is None:
        raise Deserted("whoever hands out the work has gone")
    contract = Contract.of(first.content)
    relay = Relay(contract.halts_after)
    feed = Feed(handed(lines), contract.seed, relay.unusable)
    cast = Cast(askers=contract.askers, deciders=contract.deciders, seed=contract.seed)
    tallies = Tallies()
    with Ledger.at(contract.ledger, relay.answered) as ledger:
        async with open_keep(contract.store, telemetry=tallies) as keep:
            await cast.act(keep, feed, ledger, relay)
    if feed.broken is not None:
        raise feed.broken
    relay.send(Ended(Effort.of(tallies)))


if __name__ == "__main__":
    # Whoever interrupts the company interrupts nobody else: it ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(work())
