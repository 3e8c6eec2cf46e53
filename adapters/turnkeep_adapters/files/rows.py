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
    key_at = taking.passed(key_length + state_length + sort_length + body_length)
    state_at = key_at + key_length
    sort_at = state_at + state_length
    body_at = sort_at + sort_length
    payload = taking.payload
    row = Row(
        body=payload[body_at : taking.at],
        state=_word(payload[state_at:sort_at]),
        due_at=None if due == _NEVER else instant_of(due),
        sort=_text(payload[sort_at:body_at]),
        revision=revision,
        written_by=commit_id,
    )
    return payload[key_at:state_at], row


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
    key_at = taking.passed(key_length + kind_length + body_length)
    kind_at = key_at + key_length
    body_at = kind_at + kind_length
    payload = taking.payload
    return EventRow(
        key=payload[key_at:kind_at],
        kind=_word(payload[kind_at:body_at]),
        at=instant_of(at),
        commit_id=CommitId(commit_id),
        body=payload[body_at : taking.at],
    )


def take_instant(taking: Taking) -> datetime:
    """An instant.

    Raises:
        Damaged: There is none.
    """
    return instant_of(taking.bytes(8))


def _text(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Damaged("has text that is no UTF-8") from None


# States and kinds of events are few.
_word = lru_cache(_WORDS_REMEMBERED)(_text)


def instant_of(micros: bytes) -> datetime:
    """The instant that 8 bytes tell.

    Raises:
        Damaged: They tell none.
    """
    try:
        return due_of(micros)
    except OverflowError:
        raise Damaged("has a time that is none") from None
