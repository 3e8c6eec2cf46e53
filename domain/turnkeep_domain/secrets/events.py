"""An event of a secret or a secret lease: handles, generations and causes; never material."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.generations import generation
from turnkeep_domain.secrets.handles import Handle, handle
from turnkeep_domain.secrets.limits import LEASE_USES_MAX, require_count
from turnkeep_domain.secrets.owners import owner
from turnkeep_domain.secrets.sealing import KeyId, key_id


class LeaseEnd(Enum):
    """How a secret lease ended."""

    CONSUMED = "consumed"
    EXPIRED = "expired"
    REQUESTED = "requested"
    GUARD_LOST = "guard_lost"
    SUPERSEDED = "superseded"


@frozen(kw_only=True)
class SecretEvent(Event):
    """What every event of a secret tells."""

    generation: int = field(validator=generation)
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class SecretPut(SecretEvent):
    """A secret got new material."""

    kind: ClassVar[str] = "secret.put"

    expires_at: datetime | None = field(validator=optional_instant)


@frozen(kw_only=True)
class SecretDeleted(SecretEvent):
    """A secret was deleted, and its material with it."""

    kind: ClassVar[str] = "secret.deleted"


@frozen(kw_only=True)
class SecretLeaseEvent(Event):
    """What every event of a secret lease tells: which generation of which secret it lends."""

    owner: Scope = field(validator=owner)
    handle: Handle = field(validator=handle)
    generation: int = field(validator=generation)


@frozen(kw_only=True)
class SecretLeaseIssued(SecretLeaseEvent):
    """A secret may be received so many times, until a deadline."""

    kind: ClassVar[str] = "secret_lease.issued"

    uses_max: int = field()
    deadline: datetime = field(validator=instant)
    request_id: RequestId = field(validator=identifier)

    @uses_max.validator
    def _within_bounds(self, _: object, uses_max: int) -> None:
        require_count("uses_max", uses_max, least=1, most=LEASE_USES_MAX)


@frozen(kw_only=True)
class SecretLeaseUsed(SecretLeaseEvent):
    """A use was counted, and the material handed over at most once for it."""

    kind: ClassVar[str] = "secret_lease.used"

    use: int = field()
    request_id: RequestId = field(validator=identifier)

    @use.validator
    def _within_bounds(self, _: object, use: int) -> None:
        require_count("use", use, least=1, most=LEASE_USES_MAX)


@frozen(kw_only=True)
class SecretLeaseEnded(SecretLeaseEvent):
    """A secret lease has ended, for good."""

    kind: ClassVar[str] = "secret_lease.ended"

    end: LeaseEnd = field(validator=of_kind(LeaseEnd))


@frozen(kw_only=True)
class MasterKeyEvent(Event):
    """What every event of a master key tells."""

    key_id: KeyId = field(validator=key_id)


@frozen(kw_only=True)
class MasterKeyAdded(MasterKeyEvent):
    """A host began to write under this key."""

    kind: ClassVar[str] = "master_key.added"


@frozen(kw_only=True)
class MasterKeyRetired(MasterKeyEvent):
    """Nothing may be written under this key any more."""

    kind: ClassVar[str] = "master_key.retired"
