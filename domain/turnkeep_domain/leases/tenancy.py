"""A tenancy: a tenure under the fence that it has for ever, as its holder was given it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.leases.limits import require_fence
from turnkeep_domain.leases.tenure import Tenure

if TYPE_CHECKING:
    from attrs import Attribute


def fence(_: object, attribute: Attribute[int], number: int) -> None:
    """An attrs validator: the field is the fence of a tenure."""
    require_fence(attribute.name, number)


@frozen(kw_only=True)
class Tenancy:
    """What an acquisition or a renewal answers.

    Attributes:
        fence: Above those of all tenures before. Whatever is written outside, under this tenure,
            carries it, so that the resource can refuse a lower one.
    """

    fence: int = field(validator=fence)
    tenure: Tenure = field(validator=of_kind(Tenure))

    @property
    def holder(self) -> str:
        """Who holds it."""
        return self.tenure.holder

    @property
    def until(self) -> datetime:
        """From this instant on it is over."""
        return self.tenure.until


class TenureEnd(Enum):
    """How a tenure ended."""

    RELEASED = "released"
    EXPIRED = "expired"


@frozen(kw_only=True)
class EndedTenure:
    """What a lease remembers of a tenure that has ended."""

    fence: int = field(validator=fence)
    end: TenureEnd = field(validator=of_kind(TenureEnd))
