"""Databases: one for each test, cloned from a template that was migrated once."""

from __future__ import annotations

import asyncio
import atexit
import os
import secrets
from functools import cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.postgres.server import Server
from turnkeep_adapters.postgres.migrating import migrate

OVERRIDE: Final = "TURNKEEP_TEST_POSTGRES_URL"
TEMPLATE: Final = "turnkeep_template"


class Databases:
    """The databases of one server; the name of one is all that a test has to know."""

    def __init__(self, url: str) -> None:
        """Makes the template, by migrating an empty database."""
        self.url = url
        self._made: list[str] = []
        self._kept: list[str] = []
        self._template = f"{TEMPLATE}_{secrets.token_hex(4)}"
        asyncio.run(self._migrated_template())

    def clone(self, *, for_good: bool = False) -> str:
        """The URL of a fresh database that was migrated; it lasts for the run, or for a test."""
        return self._create(self._template, for_good=for_good)

    def empty(self) -> str:
        """The URL of a fresh database without anything."""
        return self._create("template0", for_good=False)

    def drop(self) -> None:
        """Drops what was made since the last time."""
        names, self._made = self._made, []
        if names:
            with psycopg.connect(self.url, autocommit=True) as connection:
                for name in names:
                    connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())

    def end(self) -> None:
        """Drops the template as well, and what was made for good."""
        self._made += [*self._kept, self._template]
        self.drop()

    async def _migrated_template(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._template}" TEMPLATE template0'.encode())
        await migrate(located(self.url, self._template))

    def _create(self, template: str, *, for_good: bool) -> str:
        name = f"turnkeep_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'.encode()
            )
        (self._kept if for_good else self._made).append(name)
        return located(self.url, name)


def located(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{database}"))


@cache
def shared() -> tuple[Server | None, Databases]:
    """The server of a test run: one of its own, which ends with the run, or the one that is named.

    It is started by whoever asks first. Processes that the run forks do not end it.
    """
    named = os.environ.get(OVERRIDE)
    if named:
        databases = Databases(named)
        atexit.register(databases.end)
        return None, databases
    server = Server()
    atexit.register(server.remove)
    server.start()
    return server, Databases(server.url())
