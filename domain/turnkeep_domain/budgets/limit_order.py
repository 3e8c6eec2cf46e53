"""A limit order: somebody's wish to change what an account may hold and spend."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, field, frozen
from attrs.validators import optional

from turnkeep_domain.budgets.account import Account, LimitsSet, first_overflow
from turnkeep_domain.budgets.bounds import ACCOUNT_MARKS
from turnkeep_domain.budgets.ceilings import Limits, StandingCeiling
from turnkeep_domain.budgets.dimensions import COUNTERS
from turnkeep_domain.budgets.events import BudgetLimitChanged
from turnkeep_domain.budgets.holds import UsedIn
from turnkeep_domain.budgets.periods import Calendar, Lifetime, Period, Rolling, start_at
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    LimitRefusal,
    LimitsInvalid,
    LimitsRevised,
    WindowUnresolvable,
)
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    RequestId,
    digest_of,
    remember,
)


@frozen(kw_only=True)
class LimitOrder:
    """What is to be set, by whom.

    Attributes:
        limits: None to let everything pass from now on; the period goes on.
        expected_revision: The account's limit revision on which the wish rests; None: any. 0
            seeds limits where there never were any.

    Raises:
        InvalidValue: A field is of another kind.
    """

    limits: Limits | None = field(validator=optional(of_kind(Limits)))
    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)
    expected_revision: int | None = field(validator=optional(of_kind(int)))

    @property
    def arguments(self) -> Digest:
        """What tells a repeated order from another one under the same request id."""
        limits = self.limits
        said: tuple[str, ...] = ()
        if limits is not None:
            said = (
                *_spelt(limits.period),
                *[f"{d.value}:{c.max}:{c.warn_bp}:{c.pause_bp}" for d, c in limits.ceilings],
            )
        expected = self.expected_revision
        by = (self.by.kind.value, self.by.id)
        return digest_of("set_limit", limits is not None, said, by, expected)

    def answered(
        self, account: Account | None
    ) -> Unchanged[LimitsSet] | Refused[LimitRefusal] | None:
        """The answer that changes nothing; None where the order is to be carried out."""
        if account is not None:
            replay = replayed(account.marks, self.request_id, self.arguments)
            if replay is not None:
                return replay
        fault = None if self.limits is None else self.limits.fault()
        if fault is not None:
            return Refused(LimitsInvalid(fault))
        revision = 0 if account is None else account.limit_revision
        if self.expected_revision not in (None, revision):
            return Refused(LimitsRevised(self.expected_revision or 0, revision))
        if (None if account is None else account.limits) == self.limits:
            return Unchanged(LimitsSet(revision))
        return None

    def carried_out(
        self, account: Account, *, now: datetime
    ) -> Decision[Account, LimitsSet, LimitRefusal]:
        """The account with the limits.

        It rolls first; spend and holds stay. Warnings may be told again, and its gates are none
        any more: whoever stores this closes them.
        """
        answer = self.answered(account)
        if answer is not None:
            return answer
        rolled = account.rolled(now)
        if isinstance(rolled, WindowUnresolvable):
            return Refused(rolled)
        after = self._with_period(rolled, now)
        if isinstance(after, AmountOverflow):
            return Refused(after)
        revision = account.limit_revision + 1
        outcome = LimitsSet(revision)
        mark = Mark(self.request_id, self.arguments, outcome)
        after = evolve(
            after,
            limit_revision=revision,
            ceilings=self._stamped(revision),
            warned=frozenset(),
            gates=(),
            marks=remember(account.marks, mark, bound=ACCOUNT_MARKS),
        )
        event = BudgetLimitChanged(
            address=account.ref.address,
            at=now,
            old=account.limits,
            new=self.limits,
            limit_revision=revision,
            by=self.by,
            request_id=self.request_id,
        )
        return Changed(after, outcome, (event,))

    def _stamped(self, revision: int) -> tuple[StandingCeiling, ...] | None:
        if self.limits is None:
            return None
        return tuple(
            [
                StandingCeiling(dimension=dimension, ceiling=ceiling, since=revision)
                for dimension, ceiling in self.limits.ceilings
            ]
        )

    def _with_period(self, account: Account, now: datetime) -> Account | AmountOverflow:
        """The account in an epoch of the wanted period; what counted counts in its first window."""
        if self.limits is None or self.limits.period == account.period:
            return account
        period = self.limits.period
        # A period without fault has a start.
        first = start_at(period, now, first=now) or now
        counted = Usage(account.spent()[: len(COUNTERS)])
        after = evolve(
            account,
            period=period,
            epoch=account.epoch + 1,
            first=first,
            start=first,
            used=(UsedIn(first, counted),) if any(counted.amounts) else (),
        )
        # Holds of windows that had passed count again, as those of the first window.
        overflow = first_overflow((after.spent(), after.reserved(now)))
        return after if overflow is None else AmountOverflow(account.ref, overflow)


def _spelt(period: Period) -> tuple[str, ...]:
    match period:
        case Lifetime():
            return ("lifetime",)
        case Rolling(length_ms):
            return ("rolling", str(length_ms))
        case Calendar(tz, unit):
            return ("calendar", tz, unit.value)
