"""An override: a user's word on one tool that stands above every allow."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from turnkeep_domain.consent.allow import require_consenting
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal


class OverrideKind(Enum):
    """What is overridden: that calls may pass unasked, or that they may be made at all."""

    ASK_EACH_TIME = "ask_each_time"
    DISABLED = "disabled"


@frozen(kw_only=True)
class Override:
    """What a person or a service has set for a tool, and when; it stands until it is cleared."""

    kind: OverrideKind = field(validator=of_kind(OverrideKind))
    by: Principal = field(validator=of_kind(Principal))
    at: datetime = field(validator=instant)

    @by.validator
    def _may_consent(self, _: object, by: Principal) -> None:
        require_consenting("by", by)
