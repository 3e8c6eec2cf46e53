"""A state of an approval: in one word, where it stands."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from turnkeep_domain.approvals.limits import VOTERS_MAX, require_whole
from turnkeep_domain.kinds import of_kind


class ApprovalState(Enum):
    """Where an approval stands; all but `PENDING` are final."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    DISCARDED = "discarded"

    @property
    def final(self) -> bool:
        """Whether nothing follows this state."""
        return self is not ApprovalState.PENDING


@frozen(kw_only=True)
class ApprovalOutcome:
    """What a command led to, small enough to be kept in a mark; it names nobody.

    Attributes:
        state: The state after the command.
        missing: Approvals that a pending request still lacks; 0 in every other state.
    """

    state: ApprovalState = field(validator=of_kind(ApprovalState))
    missing: int = field()

    @missing.validator
    def _only_while_pending(self, _: object, missing: int) -> None:
        pending = self.state is ApprovalState.PENDING
        bounds = (1, VOTERS_MAX) if pending else (0, 0)
        require_whole("missing", missing, least=bounds[0], most=bounds[1])

    @classmethod
    def of(cls, state: ApprovalState) -> ApprovalOutcome:
        """The outcome of an approval that waits for nobody."""
        return cls(state=state, missing=0)
