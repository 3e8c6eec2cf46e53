"""Settings: every bound that a host may choose, in one frozen value."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import instance_of

from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.pacing import Pacing


@frozen(kw_only=True)
class Settings:
    """What a keep is built with; the defaults suit a host that has no wishes.

    Attributes:
        pacing: Attempts, pauses and the deadline of every update.
        approvals: Lifetimes, pages and waits of approvals.
    """

    pacing: Pacing = field(factory=Pacing, validator=instance_of(Pacing))
    approvals: ApprovalSettings = field(
        factory=ApprovalSettings, validator=instance_of(ApprovalSettings)
    )
