"""A phase of an approval: its state, with what only that state knows."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.approvals.votes import Ruling, Vote
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind


@frozen
class Pending:
    """It may be decided, until its deadline."""


@frozen
class Approved:
    """Enough deciders approved, `ruling` last."""

    ruling: Ruling = field(validator=of_kind(Vote))


@frozen
class Denied:
    """Somebody denied."""

    ruling: Ruling = field(validator=of_kind(Vote))


@frozen
class Expired:
    """Nobody decided in time; `expired_at` is when that was noted, not the deadline itself."""

    expired_at: datetime = field(validator=instant)


Phase: TypeAlias = Pending | Approved | Denied | Expired


def state_of(phase: Phase) -> ApprovalState:
    """The phase in one word."""
    match phase:
        case Pending():
            return ApprovalState.PENDING
        case Approved():
            return ApprovalState.APPROVED
        case Denied():
            return ApprovalState.DENIED
        case Expired():
            return ApprovalState.EXPIRED
        case _:
            assert_never(phase)


def ruling_of(phase: Phase) -> Ruling | None:
    """The vote that decided, if one did."""
    match phase:
        case Approved(ruling) | Denied(ruling):
            return ruling
        case Pending() | Expired():
            return None
        case _:
            assert_never(phase)
