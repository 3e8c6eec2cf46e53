"""A state of a secret: in one word, whether it can be lent."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.secrets.limits import GENERATION_MAX, require_count


class SecretState(Enum):
    """Where a secret stands."""

    LIVE = "live"
    EXPIRED = "expired"
    DELETED = "deleted"


@frozen(kw_only=True)
class SecretOutcome:
    """What a command on a secret led to.

    Attributes:
        state: The state after the command.
        generation: The generation after it; 0 where there never was such a secret.
    """

    state: SecretState = field(validator=of_kind(SecretState))
    generation: int = field()

    @generation.validator
    def _counts(self, _: object, generation: int) -> None:
        require_count("generation", generation, least=0, most=GENERATION_MAX)
