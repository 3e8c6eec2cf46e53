"""Budgets: the use cases that say, before metered work starts, whether it may.

`reserve` holds an estimate on every account concerned; `reconcile` replaces the hold by what was
used; `release` gives it back. Work starts after a `Receipt` and after nothing else: no refusal, no
error and no doubt is a leave to start. Time is the store's alone.

The host stamps scopes and principals. Commands answer an outcome, or `Refused` with a reason that
has a stable `code`; they raise what `Updates.update` raises. Reads raise `Unavailable`, `Corrupt`
and `SchemaTooNew`. Every use case raises `InvalidValue` for what no host should have handed over,
before anything is read; an amount that is none is refused, for it may be a model's.

The module is long because every use case has its whole contract beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from attrs import field, frozen

from turnkeep_application.budgets.budget_commands import (
    Extend,
    Reconcile,
    Release,
    Reserve,
    account_key,
    gate_key,
    reservation_key,
)
from turnkeep_application.budgets.budget_gating import ApproveGate, CancelGate
from turnkeep_application.budgets.budget_holding import CLOSES, BudgetHold, NotReserved, to_its_end
from turnkeep_application.budgets.budget_limiting import Adoption, Meter, SetLimits, Unadopted
from turnkeep_application.budgets.budget_listing import (
    BudgetListing,
    BudgetPage,
    GateView,
    ReservationView,
    reservation_view,
)
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.budgets.budget_sweeping import BudgetPruned, BudgetSweep, BudgetSwept
from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading
from turnkeep_application.updates import Updates
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef, cascade
from turnkeep_domain.budgets.ask import Ask, ttl_fault
from turnkeep_domain.budgets.bounds import require_amount
from turnkeep_domain.budgets.ceilings import Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.limit_order import LimitOrder
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountInvalid,
    ApproveGateRefusal,
    CancelGateRefusal,
    ExtendRefusal,
    LimitRefusal,
    ReconcileRefusal,
    ReleaseRefusal,
    ReservationClosed,
    ReservationExpired,
    ReserveRefusal,
)
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.budgets.snapshot import AccountView, BudgetSnapshot, account_view
from turnkeep_domain.budgets.tallies import Usage, faulty_amount
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.ids import Ids

_CLOSES_MAX: Final = 3


@frozen(kw_only=True)
class Budgets:
    """The use cases of budgets; safe to share between tasks."""

    updates: Updates
    reading: Reading
    ids: Ids
    settings: BudgetSettings = field(factory=BudgetSettings)

    # ---- work -----------------------------------------------------------------------------------

    async def reserve(
        self,
        scope: Scope,
        *,
        id: RequestId,
        estimate: Mapping[Dimension, int],
        owner: str,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        price_version: str | None = None,
    ) -> Receipt | Refused[ReserveRefusal]:
        """Holds an estimate on every account concerned, all or none; then work may start.

        Whoever starts the work closes the hold. The id is the idempotency key: asking again
        with it answers the original receipt, with where it stands now, and holds nothing more. A
        refusal is not remembered: the id may try again.

        Args:
            scope: Whose work it is; has a tenant and a user.
            id: Of the reservation; spent for ever once it was granted.
            estimate: What the work may use at most; gauges are what it occupies meanwhile.
            owner: Who does the work, for listings; no credential.
            ttl_ms: How long it holds, 1,000 to 86,400,000 (24 hours).
            on_expiry: What becomes of it at its deadline if nobody has closed it.
            price_version: The price list that the estimate was made with; carried along.

        Returns:
            The receipt. Its `standing` must be `ACTIVE` for work to start.
            `AmountInvalid`, `EstimateEmpty`, `TtlInvalid`: it is not what can be reserved.
            `ReservationSpent`, `RequestIdReused`: the id was used otherwise.
            `WindowUnresolvable`, `AmountOverflow`, `TooManyHolds`: an account cannot take it.
            `LimitExceeded`: with every ceiling that it would pass.
            `BudgetApprovalNeeded`: with the gate that somebody has to approve first.
            `BudgetApprovalDeclined`: somebody has declined.
        """
        ask = Ask.of(
            scope,
            id=id,
            estimate=estimate,
            ttl_ms=self.settings.ttl_ms if ttl_ms is None else ttl_ms,
            owner=owner,
            on_expiry=on_expiry,
            price_version=price_version,
        )
        if isinstance(ask, Refused):
            return ask
        command = Reserve(ask, self._gate_id())
        return await self.updates.update(command.keys, command.decide)

    async def reconcile(
        self,
        scope: Scope,
        id: RequestId,
        *,
        request_id: RequestId,
        usage: Mapping[Dimension, int],
    ) -> Receipt | Refused[ReconcileRefusal]:
        """Replaces the hold by what was used, in the window that it was reserved in.

        No ceiling refuses it: an over-run is recorded in full and blocks what comes after. Past
        its deadline a reservation accepts one late reconcile.

        Args:
            scope: Whose work it was.
            id: The reservation.
            request_id: The idempotency key of this command.
            usage: What was used, of counters alone; what is not named is 0.

        Returns:
            The receipt, `RECONCILED`.
            `AmountInvalid`, `ReservationUnknown`, `ReservationSpent`, `RequestIdReused`.
            `ReservationClosed`: another command has closed it.
            `AmountOverflow`: the sum would pass 2^63 - 1; the hold stays.
        """
        faulty = faulty_amount(usage, gauges=False)
        if faulty is not None:
            return Refused(AmountInvalid(faulty))
        _require_reservation(scope, id, request_id)
        command = Reconcile(scope, id, Usage.of(usage), request_id)
        return await self.updates.update(command.keys, command.decide)

    async def release(
        self, scope: Scope, id: RequestId, *, request_id: RequestId
    ) -> Receipt | Refused[ReleaseRefusal]:
        """Gives everything back: nothing was used. Past its deadline it expires instead.

        Returns:
            The receipt, `RELEASED` or `EXPIRED`.
            `ReservationUnknown`, `ReservationSpent`, `RequestIdReused`, `ReservationClosed`.
            `AmountOverflow`: where it expires, and its charge would pass 2^63 - 1.
        """
        _require_reservation(scope, id, request_id)
        command = Release(scope, id, request_id)
        return await self.updates.update(command.keys, command.decide)

    async def extend(
        self, scope: Scope, id: RequestId, *, ttl_ms: int
    ) -> Receipt | Refused[ExtendRefusal]:
        """Lets a reservation hold for so long from now on. Idempotent by state.

        It never shortens, moves no window, and changes nothing while over half of the time
        remains, so a worker may ask with each of its heartbeats.

        Returns:
            The receipt, with its deadline.
            `TtlInvalid`: out of bounds, or past the seven days that a reservation lasts in all.
            `ReservationUnknown`, `ReservationSpent`, `ReservationClosed`.
            `ReservationExpired`: its deadline has come, or an account no longer holds it. Stop.
        """
        fault = ttl_fault(ttl_ms)
        if fault is not None:
            return Refused(fault)
        _require_reservation(scope, id, id)
        command = Extend(scope, id, ttl_ms)
        return await self.updates.update(command.keys, command.decide)

    @asynccontextmanager
    async def hold(
        self,
        scope: Scope,
        *,
        id: RequestId,
        estimate: Mapping[Dimension, int],
        owner: str,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        price_version: str | None = None,
    ) -> AsyncIterator[BudgetHold]:
        """Reserves, runs the block, and closes the reservation however the block ends.

        What the block has told with `use` is reconciled; if it has told nothing, what
        `on_expiry` says is done at once. No cancellation cuts the closing off. If it fails in
        spite of retries, the error of the block goes first, and the reservation ends at its
        deadline.

        Raises:
            NotReserved: The block does not run.
            Unavailable, Contended, OutcomeUnknown: It may not run, or could not be closed.
        """
        asked = self.reserve(
            scope,
            id=id,
            estimate=estimate,
            owner=owner,
            ttl_ms=ttl_ms,
            on_expiry=on_expiry,
            price_version=price_version,
        )
        try:
            receipt = _granted(await to_its_end(asked))
        except asyncio.CancelledError:
            # It may be held, and nobody is left to close it.
            with suppress(TurnkeepError):
                await to_its_end(self.release(scope, id, request_id=CLOSES))
            raise
        held = BudgetHold(receipt, lambda ttl_ms: self.extend(scope, id, ttl_ms=ttl_ms))
        try:
            yield held
        except BaseException:
            with suppress(TurnkeepError):
                held.closed = await to_its_end(self._closed(held, on_expiry))
            raise
        held.closed = await to_its_end(self._closed(held, on_expiry))

    # ---- limits ---------------------------------------------------------------------------------

    async def meter(self, account: AccountRef) -> AccountView | Refused[LimitRefusal]:
        """Begins to count what an account spends and holds, and limits nothing. Idempotent.

        Returns:
            The account as it stands.
        """
        require_kind("account", account, AccountRef)
        command = Meter(account)
        return await self.updates.update(command.keys, command.decide)

    async def set_limit(
        self,
        account: AccountRef,
        limits: Limits | None,
        *,
        by: Principal,
        request_id: RequestId,
        expected_revision: int | None = None,
    ) -> LimitsSet | Refused[LimitRefusal]:
        """Changes what an account may hold and spend; spend and holds stay as they are.

        An account that was not metered is metered first, and adopts what runs already, so that
        its first limit binds at once. Killed on the way and repeated, it goes on. Its open gates
        are cancelled. Another period begins with what counted until now.

        Args:
            account: Whose.
            limits: What it may; None to let everything pass.
            by: Who wants it; told in the event.
            request_id: The idempotency key of this command.
            expected_revision: The limit revision that the caller knows, 0 where it never was
                limited; None for any.

        Returns:
            The limit revision afterwards; unchanged where the limits are equal.
            `RequestIdReused`, `LimitsInvalid` with the field, `LimitsRevised`.
            `WindowUnresolvable`: the zone of its present period is not known here.
            `AmountOverflow`, `TooManyHolds`: it cannot hold what runs already.
        """
        require_kind("account", account, AccountRef)
        order = LimitOrder(
            limits=limits, by=by, request_id=request_id, expected_revision=expected_revision
        )
        adopted = False
        while True:
            step = SetLimits(account, order, adopted=adopted)
            answer = await self.updates.update(step.keys, step.decide)
            if not isinstance(answer, Unadopted):
                return answer
            adoption = Adoption(account=account, updates=self.updates, reading=self.reading)
            refused = await adoption.run()
            if refused is not None:
                return refused
            adopted = True

    async def approve_gate(
        self,
        account: AccountRef,
        gate: BudgetGateId,
        *,
        new_max: int,
        by: Principal,
        request_id: RequestId,
    ) -> BudgetGate | Refused[ApproveGateRefusal]:
        """Raises the ceiling that a gate asks about; whoever waited reserves again.

        Args:
            account: Whose ceiling it is.
            gate: Its id.
            new_max: The ceiling afterwards; the gate's `least_max` lets its reservation pass.
            by: Who has decided, as the host has established it.
            request_id: The idempotency key of this command.

        Returns:
            The gate, approved.
            `BudgetGateUnknown`, `RequestIdReused`, `BudgetGateClosed`, `BudgetGateOverdue`.
            `LimitsRevised`: the ceiling is another one since.
            `RaiseTooSmall`: it is as high already.

        Raises:
            InvalidValue: `new_max` is no amount.
        """
        _require_answer(account, gate, by, request_id)
        require_amount("new_max", new_max)
        command = ApproveGate(account, gate, new_max, by, request_id)
        return await self.updates.update(command.keys, command.decide)

    async def cancel_gate(
        self, account: AccountRef, gate: BudgetGateId, *, by: Principal, request_id: RequestId
    ) -> BudgetGate | Refused[CancelGateRefusal]:
        """Declines: until the gate would have expired, or the limits change, so does `reserve`.

        It is idempotent, and answers, as `approve_gate` does.
        """
        _require_answer(account, gate, by, request_id)
        command = CancelGate(account, gate, by, request_id)
        return await self.updates.update(command.keys, command.decide)

    # ---- reads ----------------------------------------------------------------------------------

    async def snapshot(self, scope: Scope) -> BudgetSnapshot:
        """Every account that some work concerns, at one moment, rolled and not stored."""
        refs = cascade(scope)
        seen = await self.reading.moment([account_key(ref) for ref in refs])
        views = [account_view(ref, seen.records[account_key(ref)], seen.now) for ref in refs]
        return BudgetSnapshot(scope=scope, at=seen.now, accounts=tuple(views))

    async def account(self, account: AccountRef) -> AccountView:
        """One account as it stands, metered or not."""
        require_kind("account", account, AccountRef)
        seen = await self.reading.record(account_key(account))
        return account_view(account, seen.record, seen.now)

    async def accounts(
        self, prefix: ScopePrefix, *, after: str | None = None, limit: int | None = None
    ) -> BudgetPage[AccountView]:
        """The metered accounts under a scope prefix of any depth, in key order.

        Args:
            prefix: For example of depth 1 for all of a tenant.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The limit is out of bounds, or `after` no `next` of this prefix.
        """
        return await self._listing.accounts(prefix, after=after, limit=self._limit(limit))

    async def reservation(self, scope: Scope, id: RequestId) -> ReservationView | None:
        """A reservation as it stands; None where there is none, or it was pruned."""
        _require_reservation(scope, id, id)
        seen = await self.reading.record(reservation_key(scope, id))
        record = seen.record
        return reservation_view(record, seen.now) if isinstance(record, Reservation) else None

    async def reservations(
        self,
        prefix: ScopePrefix,
        *,
        status: ReservationStatus = ReservationStatus.ACTIVE,
        after: str | None = None,
        limit: int | None = None,
    ) -> BudgetPage[ReservationView]:
        """The reservations of one status under a prefix, earliest first.

        What is overdue is no longer active; it is listed as expired once a sweep has noted it.

        Args:
            prefix: Through the user at least, for example `ScopePrefix.owner(scope)`.
            status: Which ones.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The prefix is too short, the limit out of bounds, or `after` no `next`
                of this listing.
        """
        return await self._listing.reservations(
            prefix, status, after=after, limit=self._limit(limit)
        )

    async def gate(self, account: AccountRef, gate: BudgetGateId) -> GateView | None:
        """A gate as it stands; None where the account has none of this id, or it was pruned."""
        require_kind("account", account, AccountRef)
        seen = await self.reading.record(gate_key(account, gate))
        record = seen.record
        if not isinstance(record, BudgetGate):
            return None
        return GateView(gate=record, status=record.status_at(seen.now))

    async def gates(
        self, prefix: ScopePrefix, *, after: str | None = None, limit: int | None = None
    ) -> BudgetPage[GateView]:
        """The open gates under a prefix of any depth; paged as `accounts` is."""
        return await self._listing.gates(prefix, after=after, limit=self._limit(limit))

    # ---- sweeps ---------------------------------------------------------------------------------

    async def expire_due(self) -> BudgetSwept:
        """Notes of some reservations that their deadline has come, earliest first.

        Nothing waits for it: overdue holds stop counting by the clock alone. What was to be
        charged at its expiry is charged here, or by a late reconcile.
        """
        return await self._sweeper.expire_reservations()

    async def expire_gates(self) -> BudgetSwept:
        """Notes of some gates that nobody has answered in time, earliest first."""
        return await self._sweeper.expire_gates()

    async def prune(self, *, dry_run: bool = False) -> BudgetPruned:
        """Makes tombstones of some reservations and gates that ended long ago, earliest first.

        What has not ended is never pruned. An id that was pruned is spent for ever.

        Args:
            dry_run: Whether only to count.
        """
        keep = timedelta(days=self.settings.retention_days)
        return await self._sweeper.prune(keep=keep, dry_run=dry_run)

    # ---- steps ----------------------------------------------------------------------------------

    @property
    def _listing(self) -> BudgetListing:
        return BudgetListing(reading=self.reading)

    @property
    def _sweeper(self) -> BudgetSweep:
        return BudgetSweep(updates=self.updates, reading=self.reading, at_most=self.settings.sweep)

    def _limit(self, limit: int | None) -> int:
        return self.settings.page if limit is None else limit

    def _gate_id(self) -> BudgetGateId:
        # As fresh as a commit's, which nobody has used or can guess.
        return BudgetGateId(self.ids.commit_id().hex())

    async def _closed(
        self, held: BudgetHold, on_expiry: OnExpiry
    ) -> Receipt | Refused[ReconcileRefusal]:
        """Closes a hold under one request id, again where its fate is unknown."""
        scope, id = held.receipt.scope, held.receipt.id
        used = held.used
        if used is None and on_expiry is OnExpiry.CHARGE:
            used = held.receipt.estimate.counters
        attempts = 0
        while True:
            attempts += 1
            try:
                if used is None:
                    return await self.release(scope, id, request_id=CLOSES)
                return await self.reconcile(scope, id, request_id=CLOSES, usage=used.as_mapping())
            except (Unavailable, Contended, OutcomeUnknown):
                if attempts == _CLOSES_MAX:
                    raise


def _granted(answer: Receipt | Refused[ReserveRefusal]) -> Receipt:
    """The receipt of a reservation that holds.

    Raises:
        NotReserved: It was refused; or it is a repeat of one that has ended.
    """
    if isinstance(answer, Refused):
        raise NotReserved(answer)
    match answer.standing:
        case ReservationStatus.ACTIVE:
            return answer
        case ReservationStatus.EXPIRED:
            raise NotReserved(Refused(ReservationExpired(answer.deadline)))
        case ReservationStatus.RECONCILED | ReservationStatus.RELEASED:
            raise NotReserved(Refused(ReservationClosed(answer)))


def _require_reservation(scope: Scope, id: str, request_id: str) -> None:
    require_kind("scope", scope, Scope)
    scope.require_work()
    require_identifier("id", id)
    require_identifier("request_id", request_id)


def _require_answer(account: AccountRef, gate: str, by: Principal, request_id: str) -> None:
    require_kind("account", account, AccountRef)
    require_identifier("gate", gate)
    require_kind("by", by, Principal)
    require_identifier("request_id", request_id)
