"""A peer: a queue that others have made on PostgreSQL, which enqueues and works the same jobs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import LiteralString, Protocol

import psycopg

from benchmarks.loss import require_count
from benchmarks.window import Window


class Peer(Protocol):
    """One of them, on a database of its own in which it has made its tables."""

    @property
    def url(self) -> str:
        """Where its database is."""

    def seconds(self, window: Window) -> float:
        """Enqueues and works what passes through a window, by a worker that has started.

        Returns:
            The seconds from the first job until all are stored as done.
        """

    def require_all(self, jobs: int) -> None:
        """So many jobs were done, and none is left.

        Raises:
            Lost: More or fewer.
        """


def lacking(modules: Sequence[str]) -> str | None:
    """What of these is missing, in a clause; None if all is there."""
    for name in modules:
        if find_spec(name) is None:
            return f"{name} cannot be imported"
    return None


def counted(url: str, query: LiteralString) -> int:
    """The one number that a query answers."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def require_jobs(url: str, *, jobs: int, done: LiteralString, left: LiteralString) -> None:
    """Compares with what two queries count.

    Raises:
        Lost: They differ.
    """
    require_count("jobs that are done", acknowledged=jobs, found=counted(url, done))
    require_count("jobs that are left", acknowledged=0, found=counted(url, left))
