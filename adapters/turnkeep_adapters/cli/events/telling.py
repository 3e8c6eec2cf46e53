"""A telling: an event as a line, for people, or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import cast

from attrs import AttrsInstance, asdict, fields, has

from turnkeep import Cursor, Event, Recorded, Scope, UnreadableEvent
from turnkeep_adapters.cli.doctor.place import shown


def object_of(entry: Recorded | UnreadableEvent) -> dict[str, object]:
    """An event with all that it tells; it holds no payload."""
    if isinstance(entry, UnreadableEvent):
        return {
            "cursor": entry.cursor.hex(),
            "kind": entry.kind,
            "unreadable": entry.code,
            "collection": entry.address.collection,
            "scope": asdict(entry.address.scope),
            "id": entry.address.id,
        }
    event = entry.event
    return {
        "cursor": entry.cursor.hex(),
        "commit": entry.commit_id.hex(),
        "kind": event.kind,
        "at": event.at.isoformat(),
        "collection": event.address.collection,
        "scope": asdict(event.address.scope),
        "id": event.address.id,
        "facts": {name: _plain(value) for name, value in _facts(event).items()},
    }


def json_line(entry: Recorded | UnreadableEvent) -> str:
    """An event as one line of JSON."""
    return json.dumps(object_of(entry), ensure_ascii=False)


def row_of(entry: Recorded | UnreadableEvent) -> tuple[str, ...]:
    """An event as cells: when, what, of which record, of whom."""
    if isinstance(entry, UnreadableEvent):
        when, kind, address = "?", f"{entry.kind} ({entry.code})", entry.address
    else:
        when = f"{entry.event.at:%Y-%m-%d %H:%M:%S}"
        kind, address = entry.event.kind, entry.event.address
    return (when, kind, address.id, owner_of(address.scope))


def line_of(entry: Recorded | UnreadableEvent) -> str:
    """An event as a line by itself, for who sees them come."""
    return "  ".join(map(shown, row_of(entry)))


def owner_of(scope: Scope) -> str:
    """A scope as a path, as far as it goes; "-" where it is the store's own."""
    named = asdict(scope)
    return "/".join(str(part) for part in named.values() if part is not None) or "-"


def cursor_of(text: str) -> Cursor:
    """The cursor that this spells.

    Raises:
        ValueError: It spells none.
    """
    return Cursor(bytes.fromhex(text))


def _facts(event: Event) -> Mapping[str, object]:
    shared = {field.name for field in fields(Event)}
    return {
        field.name: getattr(event, field.name)
        for field in fields(type(event))
        if field.name not in shared
    }


def _plain(value: object) -> object:
    """What JSON has words for, of what an event may hold."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(each) for each in value]
        case frozenset() | set():
            return sorted((_plain(each) for each in value), key=str)
        case Mapping():
            return {str(_plain(key)): _plain(each) for key, each in value.items()}
        case _ if has(type(value)):
            return {
                field.name: _plain(getattr(value, field.name))
                for field in fields(cast("type[AttrsInstance]", type(value)))
            }
        case _:
            raise TypeError(f"an event tells a {type(value).__name__}")
