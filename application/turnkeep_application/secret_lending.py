"""Secret lending: how a secret is lent, received and taken back. `Secrets` has the contracts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve, frozen

from turnkeep_application.delivery import Delivery, Release
from turnkeep_application.records import Records
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.updates import Updates
from turnkeep_application.vault import Vault
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Key, ReadKey, key
from turnkeep_domain.leases.guards import Guard, Guarding, Guards
from turnkeep_domain.request_ids import Digest, Mark, RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import place
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_phases import ActiveLease, EndedPhase
from turnkeep_domain.secrets.lease_ref import LeaseRef, secret_lease_id
from turnkeep_domain.secrets.lease_roll import LeaseRoll, roll_key
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.owners import contains
from turnkeep_domain.secrets.receipts import Delivered, DeliveryId, SecretReceipt, Spent
from turnkeep_domain.secrets.refusals import (
    ConsumeRefusal,
    GuardLost,
    IssueRefusal,
    QuotaFull,
    RevokeRefusal,
    SecretExpired,
    SecretLeaseUnknown,
    SecretUnknown,
)
from turnkeep_domain.secrets.secret import SECRETS, Secret, SecretRecord
from turnkeep_domain.secrets.secret_lease import SECRET_LEASES, SecretLease, SecretLeaseRecord
from turnkeep_ports.ids import Ids

O = TypeVar("O")
R = TypeVar("R")


@frozen
class Opened:
    """A use that was counted, and the material that it is for: wipe it, by leaving its block.

    Attributes:
        receipt: Which use it is.
        material: Leaves Turnkeep this once.
    """

    receipt: SecretReceipt
    material: Material


@frozen(kw_only=True)
class Loan:
    """What a borrower asks for."""

    scope: Scope
    owner: Scope
    handle: Handle
    ttl: timedelta
    uses_max: int
    guard: Guard | None

    def arguments(self) -> Digest:
        """What tells a repeat from another request."""
        where = None if self.guard is None else place(self.guard.address).hex()
        return digest_of(
            "issue",
            *self.owner.components(),
            self.handle,
            self.ttl // timedelta(microseconds=1),
            self.uses_max,
            where,
            None if self.guard is None else self.guard.fence,
        )


@frozen
class _Use:
    """One call that asks for one use."""

    request_id: RequestId
    arguments: Digest
    delivery: DeliveryId


@frozen(kw_only=True)
class _Places:
    """Where everything is kept that a lease depends on."""

    lease: Key[SecretLeaseRecord]
    roll: Key[LeaseRoll]
    secret: Key[SecretRecord]
    guard: ReadKey[Guarding] | None

    def all(self) -> list[ReadKey[object]]:
        """All of them, and the canary."""
        guard = [] if self.guard is None else [self.guard]
        return [CANARY, self.lease, self.roll, self.secret, *guard]

    def guarded_until(
        self, guard: Guard | None, records: Records, now: datetime
    ) -> datetime | None:
        """Until when the guard's tenure is live; None where it is not, or there is none."""
        if guard is None or self.guard is None:
            return None
        return guard.live_until(records[self.guard], now)


