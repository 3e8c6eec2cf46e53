"""A golden file: bytes that a release has written, kept for ever under tag, schema and case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from attrs import frozen

from tests.codec.cases import CODEC, COLLECTIONS, EVENT_CASES, RECORD_CASES
from turnkeep_adapters.codec.format import Format
from turnkeep_adapters.codec.formats import EVENTS, RECORDS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_ports.store import CommitId, Cursor, StoredEvent

DIRECTORY: Final = Path(__file__).with_name("golden")
FORMATS: Final = (*RECORDS, *EVENTS)
NEWEST: Final = {format.tag: format.schema for format in FORMATS}

_NAME: Final = re.compile(r"([a-z0-9_.]+)-v([1-9][0-9]*)-([a-z0-9_]+)\.json")


@frozen
class GoldenName:
    """What the name of a golden file tells."""

    tag: str
    schema: int
    case: str

    @classmethod
    def of(cls, file_name: str) -> Self:
        found = _NAME.fullmatch(file_name)
        assert found is not None, f"{file_name} must be named <tag>-v<schema>-<case>.json"
        tag, schema, case = found.groups()
        return cls(tag, int(schema), case)

    @property
    def file_name(self) -> str:
        return f"{self.tag}-v{self.schema}-{self.case}.json"

    @property
    def is_newest(self) -> bool:
        return self.schema == NEWEST[self.tag]


def names(directory: Path = DIRECTORY) -> list[GoldenName]:
    return [GoldenName.of(path.name) for path in sorted(directory.iterdir())]


def body_of(name: GoldenName) -> bytes:
    return DIRECTORY.joinpath(name.file_name).read_bytes()


def case_of(name: GoldenName) -> object:
    """What the file must decode to."""
    key = (name.tag, name.case)
    return EVENT_CASES[key] if key in EVENT_CASES else RECORD_CASES[key]


def missing(formats: Iterable[Format], present: Iterable[GoldenName]) -> set[tuple[str, int]]:
    """The tags and schemas that no golden file keeps."""
    kept = {(name.tag, name.schema) for name in present}
    ever = {(format.tag, schema) for format in formats for schema in range(1, format.schema + 1)}
    return ever - kept


def newest_bodies() -> Mapping[GoldenName, bytes]:
    """Every case as this release writes it."""
    records = {
        GoldenName(tag, NEWEST[tag], case): CODEC.encode(record)
        for (tag, case), record in RECORD_CASES.items()
    }
    events = {
        GoldenName(tag, NEWEST[tag], case): CODEC.encode_event(event)
        for (tag, case), event in EVENT_CASES.items()
    }
    return {**records, **events}


def decoded(name: GoldenName, body: bytes) -> object:
    """The body, read at the place where the case of that name is kept."""
    case = case_of(name)
    if isinstance(case, Event):
        return decoded_event(CODEC, case, body)
    of = collection_of(case)
    identity = of.identity_of(case)
    return CODEC.decode(of, Address(of.name, identity.scope, identity.id), body)


def encoded(value: object) -> bytes:
    return CODEC.encode_event(value) if isinstance(value, Event) else CODEC.encode(value)


def decoded_event(codec: JsonCodec, like: Event, body: bytes) -> Event:
    """The body as that of an event with the kind, address and time of another."""
    return codec.decode_event(
        StoredEvent(
            cursor=Cursor(b"1"),
            address=like.address,
            kind=like.kind,
            at=like.at,
            commit_id=CommitId(b"c" * 16),
            body=body,
        )
    )


def collection_of(record: object) -> Collection[object]:
    return next(of for of in COLLECTIONS if isinstance(record, of.members))
