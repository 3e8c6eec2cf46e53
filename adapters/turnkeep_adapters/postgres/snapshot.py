"""A snapshot of a database: one transaction that sees one moment, read through two cursors.

It writes nothing and locks nothing; the server sorts, and hands out what fits a batch. While it is
open, the server keeps what others delete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from psycopg import AsyncCursor
from psycopg.rows import tuple_row

from turnkeep_adapters.postgres.connections import Connection, Row, status_of
from turnkeep_adapters.postgres.failures import read_failed
from turnkeep_adapters.postgres.reading import cells_of, instant_of
from turnkeep_adapters.postgres.sessions import Session
from turnkeep_adapters.postgres.statements import (
    SNAPSHOT_BEGIN,
    SNAPSHOT_CELLS,
    SNAPSHOT_CELLS_NEXT,
    SNAPSHOT_COUNTS,
    SNAPSHOT_END,
    SNAPSHOT_EVENTS,
    SNAPSHOT_EVENTS_NEXT,
    SNAPSHOT_PATIENCE,
)
from turnkeep_ports.clock import Deadline
from turnkeep_ports.key_bytes import address_of
from turnkeep_ports.snapshots import KeptCell, KeptEvent
from turnkeep_ports.store import CommitId, EventDraft

_INSTANT_US: Final = 0


class DatabaseSnapshot:
    """One open transaction. Implements `turnkeep_ports.snapshots.Snapshot`."""

    def __init__(self, connection: Connection, counts: Row) -> None:
        """Reads on a connection whose transaction has its snapshot."""
        self._connection = connection
        now, self._cells, self._events = counts
        self._now = instant_of(now)

    @property
    def now(self) -> datetime:
        """The server's clock at that moment."""
        return self._now

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        return int(self._cells)

    @property
    def event_count(self) -> int:
        """How many events there are, after the floor."""
        return int(self._events)

    async def cells(self) -> AsyncIterator[KeptCell]:
        """Every cell, in the order of their revisions."""
        async for row in self._rows(SNAPSHOT_CELLS, SNAPSHOT_CELLS_NEXT):
            *held, siblings, told = row
            (cell,) = cells_of([(_INSTANT_US, *held)])
            yield KeptCell(cell=cell, siblings=siblings, told=told)

    async def events(self) -> AsyncIterator[KeptEvent]:
        """Every event after the floor, in the order of the log."""
        async for row in self._rows(SNAPSHOT_EVENTS, SNAPSHOT_EVENTS_NEXT):
            commit_id, key, kind, at, body, siblings = row
            draft = EventDraft(address=address_of(key), kind=kind, at=instant_of(at), body=body)
            yield KeptEvent(event=draft, commit_id=CommitId(commit_id), siblings=siblings)

    async def _rows(self, begin: str, following: str) -> AsyncIterator[Row]:
        await told(self._connection, begin)
        while rows := await told(self._connection, following):
            for row in rows:
                yield row


@asynccontextmanager
async def taken(session: Session, deadline: Deadline) -> AsyncIterator[DatabaseSnapshot]:
    """A snapshot, for as long as the block lasts.

    Raises:
        Unavailable: It could not be taken.
    """
    connections = session.calls.connections
    connection = await connections.take(deadline.remaining_seconds())
    try:
        for statement in (SNAPSHOT_BEGIN, *SNAPSHOT_PATIENCE):
            await told(connection, statement)
        (counts,) = await told(connection, SNAPSHOT_COUNTS)
        yield DatabaseSnapshot(connection, counts)
        await told(connection, SNAPSHOT_END)
    finally:
        # One that did not come to its end is not idle, and is closed.
        await connections.give_back(connection)


async def told(connection: Connection, statement: str) -> list[Row]:
    """The rows of one statement within the transaction.

    Raises:
        Unavailable, Unsupported: As a read that failed.
    """
    try:
        cursor = AsyncCursor(connection, row_factory=tuple_row)
        await cursor.execute(statement.encode(), binary=True, prepare=False)
        return await cursor.fetchall() if cursor.description else []
    except Exception as error:
        raise read_failed(error, status_of(connection)) from error
