"""Failures: what each error of the driver proves, by its class, SQLSTATE and severity."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import pickle
from typing import Final

import psycopg
import pytest
from attrs import evolve
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from tests.postgres.world import QUIET, calling, execute, store_on
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address
from turnkeep_adapters.postgres.failures import (
    LostRace,
    commit_failed,
    no_connection,
    read_failed,
)
from turnkeep_ports.errors import OutcomeUnknown, Unavailable, Unsupported

IDLE, OTHERS = TransactionStatus.IDLE, [s for s in TransactionStatus if s.name != "IDLE"]
PLACE = address("placed")
TABLE: Final[list[tuple[str, type[object], bool | None]]] = [
    ("40001", LostRace, None),
    ("40P01", LostRace, None),
    ("55P03", LostRace, None),
    ("57014", Unavailable, True),
    ("53100", Unavailable, True),
    ("53200", Unavailable, True),
    ("53300", Unavailable, True),
    ("25006", Unavailable, True),
    ("42P01", Unsupported, False),
    ("42883", Unsupported, False),
    ("3F000", Unsupported, False),
    ("TK001", Unsupported, False),
    ("23505", Unavailable, False),
    ("42501", Unavailable, False),
    ("XX000", Unavailable, False),
]


class Told(psycopg.Error):
    """An error as the server told it, for which the driver needs no server."""

    def __init__(self, state: str, severity: str) -> None:
        super().__init__("secret text that nobody repeats")
        self.sqlstate = state
        self._severity = severity

    @property
    def diag(self) -> errors.Diagnostic:
        severity = self._severity

        class Diagnostic(errors.Diagnostic):
            @property
            def severity_nonlocalized(self) -> str | None:
                return severity

        return Diagnostic(None)


@pytest.mark.parametrize(("state", "meaning", "retryable"), TABLE)
def test_an_error_that_the_server_undid_proves_that_nothing_was_written(
    state: str, meaning: type[object], *, retryable: bool | None
) -> None:
    found = commit_failed(Told(state, "ERROR"), IDLE)
    assert type(found) is meaning
    if retryable is not None:
        assert getattr(found, "retryable", None) is retryable
    assert "secret" not in str(found)


@pytest.mark.parametrize("state", [state for state, _, _ in TABLE])
def test_the_same_proves_nothing_as_the_end_of_a_session(state: str) -> None:
    for severity in ("FATAL", "PANIC", ""):
        assert isinstance(commit_failed(Told(state, severity), IDLE), OutcomeUnknown)
    for status in OTHERS:
        assert isinstance(commit_failed(Told(state, "ERROR"), status), OutcomeUnknown)


def test_a_shutdown_proves_nothing() -> None:
    shutdown = Told("57P01", "FATAL")
    assert isinstance(commit_failed(shutdown, TransactionStatus.UNKNOWN), OutcomeUnknown)


@pytest.mark.parametrize(
    "error",
    [psycopg.OperationalError("lost"), OSError(), TimeoutError(), RuntimeError(), ValueError()],
)
def test_what_is_not_of_the_server_proves_nothing(error: Exception) -> None:
    for status in TransactionStatus:
        assert isinstance(commit_failed(error, status), OutcomeUnknown)
        found = read_failed(error, status)
        assert isinstance(found, Unavailable)
        assert found.retryable


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (PoolTimeout(), True),
        (TooManyRequests(), True),
        (PoolClosed(), False),
        (psycopg.OperationalError("whatever"), True),
    ],
)
def test_without_a_connection_nothing_was_sent(error: Exception, *, retryable: bool) -> None:
    found = no_connection(error)
    assert found.retryable is retryable
    again = pickle.loads(pickle.dumps(found))
    assert (again.why, again.retryable) == (found.why, found.retryable)


async def test_a_read_only_server_refuses_commits_and_serves_loads(database: str) -> None:
    """25006, as after a failover to a standby."""
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$",
    )
    async with calling(database) as (caller, _):
        await caller.load(PLACE)
        with pytest.raises(Unavailable) as raised:
            await caller.put(PLACE)
        assert raised.value.retryable


async def test_a_hosts_pool_is_used_and_left_as_it_was(database: str) -> None:
    async with AsyncConnectionPool(
        database, min_size=1, max_size=2, kwargs={"autocommit": False}, open=False
    ) as pool:
        async with store_on(None, QUIET, pool=pool) as store:
            caller = Caller(store)
            revision = await caller.put(PLACE)
            assert (await caller.present(PLACE)).revision == revision
        async with pool.connection() as connection:
            assert not connection.autocommit
            cursor = await connection.execute("SELECT count(*) FROM turnkeep.cell")
            assert await cursor.fetchone() == (1,)


async def test_a_hosts_pool_that_is_full_or_closed_is_unavailable(database: str) -> None:
    pool: AsyncConnectionPool[psycopg.AsyncConnection] = AsyncConnectionPool(
        database, min_size=1, max_size=1, max_waiting=1, open=False
    )
    brief = evolve(QUIET, lock_seconds=0.1, statement_seconds=0.2, checkout_seconds=0.3)
    async with pool, store_on(None, brief, pool=pool) as store:
        caller = Caller(store)
        async with pool.connection():
            with pytest.raises(Unavailable) as raised:
                await caller.load(PLACE)
            assert raised.value.retryable
        await caller.load(PLACE)
        await pool.close()
        with pytest.raises(Unavailable) as raised:
            await caller.put(PLACE)
        assert not raised.value.retryable
