"""Failures: what the driver's errors prove, told by their class and SQLSTATE, never by their text.

An ERROR that the server reports on a connection that is idle again says that it undid the
statement. A FATAL, a lost connection and everything unheard of say nothing: the commit may have
been made durable before the end.
"""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.errors import OutcomeUnknown, Unavailable, Unsupported

MIGRATE: Final = "the database has no Turnkeep schema, or an older one: run `turnkeep migrate`"

_LOST_RACES: Final = frozenset({"40001", "40P01", "55P03"})
_PASSING: Final = frozenset({"57014", "25006"})
_NO_RESOURCES: Final = "53"
_MISSING: Final = frozenset({"42P01", "42883", "3F000"})
_ISOLATION: Final = "TK001"


class LostRace(Exception):
    """The server undid a commit because of another transaction."""


def undone(error: BaseException, status: TransactionStatus) -> bool:
    """Whether the server has said that it undid the statement, and is ready for the next.

    Args:
        error: What the driver raised.
        status: The connection's state afterwards.
    """
    return (
        isinstance(error, psycopg.Error)
        and error.diag.severity_nonlocalized == "ERROR"
        and status is TransactionStatus.IDLE
    )


def no_connection(error: BaseException) -> Unavailable:
    """What it means that the pool gave no connection: whatever its error says, nothing was sent.

    Asked apart from the others, for these errors are `OperationalError` too.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable("no connection became free in time")
    if isinstance(error, TooManyRequests):
        return Unavailable("too many calls wait for a connection")
    if isinstance(error, PoolClosed):
        return Unavailable("the connection pool is closed", retryable=False)
    return Unavailable("the connection pool gave no connection")


def read_failed(error: BaseException, status: TransactionStatus) -> TurnkeepError:
    """What a failed read means: whatever happened, it has written nothing."""
    if undone(error, status):
        return _refused(error)
    return Unavailable("the connection to the database was lost")


def commit_failed(error: BaseException, status: TransactionStatus) -> TurnkeepError | LostRace:
    """What a failed commit means, once it was handed to the server."""
    if not undone(error, status):
        return OutcomeUnknown("the connection was lost before the database had answered")
    if _sqlstate(error) in _LOST_RACES:
        return LostRace()
    return _refused(error)


def _refused(error: BaseException) -> TurnkeepError:
    state = _sqlstate(error)
    if state in _MISSING:
        return Unsupported(MIGRATE)
    if state == _ISOLATION:
        return Unsupported(
            "transactions must be read committed: set default_transaction_isolation for the role"
        )
    if state in _PASSING or state in _LOST_RACES or state.startswith(_NO_RESOURCES):
        return Unavailable("the database could not serve the call in time")
    return Unavailable("the database refused the call", retryable=False)


def _sqlstate(error: BaseException) -> str:
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state or ""
