"""A view of a secret, or of a lease of one: everything but material."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_phases import ActiveLease, LeasePhase, word_of
from turnkeep_domain.secrets.lease_ref import LeaseRef
from turnkeep_domain.secrets.secret import Secret, SecretRecord, state_of
from turnkeep_domain.secrets.secret_lease import SecretLease
from turnkeep_domain.secrets.states import SecretState


@frozen(kw_only=True)
class SecretMetadata:
    """A secret as it stood at one moment of the store's clock.

    Attributes:
        expires_at: From this instant on it is over; None: never, or it was deleted.
        updated_at: When it was put, or deleted.
    """

    owner: Scope
    handle: Handle
    generation: int
    state: SecretState
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@frozen(kw_only=True)
class SecretPage:
    """Secrets of one owner, by handle.

    Attributes:
        unreadable: What lay among them and could not be read; each hides no other.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    secrets: tuple[SecretMetadata, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class SecretLeaseView:
    """A secret lease as it stood at one moment of the store's clock.

    Attributes:
        state: ``"active"``, ``"consumed"``, ``"revoked"`` or ``"expired"``; over by its deadline
            is expired, noted or not.
        uses: How many were made.
    """

    ref: LeaseRef
    generation: int
    state: str
    phase: LeasePhase
    uses: int
    uses_max: int
    issued_at: datetime
    deadline: datetime

    @property
    def active(self) -> bool:
        """Whether it may still be used."""
        return isinstance(self.phase, ActiveLease)


@frozen(kw_only=True)
class SecretLeasePage:
    """Secret leases of one scope, by id.

    Attributes:
        unreadable: What lay among them and could not be read; each hides no other.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    leases: tuple[SecretLeaseView, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


def metadata_of(record: SecretRecord, now: datetime) -> SecretMetadata:
    """What may be told of a secret."""
    return SecretMetadata(
        owner=record.owner,
        handle=record.handle,
        generation=record.generation,
        state=state_of(record, now),
        created_at=record.created_at,
        updated_at=record.updated_at if isinstance(record, Secret) else record.deleted_at,
        expires_at=record.expires_at if isinstance(record, Secret) else None,
    )


def lease_view_of(lease: SecretLease, now: datetime) -> SecretLeaseView:
    """What may be told of a secret lease."""
    phase = lease.phase_at(now)
    return SecretLeaseView(
        ref=lease.ref,
        generation=lease.generation,
        state=word_of(phase),
        phase=phase,
        uses=len(lease.receipts),
        uses_max=lease.uses_max,
        issued_at=lease.issued_at,
        deadline=lease.deadline,
    )
