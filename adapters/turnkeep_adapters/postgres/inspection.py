"""An inspection: what can be told of a database; and the adoption of one that was restored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from attrs import frozen
from psycopg import AsyncConnection

from turnkeep_adapters.postgres.connections import Connection, Row, ask, status_of
from turnkeep_adapters.postgres.failures import read_failed
from turnkeep_adapters.postgres.statements import (
    ADOPT,
    IDENTITY,
    MIGRATION_TABLE,
    OLDEST_WRITER,
    SERVER_SETTINGS,
    VERSION,
)
from turnkeep_adapters.postgres.steps import NEWEST
from turnkeep_ports.errors import Unavailable


@frozen
class OldestWriter:
    """The writing transaction that holds back the readers of events.

    Attributes:
        pid: The server process; None for a prepared transaction, which has none.
        age_seconds: Since it began.
    """

    pid: int | None
    age_seconds: float


@frozen(kw_only=True)
class Inspection:
    """What was found.

    Attributes:
        schema: The schema's number; None where there is none.
        schema_newest: The one that this release works with.
        epoch: How often the store was adopted, plus one; None without a schema.
        system_identifier: The server on which its events were told; None without a schema.
        server_identifier: The server that it is on; None without a schema.
        oldest_writer: Of the whole server; None where nothing writes.
        server_version: As the server tells it.
        fsync: Whether commits survive a power cut.
        synchronous_commit: The session's default; commits lift it from ``off``.
        isolation: The session's default; commits need ``read committed``.
        statement_timeout_seconds: The session's default; 0 for none.
    """

    schema: int | None
    schema_newest: int
    epoch: int | None
    system_identifier: int | None
    server_identifier: int | None
    oldest_writer: OldestWriter | None
    server_version: str
    fsync: bool
    synchronous_commit: str
    isolation: str
    statement_timeout_seconds: float

    @property
    def needs_adoption(self) -> bool:
        """Whether the database was restored on another server, and stores refuse it."""
        return self.system_identifier != self.server_identifier


@frozen
class Adoption:
    """What an adoption did.

    Attributes:
        before: The epoch before.
        after: The epoch now; the same where there was nothing to adopt.
    """

    before: int
    after: int


async def inspect(conninfo: str) -> Inspection:
    """Looks at a database and changes nothing.

    Raises:
        Unavailable: The server could not be reached, or refused.
    """
    async with _connected(conninfo) as connection:
        ((version, fsync, synchronous, isolation, timeout),) = await _ask(
            connection, SERVER_SETTINGS
        )
        schema = await _schema(connection)
        identity: Row = (None, None, None, None, None)
        if schema == NEWEST:
            (identity,) = await _ask(connection, IDENTITY)
        _, epoch, stored, present, _ = identity
        writers = await _ask(connection, OLDEST_WRITER)
    return Inspection(
        schema=schema,
        schema_newest=NEWEST,
        epoch=epoch,
        system_identifier=stored,
        server_identifier=present,
        oldest_writer=OldestWriter(*writers[0]) if writers else None,
        server_version=version,
        fsync=fsync,
        synchronous_commit=synchronous,
        isolation=isolation,
        statement_timeout_seconds=timeout,
    )


async def adopt(conninfo: str) -> Adoption:
    """Takes over a database that was restored on another server, with all its processes stopped.

    What was told before the restore becomes wholly visible; the next epoch begins. Where the
    server is the one on which the events were told, nothing changes. Idempotent.

    Raises:
        Unavailable: The server could not be reached, or refused.
        Unsupported: The database has no schema.
    """
    async with _connected(conninfo) as connection:
        ((before, after),) = await _ask(connection, ADOPT)
    return Adoption(before, after)


async def _schema(connection: Connection) -> int | None:
    ((exists,),) = await _ask(connection, MIGRATION_TABLE)
    if not exists:
        return None
    ((number,),) = await _ask(connection, VERSION)
    return int(number)


async def _ask(connection: Connection, statement: str) -> list[Row]:
    try:
        return await ask(connection, statement, ())
    except psycopg.Error as error:
        raise read_failed(error, status_of(connection)) from error


@asynccontextmanager
async def _connected(conninfo: str) -> AsyncIterator[Connection]:
    try:
        connection: Connection = await AsyncConnection.connect(
            conninfo, autocommit=True, prepare_threshold=None
        )
    except psycopg.Error as error:
        raise Unavailable("the database cannot be reached") from error
    try:
        yield connection
    finally:
        await connection.close()
