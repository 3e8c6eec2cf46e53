"""An account: what one owner's work has spent and holds, and what it may.

What is reserved is no field: it is the sum of the holds. An account that was never limited still
counts; it is *metered*. Only the passing of a window removes what was spent.

The module is long because rolling, summing and changing limits read the same fields together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.budgets.account_holds import AccountHolds
from turnkeep_domain.budgets.account_ref import ACCOUNT_COLLECTION, AccountRef
from turnkeep_domain.budgets.bounds import AMOUNT_MAX, HOLDS_MAX, require_amount
from turnkeep_domain.budgets.ceilings import (
    Ceiling,
    Limits,
    StandingCeiling,
    require_in_order,
)
from turnkeep_domain.budgets.dimensions import COUNTERS, DIMENSIONS, Dimension
from turnkeep_domain.budgets.gate_id import BudgetGateId, GatePointer
from turnkeep_domain.budgets.holds import Hold, HoldId, UsedIn, WindowId
from turnkeep_domain.budgets.periods import (
    PERIODS,
    Calendar,
    Lifetime,
    Period,
    end_of,
    start_at,
    still_counts,
    stops_counting,
)
from turnkeep_domain.budgets.refusals import AmountOverflow, TooManyHolds, WindowUnresolvable
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.request_ids import Marks

_NO_AMOUNTS: Final = (0,) * len(DIMENSIONS)
_COUNTED: Final = len(COUNTERS)


@frozen
class LimitsSet:
    """What setting limits answers: the account's limit revision afterwards."""

    limit_revision: int = field()

    @limit_revision.validator
    def _is_a_revision(self, _: object, limit_revision: int) -> None:
        require_amount("limit_revision", limit_revision)


