"""A refusal: why a reader of events was not registered or moved. A closed set."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from attrs import frozen


@frozen
class ReaderNotFound:
    """There is no reader of that name: register it."""

    code: ClassVar[str] = "reader_not_found"

    name: str


@frozen
class TooManyReaders:
    """The store has `readers_max` readers: forget one that nobody uses any more."""

    code: ClassVar[str] = "too_many_readers"

    readers_max: int


@frozen
class CursorRefused:
    """The cursor is none of this store, or what came after it was trimmed: continue at `floor`.

    Attributes:
        floor: A cursor; the records tell what the events before it would have.
    """

    code: ClassVar[str] = "cursor_lost"

    floor: bytes


AdvanceRefusal: TypeAlias = ReaderNotFound | CursorRefused
RegisterRefusal: TypeAlias = TooManyReaders | CursorRefused
