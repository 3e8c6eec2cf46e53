"""A ledger: what the event log tells of budgets, folded, and held against every ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from attrs import define, field, frozen

from turnkeep import (
    AccountRef,
    BudgetExpired,
    BudgetLimitChanged,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
    Dimension,
    Event,
    Level,
    Placement,
    Scope,
    Tally,
)

_Work: TypeAlias = tuple[Scope, str]
_Closed: TypeAlias = BudgetReconciled | BudgetReleased | BudgetExpired


@frozen
class _Held:
    estimate: Tally
    deadline: datetime


@define
class _Book:
    """One account's page."""

    ceilings: dict[Dimension, int] = field(factory=dict)
    spent: dict[Dimension, int] = field(factory=dict)
    held: dict[_Work, _Held] = field(factory=dict)

    def total(self, dimension: Dimension, now: datetime) -> int:
        """What is spent and held; what is overdue counts no more."""
        held = (one for one in self.held.values() if one.deadline > now)
        return self.spent.get(dimension, 0) + sum(one.estimate[dimension] for one in held)


@define
class Ledger:
    """What was reserved and charged, in the order of the log.

    Attributes:
        admitted: How many reservations were admitted.
        passed: Where one was admitted that passed a ceiling.
    """

    admitted: int = 0
    passed: list[str] = field(factory=list)
    _books: dict[AccountRef, _Book] = field(factory=dict, repr=False)

    def take(self, event: Event) -> None:
        """Folds one event more; what tells of no reservation and no limits is left alone."""
        match event:
            case BudgetLimitChanged(new=new):
                account = AccountRef(Level(event.address.id), event.address.scope)
                ceilings = () if new is None else new.ceilings
                self._book(account).ceilings = {of: ceiling.max for of, ceiling in ceilings}
            case BudgetReserved():
                self._admit(event)
            case BudgetReconciled() | BudgetReleased() | BudgetExpired():
                self._close(event)
            case _:
                pass

    def _admit(self, event: BudgetReserved) -> None:
        self.admitted += 1
        for account in _accounts(event.accounts, event.address.scope):
            book = self._book(account)
            work = (event.address.scope, event.address.id)
            book.held[work] = _Held(event.estimate, event.deadline)
            for dimension, most in book.ceilings.items():
                total = book.total(dimension, event.at)
                if event.estimate[dimension] and total > most:
                    self.passed.append(
                        f"{account.level.value}: {total} {dimension.value} at a ceiling of {most}"
                    )

    def _close(self, event: _Closed) -> None:
        for account in _accounts(event.accounts, event.address.scope):
            book = self._book(account)
            book.held.pop((event.address.scope, event.address.id), None)
            if isinstance(event, BudgetReleased):
                continue
            for dimension, amount in event.charged.as_mapping().items():
                book.spent[dimension] = book.spent.get(dimension, 0) + amount

    def _book(self, account: AccountRef) -> _Book:
        return self._books.setdefault(account, _Book())


def _accounts(placed: Iterable[Placement], scope: Scope) -> Iterator[AccountRef]:
    """The accounts that a treasurer limits; no others are metered."""
    for placement in placed:
        if placement.level is Level.TENANT:
            yield AccountRef.tenant(str(scope.tenant))
        elif placement.level is Level.THREAD:
            yield AccountRef.thread(scope)
