"""Account holds: all that reservations keep of one account, and what it adds up to.

What is asked with each reservation, how much is held in which window and whether any is overdue,
is carried along, so that neither costs more where many reservations are open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import add, sub
from typing import Final

from attrs import evolve, field, frozen

from turnkeep_domain.budgets.bounds import HOLDS_MAX
from turnkeep_domain.budgets.dimensions import COUNTERS, GAUGES
from turnkeep_domain.budgets.holds import Hold, HoldId, OnExpiry, WindowId
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind

_COUNTED: Final = len(COUNTERS)
_NO_GAUGES: Final = (0,) * len(GAUGES)


@frozen
class _Sum:
    """How many holds a window has, and what they add up to."""

    count: int
    amounts: tuple[int, ...]


def _in_order(holds: Mapping[HoldId, Hold]) -> tuple[Hold, ...]:
    return tuple(holds.values())


# Compared by what it holds, in its order: the rest follows from that.
@frozen
class AccountHolds:
    """Distinct holds, earliest first; `of` makes them, and each change makes others.

    Attributes:
        _by_id: Each under its name, in their order.
        _sums: What is held in each window, overdue or not.
        _sound_until: None is overdue before; it may be earlier than the first deadline, for a
            hold that is let go does not put it off. None where there is no hold.
    """

    _by_id: Mapping[HoldId, Hold] = field(eq=_in_order)
    _sums: Mapping[WindowId, _Sum] = field(eq=False, repr=False)
    _sound_until: datetime | None = field(eq=False, repr=False)

    @classmethod
    def of(cls, holds: Iterable[Hold]) -> AccountHolds:
        """These holds.

        Raises:
            InvalidValue: One is no hold, two have one name, or they are more than 1,024.
        """
        by_id: dict[HoldId, Hold] = {}
        sums: dict[WindowId, _Sum] = {}
        given = tuple(holds)
        for hold in given:
            require_kind("holds", hold, Hold)
            by_id[hold.id] = hold
            sums[hold.window] = _with(sums.get(hold.window), hold)
        if len(by_id) != len(given) or len(given) > HOLDS_MAX:
            raise _unfit()
        return cls(by_id, sums, min([hold.deadline for hold in given], default=None))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._by_id)

    def __iter__(self) -> Iterator[Hold]:
        return iter(self._by_id.values())

    def __contains__(self, id: HoldId) -> bool:
        return id in self._by_id

    @property
    def windows(self) -> Iterable[WindowId]:
        """The windows that they were reserved in."""
        return self._sums.keys()

    def standing(self, now: datetime) -> Iterator[tuple[WindowId, tuple[int, ...]]]:
        """What is held at a moment, of all dimensions; a window may come more than once.

        Of what is overdue nothing is held any more, or what is to be charged alone.
        """
        if self._sound_until is None or now < self._sound_until:
            for window, sum in self._sums.items():
                yield window, sum.amounts
            return
        for hold in self:
            if now < hold.deadline:
                yield hold.window, hold.tally.amounts
            elif hold.on_expiry is OnExpiry.CHARGE:
                yield hold.window, (*hold.tally.amounts[:_COUNTED], *_NO_GAUGES)

    def with_one(self, hold: Hold) -> AccountHolds:
        """They and one more.

        Raises:
            InvalidValue: There is one of its name, or there are 1,024.
        """
        if hold.id in self._by_id or len(self) >= HOLDS_MAX:
            raise _unfit()
        until = self._sound_until
        return AccountHolds(
            {**self._by_id, hold.id: hold},
            {**self._sums, hold.window: _with(self._sums.get(hold.window), hold)},
            hold.deadline if until is None else min(until, hold.deadline),
        )

    def without(self, id: HoldId) -> AccountHolds:
        """They but one; themselves where it is not among them."""
        hold = self._by_id.get(id)
        if hold is None:
            return self
        by_id, sums = {**self._by_id}, {**self._sums}
        del by_id[id]
        sum = sums[hold.window]
        if sum.count == 1:
            del sums[hold.window]
        else:
            left = tuple(map(sub, sum.amounts, hold.tally.amounts))
            sums[hold.window] = _Sum(sum.count - 1, left)
        return AccountHolds(by_id, sums, self._sound_until if by_id else None)

    def with_deadline(self, id: HoldId, deadline: datetime) -> AccountHolds:
        """They, of which one lasts until another deadline."""
        return AccountHolds.of([evolve(h, deadline=deadline) if h.id == id else h for h in self])

    def unlapsed(self, now: datetime) -> AccountHolds:
        """Those that have not lapsed; themselves where none has, and nothing is to be noted.

        A hold that is to be charged at its deadline stays until somebody has charged it.
        """
        if self._sound_until is None or now < self._sound_until:
            return self
        kept = AccountHolds.of(
            [hold for hold in self if now < hold.deadline or hold.on_expiry is OnExpiry.CHARGE]
        )
        same = len(kept) == len(self) and kept._sound_until == self._sound_until
        return self if same else kept


def _with(sum: _Sum | None, hold: Hold) -> _Sum:
    if sum is None:
        return _Sum(1, hold.tally.amounts)
    return _Sum(sum.count + 1, tuple(map(add, sum.amounts, hold.tally.amounts)))


def _unfit() -> InvalidValue:
    return InvalidValue("holds", f"must be {HOLDS_MAX} distinct ones at most")
