"""An event log: events numbered in commit order, from a floor that trimming raises to the head.

A cursor is the store's id and then a number of 8 bytes, so cursors of one store order as bytes, and
one of another store is recognised. It stands after the event of its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from turnkeep_adapters.memory.rows import EventRow
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.key_bytes import prefix_bytes
from turnkeep_ports.store import START, Cursor, CursorLost, EventPage, EventQuery

STORE_ID_BYTES: Final = 16
EXAMINED_MAX: Final = 10_000
"""Events that one page examines: it may come back empty while `next` has moved on."""

_NUMBER_BYTES: Final = 8
_COMPONENT_END: Final = b"\x00"
_ANY_COLLECTION: Final = "any"


class EventLog:
    """The events of one store. Appending and reading cost O(events); trimming O(events kept)."""

    def __init__(self, store_id: bytes, *, floor: int, rows: Iterable[EventRow]) -> None:
        """A log that has the given events after its floor.

        Args:
            store_id: 16 bytes that no other store has.
            floor: The number of the last event that was trimmed; 0 for none.
            rows: The events after the floor, in order.

        Raises:
            InvalidValue: The store id has another length.
        """
        if len(store_id) != STORE_ID_BYTES:
            raise InvalidValue("store id", f"must have {STORE_ID_BYTES} bytes")
        self._store_id = bytes(store_id)
        self._floor = floor
        self._rows = list(rows)

    @property
    def floor(self) -> int:
        """The number of the last event that was trimmed."""
        return self._floor

    def rows(self) -> tuple[EventRow, ...]:
        """The events after the floor."""
        return tuple(self._rows)

    def rows_to(self, number: int) -> tuple[EventRow, ...]:
        """The events after the floor, up to a number."""
        return tuple(self._rows[: max(0, number - self._floor)])

    def append(self, rows: Iterable[EventRow]) -> None:
        """Adds events above the head."""
        self._rows.extend(rows)

    def page(self, query: EventQuery, *, after: Cursor, limit: int) -> EventPage | CursorLost:
        """The next events that a query wants; examines at most `EXAMINED_MAX`."""
        begin = self._number(after)
        if begin is None or begin < self._floor:
            return CursorLost(self._cursor(self._floor))
        wanted = _wanted(query)
        found = []
        number = begin
        first = begin - self._floor
        for row in self._rows[first : first + EXAMINED_MAX]:
            number += 1
            if wanted(row.key):
                found.append(row.stored(self._cursor(number)))
                if len(found) == limit:
                    break
        return EventPage(tuple(found), self._cursor(number))

    def trim(self, before: Cursor) -> Cursor | CursorLost:
        """Forgets the events up to a cursor. One below the floor changes nothing."""
        number = self.floor_of(before)
        if number is None:
            return CursorLost(self._cursor(self._floor))
        self.raise_floor(number)
        return self._cursor(self._floor)

    def floor_of(self, before: Cursor) -> int | None:
        """The floor that a trim would leave; None where the cursor is lost."""
        number = self._number(before)
        return None if number is None else max(number, self._floor)

    def raise_floor(self, floor: int) -> None:
        """Forgets the events up to a number; a lower one changes nothing."""
        if floor > self._floor:
            del self._rows[: floor - self._floor]
            self._floor = floor

    def _cursor(self, number: int) -> Cursor:
        return Cursor(self._store_id + number.to_bytes(_NUMBER_BYTES, "big"))

    def _number(self, cursor: Cursor) -> int | None:
        """The number that a cursor stands after; None if it is of no event of this store."""
        if cursor == START:
            return self._floor
        if (
            len(cursor) != STORE_ID_BYTES + _NUMBER_BYTES
            or cursor[:STORE_ID_BYTES] != self._store_id
        ):
            return None
        number = int.from_bytes(cursor[STORE_ID_BYTES:], "big")
        return number if number <= self._floor + len(self._rows) else None


def _wanted(query: EventQuery) -> Callable[[bytes], bool]:
    """Whether an event of a key is asked for, told from the key's bytes alone."""
    if query.collections is not None:
        begins = tuple(prefix_bytes(name, query.prefix) for name in query.collections)
        return lambda key: key.startswith(begins)
    everybody = ScopePrefix(scope=query.prefix.scope, depth=0)
    collection = prefix_bytes(_ANY_COLLECTION, everybody)
    owned = prefix_bytes(_ANY_COLLECTION, query.prefix).removeprefix(collection)
    return lambda key: key.startswith(owned, key.index(_COMPONENT_END) + 1)
