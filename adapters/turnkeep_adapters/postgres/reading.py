"""Reading: the server's rows as cells and instants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_adapters.postgres.connections import Row
from turnkeep_domain.keys import Address, Index
from turnkeep_ports.key_bytes import address_of
from turnkeep_ports.store import Cell, CommitId, Entry, Revision

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_of(micros: int) -> datetime:
    """The instant that lies so many microseconds from 1970."""
    return _UNIX_EPOCH + timedelta(microseconds=micros)


def now_of(rows: Sequence[Row]) -> datetime:
    """The server's time, which every row of a load or scan repeats."""
    return instant_of(rows[0][0])


def cells_of(rows: Iterable[Row], places: dict[bytes, Address] | None = None) -> list[Cell]:
    """The cells that are present, in the order of the rows.

    Args:
        rows: Of a load or a scan; one without a key tells the time alone.
        places: Addresses that are known already, by their key bytes.
    """
    known = {} if places is None else places
    return [
        Cell(
            address=known.get(key) or address_of(key),
            entry=Entry(
                body=body,
                index=Index(
                    state=state,
                    due_at=None if due is None else instant_of(due),
                    sort=sort,
                ),
            ),
            revision=Revision(revision),
            written_by=CommitId(written_by),
        )
        for _, key, body, state, due, sort, revision, written_by in rows
        if key is not None
    ]


def byte_array(parts: Iterable[bytes]) -> str:
    """Byte strings as the text of an array: one parameter, several times cheaper than a list."""
    return "{" + ",".join([f'"\\\\x{part.hex()}"' for part in parts]) + "}"
