"""The cases of golden files of secrets and their leases; seals and envelopes are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import evolve

from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.events import Event
from turnkeep_domain.leases.guards import Guard
from turnkeep_domain.leases.lease import Lease, LeaseName
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.canary import CANARY, Canary, CanaryKey
from turnkeep_domain.secrets.events import (
    LeaseEnd,
    MasterKeyAdded,
    MasterKeyRetired,
    SecretDeleted,
    SecretLeaseEnded,
    SecretLeaseIssued,
    SecretLeaseUsed,
    SecretPut,
)
from turnkeep_domain.secrets.generations import ANY
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_ref import LeaseRef, secret_lease_id
from turnkeep_domain.secrets.lease_roll import LeaseRoll
from turnkeep_domain.secrets.receipts import DeliveryId
from turnkeep_domain.secrets.sealing import KeyId
from turnkeep_domain.secrets.secret import Secret, address_of, delete_secret, put_secret
from turnkeep_domain.secrets.secret_lease import SecretLease

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
MINUTE: Final = timedelta(seconds=60)
OWNER: Final = Scope.of("acme", "zoë", agent="writer")
SCOPE: Final = Scope.of("acme", "zoë", agent="writer", project="p", thread="t/1 ü")
HANDLE: Final = Handle("api_key-1.x")
SEAL: Final = bytes(range(48))
ENVELOPE: Final = bytes(range(100))
KEY: Final = KeyId(bytes(range(16)))


def sealed(decision: object, **changes: Any) -> Any:
    assert isinstance(decision, Changed | Settled)
    return evolve(decision.state, seal=SEAL, **changes)


def put(record: Any, *, expires_at: datetime | None, id: str) -> Secret:
    decision = put_secret(
        record,
        owner=OWNER,
        handle=HANDLE,
        expires_at=expires_at,
        expected=ANY,
        request_id=RequestId(id),
        arguments=(Digest(bytes(range(32))),),
        now=NOW,
    )
    secret = sealed(decision, envelope=ENVELOPE)
    assert isinstance(secret, Secret)
    return secret


FIRST: Final = put(None, expires_at=None, id="p-1")
SECOND: Final = put(FIRST, expires_at=NOW + MINUTE, id="p-2")
DELETED: Final = sealed(
    delete_secret(SECOND, expected=2, request_id=RequestId("d-1"), now=NOW + MINUTE)
)
GUARD: Final = Guard(Lease.unseen(SCOPE, LeaseName("run")).address, 7)


def issued(guard: Guard | None, *, uses_max: int) -> SecretLease:
    ref = LeaseRef(
        scope=SCOPE,
        id=secret_lease_id(bytes(range(16))),
        owner=OWNER,
        handle=HANDLE,
        guard=None if guard is None else guard.address,
    )
    decision = SecretLease.issued(
        ref=ref,
        secret=FIRST,
        uses_max=uses_max,
        ttl=MINUTE,
        guard=guard,
        guard_until=None if guard is None else NOW + MINUTE,
        request_id=RequestId("i-1"),
        now=NOW,
    )
    lease = sealed(decision)
    assert isinstance(lease, SecretLease)
    return lease


def consumed(lease: SecretLease, *, at: datetime = NOW, live: bool = True) -> SecretLease:
    decision = lease.consume(
        request_id=RequestId("u-1"),
        arguments=Digest(bytes(range(32))),
        delivery=DeliveryId(bytes(range(16))),
        secret=FIRST,
        guard_until=NOW + MINUTE if live else None,
        now=at,
    )
    after = sealed(decision)
    assert isinstance(after, SecretLease)
    return after


ONE: Final = issued(None, uses_max=1)
GUARDED: Final = issued(GUARD, uses_max=2)
REVOKED: Final = sealed(ONE.revoke(request_id=RequestId("r-1"), now=NOW))
ROLL: Final = LeaseRoll.empty(SCOPE, now=NOW)
LISTED: Final = ROLL.with_lease(
    GUARDED.ref,
    deadline=NOW + MINUTE,
    request_id=RequestId("i-1"),
    arguments=Digest(bytes(range(32))),
    now=NOW,
).with_session("s" * 64, deadline=NOW + MINUTE, now=NOW)
SWEPT: Final = evolve(REVOKED.swept(now=NOW + timedelta(days=2)), seal=SEAL)

SECRET_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("key_canary", "plain"): Canary(
        keys=(
            CanaryKey(key_id=KEY, envelope=ENVELOPE, added_at=NOW, retired=True),
            CanaryKey(key_id=KeyId(bytes(16)), envelope=ENVELOPE, added_at=NOW, retired=False),
        )
    ),
    ("lease_roll", "empty"): ROLL,
    ("lease_roll", "listed"): LISTED,
    ("secret", "first"): FIRST,
    ("secret", "second"): SECOND,
    ("secret_deleted", "plain"): DELETED,
    ("secret_lease", "issued"): ONE,
    ("secret_lease", "guarded"): GUARDED,
    ("secret_lease", "used"): consumed(GUARDED),
    ("secret_lease", "consumed"): consumed(ONE),
    ("secret_lease", "expired"): consumed(ONE, at=NOW + MINUTE),
    ("secret_lease", "guard_lost"): consumed(GUARDED, live=False),
    ("secret_lease", "revoked"): REVOKED,
    ("secret_lease_swept", "plain"): SWEPT,
}

_SECRET: Final = address_of(OWNER, HANDLE)

SECRET_EVENTS: Final[dict[tuple[str, str], Event]] = {
    ("master_key.added", "plain"): MasterKeyAdded(address=CANARY.address, at=NOW, key_id=KEY),
    ("master_key.retired", "plain"): MasterKeyRetired(address=CANARY.address, at=NOW, key_id=KEY),
    ("secret.put", "plain"): SecretPut(
        address=_SECRET, at=NOW, generation=1, request_id=RequestId("p-1"), expires_at=None
    ),
    ("secret.put", "expiring"): SecretPut(
        address=_SECRET, at=NOW, generation=2, request_id=RequestId("p-2"), expires_at=NOW
    ),
    ("secret.deleted", "plain"): SecretDeleted(
        address=_SECRET, at=NOW, generation=3, request_id=RequestId("d-1")
    ),
    ("secret_lease.issued", "plain"): SecretLeaseIssued(
        address=ONE.address,
        at=NOW,
        owner=OWNER,
        handle=HANDLE,
        generation=1,
        uses_max=1,
        deadline=NOW + MINUTE,
        request_id=RequestId("i-1"),
    ),
    ("secret_lease.used", "plain"): SecretLeaseUsed(
        address=ONE.address,
        at=NOW,
        owner=OWNER,
        handle=HANDLE,
        generation=1,
        use=1,
        request_id=RequestId("u-1"),
    ),
    **{
        ("secret_lease.ended", end.value): SecretLeaseEnded(
            address=ONE.address, at=NOW, owner=OWNER, handle=HANDLE, generation=1, end=end
        )
        for end in LeaseEnd
    },
}
