"""What the tests of the postgres store share: a server, and a database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres.databases import Databases, running
from tests.postgres.server import Server


@pytest.fixture(scope="session")
def _running() -> Iterator[tuple[Server | None, Databases]]:
    with running() as found:
        yield found


@pytest.fixture(scope="session")
def server(_running: tuple[Server | None, Databases]) -> Server | None:
    """The run's server; None where the environment names another, which no test may kill."""
    return _running[0]


@pytest.fixture
def databases(_running: tuple[Server | None, Databases]) -> Iterator[Databases]:
    """The server's databases; those that a test makes end with it."""
    yield _running[1]
    _running[1].drop()


@pytest.fixture
def database(databases: Databases) -> str:
    """The URL of a database that was migrated and has nothing in it."""
    return databases.clone()


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that the test may kill, whatever the environment names."""
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.remove()
