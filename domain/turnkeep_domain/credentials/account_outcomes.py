"""An outcome of a command on an account: its state, and how often it has changed."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.secrets.limits import GENERATION_MAX, require_count

if TYPE_CHECKING:
    from attrs import Attribute


def epoch(_: object, attribute: Attribute[int], number: int) -> None:
    """An attrs validator: the field is an epoch."""
    require_count(attribute.name, number, least=1, most=GENERATION_MAX)


class AccountState(Enum):
    """Where an account stands."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DELETED = "deleted"


@frozen(kw_only=True)
class AccountOutcome:
    """What a command on an account led to.

    Attributes:
        state: The state after the command.
        generation: The generation after it; 0 where there never was such an account.
        epoch: The epoch after it; sessions of an earlier one end at their next use.
    """

    state: AccountState = field(validator=of_kind(AccountState))
    generation: int = field()
    epoch: int = field()

    @generation.validator
    @epoch.validator
    def _counts(self, _: object, number: int) -> None:
        require_count("generation and epoch", number, least=0, most=GENERATION_MAX)
