"""A refusal: why a command on a secret or a secret lease was not done. Each has a stable code."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.request_ids import RequestIdReused


class RevokeCause(Enum):
    """Why a secret lease was ended before its time."""

    REQUESTED = "requested"
    GUARD_LOST = "guard_lost"
    SUPERSEDED = "superseded"


@frozen
class SecretUnknown:
    """There is no such secret for this scope."""

    code: ClassVar[str] = "secret_unknown"


@frozen
class SecretExpired:
    """The secret is over by its expiry."""

    code: ClassVar[str] = "secret_expired"


@frozen
class GenerationMismatch:
    """What is there is not what was expected.

    Attributes:
        generation: That of what is there, a tombstone included; 0 where nothing ever was.
    """

    code: ClassVar[str] = "generation_mismatch"

    generation: int


@frozen
class SecretLeaseUnknown:
    """There is no such secret lease for this reference."""

    code: ClassVar[str] = "lease_unknown"


@frozen
class SecretLeaseConsumed:
    """Every use of the secret lease was made."""

    code: ClassVar[str] = "lease_consumed"


@frozen
class SecretLeaseRevoked:
    """The secret lease was ended before its time."""

    code: ClassVar[str] = "lease_revoked"

    cause: RevokeCause


@frozen
class SecretLeaseExpired:
    """The secret lease is over by its deadline."""

    code: ClassVar[str] = "lease_expired"


@frozen
class GuardLost:
    """The tenure on which the lease was to depend is not live."""

    code: ClassVar[str] = "guard_lost"


@frozen
class QuotaFull:
    """The scope has `live_max` live leases or sessions; some must end first."""

    code: ClassVar[str] = "quota_full"

    live_max: int


@frozen
class KeyInUse:
    """A master key cannot be forgotten yet; nothing more is written under it.

    Attributes:
        records: How many records still need it, or cannot be read: rekey, or mend them.
    """

    code: ClassVar[str] = "key_in_use"

    records: int


PutRefusal: TypeAlias = RequestIdReused | GenerationMismatch | SecretExpired
SecretDeleteRefusal: TypeAlias = RequestIdReused | GenerationMismatch
IssueRefusal: TypeAlias = RequestIdReused | SecretUnknown | SecretExpired | GuardLost | QuotaFull
ConsumeRefusal: TypeAlias = (
    RequestIdReused
    | SecretLeaseUnknown
    | SecretLeaseConsumed
    | SecretLeaseRevoked
    | SecretLeaseExpired
)
RevokeRefusal: TypeAlias = RequestIdReused | SecretLeaseUnknown
