"""The indexes: where scans find rows, one sorted shelf for each thing that can be asked for.

A row stands on up to four shelves, each a list of spots (what it is sorted by, then its key):

* its collection: by key;
* collection and state, where the row can be due: by `due_at`;
* owner (collection, tenant, user) and state: by `sort`;
* exact scope: by `sort`.

Shelves are bisected lists. With n spots on a shelf, a spot is found in O(log n) comparisons; adding
or removing one also moves up to n pointers at once (a memmove: tenths of a millisecond for a
million). A scan finds its beginning in O(log n) and then takes O(1) a spot, O(log s) where it
merges s states: a page costs O(log n + page). One kind of scan examines more than it answers: one
state below the owner. It takes the shorter of the shelves that have all its answers, and passes
over what was not asked for. An empty shelf is removed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import takewhile
from typing import Final, Literal, TypeAlias, assert_never

from turnkeep_adapters.memory.prefixes import prefixes
from turnkeep_adapters.memory.rows import Row
from turnkeep_domain.scope import DEPTH_MAX, OWNER_DEPTH, Scope, ScopePrefix
from turnkeep_ports.key_bytes import prefix_bytes
from turnkeep_ports.scans import Due, InScope, Query, Sorted, due_bytes

Spot: TypeAlias = tuple[bytes, bytes]
"""A `turnkeep_ports.scans.Place` as a tuple, which compares several times faster."""
Shelf: TypeAlias = tuple[Literal["key", "due", "owner", "scope"], bytes, str | None]
"""A shelf's name: by what it is kept, what its keys begin with, and their state if it has one."""

_EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
_NOTHING: Final[list[Spot]] = []


class Indexes:
    """Where the rows of one engine are found."""

    def __init__(self, rows: Mapping[bytes, Row]) -> None:
        """Indexes the rows there are, in O(n log n).

        Args:
            rows: The engine's rows; a scan may look into them for a state.
        """
        self._rows = rows
        self._shelves: dict[Shelf, list[Spot]] = {}
        for key, row in rows.items():
            for shelf, spot in _standing(key, row):
                self._shelves.setdefault(shelf, []).append(spot)
        for spots in self._shelves.values():
            spots.sort()

    def add(self, key: bytes, row: Row) -> None:
        """Makes a row findable."""
        for shelf, spot in _standing(key, row):
            insort(self._shelves.setdefault(shelf, []), spot)

    def remove(self, key: bytes, row: Row) -> None:
        """Takes a row away that was added with the same index.

        Raises:
            LookupError: It was not.
        """
        for shelf, spot in _standing(key, row):
            spots = self._shelves.get(shelf, _NOTHING)
            at = bisect_left(spots, spot)
            if at == len(spots) or spots[at] != spot:
                raise LookupError("a row is missing from its index")
            del spots[at]
            if not spots:
                del self._shelves[shelf]

    def sizes(self) -> dict[Shelf, int]:
        """How many spots each shelf has."""
        return {shelf: len(spots) for shelf, spots in self._shelves.items()}

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
        by_state = [self._after(("due", collection, state), after) for state in query.states]
        return takewhile(lambda spot: spot[0] <= latest, merge(*by_state))

    def _sorted(self, query: Sorted, after: Spot | None) -> Iterator[Spot]:
        owner, scope = _owner_shelf(query), _scope_shelf(query)
        if query.state is None:
            return self._after(scope, after)
        if query.prefix.depth == OWNER_DEPTH:
            return self._after(owner, after)
        if query.prefix.depth == DEPTH_MAX and self._size(scope) < self._size(owner):
            in_scope = self._after(scope, after)
            return (spot for spot in in_scope if self._rows[spot[1]].state == query.state)
        start = prefix_bytes(query.collection, query.prefix)
        return (spot for spot in self._after(owner, after) if spot[1].startswith(start))

    def _in_scope(self, query: InScope, after: Spot | None) -> Iterator[Spot]:
        start = prefix_bytes(query.collection, query.prefix)
        shelf: Shelf = ("key", prefix_bytes(query.collection, _EVERYBODY), None)
        before = (b"", start) if after is None else max(after, (b"", start))
        return takewhile(lambda spot: spot[1].startswith(start), self._after(shelf, before))

    def _after(self, shelf: Shelf, after: Spot | None) -> Iterator[Spot]:
        spots = self._shelves.get(shelf, _NOTHING)
        first = 0 if after is None else bisect_right(spots, after)
        return (spots[at] for at in range(first, len(spots)))

    def _size(self, shelf: Shelf) -> int:
        return len(self._shelves.get(shelf, _NOTHING))


def _standing(key: bytes, row: Row) -> Iterator[tuple[Shelf, Spot]]:
    """Where a row stands: each shelf, and its spot there."""
    begins = prefixes(key)
    by_sort = (row.sort.encode(), key)
    yield ("key", begins[0], None), (b"", key)
    yield ("owner", begins[OWNER_DEPTH], row.state), by_sort
    yield ("scope", begins[DEPTH_MAX], None), by_sort
    if row.due_at is not None:
        yield ("due", begins[0], row.state), (due_bytes(row.due_at), key)


def _owner_shelf(query: Sorted) -> Shelf:
    owner = ScopePrefix.owner(query.prefix.scope)
    return "owner", prefix_bytes(query.collection, owner), query.state


def _scope_shelf(query: Sorted) -> Shelf:
    exact = ScopePrefix.exactly(query.prefix.scope)
    return "scope", prefix_bytes(query.collection, exact), None
