"""A spend: a metered call of a run, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.refusals import (
    ReserveRefusal,
)
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.effect import (
    EffectKind,
    JournalCall,
    Mode,
)
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.refusals import (
    IntendRefusal,
)

SpendRefusal: TypeAlias = IntendRefusal | ReserveRefusal


@frozen(kw_only=True)
class Spend:
    """A metered call: its place in the journal, and what it may cost.

    Attributes:
        arguments: The digest of what it is called with, its estimate included.
        estimate: What it may use at most; gauges are what it occupies meanwhile.
        ttl_ms: How long it is held; None for the settings' time.
        on_expiry: What becomes of a hold that nobody closes by then.
        price_version: The price list of the estimate; carried along.
    """

    id: EffectId = field(validator=of_kind(EffectId))
    mode: Mode = field(validator=of_kind(Mode))
    arguments: Digest = field(validator=of_kind(bytes), repr=False)
    estimate: Mapping[Dimension, int]
    ttl_ms: int | None = field(default=None)
    on_expiry: OnExpiry = field(default=OnExpiry.RELEASE, validator=of_kind(OnExpiry))
    price_version: str | None = field(default=None)

    @property
    def call(self) -> JournalCall:
        """The call as the journal enters it."""
        return JournalCall(
            id=self.id, kind=EffectKind.SPEND, mode=self.mode, arguments=self.arguments
        )
