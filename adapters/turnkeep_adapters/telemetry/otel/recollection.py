"""A recollection: what an observer remembers of a thing until it ends, within a bound."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Final, Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

HELD_MAX: Final = 4_096


@define(eq=False)
class Recollection(Generic[K, V]):
    """The last 4,096 things of one kind; whoever comes later displaces the oldest.

    Any thread may use it. What was displaced is not found any more, and what began in another
    process never is.
    """

    _held: dict[K, V] = field(factory=dict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def keep(self, key: K, value: V) -> None:
        """Remembers a value under a key, instead of an earlier one."""
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = value
            if len(self._held) > HELD_MAX:
                del self._held[next(iter(self._held))]

    def find(self, key: K) -> V | None:
        """What is remembered under a key."""
        with self._lock:
            return self._held.get(key)

    def take(self, key: K) -> V | None:
        """The same, and forgets it."""
        with self._lock:
            return self._held.pop(key, None)
