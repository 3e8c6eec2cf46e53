"""A phase of a credential session: whether it can be used, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.credentials.events import SessionEnd
from turnkeep_domain.credentials.refusals import (
    SessionExhausted,
    SessionExpired,
    SessionRevokeCause,
    SessionRevoked,
)
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.secrets.binding import moment, text


@frozen
class OpenSession:
    """It can be used, until its deadline."""


@frozen
class ExhaustedSession:
    """Every use was made."""

    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class RevokedSession:
    """It was ended before its time."""

    at: datetime = field(validator=instant)
    cause: SessionRevokeCause = field(validator=of_kind(SessionRevokeCause))


@frozen
class ExpiredSession:
    """Its deadline had come when this was noted."""

    at: datetime = field(validator=instant)


EndedSession: TypeAlias = ExhaustedSession | RevokedSession | ExpiredSession
SessionPhase: TypeAlias = OpenSession | EndedSession
PHASES: Final = (OpenSession, ExhaustedSession, RevokedSession, ExpiredSession)


def session_word(phase: SessionPhase) -> str:
    """The phase in one word."""
    match phase:
        case OpenSession():
            return "open"
        case ExhaustedSession():
            return "exhausted"
        case RevokedSession():
            return "revoked"
        case ExpiredSession():
            return "expired"
        case _:
            assert_never(phase)


def session_end(phase: EndedSession) -> SessionEnd:
    """How it ended."""
    match phase:
        case ExhaustedSession():
            return SessionEnd.EXHAUSTED
        case RevokedSession(cause=cause):
            return SessionEnd(cause.value)
        case ExpiredSession():
            return SessionEnd.EXPIRED
        case _:
            assert_never(phase)


def session_refusal(phase: EndedSession) -> SessionExhausted | SessionRevoked | SessionExpired:
    """Why a session that has ended cannot be used."""
    match phase:
        case ExhaustedSession():
            return SessionExhausted()
        case RevokedSession(cause=cause):
            return SessionRevoked(cause)
        case ExpiredSession():
            return SessionExpired()
        case _:
            assert_never(phase)


def session_phase_bytes(phase: SessionPhase) -> bytes:
    """The phase as a part of a binding."""
    word = text(session_word(phase))
    match phase:
        case OpenSession():
            return word
        case ExhaustedSession(at=at) | ExpiredSession(at=at):
            return word + moment(at)
        case RevokedSession(at=at, cause=cause):
            return word + moment(at) + text(cause.value)
        case _:
            assert_never(phase)
