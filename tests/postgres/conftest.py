"""What the tests of the postgres store share: a server, and a database for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve

from tests.postgres.databases import Databases, shared
from tests.postgres.server import Server
from tests.postgres.world import QUIET
from turnkeep_adapters.postgres.settings import PostgresSettings


@pytest.fixture(scope="session")
def server() -> Server | None:
    """The run's server; None where the environment names another, which no test may kill."""
    return shared()[0]


@pytest.fixture
def databases() -> Iterator[Databases]:
    """The server's databases; those that a test makes end with it."""
    _, databases = shared()
    yield databases
    databases.drop()


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


@pytest.fixture(params=[True, False], ids=["grouped", "alone"])
def quiet(request: pytest.FixtureRequest) -> PostgresSettings:
    """Settings without a listener, with and without grouping."""
    return evolve(QUIET, grouping=request.param)
