"""A gate code: what a client is told when nothing came of its command, with its HTTP status."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import Final, assert_never


class GateCode(Enum):
    """Every code with which a command on approvals, grants or consent may end, and no other."""

    INVALID_GATE_REF = "invalid_gate_ref"
    INVALID_INPUT = "invalid_input"
    INPUT_TOO_DEEP = "input_too_deep"
    ALWAYS_ALLOW_UNSUPPORTED = "always_allow_unsupported"
    NOT_ELIGIBLE = "not_eligible"
    TOOL_DISABLED = "tool_disabled"
    UNKNOWN_GATE = "unknown_gate"
    AMBIGUOUS_GATE = "ambiguous_gate"
    STALE_GATE = "stale_gate"
    REQUEST_ID_REUSED = "request_id_reused"
    ID_SPENT = "id_spent"
    NOT_DUE = "not_due"
    NOT_APPROVED = "not_approved"
    FINGERPRINT_MISMATCH = "fingerprint_mismatch"
    EFFECTS_WIDENED = "effects_widened"
    NOT_BEGUN = "not_begun"
    ALREADY_DISPATCHING = "already_dispatching"
    CLAIM_LOST = "claim_lost"
    GRANT_SPENT = "grant_spent"
    GRANT_REVOKED = "grant_revoked"
    OUTCOME_UNCERTAIN = "outcome_uncertain"
    SETTLE_WITH_RUN = "settle_with_run"
    CONSENT_CHANGED = "consent_changed"
    GRANT_BUSY = "grant_busy"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    TOO_MANY_PENDING = "too_many_pending"
    TOO_MANY_ALLOWS = "too_many_allows"
    CONTENDED = "contended"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"

    @property
    def status(self) -> HTTPStatus:
        """Its HTTP status."""
        match self:
            case (
                GateCode.INVALID_GATE_REF
                | GateCode.INVALID_INPUT
                | GateCode.INPUT_TOO_DEEP
                | GateCode.ALWAYS_ALLOW_UNSUPPORTED
            ):
                return HTTPStatus.BAD_REQUEST
            case GateCode.NOT_ELIGIBLE | GateCode.TOOL_DISABLED:
                return HTTPStatus.FORBIDDEN
            case GateCode.UNKNOWN_GATE:
                return HTTPStatus.NOT_FOUND
            case (
                GateCode.AMBIGUOUS_GATE
                | GateCode.STALE_GATE
                | GateCode.REQUEST_ID_REUSED
                | GateCode.ID_SPENT
                | GateCode.NOT_DUE
                | GateCode.NOT_APPROVED
                | GateCode.FINGERPRINT_MISMATCH
                | GateCode.EFFECTS_WIDENED
                | GateCode.NOT_BEGUN
                | GateCode.ALREADY_DISPATCHING
                | GateCode.CLAIM_LOST
                | GateCode.GRANT_SPENT
                | GateCode.GRANT_REVOKED
                | GateCode.OUTCOME_UNCERTAIN
                | GateCode.SETTLE_WITH_RUN
                | GateCode.CONSENT_CHANGED
                | GateCode.GRANT_BUSY
            ):
                return HTTPStatus.CONFLICT
            case GateCode.PAYLOAD_TOO_LARGE:
                return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            case GateCode.TOO_MANY_PENDING | GateCode.TOO_MANY_ALLOWS:
                return HTTPStatus.TOO_MANY_REQUESTS
            case GateCode.CONTENDED | GateCode.UNAVAILABLE | GateCode.OUTCOME_UNKNOWN:
                return HTTPStatus.SERVICE_UNAVAILABLE
            case _:
                assert_never(self)

    @property
    def retryable(self) -> bool:
        """Whether the same command may succeed later, unchanged and under the same id."""
        return self in _RETRYABLE


_RETRYABLE: Final = frozenset(
    {
        GateCode.GRANT_BUSY,
        GateCode.TOO_MANY_PENDING,
        GateCode.CONTENDED,
        GateCode.UNAVAILABLE,
        GateCode.OUTCOME_UNKNOWN,
    }
)
