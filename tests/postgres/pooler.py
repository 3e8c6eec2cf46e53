"""A stand-in for a transaction pooler: what PgBouncer's transaction mode does to a session.

Every transaction gets one of a few server sessions that is free, and loses it when the server is
ready again outside a transaction; where there are several, never the one it had last, so that what
was left in a session is missed. It refuses what such a pooler refuses or would mix up: a named
prepared statement, LISTEN, SET, and startup parameters that it does not know.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from tests.postgres.proxy import PORT, framed, message

PASSED: Final = frozenset({"user", "database", "client_encoding", "application_name"})
SESSION_STATE: Final = (b"LISTEN", b"SET ", b"DECLARE", b"PREPARE", b"DISCARD")
READY: Final = framed(b"Z", b"I")
ENDS: Final = (b"S", b"Q")


class Pooler:
    """The pooler.

    Attributes:
        refused: What clients asked for that has no place here; a test wants it to stay empty.
        served: Which server sessions each client had, one after another.
    """

    def __init__(self, url: str, *, sessions: int) -> None:
        self.refused: list[str] = []
        self.served: list[list[int]] = []
        self._url = url
        self._sessions = sessions
        self._directory = Path(tempfile.mkdtemp(prefix="turnkeep-pooler-"))
        self._free: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self._freed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def url(self) -> str:
        place = quote(str(self._directory), safe="")
        user = conninfo_to_dict(self._url)["user"]
        return f"postgresql://{user}@{urlsplit(self._url).path}?host={place}&port={PORT}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._clients.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(4), "big")
        words = (await reader.readexactly(length - 4))[4:].split(b"\x00")
        asked = {name.decode() for name in words[::2] if name}
        self.refused += sorted(asked - PASSED)
        writer.write(framed(b"R", b"\x00" * 4))
        writer.write(framed(b"S", b"client_encoding\x00UTF8\x00"))
        writer.write(framed(b"S", b"server_version\x0018.0\x00"))
        writer.write(framed(b"K", b"\x00" * 8) + READY)
        had: list[int] = []
        self.served.append(had)
        while True:
            first = await message(reader)
            if first[0] == b"X":
                return
            number = await self._other_than(had[-1] if had and self._sessions > 1 else None)
            session = self._free.pop(number)
            had.append(number)
            await self._one_transaction(first, reader, writer, session)
            async with self._freed:
                self._free[number] = session
                self._freed.notify_all()

    async def _other_than(self, last: int | None) -> int:
        async with self._freed:
            await self._freed.wait_for(lambda: self._free.keys() - {last})
            return min(self._free.keys() - {last})

    async def _one_transaction(
        self,
        first: tuple[bytes, bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        session: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        from_server, to_server = session
        kind, body = first
        state = b"T"
        while state != b"I":
            self._look(kind, body)
            to_server.write(framed(kind, body))
            while kind not in ENDS:
                kind, body = await message(reader)
                self._look(kind, body)
                to_server.write(framed(kind, body))
            while True:
                told, text = await message(from_server)
                writer.write(framed(told, text))
                if told == b"Z":
                    state = text
                    break
            if state != b"I":
                kind, body = await message(reader)

    def _look(self, kind: bytes, body: bytes) -> None:
        if kind == b"P" and body.partition(b"\x00")[0]:
            self.refused.append("a named statement")
        if kind in (b"P", b"Q"):
            text = body.partition(b"\x00")[2] if kind == b"P" else body
            self.refused += [word.decode() for word in SESSION_STATE if text.startswith(word)]

    async def __aenter__(self) -> Self:
        place = conninfo_to_dict(self._url)
        start = b"\x00\x03\x00\x00" + b"".join(
            f"{name}\x00{value}\x00".encode()
            for name, value in (("user", place["user"]), ("database", place["dbname"]))
        )
        for number in range(self._sessions):
            reader, writer = await asyncio.open_unix_connection(
                f"{place['host']}/.s.PGSQL.{place.get('port', PORT)}"
            )
            self._writers.append(writer)
            body = start + b"\x00"
            writer.write((len(body) + 4).to_bytes(4, "big") + body)
            while (await message(reader))[0] != b"Z":
                continue
            self._free[number] = (reader, writer)
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
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        (self._directory / f".s.PGSQL.{PORT}").unlink(missing_ok=True)
        self._directory.rmdir()
