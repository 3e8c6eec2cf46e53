"""A row's bytes: cells and events as segments and checkpoints have them, packed end to end.

::

    cell    key length (2)  state length (1)  sort length (1)  due (8)  body length (4)
            key  state  sort  body
    event   key length (2)  kind length (2)  time (8)  body length (4)  commit id (16)
            key  kind  body

Instants are microseconds since year 1; a `due` of all ones is none.
"""

from __future__ import annotations

import struct
from datetime import datetime
from functools import lru_cache
from typing import Final

from turnkeep_adapters.files.framing import Damaged, Taking
from turnkeep_adapters.memory.rows import EventRow, Row
from turnkeep_ports.scans import due_bytes, due_of
from turnkeep_ports.store import CommitId, Revision

KIND_BYTES_MAX: Final = 1_024
_WORDS_REMEMBERED: Final = 512
_CELL: Final = struct.Struct(">HBB8sI")
_EVENT: Final = struct.Struct(">HH8sI16s")
_NEVER: Final = b"\xff" * 8


def cell_bytes(key: bytes, row: Row) -> bytes:
    """A cell, without its revision and writer."""
    state, sort = row.state.encode(), row.sort.encode()
    due = _NEVER if row.due_at is None else due_bytes(row.due_at)
    head = _CELL.pack(len(key), len(state), len(sort), due, len(row.body))
    return b"".join([head, key, state, sort, row.body])


def take_cell(taking: Taking, revision: Revision, commit_id: CommitId) -> tuple[bytes, Row]:
    """The key and row of a cell.

    Raises:
        Damaged: There is no whole cell.
    """
    lengths = taking.fields(_CELL)
    key_length, state_length, sort_length, due, body_length = lengths
    key, state, sort, body = taking.parts(key_length, state_length, sort_length, body_length)
    row = Row(
        body=body,
        state=_word(state),
        due_at=None if due == _NEVER else _instant(due),
        sort=_text(sort),
        revision=revision,
        written_by=commit_id,
    )
    return key, row


def event_bytes(row: EventRow) -> bytes:
    """An event."""
    kind = row.kind.encode()
    at = due_bytes(row.at)
    head = _EVENT.pack(len(row.key), len(kind), at, len(row.body), row.commit_id)
    return b"".join([head, row.key, kind, row.body])


def take_event(taking: Taking) -> EventRow:
    """An event.

    Raises:
        Damaged: There is no whole event.
    """
    key_length, kind_length, at, body_length, commit_id = taking.fields(_EVENT)
    key, kind, body = taking.parts(key_length, kind_length, body_length)
    return EventRow(
        key=key, kind=_word(kind), at=_instant(at), commit_id=CommitId(commit_id), body=body
    )


def take_instant(taking: Taking) -> datetime:
    """An instant.

    Raises:
        Damaged: There is none.
    """
    return _instant(taking.bytes(8))


def _text(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Damaged("has text that is no UTF-8") from None


# States and kinds of events are few.
_word = lru_cache(_WORDS_REMEMBERED)(_text)


def _instant(micros: bytes) -> datetime:
    try:
        return due_of(micros)
    except OverflowError:
        raise Damaged("has a time that is none") from None
