"""Figures: what an account has of one dimension against its ceiling, as a request meets it."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.bounds import require_amount
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.instants import optional_instant
from turnkeep_domain.kinds import of_kind


@frozen(kw_only=True)
class Figures:
    """One ceiling and everything that counts against it.

    Attributes:
        limit: The most that may be.
        spent: What is charged to windows that count.
        reserved: What others hold.
        requested: What was asked for in addition.
        resets_at: When the next of what is spent comes back; None: never by itself, or, of a
            gauge, whenever somebody lets go.
    """

    account: AccountRef = field(validator=of_kind(AccountRef))
    dimension: Dimension = field(validator=of_kind(Dimension))
    limit: int = field()
    spent: int = field()
    reserved: int = field()
    requested: int = field()
    resets_at: datetime | None = field(validator=optional_instant)

    def __attrs_post_init__(self) -> None:
        for name in ("limit", "spent", "reserved", "requested"):
            require_amount(name, getattr(self, name))

    @property
    def total(self) -> int:
        """All that would count."""
        return self.spent + self.reserved + self.requested

    @property
    def told(self) -> str:
        """Which ceiling it is, in words that name nobody."""
        return f"{self.dimension.value} of the {self.account.level.value}"
