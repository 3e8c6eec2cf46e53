"""A secret lease: the right to receive one generation of a secret, a counted number of times.

```text
                     .-- a: a use that is not the last
                     v   |
    issue --> Active ----b--> Consumed     b  the last use
                     |---c--> Revoked      c  asked for, or its guard or its generation is gone
                     '---d--> Expired      d  the deadline has come
```

Ends are final. A use is counted before its material leaves, in the commit that the store confirms,
so material leaves at most once for each. The module is long because the order of a use's checks
is one list.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar, assert_never

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.leases.guards import Guard
from turnkeep_domain.request_ids import Digest, RequestId, RequestIdReused
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import (
    Binding,
    moment,
    number,
    place,
    raw,
    scoped,
    several,
    text,
)
from turnkeep_domain.secrets.binding import optional as present
from turnkeep_domain.secrets.events import SecretLeaseEnded, SecretLeaseIssued, SecretLeaseUsed
from turnkeep_domain.secrets.generations import generation
from turnkeep_domain.secrets.handles import Handle, handle
from turnkeep_domain.secrets.lease_phases import (
    PHASES,
    ActiveLease,
    ConsumedLease,
    EndedPhase,
    ExpiredLease,
    LeasePhase,
    RevokedLease,
    end_of,
    phase_bytes,
    refusal_of,
    word_of,
)
from turnkeep_domain.secrets.lease_ref import LeaseRef, SecretLeaseId, lease_id, work_scope
from turnkeep_domain.secrets.limits import (
    KEPT_AFTER_END,
    LEASE_USES_MAX,
    TOMBSTONE_KEPT,
    require_count,
)
from turnkeep_domain.secrets.owners import contains, owner
from turnkeep_domain.secrets.receipts import Delivered, DeliveryId, SecretReceipt, Spent
from turnkeep_domain.secrets.refusals import (
    ConsumeRefusal,
    RevokeCause,
    SecretLeaseExpired,
    SecretLeaseRevoked,
)
from turnkeep_domain.secrets.sealing import UNSEALED, seal
from turnkeep_domain.secrets.secret import Secret, SecretRecord
from turnkeep_domain.secrets.swept_lease import SweptLease

R = TypeVar("R")

_NAME: Final = "secret_lease"
SWEPT: Final = "swept"


@frozen(kw_only=True)
class SecretLease:
    """Who may receive what, how often and until when, and what was received.

    Attributes:
        scope: Whose the lease is; has a tenant and a user, whom the secret's owner contains.
        generation: The one generation of the secret that it lends.
        receipts: Every use, in order.
        deadline: From this instant on it is over.
        guard: The tenure on which it depends.
    """

    id: SecretLeaseId = field(validator=lease_id)
    scope: Scope = field(validator=work_scope)
    owner: Scope = field(validator=owner)
    handle: Handle = field(validator=handle)
    generation: int = field(validator=generation)
    uses_max: int = field()
    receipts: tuple[SecretReceipt, ...] = field(
        validator=deep_iterable(of_kind(SecretReceipt), of_kind(tuple))
    )
    issued_at: datetime = field(validator=instant)
    deadline: datetime = field(validator=instant)
    guard: Guard | None = field(validator=optional(of_kind(Guard)))
    phase: LeasePhase = field(validator=of_kind(*PHASES))
    seal: bytes = field(validator=seal, repr=False)

    @uses_max.validator
    def _within_bounds(self, _: object, uses_max: int) -> None:
        require_count("uses_max", uses_max, least=1, most=LEASE_USES_MAX)

    def __attrs_post_init__(self) -> None:
        if not contains(self.owner, self.scope):
            raise InvalidValue("owner", "must contain the scope")
        if self.deadline <= self.issued_at:
            raise InvalidValue("deadline", "must be after issued_at")
        if [receipt.use for receipt in self.receipts] != list(range(1, len(self.receipts) + 1)):
            raise InvalidValue("receipts", "must be counted from 1")
        if len({receipt.request_id for receipt in self.receipts}) != len(self.receipts):
            raise InvalidValue("receipts", "must have distinct request ids")
        spent = len(self.receipts) == self.uses_max
        if len(self.receipts) > self.uses_max or spent is not isinstance(self.phase, ConsumedLease):
            raise InvalidValue("phase", "must be consumed when every use was made, and only then")

    @classmethod
    def issued(
        cls,
        *,
        ref: LeaseRef,
        secret: Secret,
        uses_max: int,
        ttl: timedelta,
        guard: Guard | None,
        guard_until: datetime | None,
        request_id: RequestId,
        now: datetime,
    ) -> Changed[SecretLease, LeaseRef]:
        """A lease of what the secret holds now, until its time or the secret's is over.

        Args:
            ref: How it will be named.
            secret: What it lends, live.
            uses_max: How often.
            ttl: How long at most.
            guard: On what it depends.
            guard_until: Until when that is live.
            request_id: What asked for it.
            now: The store's.
        """
        until = now + ttl
        deadline = until if secret.expires_at is None else min(until, secret.expires_at)
        lease = cls(
            id=ref.id,
            scope=ref.scope,
            owner=ref.owner,
            handle=ref.handle,
            generation=secret.generation,
            uses_max=uses_max,
            receipts=(),
            issued_at=now,
            deadline=deadline,
            guard=guard,
            phase=ActiveLease(),
            seal=UNSEALED,
        )
        event = SecretLeaseIssued(
            address=lease.address,
            at=now,
            owner=lease.owner,
            handle=lease.handle,
            generation=lease.generation,
            uses_max=uses_max,
            deadline=deadline,
            request_id=request_id,
        )
        return Changed(lease, ref, (event,), _earlier(deadline, guard_until))

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.id)

    @property
    def ref(self) -> LeaseRef:
        """What its borrower names it by."""
        return LeaseRef(
            scope=self.scope,
            id=self.id,
            owner=self.owner,
            handle=self.handle,
            guard=None if self.guard is None else self.guard.address,
        )

    @property
    def envelope(self) -> bytes:
        """There is none: it lends what the secret holds."""
        return b""

    def phase_at(self, now: datetime) -> LeasePhase:
        """Where it stands; over by its deadline is expired, noted or not."""
        return ExpiredLease(self.deadline) if self._is_overdue(now) else self.phase

    # ---- commands -------------------------------------------------------------------------------

    def consume(
        self,
        *,
        request_id: RequestId,
        arguments: Digest,
        delivery: DeliveryId,
        secret: SecretRecord | None,
        guard_until: datetime | None,
        now: datetime,
    ) -> Decision[SecretLease, Spent | Delivered, ConsumeRefusal]:
        """Counts one use. In this order: repeat, state, deadline, guard, generation.

        Args:
            request_id: The idempotency key of the use.
            arguments: What else the request says.
            delivery: The call that asks.
            secret: What is under the handle now.
            guard_until: Until when the guard is live; None where it is not.
            now: The store's.
        """
        for receipt in self.receipts:
            if receipt.request_id == request_id:
                if receipt.arguments != arguments:
                    return Refused(RequestIdReused(request_id))
                own = receipt.delivery == delivery
                return Unchanged(Delivered(receipt) if own else Spent(receipt))
        if not isinstance(self.phase, ActiveLease):
            return Refused(refusal_of(self.phase))
        if self._is_overdue(now):
            return self._settled(ExpiredLease(now), SecretLeaseExpired(), now)
        if self.guard is not None and guard_until is None:
            return self._lost(RevokeCause.GUARD_LOST, now)
        if not isinstance(secret, Secret) or secret.generation != self.generation:
            return self._lost(RevokeCause.SUPERSEDED, now)
        receipt = SecretReceipt(
            use=len(self.receipts) + 1,
            request_id=request_id,
            arguments=arguments,
            delivery=delivery,
            at=now,
        )
        return self._used(receipt, guard_until)

    def revoke(
        self, *, request_id: RequestId, now: datetime
    ) -> Decision[SecretLease, EndedPhase, RequestIdReused]:
        """Ends it. In this order: repeat, ended, deadline."""
        if any(receipt.request_id == request_id for receipt in self.receipts):
            return Refused(RequestIdReused(request_id))
        if not isinstance(self.phase, ActiveLease):
            return Unchanged(self.phase)
        phase: EndedPhase = RevokedLease(at=now, cause=RevokeCause.REQUESTED, request_id=request_id)
        if self._is_overdue(now):
            phase = ExpiredLease(now)
        return Changed(self._with(phase), phase, (self._told(phase, now),))

    def expire(self, *, now: datetime) -> Changed[SecretLease, None] | Unchanged[None]:
        """Notes that its deadline has come, once; where it has not, nothing."""
        if not self._is_overdue(now):
            return Unchanged(None)
        phase = ExpiredLease(now)
        return Changed(self._with(phase), None, (self._told(phase, now),))

    def swept(self, *, now: datetime) -> SweptLease | None:
        """Its tombstone, a day after its end; None before."""
        if isinstance(self.phase, ActiveLease) or self.phase.at + KEPT_AFTER_END > now:
            return None
        return SweptLease(
            id=self.id,
            scope=self.scope,
            issued_at=self.issued_at,
            ended_at=self.phase.at,
            swept_at=now,
            digest=Digest(hashlib.sha256(self.binding().encoded()).digest()),
            seal=UNSEALED,
        )

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/secret-lease/v1",
            self.address,
            scoped(self.owner),
            text(self.handle),
            number(self.generation),
            number(self.uses_max),
            several(self.receipts, _receipt_bytes),
            moment(self.issued_at),
            moment(self.deadline),
            present(self.guard, _guard_bytes),
            raw(phase_bytes(self.phase)),
        )

    # ---- steps ----------------------------------------------------------------------------------

    def _is_overdue(self, now: datetime) -> bool:
        return isinstance(self.phase, ActiveLease) and self.deadline <= now

    def _used(
        self, receipt: SecretReceipt, guard_until: datetime | None
    ) -> Changed[SecretLease, Delivered]:
        now = receipt.at
        phase = ConsumedLease(now) if receipt.use == self.uses_max else None
        used = SecretLeaseUsed(
            address=self.address,
            at=now,
            owner=self.owner,
            handle=self.handle,
            generation=self.generation,
            use=receipt.use,
            request_id=receipt.request_id,
        )
        lease = evolve(
            self,
            receipts=(*self.receipts, receipt),
            phase=self.phase if phase is None else phase,
            seal=UNSEALED,
        )
        ended = () if phase is None else (self._told(phase, now),)
        until = _earlier(self.deadline, guard_until if self.guard is not None else None)
        return Changed(lease, Delivered(receipt), (used, *ended), until)

    def _lost(self, cause: RevokeCause, now: datetime) -> Settled[SecretLease, SecretLeaseRevoked]:
        phase = RevokedLease(at=now, cause=cause, request_id=None)
        return self._settled(phase, SecretLeaseRevoked(cause), now)

    def _settled(self, phase: EndedPhase, reason: R, now: datetime) -> Settled[SecretLease, R]:
        return Settled(self._with(phase), reason, (self._told(phase, now),), tidy=True)

    def _with(self, phase: EndedPhase) -> SecretLease:
        return evolve(self, phase=phase, seal=UNSEALED)

    def _told(self, phase: EndedPhase, now: datetime) -> SecretLeaseEnded:
        return SecretLeaseEnded(
            address=self.address,
            at=now,
            owner=self.owner,
            handle=self.handle,
            generation=self.generation,
            end=end_of(phase),
        )


SecretLeaseRecord: TypeAlias = SecretLease | SweptLease
"""What a cell of the collection holds."""


def _earlier(deadline: datetime, other: datetime | None) -> datetime:
    return deadline if other is None else min(deadline, other)


def _receipt_bytes(receipt: SecretReceipt) -> bytes:
    return b"".join(
        (
            number(receipt.use),
            text(receipt.request_id),
            raw(receipt.arguments),
            raw(receipt.delivery),
            moment(receipt.at),
        )
    )


def _guard_bytes(guard: Guard) -> bytes:
    return place(guard.address) + number(guard.fence)


def _index(record: SecretLeaseRecord) -> Index:
    match record:
        case SecretLease(phase=ActiveLease(), deadline=deadline):
            state, due_at = word_of(record.phase), deadline
        case SecretLease(phase=ConsumedLease(at=at) | RevokedLease(at=at) | ExpiredLease(at=at)):
            state, due_at = word_of(record.phase), at + KEPT_AFTER_END
        case SweptLease(swept_at=swept_at):
            state, due_at = SWEPT, swept_at + TOMBSTONE_KEPT
        case _:
            raise AssertionError("a lease is in one of its phases")
    return Index(state=state, due_at=due_at, sort=record.id)


def _identity(record: SecretLeaseRecord) -> Identity:
    match record:
        case SecretLease() | SweptLease():
            return Identity(record.scope, record.id)
        case _:
            assert_never(record)


SECRET_LEASES: Final[Collection[SecretLeaseRecord]] = Collection(
    name=_NAME,
    members=(SecretLease, SweptLease),
    permanent=False,
    index=_index,
    identity=_identity,
    marks=lambda _: None,
)
