"""A budget gate id: the name of one question whether a ceiling may be raised."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NewType

from attrs import field, frozen

from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind

BudgetGateId = NewType("BudgetGateId", str)


class GateStatus(Enum):
    """Where a gate stands; all but `OPEN` are final."""

    OPEN = "open"
    APPROVED = "approved"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@frozen(kw_only=True)
class GatePointer:
    """The gate that an account has for a dimension, so that it never has two.

    Attributes:
        expires_at: From this instant on it is none any more.
        declined: Whether somebody has declined; until it expires, so does every reservation.
    """

    dimension: Dimension = field(validator=of_kind(Dimension))
    gate: BudgetGateId = field(validator=identifier)
    expires_at: datetime = field(validator=instant)
    declined: bool = field(validator=of_kind(bool))
