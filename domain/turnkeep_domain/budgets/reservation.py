"""A reservation: what some work may use, held on every account concerned until it is closed.

```text
    reserve --> Active --a--> Reconciled     a  what was used is charged
                  |------b--> Released       b  nothing was used
                  '------c--> Expired        c  the deadline has come
                                 '--d--> Reconciled, late     d  once, after all
```

Past its deadline it is expired, whether or not that was noted. Its commands change it alone and
say what is to be charged; `Cascade` does that to its accounts in the same commit. The module is
long because the commands of one aggregate stand together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.budgets.account_ref import LEVELS, Level, account_of
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.bounds import LIFE_MS_MAX, RESERVATION_MARKS, TTL_MS_MIN
from turnkeep_domain.budgets.events import (
    BudgetAdopted,
    BudgetExpired,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
)
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.holds import Hold, HoldId, OnExpiry, Placement, WindowId, hold_id
from turnkeep_domain.budgets.phases import (
    PHASES,
    Active,
    Expired,
    Phase,
    Reconciled,
    Released,
    status_of,
)
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus, Standing
from turnkeep_domain.budgets.refusals import (
    CloseRefusal,
    ExtendRefusal,
    ReservationClosed,
    ReservationExpired,
    TtlInvalid,
)
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier, optional_identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope

RESERVATION_COLLECTION: Final = "budget_reservation"
_MILLISECOND: Final = timedelta(milliseconds=1)
_LIFE_MAX: Final = LIFE_MS_MAX * _MILLISECOND


# Pure: a memory of answers. Each command on a reservation, and each event of it, names it again.
@lru_cache(maxsize=4_096, typed=True)
def reservation_address(scope: Scope, id: str) -> Address:
    """Where a reservation is kept."""
    return Address(RESERVATION_COLLECTION, scope, id)


@frozen
class Closing:
    """What a command does to a reservation, and what is to be charged for it.

    Attributes:
        charge: To each account that it was reserved on, in its window.
    """

    reservation: Reservation
    charge: Usage


ClosingDecision: TypeAlias = Decision[Closing, Receipt, CloseRefusal]


@frozen(kw_only=True)
class Reservation:
    """What was reserved, where, and where it stands.

    Attributes:
        id: The request id of its reserve; unique in its scope for ever.
        granted_until: The deadline that it was reserved with.
        accounts: The accounts that it was reserved on, broad to narrow, frozen.
        adopted: Accounts that were first limited while it was active, and hold it since.
        deadline: Later than `granted_until` where it was extended.
        marks: The request ids of the latest commands that closed it, or tried.
    """

    id: RequestId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    estimate: Tally = field(validator=of_kind(Tally))
    owner: str = field(validator=identifier)
    on_expiry: OnExpiry = field(validator=of_kind(OnExpiry))
    price_version: str | None = field(validator=optional_identifier)
    warnings: tuple[Figures, ...] = field(validator=deep_iterable(of_kind(Figures), of_kind(tuple)))
    reserved_at: datetime = field(validator=instant)
    granted_until: datetime = field(validator=instant)
    accounts: tuple[Placement, ...] = field(
        validator=deep_iterable(of_kind(Placement), of_kind(tuple))
    )
    adopted: tuple[Placement, ...] = field(
        validator=deep_iterable(of_kind(Placement), of_kind(tuple))
    )
    deadline: datetime = field(validator=instant)
    marks: Marks[Standing] = field(validator=of_kind(Marks))
    phase: Phase = field(validator=of_kind(*PHASES))

    def __attrs_post_init__(self) -> None:
        if self.estimate.is_empty:
            raise InvalidValue("estimate", "must not be empty")
        if not self.reserved_at < self.granted_until <= self.deadline <= self._end_of_life:
            raise InvalidValue("deadline", "must be after its beginning, and 7 days at most")
        levels = [placement.level for placement in self.placements]
        if len(set(levels)) != len(levels):
            raise InvalidValue("accounts", "must be distinct")
        for level in levels:
            account_of(level, self.scope)

    @classmethod
    def granted(
        cls,
        ask: Ask,
        *,
        accounts: tuple[Placement, ...],
        warnings: tuple[Figures, ...],
        now: datetime,
    ) -> Changed[Reservation, Receipt]:
        """The reservation that an ask is granted, with its event."""
        deadline = ask.deadline(now)
        reservation = cls(
            id=ask.id,
            scope=ask.scope,
            estimate=ask.estimate,
            owner=ask.owner,
            on_expiry=ask.on_expiry,
            price_version=ask.price_version,
            warnings=warnings,
            reserved_at=now,
            granted_until=deadline,
            accounts=accounts,
            adopted=(),
            deadline=deadline,
            marks=Marks.none(),
            phase=Active(),
        )
        event = BudgetReserved(
            address=reservation.address,
            at=now,
            estimate=ask.estimate,
            accounts=accounts,
            owner=ask.owner,
            deadline=deadline,
            on_expiry=ask.on_expiry,
            price_version=ask.price_version,
        )
        receipt = reservation.receipt(reservation._first, now)
        return Changed(reservation, receipt, (event,), deadline)

    # ---- what it says ---------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return reservation_address(self.scope, self.id)

    @property
    def hold_id(self) -> HoldId:
        """Its name among the holds of an account."""
        return hold_id(self.scope, self.id)

    @property
    def placements(self) -> tuple[Placement, ...]:
        """The accounts that hold it, or held it, with the windows that it is charged to."""
        return (*self.accounts, *self.adopted)

    def is_overdue(self, now: datetime) -> bool:
        """Whether its deadline has come before anybody closed it."""
        return isinstance(self.phase, Active) and self.deadline <= now

    def status_at(self, now: datetime) -> ReservationStatus:
        """Where it stands; overdue is expired, whether or not that was noted."""
        return ReservationStatus.EXPIRED if self.is_overdue(now) else status_of(self.phase)

    def standing_at(self, now: datetime) -> Standing:
        """Where it stands, as a command would leave it."""
        actual = self.phase.actual if isinstance(self.phase, Reconciled) else None
        return Standing(status=self.status_at(now), actual=actual, deadline=self.deadline)

    def receipt(self, standing: Standing, now: datetime) -> Receipt:
        """What a command answers that has left it like this."""
        placed = [(account_of(p.level, self.scope), p.window) for p in self.accounts]
        return Receipt(
            id=self.id,
            scope=self.scope,
            status=standing.status,
            standing=self.status_at(now),
            estimate=self.estimate,
            actual=standing.actual,
            accounts=tuple(placed),
            deadline=standing.deadline,
            warnings=self.warnings,
            price_version=self.price_version,
        )

    def receipt_at(self, now: datetime) -> Receipt:
        """As it stands at a moment."""
        return self.receipt(self.standing_at(now), now)

    @property
    def _first(self) -> Standing:
        return Standing(status=ReservationStatus.ACTIVE, actual=None, deadline=self.granted_until)

    @property
    def _end_of_life(self) -> datetime:
        return self.reserved_at + _LIFE_MAX

    # ---- commands -------------------------------------------------------------------------------

    def asked_again(
        self, ask: Ask, *, now: datetime
    ) -> Unchanged[Receipt] | Refused[RequestIdReused]:
        """The same ask again: the original receipt, with where it stands now."""
        if (self.estimate, self.on_expiry) != (ask.estimate, ask.on_expiry):
            return Refused(RequestIdReused(self.id))
        return Unchanged(self.receipt(self._first, now))

    def reconcile(self, usage: Usage, *, request_id: RequestId, now: datetime) -> ClosingDecision:
        """What was used is known; nothing refuses it, an over-run neither."""
        arguments = digest_of("reconcile", tuple(map(str, usage.amounts)))
        answer = self._answered(request_id, arguments, now)
        if answer is not None:
            return answer
        late = self.status_at(now) is ReservationStatus.EXPIRED
        charge = self._charge(usage, late=late)
        event = BudgetReconciled(
            address=self.address,
            at=now,
            actual=usage,
            charged=charge,
            overrun=usage.beyond(self.estimate.counters),
            late=late,
            accounts=self.placements,
            request_id=request_id,
        )
        phase = Reconciled(actual=usage, late=late, at=now)
        until = None if late else self.deadline
        return self._closed(phase, charge, request_id, arguments, event, until)

    def release(self, *, request_id: RequestId, now: datetime) -> ClosingDecision:
        """Nothing was used. Past its deadline it expires instead."""
        arguments = digest_of("release")
        answer = self._answered(request_id, arguments, now)
        if answer is not None:
            return answer
        if isinstance(self.phase, Expired):
            return Unchanged(self.receipt_at(now))
        if self.is_overdue(now):
            lapsed = self._lapsed(now)
            (lapse,) = lapsed.events
            charge = lapsed.state.charge
            return self._closed(Expired(at=now), charge, request_id, arguments, lapse, None)
        event = BudgetReleased(
            address=self.address, at=now, accounts=self.placements, request_id=request_id
        )
        nothing = Usage.nothing()
        return self._closed(Released(at=now), nothing, request_id, arguments, event, self.deadline)

    def extend(
        self, *, ttl_ms: int, now: datetime, held: bool
    ) -> Decision[Reservation, Receipt, ExtendRefusal]:
        """It holds longer. Never shorter, and never in another window; idempotent by state.

        Args:
            ttl_ms: How long from now on.
            now: The store's now.
            held: Whether every account still has its hold.
        """
        if isinstance(self.phase, Reconciled | Released):
            return Refused(ReservationClosed(self.receipt_at(now)))
        if not isinstance(self.phase, Active) or self.is_overdue(now) or not held:
            return Refused(ReservationExpired(self.deadline))
        until = now + ttl_ms * _MILLISECOND
        if until > self._end_of_life:
            left_ms = (self._end_of_life - now) // _MILLISECOND
            return Refused(TtlInvalid(TTL_MS_MIN, max(left_ms, 0)))
        if (self.deadline - now) * 2 > ttl_ms * _MILLISECOND:
            return Unchanged(self.receipt_at(now))
        after = evolve(self, deadline=until)
        return Changed(after, after.receipt_at(now), (), self.deadline)

    def expire(self, *, now: datetime) -> Changed[Closing, Receipt] | Unchanged[Receipt]:
        """Notes that its deadline has come; otherwise nothing."""
        return self._lapsed(now) if self.is_overdue(now) else Unchanged(self.receipt_at(now))

    def adopted_by(
        self, level: Level, window: WindowId, *, now: datetime
    ) -> Changed[Reservation, Hold] | None:
        """It is held by one more account, with the hold to be put there; None: by it already.

        Nothing is adopted that has ended or is overdue.
        """
        if not isinstance(self.phase, Active) or self.is_overdue(now):
            return None
        if level in [placement.level for placement in self.placements]:
            return None
        placement = Placement(level, window)
        adopted = sorted((*self.adopted, placement), key=lambda one: LEVELS.index(one.level))
        after = evolve(self, adopted=tuple(adopted))
        event = BudgetAdopted(
            address=self.address, at=now, estimate=self.estimate, account=placement
        )
        return Changed(after, self.hold(window), (event,), self.deadline)

    def hold(self, window: WindowId) -> Hold:
        """What an account keeps for it."""
        return Hold(
            id=self.hold_id,
            tally=self.estimate,
            window=window,
            deadline=self.deadline,
            on_expiry=self.on_expiry,
        )

    # ---- steps ----------------------------------------------------------------------------------

    def _answered(
        self, request_id: RequestId, arguments: Digest, now: datetime
    ) -> Unchanged[Receipt] | Refused[RequestIdReused | ReservationClosed] | None:
        replay = replayed(self.marks, request_id, arguments)
        if isinstance(replay, Unchanged):
            return Unchanged(self.receipt(replay.outcome, now))
        if replay is not None:
            return replay
        if isinstance(self.phase, Reconciled | Released):
            return Refused(ReservationClosed(self.receipt_at(now)))
        return None

    def _charge(self, usage: Usage, *, late: bool) -> Usage:
        """What is to be charged; of a late one, what its expiry has not charged already."""
        if not late or self.on_expiry is OnExpiry.RELEASE:
            return usage
        estimate = self.estimate.counters
        noted = isinstance(self.phase, Expired)
        return usage.beyond(estimate) if noted else usage.or_more(estimate)

    def _lapsed(self, now: datetime) -> Changed[Closing, Receipt]:
        charges = self.on_expiry is OnExpiry.CHARGE
        charge = self.estimate.counters if charges else Usage.nothing()
        after = evolve(self, phase=Expired(at=now))
        event = BudgetExpired(
            address=self.address, at=now, charged=charge, accounts=self.placements
        )
        return Changed(Closing(after, charge), after.receipt_at(now), (event,))

    def _closed(
        self,
        phase: Phase,
        charge: Usage,
        request_id: RequestId,
        arguments: Digest,
        event: Event,
        valid_until: datetime | None,
    ) -> Changed[Closing, Receipt]:
        actual = phase.actual if isinstance(phase, Reconciled) else None
        standing = Standing(status=status_of(phase), actual=actual, deadline=self.deadline)
        marks = remember(self.marks, Mark(request_id, arguments, standing), bound=RESERVATION_MARKS)
        after = evolve(self, phase=phase, marks=marks)
        receipt = after.receipt(standing, event.at)
        return Changed(Closing(after, charge), receipt, (event,), valid_until)