@frozen(kw_only=True)
class SecretLending:
    """Issue, consume and revoke."""

    updates: Updates
    vault: Vault
    ids: Ids
    guards: Guards
    settings: SecretSettings

    async def issue(self, loan: Loan, *, request_id: RequestId) -> LeaseRef | Refused[IssueRefusal]:
        """As `Secrets.issue` promises."""
        ref = LeaseRef(
            scope=loan.scope,
            id=secret_lease_id(self.ids.commit_id()),
            owner=loan.owner,
            handle=loan.handle,
            guard=None if loan.guard is None else loan.guard.address,
        )
        at = self._places(ref)
        arguments = loan.arguments()
        await self.vault.ready()

        def decide(records: Records, now: datetime) -> Decision[Records, LeaseRef, IssueRefusal]:
            self.vault.require_writable(records)
            roll = records[at.roll] or LeaseRoll.empty(loan.scope, now=now)
            match roll.issues.recall(request_id, arguments):
                case Mark(outcome=before):
                    return Unchanged(before)
                case RequestIdReused() as reused:
                    return Refused(reused)
                case None:
                    pass
            issued = self._issued(loan, ref, request_id, roll, records, now)
            if isinstance(issued, Refused):
                return issued
            lease, deadline = issued.state, issued.state.deadline
            listed = roll.with_lease(
                ref, deadline=deadline, request_id=request_id, arguments=arguments, now=now
            )
            after = records.put(at.lease, lease).put(at.roll, listed)
            return Changed(after, ref, issued.events, issued.valid_until)

        return await self.updates.update(at.all(), decide, prepare=self.vault.prepared)

    async def consume(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> Opened | Spent | Refused[ConsumeRefusal]:
        """As `Secrets.consume` promises."""
        at = self._places(ref)
        await self.vault.ready()
        # Minted outside the loop: every attempt of this call is the same call.
        use = _Use(request_id, digest_of("consume", ref.id), DeliveryId(self.ids.commit_id()))
        counted: list[Secret] = []
        released: set[Release] = set()

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, Spent | Delivered, ConsumeRefusal]:
            counted.clear()
            record = self._like(ref, records[at.lease])
            if record is None:
                return Refused(SecretLeaseUnknown())
            secret: SecretRecord | None = self.vault.verified(records[at.secret])
            decision = self._consumed(record, secret, use, at, records, now)
            if isinstance(decision, Changed) and isinstance(secret, Secret):
                counted.append(secret)
            return _with_roll(records.adopt(at.lease, decision), at, now)

        with Delivery() as delivery:

            def prepare(records: Records) -> Records:
                for secret in counted:
                    release = Release(secret.handle, secret.generation)
                    delivery.add(release, self.vault.opened(secret))
                    released.add(release)
                return self.vault.prepared(records)

            answer = await self.updates.update(at.all(), decide, prepare=prepare)
            if not isinstance(answer, Delivered):
                return answer
            # A lease lends one generation alone, so there is one release, whichever attempt it was.
            return Opened(answer.receipt, delivery.handed_over(released)[ref.handle])

    async def revoke(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> EndedPhase | Refused[RevokeRefusal]:
        """As `Secrets.revoke` promises."""
        at = self._places(ref)
        await self.vault.ready()

        def decide(records: Records, now: datetime) -> Decision[Records, EndedPhase, RevokeRefusal]:
            self.vault.require_writable(records)
            record = self._like(ref, records[at.lease])
            if record is None:
                return Refused(SecretLeaseUnknown())
            decision = records.adopt(at.lease, record.revoke(request_id=request_id, now=now))
            return _with_roll(decision, at, now)

        keys: list[ReadKey[object]] = [CANARY, at.lease, at.roll]
        return await self.updates.update(keys, decide, prepare=self.vault.prepared)

    # ---- steps ----------------------------------------------------------------------------------

    def _places(self, ref: LeaseRef) -> _Places:
        return _Places(
            lease=key(SECRET_LEASES, ref.scope, ref.id),
            roll=roll_key(ref.scope),
            secret=key(SECRETS, ref.owner, ref.handle),
            guard=None if ref.guard is None else self.guards.key(ref.guard),
        )

    def _like(self, ref: LeaseRef, record: SecretLeaseRecord | None) -> SecretLease | None:
        """The lease that is meant; None where it is absent, swept, or unlike the reference."""
        known = self.vault.verified(record)
        return known if isinstance(known, SecretLease) and known.ref == ref else None

    def _issued(
        self,
        loan: Loan,
        ref: LeaseRef,
        request_id: RequestId,
        roll: LeaseRoll,
        records: Records,
        now: datetime,
    ) -> Changed[SecretLease, LeaseRef] | Refused[IssueRefusal]:
        at = self._places(ref)
        secret = self.vault.verified(records[at.secret])
        if not isinstance(secret, Secret) or not contains(loan.owner, loan.scope):
            return Refused(SecretUnknown())
        if secret.is_over(now):
            return Refused(SecretExpired())
        guard_until = at.guarded_until(loan.guard, records, now)
        if loan.guard is not None and guard_until is None:
            return Refused(GuardLost())
        if roll.live_leases(now) >= self.settings.leases_max:
            return Refused(QuotaFull(self.settings.leases_max))
        return SecretLease.issued(
            ref=ref,
            secret=secret,
            uses_max=loan.uses_max,
            ttl=loan.ttl,
            guard=loan.guard,
            guard_until=guard_until,
            request_id=request_id,
            now=now,
        )

    def _consumed(
        self,
        lease: SecretLease,
        secret: SecretRecord | None,
        use: _Use,
        at: _Places,
        records: Records,
        now: datetime,
    ) -> Decision[SecretLease, Spent | Delivered, ConsumeRefusal]:
        self.vault.require_writable(records)
        return lease.consume(
            request_id=use.request_id,
            arguments=use.arguments,
            delivery=use.delivery,
            secret=secret,
            guard_until=at.guarded_until(lease.guard, records, now),
            now=now,
        )


def _with_roll(
    decision: Decision[Records, O, R], at: _Places, now: datetime
) -> Decision[Records, O, R]:
    """The decision, and with a lease that it ends the lease's place on the roll."""
    if not isinstance(decision, Changed | Settled):
        return decision
    after = decision.state
    record, roll = after[at.lease], after[at.roll]
    live = isinstance(record, SecretLease) and isinstance(record.phase, ActiveLease)
    if record is None or roll is None or live:
        return decision
    listed = roll.without(record.id, now=now)
    return evolve(decision, state=after if listed is roll else after.put(at.roll, listed))