@frozen(kw_only=True)
class Account:
    """One owner's counters, holds and limits.

    Attributes:
        metered_since: What was spent before, it does not know.
        ceilings: None where it was never limited, or is no more.
        limit_revision: 0 where it was never limited; one more with each change.
        epoch: One more with each change of the period.
        first: The start of the epoch's first window.
        start: The start of the latest window that was entered.
        used: What is charged to each window, earliest first.
        holds: What is reserved, earliest first.
        warned: The dimensions whose warning was told in this window.
        gates: In canonical order of the dimensions.
        marks: The request ids of the latest changes of limits.
    """

    ref: AccountRef = field(validator=of_kind(AccountRef))
    metered_since: datetime = field(validator=instant)
    period: Period = field(validator=of_kind(*PERIODS))
    ceilings: tuple[StandingCeiling, ...] | None = field()
    limit_revision: int = field()
    epoch: int = field()
    first: datetime = field(validator=instant)
    start: datetime = field(validator=instant)
    used: tuple[UsedIn, ...] = field(validator=deep_iterable(of_kind(UsedIn), of_kind(tuple)))
    holds: AccountHolds = field(validator=of_kind(AccountHolds))
    warned: frozenset[Dimension] = field(validator=of_kind(frozenset))
    gates: tuple[GatePointer, ...] = field(
        validator=deep_iterable(of_kind(GatePointer), of_kind(tuple))
    )
    marks: Marks[LimitsSet] = field(validator=of_kind(Marks))

    @ceilings.validator
    def _are_ceilings(self, _: object, ceilings: tuple[StandingCeiling, ...] | None) -> None:
        for ceiling in () if ceilings is None else ceilings:
            require_kind("ceilings", ceiling, StandingCeiling)

    def __attrs_post_init__(self) -> None:
        require_amount("limit_revision", self.limit_revision)
        require_amount("epoch", self.epoch)
        starts = [used.start for used in self.used]
        if self.start < self.first or sorted(set(starts)) != starts:
            raise InvalidValue("used", "must be charged to distinct windows in order")
        require_in_order("gates", [pointer.dimension for pointer in self.gates])
        standing = self.ceilings or ()
        require_in_order("ceilings", [one.dimension for one in standing])
        if any(one.since > self.limit_revision for one in standing):
            raise InvalidValue("since", "must be a revision that was")
        if self.ceilings is not None and self.limit_revision == 0:
            raise InvalidValue("limit_revision", "must count the limits that were set")

    @classmethod
    def metered(cls, ref: AccountRef, *, now: datetime) -> Account:
        """An account that counts from now on, and limits nothing."""
        return cls(
            ref=ref,
            metered_since=now,
            period=Lifetime(),
            ceilings=None,
            limit_revision=0,
            epoch=0,
            first=now,
            start=now,
            used=(),
            holds=AccountHolds.of(()),
            warned=frozenset(),
            gates=(),
            marks=Marks.none(),
        )

    # ---- what it says ---------------------------------------------------------------------------

    @property
    def window(self) -> WindowId:
        """The latest window that was entered."""
        return WindowId(self.epoch, self.start)

    @property
    def limits(self) -> Limits | None:
        """What was set; None where nothing limits it."""
        if self.ceilings is None:
            return None
        named = tuple([(one.dimension, one.ceiling) for one in self.ceilings])
        return Limits(self.period, named)

    def standing(self, dimension: Dimension) -> StandingCeiling | None:
        """The ceiling of a dimension, with the revision that set it."""
        return next((one for one in self.ceilings or () if one.dimension is dimension), None)

    def ceiling(self, dimension: Dimension) -> Ceiling | None:
        """The ceiling of a dimension; None where it is unlimited."""
        found = self.standing(dimension)
        return None if found is None else found.ceiling

    def least_max(self, dimension: Dimension, total: int) -> int:
        """The smallest `max` under which so much of a dimension passes without a pause."""
        ceiling = self.ceiling(dimension)
        return total if ceiling is None else ceiling.least_max(total)

    def spent(self) -> tuple[int, ...]:
        """What is charged to windows that count, of all dimensions in order; once rolled."""
        rows = [_NO_AMOUNTS, *[_widened(used.usage) for used in self.used]]
        return tuple(map(sum, zip(*rows, strict=True)))

    def reserved(self, now: datetime) -> tuple[int, ...]:
        """The sum of the holds, of all dimensions in order.

        Counters are summed over holds whose window counts and that are not overdue, or to be
        charged; gauges over all that are not overdue, whatever their window.
        """
        rows: list[tuple[int, ...]] = [_NO_AMOUNTS]
        for window, amounts in self.holds.standing(now):
            counts = self._counts(self._place(window))
            rows.append(amounts if counts else (*_NO_AMOUNTS[:_COUNTED], *amounts[_COUNTED:]))
        return tuple(map(sum, zip(*rows, strict=True)))

    def resets_at(self) -> datetime | None:
        """When the next of what is spent or held comes back by itself; None: never."""
        if not isinstance(self.period, Calendar):
            starts = [used.start for used in self.used]
            starts += [self._place(window) for window in self.holds.windows]
            counted = [start for start in starts if self._counts(start)]
            return stops_counting(self.period, min(counted)) if counted else None
        return end_of(self.period, self.start)

    def pointer(self, dimension: Dimension) -> GatePointer | None:
        """The gate of a dimension, open or declined; once rolled."""
        return next((one for one in self.gates if one.dimension is dimension), None)

    def holds_for(self, id: HoldId) -> bool:
        """Whether a reservation has a hold here."""
        return id in self.holds

    # ---- rolling --------------------------------------------------------------------------------

    def rolled(self, now: datetime) -> Account | WindowUnresolvable:
        """The account in the current window, without what has passed; stores nothing.

        Returns:
            The account: itself where nothing has passed.
            `WindowUnresolvable`: The zone of its period is not known here.
        """
        start = start_at(self.period, now, first=self.first)
        if start is None:
            # No other period has a zone.
            tz = self.period.tz if isinstance(self.period, Calendar) else ""
            return WindowUnresolvable(self.ref, tz)
        return self._entered(max(self.start, start), now)

    def rolled_as_known(self, now: datetime) -> Account:
        """As `rolled`; where the zone is not known here, in the latest window that was entered.

        For what must not fail for a zone: closing what was reserved, and looking.
        """
        rolled = self.rolled(now)
        return self._entered(self.start, now) if isinstance(rolled, WindowUnresolvable) else rolled

    def _entered(self, start: datetime, now: datetime) -> Account:
        holds = self.holds.unlapsed(now)
        expired = any(pointer.expires_at <= now for pointer in self.gates)
        if start == self.start and holds is self.holds and not expired:
            return self
        return evolve(
            self,
            start=start,
            used=tuple([u for u in self.used if still_counts(self.period, u.start, current=start)]),
            holds=holds,
            gates=tuple([pointer for pointer in self.gates if pointer.expires_at > now]),
            warned=self.warned if start == self.start else frozenset(),
        )

    def _place(self, window: WindowId) -> datetime:
        """Where a window lies in this epoch: those of earlier ones count as its first."""
        return window.start if window.epoch == self.epoch else self.first

    def _counts(self, start: datetime) -> bool:
        return still_counts(self.period, start, current=self.start)

    # ---- holds and charges ----------------------------------------------------------------------

    def with_hold(self, hold: Hold) -> Account:
        """The account with one more hold; there must be room."""
        return evolve(self, holds=self.holds.with_one(hold))

    def with_deadline(self, id: HoldId, deadline: datetime) -> Account:
        """The account in which a hold lasts until another deadline."""
        return evolve(self, holds=self.holds.with_deadline(id, deadline))

    def settled(self, id: HoldId, window: WindowId, usage: Usage) -> Account | AmountOverflow:
        """The account without a hold, whether or not there was one, and with what it has come to.

        Usage is charged to its window; nothing is, if that no longer counts.
        """
        used = self._charged(self._place(window), usage)
        if isinstance(used, AmountOverflow):
            return used
        holds = self.holds.without(id)
        if holds is self.holds and used is self.used:
            return self
        return evolve(self, holds=holds, used=used)

    def _charged(self, start: datetime, usage: Usage) -> tuple[UsedIn, ...] | AmountOverflow:
        if not self._counts(start) or not any(usage.amounts):
            return self.used
        places = {used.start: used.usage for used in self.used}
        sum = places.get(start, Usage.nothing()).plus(usage)
        if isinstance(sum, Dimension):
            return AmountOverflow(self.ref, sum)
        places[start] = sum
        overflow = first_overflow(map(_widened, places.values()))
        if overflow is not None:
            return AmountOverflow(self.ref, overflow)
        return tuple([UsedIn(start, places[start]) for start in sorted(places)])

    def adopted(self, hold: Hold, *, now: datetime) -> Account | AmountOverflow | TooManyHolds:
        """The account, once rolled, with the hold of work that began before it was metered."""
        if len(self.holds) >= HOLDS_MAX:
            return TooManyHolds(self.ref, HOLDS_MAX)
        rows = (self.spent(), self.reserved(now), hold.tally.amounts)
        overflow = first_overflow(rows)
        return self.with_hold(hold) if overflow is None else AmountOverflow(self.ref, overflow)

    # ---- gates ----------------------------------------------------------------------------------

    def with_pointer(self, pointer: GatePointer) -> Account:
        """The account in which a dimension has this gate and no other."""
        others = {one.dimension: one for one in self.gates} | {pointer.dimension: pointer}
        return evolve(self, gates=tuple([others[d] for d in DIMENSIONS if d in others]))

    def without_gate(self, gate: BudgetGateId) -> Account:
        """The account without a gate, whether or not it had it."""
        kept = tuple([pointer for pointer in self.gates if pointer.gate != gate])
        return self if len(kept) == len(self.gates) else evolve(self, gates=kept)


def first_overflow(rows: Iterable[tuple[int, ...]]) -> Dimension | None:
    """The first dimension in which these rows add up to more than an amount may be."""
    totals = list(map(sum, zip(*rows, strict=True)))
    if max(totals) <= AMOUNT_MAX:
        return None
    return next(d for d, total in zip(DIMENSIONS, totals, strict=True) if total > AMOUNT_MAX)


def _widened(usage: Usage) -> tuple[int, ...]:
    return (*usage.amounts, *_NO_AMOUNTS[_COUNTED:])


ACCOUNTS: Final[Collection[Account]] = Collection(
    name=ACCOUNT_COLLECTION,
    members=(Account,),
    permanent=True,
    index=lambda account: Index(state="metered", due_at=None, sort=account.ref.level.value),
    identity=lambda account: Identity(account.ref.scope, account.ref.level.value),
    marks=lambda account: account.marks,
    remembered=True,
)
