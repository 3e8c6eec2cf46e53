"""A listing of budgets: accounts, reservations or gates under a prefix, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Generic, TypeVar

from attrs import frozen

from turnkeep_application.budgets.budget_settings import PAGE_MAX
from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_domain.approvals.limits import require_whole
from turnkeep_domain.budgets.account import ACCOUNTS, Account
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import GateStatus
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.pruned import GATES, RESERVATIONS, GateRecord, ReservationRecord
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.budgets.snapshot import AccountView, account_view
from turnkeep_domain.keys import Collection
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import OWNER_DEPTH, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import InScope, Query, Sorted, place, place_of, position

T = TypeVar("T")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)

_CELLS_MIN: Final = 100
_PAGES_MAX: Final = 8


@frozen(kw_only=True)
class ReservationView:
    """A reservation as it stood at one moment of the store's clock.

    Attributes:
        receipt: As it stands.
        owner: Who does the work.
    """

    receipt: Receipt
    owner: str
    reserved_at: datetime
    on_expiry: OnExpiry


@frozen(kw_only=True)
class GateView:
    """A gate as it stood at one moment of the store's clock; overdue is expired, noted or not."""

    gate: BudgetGate
    status: GateStatus


@frozen(kw_only=True)
class BudgetPage(Generic[V_co]):
    """Some entries of a listing.

    Attributes:
        entries: With the unreadable at most the limit asked for. Fewer, or none, does not mean
            that there are no more.
        unreadable: What lay among them and could not be read.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    entries: tuple[V_co, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class BudgetListing:
    """Lists what an index finds, within bounds."""

    reading: Reading

    async def accounts(
        self, prefix: ScopePrefix, *, after: str | None, limit: int
    ) -> BudgetPage[AccountView]:
        """As `Budgets.accounts` promises."""
        require_kind("prefix", prefix, ScopePrefix)

        def shown(account: Account, now: datetime) -> AccountView | None:
            return account_view(account.ref, account, now)

        query = InScope(collection=ACCOUNTS.name, prefix=prefix)
        return await self._page(ACCOUNTS, query, shown, after=after, limit=limit)

    async def reservations(
        self, prefix: ScopePrefix, status: ReservationStatus, *, after: str | None, limit: int
    ) -> BudgetPage[ReservationView]:
        """As `Budgets.reservations` promises."""
        require_kind("prefix", prefix, ScopePrefix)
        require_kind("status", status, ReservationStatus)

        def shown(record: ReservationRecord, now: datetime) -> ReservationView | None:
            if not isinstance(record, Reservation) or record.status_at(now) is not status:
                return None
            return reservation_view(record, now)

        query = Sorted(collection=RESERVATIONS.name, prefix=prefix, state=status.value)
        return await self._page(RESERVATIONS, query, shown, after=after, limit=limit)

    async def gates(
        self, prefix: ScopePrefix, *, after: str | None, limit: int
    ) -> BudgetPage[GateView]:
        """As `Budgets.gates` promises."""
        require_kind("prefix", prefix, ScopePrefix)

        def shown(record: GateRecord, now: datetime) -> GateView | None:
            if not isinstance(record, BudgetGate) or record.status_at(now) is not GateStatus.OPEN:
                return None
            return GateView(gate=record, status=GateStatus.OPEN)

        query: Query
        if prefix.depth >= OWNER_DEPTH:
            query = Sorted(collection=GATES.name, prefix=prefix, state=GateStatus.OPEN.value)
        else:
            query = InScope(collection=GATES.name, prefix=prefix)
        return await self._page(GATES, query, shown, after=after, limit=limit)

    async def _page(
        self,
        of: Collection[T],
        query: Query,
        shown: Callable[[T, datetime], V | None],
        *,
        after: str | None,
        limit: int,
    ) -> BudgetPage[V]:
        require_whole("limit", limit, least=1, most=PAGE_MAX)
        begin = position_of(after)
        if begin is not None:
            place_of(query, begin)  # refuses the position of another query, before any read
        entries: list[V] = []
        unreadable: list[Unreadable] = []
        deadline = self.reading.deadline()
        for _ in range(_PAGES_MAX):
            page = await self.reading.page(
                query, after=begin, limit=max(limit, _CELLS_MIN), deadline=deadline
            )
            for cell in page.cells:
                if len(entries) + len(unreadable) == limit:
                    break
                here = place(query, cell.entry.index, key_bytes(cell.address))
                begin = position(query, here)
                record = self.reading.decoded(of, cell)
                if isinstance(record, Unreadable):
                    unreadable.append(record)
                elif (view := shown(record, page.now)) is not None:
                    entries.append(view)
            else:
                begin = page.next
            if begin is None or len(entries) + len(unreadable) == limit:
                break
        return BudgetPage(
            entries=tuple(entries), unreadable=tuple(unreadable), next=token_of(begin)
        )


def reservation_view(reservation: Reservation, now: datetime) -> ReservationView:
    """A reservation as it stands at a moment of the store's clock."""
    return ReservationView(
        receipt=reservation.receipt_at(now),
        owner=reservation.owner,
        reserved_at=reservation.reserved_at,
        on_expiry=reservation.on_expiry,
    )
