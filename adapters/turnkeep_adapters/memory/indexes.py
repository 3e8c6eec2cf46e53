"""The indexes: where scans find rows, one sorted shelf for each thing that can be asked for.

A row stands on up to four shelves:

* its collection: by key;
* collection and state, where the row can be due: by `due_at`;
* owner (collection, tenant, user) and state: by `sort`;
* exact scope: by `sort`.

A scan finds its beginning in O(log n) and then takes O(1) a spot, O(log s) where it merges s
states: a page costs O(log n + page). One kind of scan examines more than it answers: one state
below the owner. It takes the shorter of the shelves that have all its answers, and passes over
what was not asked for. An empty shelf is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from heapq import merge
from itertools import takewhile
from typing import Final, Literal, TypeAlias, assert_never

from turnkeep_adapters.memory.prefixes import cut, scope_of
from turnkeep_adapters.memory.rows import Row
from turnkeep_adapters.memory.shelves import Shelf, Spot
from turnkeep_domain.scope import DEPTH_MAX, OWNER_DEPTH, Scope, ScopePrefix
from turnkeep_ports.key_bytes import prefix_bytes
from turnkeep_ports.scans import Due, InScope, Query, Sorted, due_bytes

Label: TypeAlias = tuple[Literal["key", "due", "owner", "scope"], bytes, str | None]
"""Which shelf: by what it is kept, what its keys begin with, and their state if it has one."""

_EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
_NOTHING: Final = Shelf()


class Indexes:
    """Where the rows of one engine are found."""

    def __init__(self, rows: Mapping[bytes, Row]) -> None:
        """Indexes the rows there are, in O(n log n).

        Args:
            rows: The engine's rows; a scan may look into them for a state.
        """
        self._rows = rows
        standing: dict[Label, list[Spot]] = {}
        for key, row in rows.items():
            for label, spot in _standing(key, row):
                standing.setdefault(label, []).append(spot)
        self._shelves = {label: Shelf(spots) for label, spots in standing.items()}

    def add(self, key: bytes, row: Row) -> None:
        """Makes a row findable."""
        for label, spot in _standing(key, row):
            self._enter(label, spot)

    def remove(self, key: bytes, row: Row) -> None:
        """Takes a row away that was added with the same index.

        Raises:
            LookupError: It was not.
        """
        for label, spot in _standing(key, row):
            self._leave(label, spot)

    def move(self, key: bytes, old: Row, row: Row) -> None:
        """Makes a row findable where another one of its key was: as removing and adding would.

        Raises:
            LookupError: The other one was not added with the same index.
        """
        resorted, restated = row.sort != old.sort, row.state != old.state
        collection, _, owner = cut(key, OWNER_DEPTH)
        # One object for all places where a key stands: what is left first tells it.
        if resorted or restated:
            key = self._leave(*_by_owner(owner, key, old))
            self._enter(*_by_owner(owner, key, row))
        if resorted:
            self._leave(*_by_scope(key, old))
            self._enter(*_by_scope(key, row))
        if restated or row.due_at != old.due_at:
            if old.due_at is not None:
                key = self._leave(*_by_due(collection, key, old.state, old.due_at))
            if row.due_at is not None:
                self._enter(*_by_due(collection, key, row.state, row.due_at))

    def sizes(self) -> dict[Label, int]:
        """How many spots each shelf has."""
        return {label: len(shelf) for label, shelf in self._shelves.items()}

    def scan(self, query: Query, after: Spot | None) -> Iterator[Spot]:
        """The spots of a query's answer after a spot, in the query's order, found lazily.

        The iterator is valid until the indexes change.
        """
        match query:
            case Due():
                return self._due(query, after)
            case Sorted():
                return self._sorted(query, after)
            case InScope():
                return self._in_scope(query, after)
            case _:
                assert_never(query)

    def _due(self, query: Due, after: Spot | None) -> Iterator[Spot]:
        collection = prefix_bytes(query.collection, _EVERYBODY)
        latest = due_bytes(query.by)
        shelves = [self._shelf(("due", collection, state)) for state in query.states]
        merged = merge(*(shelf.after(after) for shelf in shelves))
        return takewhile(lambda spot: spot[0] <= latest, merged)

    def _sorted(self, query: Sorted, after: Spot | None) -> Iterator[Spot]:
        owner, scope = self._shelf(_owner_label(query)), self._shelf(_scope_label(query))
        if query.state is None:
            return scope.after(after)
        if query.prefix.depth == OWNER_DEPTH:
            return owner.after(after)
        if query.prefix.depth == DEPTH_MAX and len(scope) < len(owner):
            return (spot for spot in scope.after(after) if self._rows[spot[1]].state == query.state)
        start = prefix_bytes(query.collection, query.prefix)
        return (spot for spot in owner.after(after) if spot[1].startswith(start))

    def _in_scope(self, query: InScope, after: Spot | None) -> Iterator[Spot]:
        start = prefix_bytes(query.collection, query.prefix)
        shelf = self._shelf(("key", prefix_bytes(query.collection, _EVERYBODY), None))
        spots = shelf.after(after or (b"", start))
        return takewhile(lambda spot: spot[1].startswith(start), spots)

    def _enter(self, label: Label, spot: Spot) -> None:
        shelf = self._shelves.get(label)
        if shelf is None:
            shelf = self._shelves[label] = Shelf()
        shelf.add(spot)

    def _leave(self, label: Label, spot: Spot) -> bytes:
        shelf = self._shelf(label)
        _, key = shelf.remove(spot)
        if not shelf:
            del self._shelves[label]
        return key

    def _shelf(self, label: Label) -> Shelf:
        return self._shelves.get(label, _NOTHING)


def _standing(key: bytes, row: Row) -> Iterator[tuple[Label, Spot]]:
    """Where a row stands: each shelf, and its spot there."""
    collection, _, owner = cut(key, OWNER_DEPTH)
    yield ("key", collection, None), (b"", key)
    yield _by_owner(owner, key, row)
    yield _by_scope(key, row)
    if row.due_at is not None:
        yield _by_due(collection, key, row.state, row.due_at)


def _by_owner(owner: bytes, key: bytes, row: Row) -> tuple[Label, Spot]:
    return ("owner", owner, row.state), (row.sort.encode(), key)


def _by_scope(key: bytes, row: Row) -> tuple[Label, Spot]:
    return ("scope", scope_of(key), None), (row.sort.encode(), key)


def _by_due(collection: bytes, key: bytes, state: str, due_at: datetime) -> tuple[Label, Spot]:
    return ("due", collection, state), (due_bytes(due_at), key)


def _owner_label(query: Sorted) -> Label:
    owner = ScopePrefix.owner(query.prefix.scope)
    return "owner", prefix_bytes(query.collection, owner), query.state


def _scope_label(query: Sorted) -> Label:
    exact = ScopePrefix.exactly(query.prefix.scope)
    return "scope", prefix_bytes(query.collection, exact), None
