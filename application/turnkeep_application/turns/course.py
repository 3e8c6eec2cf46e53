"""A course: the records that one move has changed so far, and those that it still has to load."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from attrs import define, field

from turnkeep_application.records import Need, Records
from turnkeep_domain.decisions import Decision, Refused, Settled, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Key, ReadKey

T = TypeVar("T")
O = TypeVar("O")
R = TypeVar("R")


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The deadline of two changes in one commit, either of which may have none."""
    return min((until for until in (one, other) if until is not None), default=None)


@define
class Course:
    """What goes along with a move, step by step; for one decision.

    A step that lacks a record notes that and is passed over; once one is missing, nothing of the
    course is used but the `need`, so that the next decision has all of it.

    Attributes:
        until: The instant from which what went along may no longer be stored; None for never.
    """

    records: Records
    events: list[Event] = field(factory=list)
    until: datetime | None = None
    _missing: dict[ReadKey[object], None] = field(factory=dict)

    @property
    def need(self) -> Need | None:
        """What is to be loaded, too; None where nothing is missing."""
        return Need(tuple(self._missing)) if self._missing else None

    def has(self, *keys: ReadKey[object]) -> bool:
        """Whether all of them are loaded; what is not, is needed."""
        missing = [key for key in keys if key not in self.records]
        self._missing |= dict.fromkeys(missing)
        return not missing

    def put(self, key: Key[T], record: T) -> None:
        """The cell is to hold this record."""
        self.records = self.records.put(key, record)

    def delete(self, key: Key[T]) -> None:
        """The cell is to be absent."""
        self.records = self.records.delete(key)

    def bound(self, until: datetime | None) -> None:
        """What goes along stands on this deadline, too."""
        self.until = earlier(self.until, until)

    def adopt(self, key: Key[T], decision: Decision[T, O, R]) -> bool:
        """Takes one aggregate's change over, with its events; whether there is any."""
        match decision:
            case Unchanged() | Refused():
                return False
            case Settled(state, _, events):
                self._take(key, state, events)
            case _:
                self._take(key, decision.state, decision.events)
        return True

    def _take(self, key: Key[T], record: T, events: Sequence[Event]) -> None:
        self.put(key, record)
        self.events += events
