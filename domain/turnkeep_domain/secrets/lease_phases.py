"""A phase of a secret lease: whether it can be used, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.secrets.binding import moment, text
from turnkeep_domain.secrets.binding import optional as present
from turnkeep_domain.secrets.events import LeaseEnd
from turnkeep_domain.secrets.refusals import (
    RevokeCause,
    SecretLeaseConsumed,
    SecretLeaseExpired,
    SecretLeaseRevoked,
)


@frozen
class ActiveLease:
    """It can be used, until its deadline."""


@frozen
class ConsumedLease:
    """Every use was made."""

    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class RevokedLease:
    """It was ended before its time.

    Attributes:
        request_id: Under which the end was asked for; None where nobody asked for it.
    """

    at: datetime = field(validator=instant)
    cause: RevokeCause = field(validator=of_kind(RevokeCause))
    request_id: RequestId | None = field(validator=optional_identifier)


@frozen
class ExpiredLease:
    """Its deadline had come when this was noted."""

    at: datetime = field(validator=instant)


EndedPhase: TypeAlias = ConsumedLease | RevokedLease | ExpiredLease
LeasePhase: TypeAlias = ActiveLease | EndedPhase
PHASES: Final = (ActiveLease, ConsumedLease, RevokedLease, ExpiredLease)


def word_of(phase: LeasePhase) -> str:
    """The phase in one word."""
    match phase:
        case ActiveLease():
            return "active"
        case ConsumedLease():
            return "consumed"
        case RevokedLease():
            return "revoked"
        case ExpiredLease():
            return "expired"
        case _:
            assert_never(phase)


def end_of(phase: EndedPhase) -> LeaseEnd:
    """How it ended."""
    match phase:
        case ConsumedLease():
            return LeaseEnd.CONSUMED
        case RevokedLease(cause=cause):
            return LeaseEnd(cause.value)
        case ExpiredLease():
            return LeaseEnd.EXPIRED
        case _:
            assert_never(phase)


def refusal_of(phase: EndedPhase) -> SecretLeaseConsumed | SecretLeaseRevoked | SecretLeaseExpired:
    """Why a lease that has ended cannot be used."""
    match phase:
        case ConsumedLease():
            return SecretLeaseConsumed()
        case RevokedLease(cause=cause):
            return SecretLeaseRevoked(cause)
        case ExpiredLease():
            return SecretLeaseExpired()
        case _:
            assert_never(phase)


def phase_bytes(phase: LeasePhase) -> bytes:
    """The phase as a part of a binding."""
    word = text(word_of(phase))
    match phase:
        case ActiveLease():
            return word
        case ConsumedLease(at=at) | ExpiredLease(at=at):
            return word + moment(at)
        case RevokedLease(at=at, cause=cause, request_id=request_id):
            return word + moment(at) + text(cause.value) + present(request_id, text)
        case _:
            assert_never(phase)
