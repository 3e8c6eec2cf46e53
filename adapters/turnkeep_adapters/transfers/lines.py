"""Lines: an export as JSON Lines, one spelling for each.

The first line is the head; each further one is a chapter; the last one is the trailer, with the
SHA-256 of all bytes before it. A key is its eight components; times are microseconds from 1970. A
body is text where its bytes are UTF-8, and base64 where they are not, so every byte comes back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, cast

import orjson
from attrs import frozen

from turnkeep_application.transfers.chapters import Chapter
from turnkeep_application.transfers.exports import ExportHead
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope
from turnkeep_ports.limits import BODY_BYTES_MAX, EVENT_BYTES_MAX
from turnkeep_ports.store import COMMIT_ID_BYTES, CommitId, Entry, EventDraft

VERSION: Final = 1
FORMAT: Final = "turnkeep export"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Fields: TypeAlias = Mapping[str, object]


class Unreadable(Exception):
    """A line is not what it should be; the only argument is a clause that repeats nothing of it."""


class Newer(Exception):
    """A newer release wrote it; the only argument is its version."""


@frozen(kw_only=True)
class Trailer:
    """What an export ends with."""

    chapters: int
    cells: int
    events: int
    sha256: str


def head_line(head: ExportHead) -> bytes:
    """The first line."""
    return _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "export": head.export,
            "taken_at": _micros(head.taken_at),
            "cells": head.cells,
            "events": head.events,
        }
    )


def chapter_line(chapter: Chapter) -> bytes:
    """The line of a chapter."""
    return _line(
        {
            "commit": chapter.commit_id.hex(),
            "cells": [_cell(address, entry) for address, entry in chapter.cells],
            "events": [_event(event) for event in chapter.events],
        }
    )


def trailer_line(trailer: Trailer) -> bytes:
    """The last line."""
    return _line(
        {
            "end": trailer.chapters,
            "cells": trailer.cells,
            "events": trailer.events,
            "sha256": trailer.sha256,
        }
    )


def head_of(line: bytes) -> ExportHead:
    """The head that a line tells.

    Raises:
        Unreadable: It tells none.
        Newer: A newer release wrote it.
    """
    fields = _fields(line)
    if fields.get("format") != FORMAT or type(fields.get("version")) is not int:
        raise Unreadable("it is no export of Turnkeep")
    if fields["version"] != VERSION:
        raise Newer(fields["version"])
    with _Reading():
        return ExportHead(
            export=_text(fields, "export"),
            taken_at=_instant(_number(fields, "taken_at")),
            cells=_count(fields, "cells"),
            events=_count(fields, "events"),
        )


def content_of(line: bytes) -> Chapter | Trailer:
    """The chapter, or the trailer, that a line tells.

    Raises:
        Unreadable: It tells none.
    """
    fields = _fields(line)
    with _Reading():
        if "end" in fields:
            return Trailer(
                chapters=_count(fields, "end"),
                cells=_count(fields, "cells"),
                events=_count(fields, "events"),
                sha256=_text(fields, "sha256"),
            )
        commit_id = bytes.fromhex(_text(fields, "commit"))
        if len(commit_id) != COMMIT_ID_BYTES:
            raise Unreadable("a commit id has another length")
        return Chapter(
            commit_id=CommitId(commit_id),
            cells=tuple(map(_cell_of, _list(fields, "cells"))),
            events=tuple(map(_event_of, _list(fields, "events"))),
        )


def is_trailer(line: bytes) -> bool:
    """Whether a line can be no chapter; tells them apart without reading them."""
    return line.startswith(b'{"end":')


# ---- writing -----------------------------------------------------------------------------------


def _line(fields: Fields) -> bytes:
    return orjson.dumps(fields) + b"\n"


def _cell(address: Address, entry: Entry) -> Fields:
    due_at = entry.index.due_at
    return {
        "key": _key(address),
        "state": entry.index.state,
        "due": None if due_at is None else _micros(due_at),
        "sort": entry.index.sort,
        **_body(entry.body),
    }


def _event(event: EventDraft) -> Fields:
    return {
        "key": _key(event.address),
        "kind": event.kind,
        "at": _micros(event.at),
        **_body(event.body),
    }


def _key(address: Address) -> list[str | None]:
    return [address.collection, *address.scope.components(), address.id]


def _body(body: bytes) -> Fields:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


# ---- reading -----------------------------------------------------------------------------------


class _Reading:
    """What is wrong with a value in the block makes the line unreadable."""

    def __enter__(self) -> None:
        """Begins."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Says the same of every wrong value."""
        wrong = (InvalidValue, KeyError, TypeError, ValueError, OverflowError)
        if isinstance(error, wrong):
            raise Unreadable("a field is missing, or not what it should be") from error


def _fields(line: bytes) -> Fields:
    if not line.endswith(b"\n"):
        raise Unreadable("it is cut off")
    try:
        fields: object = orjson.loads(line)
    except ValueError as error:
        raise Unreadable("it is no JSON") from error
    if not isinstance(fields, dict):
        raise Unreadable("it is no JSON object")
    return cast("Fields", fields)


def _cell_of(told: object) -> tuple[Address, Entry]:
    fields = _object(told)
    due = fields["due"]
    index = Index(
        state=_text(fields, "state"),
        due_at=None if due is None else _instant(_number(fields, "due")),
        sort=_text(fields, "sort"),
    )
    body = _body_of(fields, BODY_BYTES_MAX)
    return _address(_list(fields, "key")), Entry(body=body, index=index)


def _event_of(told: object) -> EventDraft:
    fields = _object(told)
    return EventDraft(
        address=_address(_list(fields, "key")),
        kind=_text(fields, "kind"),
        at=_instant(_number(fields, "at")),
        body=_body_of(fields, EVENT_BYTES_MAX),
    )


def _address(key: list[object]) -> Address:
    collection, tenant, user, agent, project, mission, thread, id = cast("list[str]", key)
    scope = Scope.of(tenant, user, agent=agent, project=project, mission=mission, thread=thread)
    return Address(collection, scope, id)


def _body_of(fields: Fields, limit: int) -> bytes:
    if "body" in fields:
        body = _text(fields, "body").encode()
    else:
        try:
            body = base64.b64decode(_text(fields, "base64"), validate=True)
        except binascii.Error as error:
            raise ValueError("a body is no base64") from error
    if len(body) > limit:
        raise ValueError("a body is larger than any store takes")
    return body


def _instant(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def _object(told: object) -> Fields:
    if not isinstance(told, dict):
        raise TypeError("an object was expected")
    return cast("Fields", told)


def _list(fields: Fields, name: str) -> list[object]:
    told = fields[name]
    if not isinstance(told, list):
        raise TypeError("a list was expected")
    return told


def _text(fields: Fields, name: str) -> str:
    told = fields[name]
    if type(told) is not str:
        raise TypeError("text was expected")
    return told


def _number(fields: Fields, name: str) -> int:
    told = fields[name]
    if type(told) is not int:
        raise TypeError("a number was expected")
    return told


def _count(fields: Fields, name: str) -> int:
    told = _number(fields, name)
    if told < 0:
        raise ValueError("a count is negative")
    return told
