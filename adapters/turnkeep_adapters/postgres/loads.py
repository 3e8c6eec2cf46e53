"""Loads: reads of cells that wait together and travel in one call, each answered with its own.

Nothing waits for a call to fill: it takes what is there when it has its connection, and while up to
three are on their way, the next gathers. A load proves nothing, so it may be asked for twice: one
whose call has been on its way for as long as its patience lasts is asked for once more over another
connection, and whichever answers first is taken. So a connection that has fallen silent holds up
nobody for longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import define, field

from turnkeep_adapters.postgres.calls import Calls, require_time
from turnkeep_adapters.postgres.connections import Connection, Row, status_of
from turnkeep_adapters.postgres.failures import read_failed
from turnkeep_adapters.postgres.patience import Patience
from turnkeep_adapters.postgres.reading import byte_array
from turnkeep_adapters.postgres.settings import CALLS_MAX, PostgresSettings
from turnkeep_adapters.postgres.statements import LOAD
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable

SHARED_KEYS_MAX: Final = 256
"""Keys of a call that several share; one load that names more goes alone."""
_ABSENT: Final = (None,) * 7
"""What follows the time in a row that tells the time alone."""


@define(eq=False)
class _Load:
    """Keys that a caller asks for.

    Attributes:
        calls: How many calls it waits or travels with.
        again: Whether it was asked for twice.
    """

    keys: Sequence[bytes]
    answer: asyncio.Future[list[Row] | TurnkeepError]
    calls: int = field(default=0, init=False)
    again: bool = field(default=False, init=False)

    def tell(self, answer: list[Row] | TurnkeepError) -> None:
        """Answers the caller, unless it was answered or has left."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def give_up(self) -> None:
        """Its deadline has come."""
        self.tell(Unavailable("its deadline came before the database had answered"))

    def fail(self, error: TurnkeepError, cause: BaseException) -> None:
        """A call has failed; that is the answer, unless another call may bring a better one."""
        self.calls -= 1
        if self.calls == 0:
            error.__cause__ = cause
            self.tell(error)


class Loads:
    """The loads of one store that are waiting or on their way."""

    def __init__(self, calls: Calls, settings: PostgresSettings) -> None:
        """Sends by calls; with grouping off, each load by itself and at once."""
        self._calls = calls
        self._settings = settings
        self._waiting: dict[_Load, None] = {}
        self._flying: set[tuple[_Load, ...]] = set()
        self._boarding = False
        self._to_land = Patience(settings.patience_seconds, self._ask_again)

    async def load(self, keys: Sequence[bytes], deadline: Deadline) -> list[Row]:
        """The rows of those keys whose cells are there; if none is, one that tells the time alone.

        Raises:
            Unavailable: There was no connection, no time or no answer.
            Unsupported: The schema is missing.
        """
        if not self._settings.grouping:
            return await self._calls.read(LOAD, (byte_array(keys),), deadline)
        require_time(deadline)
        loop = asyncio.get_running_loop()
        load = _Load(keys, loop.create_future())
        late = loop.call_later(deadline.remaining_seconds(), load.give_up)
        self._wait(load)
        self._board()
        try:
            answer = await load.answer
        finally:
            late.cancel()
            self._waiting.pop(load, None)
        if isinstance(answer, TurnkeepError):
            raise answer
        return answer

    def close(self) -> None:
        """Refuses what was not sent."""
        for load in self._waiting:
            load.tell(Unavailable("the store was closed", retryable=False))
        self._waiting.clear()
        self._to_land.close()

    def _wait(self, load: _Load) -> None:
        load.calls += 1
        self._waiting[load] = None

    def _board(self) -> None:
        """Begins a call, if there is work and room for it."""
        if self._waiting and not self._boarding and len(self._flying) < CALLS_MAX:
            self._boarding = True
            self._calls.begin(self._send())

    def _ask_again(self, flight: tuple[_Load, ...]) -> None:
        self._flying.discard(flight)
        for load in flight:
            if not load.answer.done() and not load.again:
                load.again = True
                self._wait(load)
        self._board()

    def _next(self) -> tuple[_Load, ...]:
        """Who travels together now, in the order of arrival."""
        chosen: list[_Load] = []
        keys = 0
        for load in self._waiting:
            keys += len(load.keys)
            if chosen and keys > SHARED_KEYS_MAX:
                break
            chosen.append(load)
        for load in chosen:
            del self._waiting[load]
        return tuple(chosen)

    # ---- calls ----------------------------------------------------------------------------------

    async def _send(self) -> None:
        before = tuple(self._waiting)
        try:
            connection = await self._calls.connections.take(self._settings.checkout_seconds)
        except Unavailable as error:
            self._boarding = False
            for load in before:
                if load in self._waiting:
                    del self._waiting[load]
                    load.fail(Unavailable(error.why, retryable=error.retryable), error)
        else:
            self._boarding = False
            try:
                await self._fly(connection, self._next())
            finally:
                await self._calls.connections.give_back(connection)
        finally:
            self._board()

    async def _fly(self, connection: Connection, flight: tuple[_Load, ...]) -> None:
        """Asks for all that a few loads want, and tells each its own."""
        if not flight:
            return
        self._flying.add(flight)
        self._to_land.begin(flight)
        self._board()
        keys = dict.fromkeys([key for load in flight for key in load.keys])
        try:
            rows = await self._calls.sent(connection, LOAD, (byte_array(keys),))
            found = {row[1]: row for row in rows}
            for load in flight:
                load.tell(_own(load.keys, found, rows[0][0]))
        except BaseException as error:
            # Cancelled, too, where the store closes: nobody may be left without an answer.
            for load in flight:
                load.fail(read_failed(error, status_of(connection)), error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._to_land.end(flight)
            self._flying.discard(flight)


def _own(keys: Iterable[bytes], found: Mapping[bytes | None, Row], now: int) -> list[Row]:
    return [found[key] for key in keys if key in found] or [(now, *_ABSENT)]
