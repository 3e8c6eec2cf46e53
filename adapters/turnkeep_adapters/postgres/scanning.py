"""Scanning: each query's statement and parameters, continued by row-wise comparison."""

from __future__ import annotations

from typing import Final, LiteralString, TypeAlias, assert_never

from turnkeep_adapters.postgres.statements import (
    SCAN_DUE,
    SCAN_DUE_STATES,
    SCAN_KEYS,
    SCAN_OWNER,
    SCAN_SCOPE,
)
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.key_bytes import key_range, prefix_bytes
from turnkeep_ports.scans import Due, InScope, Place, Position, Query, Sorted, due_of, place_of

Asked: TypeAlias = tuple[LiteralString, tuple[object, ...]]

_BEGINNING: Final = Place(b"", b"")
_EVER: Final = "-infinity"


def asked(query: Query, after: Position | None, limit: int) -> Asked:
    """The statement that finds the next cells of a query, and its parameters.

    Raises:
        InvalidValue: The position is of another query.
    """
    place = _BEGINNING if after is None else place_of(query, after)
    match query:
        case Due():
            return _due(query, place, limit)
        case Sorted():
            return _sorted(query, place, limit)
        case InScope():
            keys = key_range(query.collection, query.prefix)
            return SCAN_KEYS, (keys.start, keys.end, place.key, limit)
        case _:
            assert_never(query)


def _due(query: Due, place: Place, limit: int) -> Asked:
    after = due_of(place.order).isoformat() if place.order else _EVER
    rest = (query.by.isoformat(), after, place.key, limit)
    if len(query.states) == 1:
        return SCAN_DUE, (query.collection, *query.states, *rest)
    return SCAN_DUE_STATES, (query.collection, sorted(query.states), *rest)


def _sorted(query: Sorted, place: Place, limit: int) -> Asked:
    start = prefix_bytes(query.collection, query.prefix)
    order = place.order.decode()
    if query.state is None:
        return SCAN_SCOPE, (start, order, place.key[len(start) :], limit)
    owner = prefix_bytes(query.collection, ScopePrefix.owner(query.prefix.scope))
    keys = key_range(query.collection, query.prefix)
    return SCAN_OWNER, (owner, query.state, keys.start, keys.end, order, place.key, limit)
