"""Records: what one attempt of an update has loaded, and what it wants to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Address, Key, ReadKey

T = TypeVar("T")
S = TypeVar("S")
O = TypeVar("O")
R = TypeVar("R")


@frozen
class Need:
    """The answer of a `decide` that learned of further keys: load these too, in one moment."""

    keys: Sequence[ReadKey[object]]


@frozen(eq=False)
class Records:
    """The records of one attempt, immutable: `put` and `delete` return a new view.

    A key that was not requested is a `KeyError`: what was not loaded cannot be checked.
    """

    _held: Mapping[Address, object | None] = field(repr=False)
    # Each of the kind of its own record, which no type can say of all of them.
    _written: Mapping[Address, Key[Any]] = field(factory=dict, repr=False)

    def __getitem__(self, key: ReadKey[T]) -> T | None:
        """The record under the key; None where the cell is absent."""
        record = self._held[key.address]
        return None if record is None else key.collection.member(record)

    def __contains__(self, key: ReadKey[object]) -> bool:
        """Whether the key was requested, be it present or absent."""
        return key.address in self._held

    def put(self, key: Key[T], record: T) -> Records:
        """The view in which the cell holds this record."""
        return self._with(key, key.collection.member(record))

    def delete(self, key: Key[T]) -> Records:
        """The view in which the cell is absent.

        Raises:
            TypeError: The collection is permanent: its cells are never deleted.
        """
        if key.collection.permanent:
            raise TypeError(f"a cell of {key.collection.name} is never deleted")
        return self._with(key, None)

    def adopt(self, key: Key[S], decision: Decision[S, O, R]) -> Decision[Records, O, R]:
        """One aggregate's answer, lifted into the whole view."""
        match decision:
            case Changed(state, outcome, events, valid_until):
                return Changed(self.put(key, state), outcome, events, valid_until)
            case Unchanged() | Refused():
                return decision
            case Settled(state, reason, events, tidy=tidy):
                return Settled(self.put(key, state), reason, events, tidy=tidy)

    def written(self) -> Iterator[tuple[Key[object], object | None]]:
        """The cells that the view writes, with their records; None deletes."""
        for address, key in self._written.items():
            yield key, self._held[address]

    def _with(self, key: Key[T], record: object | None) -> Records:
        if key.address not in self._held:
            raise KeyError(key.collection.name)
        address = key.address
        return Records({**self._held, address: record}, {**self._written, address: key})
