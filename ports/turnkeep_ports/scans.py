"""A scan: a closed set of queries over the index that cells carry, paged by key."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NewType, TypeAlias, assert_never

from attrs import field, frozen
from attrs.validators import instance_of

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_collection
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Index
from turnkeep_domain.scope import DEPTH_MAX, OWNER_DEPTH, ScopePrefix
from turnkeep_ports.key_bytes import prefix_bytes

if TYPE_CHECKING:
    from attrs import Attribute

    from turnkeep_ports.store import Cell

Position = NewType("Position", bytes)
"""A place between two cells of one query, opaque to callers."""

_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_QUERY_DIGEST_BYTES: Final = 8
_LENGTH_BYTES: Final = 2


def _collection(_: object, attribute: Attribute[str], name: str) -> None:
    require_collection(attribute.name, name)


@frozen(kw_only=True)
class Due:
    """Cells in some states that are due, earliest first; ties in key order.

    Attributes:
        by: The latest `due_at` wanted, inclusive. A cell without one is never due.
    """

    collection: str = field(validator=_collection)
    states: frozenset[str] = field()
    by: datetime = field(validator=instant)

    @states.validator
    def _some(self, _: object, states: frozenset[str]) -> None:
        if not states:
            raise InvalidValue("states", "must name one at least")


@frozen(kw_only=True)
class Sorted:
    """Cells of a prefix by `sort`, bytewise; ties in key order.

    Attributes:
        prefix: Through the user at least; with `state=None` one exact scope.
        state: One state, or None for cells in any state.
    """

    collection: str = field(validator=_collection)
    prefix: ScopePrefix = field(validator=instance_of(ScopePrefix))
    state: str | None = field()

    def __attrs_post_init__(self) -> None:
        least = DEPTH_MAX if self.state is None else OWNER_DEPTH
        if self.prefix.depth < least:
            raise InvalidValue("prefix", f"must be {least} deep at least for this scan")


@frozen(kw_only=True)
class InScope:
    """Cells of a prefix in key order, whatever their state."""

    collection: str = field(validator=_collection)
    prefix: ScopePrefix = field(validator=instance_of(ScopePrefix))


Query: TypeAlias = Due | Sorted | InScope


@frozen(kw_only=True)
class Page:
    """Some cells of a scan.

    Attributes:
        now: The store's clock.
        cells: In the query's order, at most the limit asked for.
        next: Where the next page begins; None when there is none.
    """

    now: datetime = field(validator=instant)
    cells: tuple[Cell, ...]
    next: Position | None


@frozen(order=True)
class Place:
    """Where a cell stands in a query's order: by what it is sorted, then by its key bytes."""

    order: bytes
    key: bytes


def due_bytes(due_at: datetime) -> bytes:
    """An instant as 8 bytes that sort as instants do."""
    return ((due_at - _EPOCH) // _MICROSECOND).to_bytes(8, "big")


def due_of(order: bytes) -> datetime:
    """The instant of `due_bytes`."""
    return _EPOCH + int.from_bytes(order, "big") * _MICROSECOND


def place(query: Query, index: Index, key: bytes) -> Place:
    """Where a cell with this index and key stands in the query's order.

    Raises:
        ValueError: The cell can be no answer to it: it is never due.
    """
    match query:
        case Due():
            if index.due_at is None:
                raise ValueError("a cell that is never due has no place among the due ones")
            return Place(due_bytes(index.due_at), key)
        case Sorted():
            return Place(index.sort.encode(), key)
        case InScope():
            return Place(b"", key)


def position(query: Query, at: Place) -> Position:
    """The opaque form of a place, bound to its query."""
    length = len(at.order).to_bytes(_LENGTH_BYTES, "big")
    return Position(_digest(query) + length + at.order + at.key)


def place_of(query: Query, position: Position) -> Place:
    """The place that a page's `next` stands for.

    Raises:
        InvalidValue: The position is of another query, or none at all.
    """
    head = _QUERY_DIGEST_BYTES + _LENGTH_BYTES
    if len(position) < head or position[:_QUERY_DIGEST_BYTES] != _digest(query):
        raise InvalidValue("after", "must be the next of a page of the same query")
    length = int.from_bytes(position[_QUERY_DIGEST_BYTES:head], "big")
    if len(position) < head + length or (
        isinstance(query, Due) and length != len(due_bytes(_EPOCH))
    ):
        raise InvalidValue("after", "must be the next of a page of the same query")
    return Place(position[head : head + length], position[head + length :])


def _digest(query: Query) -> bytes:
    match query:
        case Due(collection=collection, states=states):
            parts = [b"due", collection.encode(), *(state.encode() for state in sorted(states))]
        case Sorted(collection=collection, prefix=prefix, state=state):
            wanted = b"\x01" if state is None else b"\x02" + state.encode()
            parts = [b"sorted", prefix_bytes(collection, prefix), wanted]
        case InScope(collection=collection, prefix=prefix):
            parts = [b"in_scope", prefix_bytes(collection, prefix)]
        case _:
            assert_never(query)
    framed = b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
    return hashlib.sha256(framed).digest()[:_QUERY_DIGEST_BYTES]
