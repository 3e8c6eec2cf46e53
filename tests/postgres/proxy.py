"""A proxy that reads the protocol: it counts answers, and cuts where a test wants it cut.

It speaks version 3 between a driver and a server, on sockets of the file system, where no
encryption is asked for. Armed, it breaks the connection on which a statement is sent: before the
server gets it, between the rows and the server's being ready, or after that.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

from psycopg.conninfo import conninfo_to_dict

_LENGTH: Final = 4
PORT: Final = "5432"


class Cut(Enum):
    """Where a connection is cut."""

    BEFORE = "before the server gets the statement"
    BETWEEN = "between the rows and the server's being ready"
    AFTER = "after the server is ready, and the driver has heard it"
    NEVER_ANSWERED = "not at all: the answer is held back for ever"


class Link:
    """One connection through the proxy."""

    def __init__(
        self,
        proxy: Proxy,
        driver: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._from_driver, self._to_driver = driver
        self._from_server, self._to_server = server
        self._named: set[bytes] = set()
        self._cut: Cut | None = None
        self._begun = False

    async def run(self) -> None:
        """Carries both ways until either side ends."""
        ways = [asyncio.ensure_future(way) for way in (self._up(), self._down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Closed first: whoever is cancelled here a second time must leave no socket open.
            for writer in (self._to_driver, self._to_server):
                writer.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self) -> None:
        length = await self._from_driver.readexactly(_LENGTH)
        rest = await self._from_driver.readexactly(int.from_bytes(length, "big") - _LENGTH)
        self._to_server.write(length + rest)
        while True:
            kind, body = await message(self._from_driver)
            if self._proxy.deaf and kind in (b"P", b"Q") and b"LISTEN" in body:
                return
            if self._is_meant(kind, body):
                self._cut = self._proxy.take()
                if self._cut is Cut.BEFORE:
                    return
            if not self._proxy.silent:
                self._to_server.write(framed(kind, body))

    async def _down(self) -> None:
        while True:
            kind, body = await message(self._from_server)
            if kind == b"Z":
                self._proxy.answers += self._begun
                self._begun = True
                if self._cut is Cut.BETWEEN:
                    self._proxy.cuts += 1
                    return
            if self._cut is Cut.NEVER_ANSWERED or self._proxy.silent:
                continue
            self._to_driver.write(framed(kind, body))
            if kind == b"Z" and self._cut is Cut.AFTER:
                self._proxy.cuts += 1
                await self._to_driver.drain()
                return

    def _is_meant(self, kind: bytes, body: bytes) -> bool:
        """Whether a message runs the statement that the proxy is armed for."""
        wanted = self._proxy.wanted
        if kind == b"P":
            name, text = body.split(b"\x00", 2)[:2]
            if self._proxy.watched in text:
                self._named.add(name)
            else:
                self._named.discard(name)
        is_bound = kind == b"B" and body.split(b"\x00", 2)[1] in self._named
        return wanted and is_bound


class Proxy:
    """The proxy, and what it is to do.

    Attributes:
        answers: How often a server said that it is ready, but for the first time of each
            connection: the round trips.
        cuts: How many connections were cut after the server had been at work.
        deaf: Whether nobody may listen: who asks for it is cut off.
        silent: Whether nothing is carried any more, either way, and nothing is closed.
    """

    def __init__(self, url: str, watched: bytes = b"turnkeep.commit_") -> None:
        self.watched = watched
        self.answers = 0
        self.cuts = 0
        self.deaf = False
        self.silent = False
        self._armed: Cut | None = None
        self._url = url
        self._directory = Path(tempfile.mkdtemp(prefix="turnkeep-proxy-"))
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where the same database is reached through the proxy."""
        parts = urlsplit(self._url)
        place = quote(str(self._directory), safe="")
        user = conninfo_to_dict(self._url).get("user", "")
        return f"postgresql://{user}@{parts.path}?host={place}&port={PORT}"

    @property
    def wanted(self) -> bool:
        return self._armed is not None

    def arm(self, cut: Cut) -> None:
        """Cuts the connection on which the watched statement is sent next."""
        self._armed = cut

    def take(self) -> Cut | None:
        armed, self._armed = self._armed, None
        return armed

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[int]]:
        """A list that gets the number of round trips within the block."""
        found: list[int] = []
        before = self.answers
        yield found
        found.append(self.answers - before)

    async def cut_all(self) -> None:
        """Ends every connection that there is."""
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            server = await self._connect()
            await Link(self, (reader, writer), server).run()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._links.discard(task)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place = conninfo_to_dict(self._url)
        host, port = str(place.get("host", "localhost")), str(place.get("port", PORT))
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def __aenter__(self) -> Self:
        path = self._directory / f".s.PGSQL.{PORT}"
        self._server = await asyncio.start_unix_server(self._accept, path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut_all()
        (self._directory / f".s.PGSQL.{PORT}").unlink(missing_ok=True)
        self._directory.rmdir()


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    return kind, await reader.readexactly(length - _LENGTH)


def framed(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + _LENGTH).to_bytes(_LENGTH, "big") + body
