"""A listener: one session outside the pool that hears what other processes have committed.

A session can be dead without knowing it, so it sends itself a message every 15 s; one that does
not come back within 5 s ends the session, and a fresh one is made. Only between hearing itself and
the end is the listener healthy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from turnkeep_adapters.postgres.connections import Connection, session
from turnkeep_adapters.postgres.hints import Hint
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.statements import LISTEN, NOTIFY
from turnkeep_ports.store import Notification

RETRY_SECONDS: Final = 1.0


class Listener:
    """The listening of one store object, in a task of its own."""

    def __init__(
        self,
        *,
        conninfo: str,
        settings: PostgresSettings,
        ping: str,
        heard: Callable[[Hint], None],
        turned: Callable[[], None],
    ) -> None:
        """Listens once it is started.

        Args:
            conninfo: Where the server is.
            settings: What its session is made with.
            ping: A message that it recognises as its own.
            heard: Called for each message, its own pings excepted.
            turned: Called when it has become healthy, or is no longer.
        """
        self._conninfo = conninfo
        self._settings = settings
        self._ping = ping
        self._heard = heard
        self._turned = turned
        self._healthy = False
        self._task: asyncio.Task[None] | None = None

    @property
    def health(self) -> Notification:
        """`PUSH` while messages arrive; `POLL` while only polling tells."""
        return Notification.PUSH if self._healthy else Notification.POLL

    def start(self) -> None:
        """Begins to listen."""
        self._task = asyncio.ensure_future(self._listen())

    async def stop(self) -> None:
        """Ends the session."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen(self) -> None:
        while True:
            with suppress(psycopg.Error, OSError, TimeoutError):
                await self._hold_session()
            self._turn(healthy=False)
            await asyncio.sleep(RETRY_SECONDS)

    async def _hold_session(self) -> None:
        async with asyncio.timeout(self._settings.silence_seconds):
            made: dict[str, Any] = session(self._conninfo, self._settings)
            connection: Connection = await AsyncConnection.connect(self._conninfo, **made)
        try:
            async with asyncio.timeout(self._settings.silence_seconds):
                await connection.execute(LISTEN)
            while await self._hears_itself(connection):
                self._turn(healthy=True)
                await self._hear(connection, self._settings.ping_seconds, until_ping=False)
        finally:
            # Not the driver's close, which may wait for a server that is not there.
            connection.pgconn.finish()

    async def _hears_itself(self, connection: Connection) -> bool:
        # The driver may need longer to give up a session that is half open.
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(self._settings.silence_seconds, self._fall_silent)
        try:
            async with asyncio.timeout(self._settings.silence_seconds):
                await connection.execute(NOTIFY, (self._ping,))
        finally:
            alarm.cancel()
        return await self._hear(connection, self._settings.silence_seconds, until_ping=True)

    def _fall_silent(self) -> None:
        self._turn(healthy=False)

    async def _hear(self, connection: Connection, seconds: float, *, until_ping: bool) -> bool:
        """Listens for a time; answers whether the ping has come, and ends then if it may."""
        until = time.monotonic() + seconds
        came = False
        while not (came and until_ping) and (left := until - time.monotonic()) > 0:
            async for message in connection.notifies(timeout=left, stop_after=1):
                if message.payload == self._ping:
                    came = True
                else:
                    self._heard(Hint.read(message.payload))
        return came

    def _turn(self, *, healthy: bool) -> None:
        if healthy is not self._healthy:
            self._healthy = healthy
            self._turned()
