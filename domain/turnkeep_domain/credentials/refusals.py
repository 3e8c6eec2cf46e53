"""A refusal: why a command on an account or a session was not done. Each has a stable code."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.secrets.refusals import (
    GenerationMismatch,
    QuotaFull,
    SecretExpired,
    SecretUnknown,
)


class SessionRevokeCause(Enum):
    """Why a session was ended before its time."""

    CLOSED = "closed"
    ACCOUNT_CHANGED = "account_changed"


@frozen
class AccountUnknown:
    """There is no such account for this scope."""

    code: ClassVar[str] = "account_unknown"


@frozen
class AccountRevoked:
    """The account was revoked, for good: delete it, and put it anew."""

    code: ClassVar[str] = "account_revoked"


@frozen
class AccountExpired:
    """The account is over by its expiry."""

    code: ClassVar[str] = "account_expired"


@frozen
class HandleRefused:
    """A handle is not among those that the account, or the session, has."""

    code: ClassVar[str] = "handle_refused"


@frozen
class TargetRefused:
    """The request is for nothing that the account, or the session, may be used for."""

    code: ClassVar[str] = "target_refused"


@frozen
class SessionUnknown:
    """There is no such session in this scope."""

    code: ClassVar[str] = "session_unknown"


@frozen
class SessionExhausted:
    """Every use of the session was made."""

    code: ClassVar[str] = "session_exhausted"


@frozen
class SessionRevoked:
    """The session was ended before its time."""

    code: ClassVar[str] = "session_revoked"

    cause: SessionRevokeCause


@frozen
class SessionExpired:
    """The session is over by its deadline."""

    code: ClassVar[str] = "session_expired"


AccountPutRefusal: TypeAlias = (
    RequestIdReused | GenerationMismatch | AccountRevoked | AccountExpired
)
AccountDeleteRefusal: TypeAlias = RequestIdReused | GenerationMismatch
AccountRevokeRefusal: TypeAlias = RequestIdReused | AccountUnknown
OpenRefusal: TypeAlias = (
    RequestIdReused
    | AccountUnknown
    | AccountRevoked
    | AccountExpired
    | HandleRefused
    | TargetRefused
    | QuotaFull
)
UseRefusal: TypeAlias = (
    RequestIdReused
    | SessionUnknown
    | SessionExhausted
    | SessionRevoked
    | SessionExpired
    | TargetRefused
    | HandleRefused
    | SecretUnknown
    | SecretExpired
)
