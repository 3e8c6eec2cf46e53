"""An SQLite row: what a host would write by hand with the standard library, synced."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from attrs import define

from benchmarks.loss import require_count

TABLE: Final = "CREATE TABLE cell (key BLOB PRIMARY KEY, revision INTEGER, body BLOB)"
SELECT: Final = "SELECT revision, body FROM cell WHERE key = ?"
UPDATE: Final = "UPDATE cell SET revision = revision + 1, body = ? WHERE key = ? AND revision = ?"
FULL: Final = 2


@define
class SqliteRow:
    """One row of a database in WAL mode with `synchronous=FULL`; its bodies are put in turn."""

    path: Path
    connection: sqlite3.Connection
    key: bytes
    bodies: tuple[bytes, bytes]
    acknowledged: int = 0

    def seconds(self, times: int) -> float:
        """What one read, and the update of what was read, take on average."""
        started = time.perf_counter()
        for number in range(times):
            revision, _body = self.connection.execute(SELECT, (self.key,)).fetchone()
            parameters = (self.bodies[number % 2], self.key, revision)
            self.acknowledged += self.connection.execute(UPDATE, parameters).rowcount
        return (time.perf_counter() - started) / times

    def require_all(self, updates: int) -> None:
        """Nothing was lost: the row, read anew, counts its updates.

        Raises:
            Lost: It counts others.
        """
        require_count("updates in SQLite", acknowledged=updates, found=self.acknowledged)
        with closing(sqlite3.connect(self.path)) as beside:
            ((revision, _body),) = beside.execute(SELECT, (self.key,)).fetchall()
        require_count("revisions in SQLite", acknowledged=updates, found=revision)


@contextmanager
def sqlite_row(path: Path, key: bytes, bodies: tuple[bytes, bytes]) -> Iterator[SqliteRow]:
    """A new database with one row.

    Raises:
        RuntimeError: It does not sync, or has no write-ahead log.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        mode = connection.execute("PRAGMA journal_mode").fetchone()
        synchronous = connection.execute("PRAGMA synchronous").fetchone()
        if (mode, synchronous) != (("wal",), (FULL,)):
            raise RuntimeError(f"SQLite is in mode {mode}, synchronous {synchronous}")
        connection.execute(TABLE)
        connection.execute("INSERT INTO cell VALUES (?, 0, ?)", (key, bodies[1]))
        yield SqliteRow(path, connection, key, bodies)
