"""A waiting line: seats in the order of their commands' arrival, and the cells they wait for."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from attrs import define, field

from turnkeep_application.seats import Seat
from turnkeep_domain.keys import Address


def _arrival(seat: Seat) -> int:
    return seat.arrival


@define(eq=False)
class Rest:
    """A pause between two attempts on these cells.

    Attributes:
        lightly: Whether a newcomer ends it, too. Whoever has rested here enough always does.
    """

    addresses: tuple[Address, ...]
    lightly: bool
    over: asyncio.Future[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.over = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Ends it; may be repeated."""
        if not self.over.done():
            self.over.set_result(None)


@define(eq=False)
class WaitingLine:
    """Who waits, and who is at work on which cell. A cell is held by one holder at most.

    Nobody is overtaken: one that waits for a cell also keeps its other cells from those behind it,
    and one that rests after a lost race is woken by the next who comes for its cells.
    """

    _holders: dict[Address, object] = field(factory=dict, init=False)
    _wanted: dict[Address, int] = field(factory=dict, init=False)
    _seats: list[Seat] = field(factory=list, init=False)
    _resting: dict[Address, set[Rest]] = field(factory=dict, init=False)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._seats)

    def __iter__(self) -> Iterator[Seat]:
        """Those that wait, in their order."""
        return iter(self._seats)

    def is_idle(self, addresses: Iterable[Address]) -> bool:
        """Whether nobody is at work on one of the cells, or waits for one."""
        return not any(address in self._holders or address in self._wanted for address in addresses)

    def wake(self, addresses: Iterable[Address], *, by_newcomer: bool) -> bool:
        """Wakes those who rest at one of these cells; whether there was one."""
        woken = False
        if self._resting:
            for address in addresses:
                for rest in self._resting.get(address, ()):
                    if rest.lightly or not by_newcomer:
                        rest.end()
                        woken = True
        return woken

    def hold(self, holder: object, addresses: Iterable[Address]) -> None:
        """Lets others wait for these cells."""
        for address in addresses:
            self._holders[address] = holder

    def free(self, holder: object, addresses: Iterable[Address]) -> bool:
        """Ends what a holder still holds; whether somebody waits for one of the cells."""
        waited_for = False
        for address in addresses:
            if self._holders.get(address) is holder:
                del self._holders[address]
                waited_for = waited_for or address in self._wanted
        return waited_for

    def disown(self, seat: Seat) -> None:
        """Lets a seat wait no longer for those who hold its cells."""
        for address in seat.addresses:
            self._holders.pop(address, None)

    def join(self, seat: Seat) -> None:
        """Puts a seat in its place, which is behind those whose commands came before."""
        insort(self._seats, seat, key=_arrival)
        for address in seat.addresses:
            self._wanted[address] = self._wanted.get(address, 0) + 1

    def quit(self, seat: Seat) -> None:
        """Takes a seat out, if it is there."""
        place = bisect_left(self._seats, seat.arrival, key=_arrival)
        if place < len(self._seats) and self._seats[place] is seat:
            del self._seats[place]
            self._want_no_more(seat)

    def rest(self, rest: Rest) -> None:
        """Lets one rest until it is woken; not at all if it would be by one who waits already."""
        if rest.lightly and any(address in self._wanted for address in rest.addresses):
            rest.end()
        for address in rest.addresses:
            self._resting.setdefault(address, set()).add(rest)

    def rise(self, rest: Rest) -> None:
        """Ends a rest."""
        for address in rest.addresses:
            self._resting[address].discard(rest)
            if not self._resting[address]:
                del self._resting[address]

    def take(self, *, seats_max: int, keys_max: int) -> list[Seat]:
        """Takes out those, in their order, none of whose cells somebody is at work on.

        Args:
            seats_max: How many at most.
            keys_max: How many distinct cells they load at most; a single one may load more.
        """
        taken: list[Seat] = []
        left: list[Seat] = []
        behind: set[Address] = set()
        loaded: set[Address] = set()
        for place, seat in enumerate(self._seats):
            if any(address in self._holders or address in behind for address in seat.addresses):
                behind.update(seat.addresses)
                left.append(seat)
                continue
            loads = seat.command.addresses(seat.keys)
            further = sum(address not in loaded for address in loads)
            if taken and (len(taken) == seats_max or len(loaded) + further > keys_max):
                left += self._seats[place:]
                break
            loaded.update(loads)
            taken.append(seat)
            self._want_no_more(seat)
        if taken:
            self._seats = left
        return taken

    def _want_no_more(self, seat: Seat) -> None:
        for address in seat.addresses:
            self._wanted[address] -= 1
            if not self._wanted[address]:
                del self._wanted[address]
