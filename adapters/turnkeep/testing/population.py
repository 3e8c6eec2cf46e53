"""A population: cells of many scopes with few states, instants and sorts, so that ties abound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, assert_never

from turnkeep.testing.specimens import COLLECTION, NOON, address, entry
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import DEPTH_MAX, OWNER_DEPTH, Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Due, InScope, Query, Sorted, due_bytes
from turnkeep_ports.store import Entry

STATES: Final = ("open", "shut", "ajar")
SCOPES: Final = (
    Scope.of("acme", "ada"),
    Scope.of("acme", "ada", agent="a1"),
    Scope.of("acme", "ada", agent="a1", thread="t1"),
    Scope.of("acme", "ada", agent="a1", project="p", mission="m", thread="t1"),
    Scope.of("acme", "ada", agent="a2", thread="t1"),
    Scope.of("acme", "bob"),
    Scope.of("acme", None),
    Scope.of("acm", "ada"),
    Scope.of(None, None),
)
_NUMBER: Final = 90


def population() -> dict[Address, Entry]:
    """The cells, the same in each call."""
    cells = {}
    for n in range(_NUMBER):
        collection = "another" if n % 11 == 10 else COLLECTION
        id = f"{n * 37 % _NUMBER:02d}"
        at = address(id, collection=collection, scope=SCOPES[n % len(SCOPES)])
        due_at = None if n % 4 == 3 else NOON + timedelta(minutes=n * 5 % 7)
        state = STATES[n * 7 % 5 % len(STATES)]
        cells[at] = entry(b"%d" % n, state=state, due_at=due_at, sort="sort" + "abc"[n * 11 % 3])
    return cells


def queries() -> Iterator[Query]:
    """Scans of every kind and depth over the population; some find nothing."""
    for states in ({"open"}, {"shut", "ajar"}, set(STATES), {"unheard of"}):
        for minutes in (-1, 0, 3, 60):
            by = NOON + timedelta(minutes=minutes)
            yield Due(collection=COLLECTION, states=frozenset(states), by=by)
    deepest = SCOPES[3]
    for depth in range(OWNER_DEPTH, DEPTH_MAX + 1):
        prefix = ScopePrefix(scope=deepest, depth=depth)
        yield Sorted(collection=COLLECTION, prefix=prefix, state="open")
    for depth in range(DEPTH_MAX):
        yield InScope(collection=COLLECTION, prefix=ScopePrefix(scope=deepest, depth=depth))
    for scope in SCOPES:
        exactly = ScopePrefix.exactly(scope)
        yield Sorted(collection=COLLECTION, prefix=exactly, state="shut")
        yield Sorted(collection=COLLECTION, prefix=exactly, state=None)
        yield InScope(collection=COLLECTION, prefix=exactly)


def answer(query: Query, cells: Mapping[Address, Entry]) -> list[Address]:
    """What a scan must find, and in which order, told without any index."""
    orders = {
        at: (order, key_bytes(at))
        for at, held in cells.items()
        if at.collection == query.collection
        and (order := _order(query, at.scope, held.index)) is not None
    }
    return sorted(orders, key=lambda at: orders[at])


def _order(query: Query, scope: Scope, index: Index) -> bytes | None:
    """By what a cell is sorted; None where it is not asked for."""
    match query:
        case Due(states=states, by=by):
            if index.due_at is None or index.due_at > by or index.state not in states:
                return None
            return due_bytes(index.due_at)
        case Sorted(prefix=prefix, state=state):
            wanted = prefix.covers(scope) and state in (None, index.state)
            return index.sort.encode() if wanted else None
        case InScope(prefix=prefix):
            return b"" if prefix.covers(scope) else None
        case _:
            assert_never(query)
