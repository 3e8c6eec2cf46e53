"""A cascade: the metered accounts that one scope's work concerns, broad to narrow, as loaded.

Ceilings are a conjunction: all must allow. A denial anywhere beats a pause anywhere, and what is
not asked for never blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from attrs import evolve, frozen

from turnkeep_domain.budgets.account import Account, first_overflow
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.bounds import HOLDS_MAX
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import DIMENSIONS
from turnkeep_domain.budgets.events import BudgetWarned
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import Placement
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    AdmissionRefusal,
    AmountOverflow,
    BudgetApprovalDeclined,
    BudgetApprovalNeeded,
    LimitExceeded,
    TooManyHolds,
    WindowUnresolvable,
)
from turnkeep_domain.budgets.reservation import Closing, Reservation
from turnkeep_domain.budgets.tallies import Tally
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled


@frozen
class Admission:
    """What an ask changes: it is granted, or a gate is opened for it.

    Attributes:
        accounts: Those that are to be stored anew.
    """

    accounts: tuple[Account, ...]
    granted: Reservation | None
    gate: BudgetGate | None


@frozen
class _Weighed:
    """One rolled account, and everything that counts there if the ask is granted."""

    account: Account
    spent: tuple[int, ...]
    reserved: tuple[int, ...]
    asked: tuple[int, ...]

    @classmethod
    def of(cls, account: Account, asked: Tally, now: datetime) -> _Weighed:
        return cls(account, account.spent(), account.reserved(now), asked.amounts)

    def overflow(self) -> AmountOverflow | None:
        found = first_overflow((self.spent, self.reserved, self.asked))
        return None if found is None else AmountOverflow(self.account.ref, found)

    def where(self, reached: Callable[[Ceiling, int], bool]) -> Iterator[Figures]:
        """The ceilings of what is asked for that the totals reach, in canonical order."""
        for standing in self.account.ceilings or ():
            place = DIMENSIONS.index(standing.dimension)
            asked = self.asked[place]
            total = self.spent[place] + self.reserved[place] + asked
            if asked and reached(standing.ceiling, total):
                gauge = standing.dimension.is_gauge
                yield Figures(
                    account=self.account.ref,
                    dimension=standing.dimension,
                    limit=standing.ceiling.max,
                    spent=self.spent[place],
                    reserved=self.reserved[place],
                    requested=asked,
                    resets_at=None if gauge else self.account.resets_at(),
                )


@frozen
class Cascade:
    """Those accounts of a scope that have a record."""

    accounts: tuple[Account, ...]

    def admit(
        self, ask: Ask, *, now: datetime, gate_id: BudgetGateId
    ) -> Decision[Admission, Receipt, AdmissionRefusal]:
        """Grants an ask, or says everything that stands in its way.

        In this order: zones, overflow, room for a hold, ceilings, pauses. The first pause opens a
        gate, unless its account has one for the dimension.

        Args:
            ask: What is wanted.
            now: The store's now.
            gate_id: Minted for a gate, should one be opened.
        """
        rolled = self._rolled(now)
        if isinstance(rolled, WindowUnresolvable):
            return Refused(rolled)
        weighed = [_Weighed.of(account, ask.estimate, now) for account in rolled]
        for each in weighed:
            overflow = each.overflow()
            if overflow is not None:
                return Refused(overflow)
        for each in weighed:
            if len(each.account.holds) >= HOLDS_MAX:
                return Refused(TooManyHolds(each.account.ref, HOLDS_MAX))
        warnings = _all(weighed, Ceiling.warns)
        breaches = _all(weighed, Ceiling.is_passed_by)
        if breaches:
            return Refused(LimitExceeded(breaches, warnings))
        pauses = _all(weighed, Ceiling.pauses)
        if pauses:
            return _paused(rolled, pauses, warnings, now=now, gate_id=gate_id)
        return _granted(rolled, ask, warnings, now)

    def closed(self, closing: Closing, *, now: datetime) -> tuple[Account, ...] | AmountOverflow:
        """The accounts that a reservation was reserved on, without its hold and with its charge.

        A zone that is not known here refuses nothing: what was used must be charged.
        """
        windows = {p.level: p.window for p in closing.reservation.placements}
        id = closing.reservation.hold_id
        after: list[Account] = []
        for account in self.accounts:
            window = windows.get(account.ref.level)
            if window is None:
                continue
            settled = account.rolled_as_known(now).settled(id, window, closing.charge)
            if isinstance(settled, AmountOverflow):
                return settled
            after.append(settled)
        return tuple(after)

    def holds_for(self, reservation: Reservation) -> bool:
        """Whether every account that a reservation was reserved on still has its hold."""
        id = reservation.hold_id
        held = {account.ref.level for account in self.accounts if account.holds_for(id)}
        return held >= {placement.level for placement in reservation.placements}

    def extended(self, reservation: Reservation) -> tuple[Account, ...]:
        """The accounts whose hold lasts as long as the reservation."""
        levels = {placement.level for placement in reservation.placements}
        return tuple(
            [
                account.with_deadline(reservation.hold_id, reservation.deadline)
                for account in self.accounts
                if account.ref.level in levels
            ]
        )

    def _rolled(self, now: datetime) -> tuple[Account, ...] | WindowUnresolvable:
        rolled: list[Account] = []
        for account in self.accounts:
            current = account.rolled(now)
            if isinstance(current, WindowUnresolvable):
                return current
            rolled.append(current)
        return tuple(rolled)


def _all(weighed: list[_Weighed], reached: Callable[[Ceiling, int], bool]) -> tuple[Figures, ...]:
    return tuple([figures for each in weighed for figures in each.where(reached)])


def _granted(
    rolled: tuple[Account, ...], ask: Ask, warnings: tuple[Figures, ...], now: datetime
) -> Changed[Admission, Receipt]:
    placements = tuple([Placement(account.ref.level, account.window) for account in rolled])
    granted = Reservation.granted(ask, accounts=placements, warnings=warnings, now=now)
    accounts: list[Account] = []
    told: list[BudgetWarned] = []
    for account in rolled:
        held = account.with_hold(granted.state.hold(account.window))
        news = [
            figures
            for figures in warnings
            if figures.account == account.ref and figures.dimension not in account.warned
        ]
        if news:
            warned = account.warned | {figures.dimension for figures in news}
            held = evolve(held, warned=warned)
            told += [
                BudgetWarned(
                    address=account.ref.address, at=now, window=account.window, figures=figures
                )
                for figures in news
            ]
        accounts.append(held)
    admission = Admission(tuple(accounts), granted.state, None)
    return Changed(admission, granted.outcome, (*granted.events, *told), granted.valid_until)


def _paused(
    rolled: tuple[Account, ...],
    pauses: tuple[Figures, ...],
    warnings: tuple[Figures, ...],
    *,
    now: datetime,
    gate_id: BudgetGateId,
) -> (
    Refused[BudgetApprovalNeeded | BudgetApprovalDeclined]
    | Settled[Admission, BudgetApprovalNeeded]
):
    first = pauses[0]
    account = next(account for account in rolled if account.ref == first.account)
    pointer = account.pointer(first.dimension)
    if pointer is not None and pointer.declined:
        return Refused(BudgetApprovalDeclined(pointer.gate, pointer.expires_at))
    if pointer is not None:
        return Refused(BudgetApprovalNeeded(pointer.gate, pauses, warnings))
    opened = BudgetGate.opened(gate_id, account, first, now=now)
    admission = Admission((opened.state.account,), None, opened.state.gate)
    reason = BudgetApprovalNeeded(gate_id, pauses, warnings)
    return Settled(admission, reason, opened.events, tidy=False)
