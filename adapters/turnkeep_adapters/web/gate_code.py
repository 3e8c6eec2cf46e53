"""A gate code: what a client is told when nothing came of its command, with its HTTP status."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import Final


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
        return _STATUSES[self]

    @property
    def retryable(self) -> bool:
        """Whether the same command may succeed later, unchanged and under the same id."""
        return self in _RETRYABLE


_STATUSES: Final = {
    GateCode.INVALID_GATE_REF: HTTPStatus.BAD_REQUEST,
    GateCode.INVALID_INPUT: HTTPStatus.BAD_REQUEST,
    GateCode.INPUT_TOO_DEEP: HTTPStatus.BAD_REQUEST,
    GateCode.ALWAYS_ALLOW_UNSUPPORTED: HTTPStatus.BAD_REQUEST,
    GateCode.NOT_ELIGIBLE: HTTPStatus.FORBIDDEN,
    GateCode.TOOL_DISABLED: HTTPStatus.FORBIDDEN,
    GateCode.UNKNOWN_GATE: HTTPStatus.NOT_FOUND,
    GateCode.AMBIGUOUS_GATE: HTTPStatus.CONFLICT,
    GateCode.STALE_GATE: HTTPStatus.CONFLICT,
    GateCode.REQUEST_ID_REUSED: HTTPStatus.CONFLICT,
    GateCode.ID_SPENT: HTTPStatus.CONFLICT,
    GateCode.NOT_DUE: HTTPStatus.CONFLICT,
    GateCode.NOT_APPROVED: HTTPStatus.CONFLICT,
    GateCode.FINGERPRINT_MISMATCH: HTTPStatus.CONFLICT,
    GateCode.EFFECTS_WIDENED: HTTPStatus.CONFLICT,
    GateCode.NOT_BEGUN: HTTPStatus.CONFLICT,
    GateCode.ALREADY_DISPATCHING: HTTPStatus.CONFLICT,
    GateCode.CLAIM_LOST: HTTPStatus.CONFLICT,
    GateCode.GRANT_SPENT: HTTPStatus.CONFLICT,
    GateCode.GRANT_REVOKED: HTTPStatus.CONFLICT,
    GateCode.OUTCOME_UNCERTAIN: HTTPStatus.CONFLICT,
    GateCode.SETTLE_WITH_RUN: HTTPStatus.CONFLICT,
    GateCode.CONSENT_CHANGED: HTTPStatus.CONFLICT,
    GateCode.GRANT_BUSY: HTTPStatus.CONFLICT,
    GateCode.PAYLOAD_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    GateCode.TOO_MANY_PENDING: HTTPStatus.TOO_MANY_REQUESTS,
    GateCode.TOO_MANY_ALLOWS: HTTPStatus.TOO_MANY_REQUESTS,
    GateCode.CONTENDED: HTTPStatus.SERVICE_UNAVAILABLE,
    GateCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    GateCode.OUTCOME_UNKNOWN: HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRYABLE: Final = frozenset(
    {
        GateCode.GRANT_BUSY,
        GateCode.TOO_MANY_PENDING,
        GateCode.CONTENDED,
        GateCode.UNAVAILABLE,
        GateCode.OUTCOME_UNKNOWN,
    }
)
