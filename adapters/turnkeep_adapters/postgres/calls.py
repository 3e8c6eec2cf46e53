"""Calls: statements on their way, each in a task of its own that no caller can break off.

A caller who is cancelled, or whose deadline comes, leaves; the call is given up if it was not sent
yet, and else finishes unobserved. Either way its connection goes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import Enum
from typing import Any, Final

from attrs import define, field

from turnkeep_adapters.postgres.connections import Connection, Connections, Row, ask, status_of
from turnkeep_adapters.postgres.failures import read_failed
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable

_GRACE_SECONDS: Final = 2.0
"""How much longer than the server's own limit an answer may take."""


class Stage(Enum):
    """How far a call has come."""

    WAITING = "waiting"
    SENT = "sent"
    LEFT = "left"


@define(eq=False)
class Call:
    """One statement, and whether its caller still waits for it."""

    statement: str
    parameters: tuple[object, ...]
    stage: Stage = field(default=Stage.WAITING)

    def leave(self) -> None:
        """The caller is gone: what was not sent never will be."""
        if self.stage is Stage.WAITING:
            self.stage = Stage.LEFT


class Calls:
    """The calls of one store."""

    def __init__(self, connections: Connections, settings: PostgresSettings) -> None:
        """Uses connections, each for as long as the settings allow."""
        self.connections = connections
        self._limit_seconds = settings.statement_seconds + _GRACE_SECONDS
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something that needs a connection, to its end; it must not raise."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Waits for what was sent; ends what takes longer than it may."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limit_seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def read(
        self, statement: str, parameters: tuple[object, ...], deadline: Deadline
    ) -> list[Row]:
        """Asks something that writes nothing, or nothing that matters.

        Raises:
            Unavailable: There was no connection, no time or no answer.
            Unsupported: The schema is missing.
        """
        require_time(deadline)
        call = Call(statement, parameters)
        answer: asyncio.Future[list[Row] | TurnkeepError]
        answer = asyncio.get_running_loop().create_future()
        self.begin(self._serve(call, deadline, answer))
        try:
            await asyncio.wait({answer}, timeout=deadline.remaining_seconds())
        finally:
            call.leave()
        if not answer.done():
            raise Unavailable("its deadline came before the database had answered")
        rows = answer.result()
        if isinstance(rows, TurnkeepError):
            raise rows
        return rows

    async def sent(
        self, connection: Connection, statement: str, parameters: tuple[object, ...]
    ) -> list[Row]:
        """Sends a statement, and waits for as long as a working server may need.

        Cancelled by its own limit, the driver asks the server to stop and closes the connection if
        that does not help.
        """
        async with asyncio.timeout(self._limit_seconds):
            return await ask(connection, statement, parameters)

    async def _serve(
        self,
        call: Call,
        deadline: Deadline,
        answer: asyncio.Future[list[Row] | TurnkeepError],
    ) -> None:
        try:
            told: list[Row] | TurnkeepError = await self._asked(call, deadline)
        except TurnkeepError as error:
            told = error
        if not answer.done():
            answer.set_result(told)

    async def _asked(self, call: Call, deadline: Deadline) -> list[Row]:
        connection = await self.connections.take(deadline.remaining_seconds())
        try:
            if call.stage is Stage.LEFT:
                return []
            call.stage = Stage.SENT
            return await self.sent(connection, call.statement, call.parameters)
        except Exception as error:
            raise read_failed(error, status_of(connection)) from error
        finally:
            await self.connections.give_back(connection)


def require_time(deadline: Deadline) -> None:
    """Refuses a call that comes too late.

    Raises:
        Unavailable: The deadline has come; nothing was sent.
    """
    if deadline.remaining_seconds() <= 0:
        raise Unavailable("its deadline had come before the call was served")
