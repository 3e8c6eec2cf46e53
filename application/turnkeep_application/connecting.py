"""Connected things: whatever shares a cell with another one, however many stand between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from turnkeep_domain.keys import Address

T = TypeVar("T")


def connected(things: Sequence[T], cells_of: Callable[[T], Iterable[Address]]) -> list[list[T]]:
    """The things in groups that share no cell, each group in the order of the things."""
    leaders = list(range(len(things)))
    first: dict[Address, int] = {}

    def leader(number: int) -> int:
        while leaders[number] != number:
            leaders[number] = number = leaders[leaders[number]]
        return number

    for number, thing in enumerate(things):
        for address in cells_of(thing):
            ahead, behind = sorted((leader(number), leader(first.setdefault(address, number))))
            leaders[behind] = ahead
    groups: dict[int, list[T]] = {}
    for number, thing in enumerate(things):
        groups.setdefault(leader(number), []).append(thing)
    return list(groups.values())
