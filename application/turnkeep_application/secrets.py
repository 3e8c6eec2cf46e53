"""Secrets: the use cases by which material is kept, lent a counted number of times, and taken back.

Material leaves at most once for each counted use, and only after the store has confirmed that use.
Nothing here authorises anybody: who may call what, the host decides.

Another owner's secret is absent, and so is the lease of another scope. Time is the store's alone.
Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what
`Updates.update` raises, and `MasterKeyMissing` in a keep that was given no key, `KeyMismatch` where
a key is needed that the ring does not have, `Tampered` where a record is not what was sealed. Every
use case raises `InvalidValue` for what no host should have handed over, before anything is read.

The module is long because every use case has its whole contract beside it; what is not one has a
module of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import Factory, field, frozen

from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_application.rekeying import KeyRetired, Rekeyed, Rekeying
from turnkeep_application.sealed_pages import sealed_page
from turnkeep_application.secret_audit import Audit, SecretAudit
from turnkeep_application.secret_lending import Loan, Opened, SecretLending
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.secret_sweeping import SecretsSwept, SecretSweeping
from turnkeep_application.secret_views import (
    SecretLeasePage,
    SecretLeaseView,
    SecretMetadata,
    SecretPage,
    lease_view_of,
    metadata_of,
)
from turnkeep_application.updates import Updates
from turnkeep_application.vault import Vault
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import Key, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.leases.guards import Guard, Guards
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import moment, optional, text
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.generations import Expected, require_expected, spelt
from turnkeep_domain.secrets.handles import Handle, require_handle
from turnkeep_domain.secrets.lease_phases import EndedPhase
from turnkeep_domain.secrets.lease_ref import LeaseRef
from turnkeep_domain.secrets.limits import (
    LEASE_SECONDS_MAX,
    LEASE_SECONDS_MIN,
    LEASE_USES_DEFAULT,
    LEASE_USES_MAX,
    require_count,
)
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.owners import require_owner
from turnkeep_domain.secrets.receipts import Spent
from turnkeep_domain.secrets.refusals import (
    ConsumeRefusal,
    IssueRefusal,
    KeyInUse,
    PutRefusal,
    RevokeRefusal,
    SecretDeleteRefusal,
)
from turnkeep_domain.secrets.sealing import KeyId, require_key_id
from turnkeep_domain.secrets.secret import SECRETS, SecretRecord, delete_secret, put_secret
from turnkeep_domain.secrets.secret_lease import (
    SECRET_LEASES,
    SecretLease,
    SecretLeaseRecord,
)
from turnkeep_domain.secrets.states import SecretOutcome
from turnkeep_ports.ids import Ids


@frozen(kw_only=True)
class Secrets:
    """The use cases of secrets; safe to share between tasks.

    Attributes:
        guards: The kinds of tenure on which a lease may depend.
    """

    updates: Updates
    reading: Reading
    vault: Vault
    ids: Ids
    guards: Guards
    settings: SecretSettings = field(factory=SecretSettings)
    _lending: SecretLending = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: SecretLending(
                updates=self.updates,
                vault=self.vault,
                ids=self.ids,
                guards=self.guards,
                settings=self.settings,
            ),
            takes_self=True,
        ),
    )

    async def begin(self) -> None:
        """Makes sure that the keys are the store's. Idempotent; the first use does it, too.

        Raises:
            MasterKeyMissing: No key was given.
            KeyMismatch: The store was written under a key that is not in the ring, or the primary
                was retired.
            Tampered: A key is in the ring, and does not open what it is listed with.
        """
        await self.vault.begin()

    # ---- secrets --------------------------------------------------------------------------------

    async def put(
        self,
        owner: Scope,
        handle: str,
        *,
        material: Material,
        expected: Expected,
        request_id: RequestId,
        expires_at: datetime | None = None,
    ) -> SecretOutcome | Refused[PutRefusal]:
        """Keeps material under a handle, in the place of what is there.

        Leases of an earlier generation end at their next use. A repeat with the same request id
        stores nothing, and answers what the first was answered.

        Args:
            owner: Whose the secret is: a scope without mission and thread.
            handle: 1 to 128 of ``a-z``, ``0-9``, ``_``, ``.`` and ``-``.
            material: 1 byte to 64 KiB; it stays the caller's to wipe.
            expected: What must be there: `ABSENT`, which a deleted one is too; a generation; or
                `ANY`.
            request_id: The idempotency key; nothing but a keyed code is kept of what it put.
            expires_at: From this instant on the material is over; None: never.

        Returns:
            The generation that it became.
            `GenerationMismatch`: something else is there.
            `SecretExpired`: `expires_at` has come.
            `RequestIdReused`: also where the key is gone under which the first was told.
        """
        at = _key(owner, handle)
        require_kind("material", material, Material)
        require_expected("expected", expected)
        require_identifier("request_id", request_id)
        if expires_at is not None:
            require_instant("expires_at", expires_at)
        said = text("put") + optional(expires_at, moment) + text(str(spelt(expected)))
        codes = self.vault.cipher.codes(said, material)
        await self.vault.ready()

        def decide(records: Records, now: datetime) -> Decision[Records, SecretOutcome, PutRefusal]:
            self.vault.require_writable(records)
            decision = put_secret(
                self.vault.verified(records[at]),
                owner=owner,
                handle=Handle(handle),
                expires_at=expires_at,
                expected=expected,
                request_id=request_id,
                arguments=codes,
                now=now,
            )
            return records.adopt(at, decision)

        def prepare(records: Records) -> Records:
            return self.vault.prepared(records, {at.address: material})

        return await self.updates.update([at, CANARY], decide, prepare=prepare)

    async def delete(
        self, owner: Scope, handle: str, *, expected: Expected, request_id: RequestId
    ) -> SecretOutcome | Refused[SecretDeleteRefusal]:
        """Deletes a secret for good: its material goes, a tombstone without it stays.

        What a store's files still hold of the envelope is gone after a scrub.

        Returns:
            The generation of the tombstone, made now or before; 0 where there never was one.
            `GenerationMismatch`, `RequestIdReused`.
        """
        at = _key(owner, handle)
        require_expected("expected", expected)
        require_identifier("request_id", request_id)
        await self.vault.ready()

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, SecretOutcome, SecretDeleteRefusal]:
            self.vault.require_writable(records)
            record: SecretRecord | None = self.vault.verified(records[at])
            decision = delete_secret(record, expected=expected, request_id=request_id, now=now)
            return records.adopt(at, decision)

        return await self.updates.update([at, CANARY], decide, prepare=self.vault.prepared)

    async def metadata(self, owner: Scope, handle: str) -> SecretMetadata | None:
        """What may be told of a secret, a deleted one included; nothing is opened."""
        at = _key(owner, handle)
        seen = await self.reading.record(at)
        record: SecretRecord | None = self.vault.verified(seen.record)
        return None if record is None else metadata_of(record, seen.now)

    async def list(
        self, owner: Scope, *, after: str | None = None, limit: int | None = None
    ) -> SecretPage:
        """The secrets of exactly one owner by handle, deleted ones included; nothing is opened.

        Args:
            owner: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise.
        """
        require_owner("owner", owner)
        page = await sealed_page(
            self.reading,
            self.vault,
            SECRETS,
            owner,
            metadata_of,
            after=after,
            limit=self.settings.page if limit is None else limit,
        )
        return SecretPage(secrets=page.found, unreadable=page.unreadable, next=page.next)

    # ---- leases ---------------------------------------------------------------------------------

    async def issue(
        self,
        scope: Scope,
        *,
        owner: Scope,
        handle: str,
        request_id: RequestId,
        ttl_seconds: float | None = None,
        uses_max: int = LEASE_USES_DEFAULT,
        guard: Guard | None = None,
    ) -> LeaseRef | Refused[IssueRefusal]:
        """Lends the present generation of a secret; no material leaves yet.

        A repeat with the same request id answers the same reference. The reference is no bearer:
        it works in its own scope alone, and who may use it, the host decides.

        Args:
            scope: Who borrows: work of the owner's tenant and user, and of its agent and project
                where the owner has one.
            owner: Whose the secret is; nothing is looked for elsewhere.
            handle: The secret's.
            request_id: The idempotency key.
            ttl_seconds: How long, 1 to 3,600; never past the secret's own expiry.
            uses_max: How often it may be received, 1 to 64.
            guard: A tenure (of a lease, of a run) that must be live now and at each use.

        Returns:
            What to name the lease by.
            `SecretUnknown`: there is none, or it is not for this scope.
            `SecretExpired`, `GuardLost`, `QuotaFull`, `RequestIdReused`.
        """
        require_kind("scope", scope, Scope)
        scope.require_work()
        require_owner("owner", owner)
        require_handle("handle", handle)
        require_identifier("request_id", request_id)
        require_count("uses_max", uses_max, least=1, most=LEASE_USES_MAX)
        if guard is not None:
            require_kind("guard", guard, Guard)
            self.guards.key(guard.address)
        loan = Loan(
            scope=scope,
            owner=owner,
            handle=Handle(handle),
            ttl=self._ttl(ttl_seconds),
            uses_max=uses_max,
            guard=guard,
        )
        return await self._lending.issue(loan, request_id=request_id)

    async def consume(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> Opened | Spent | Refused[ConsumeRefusal]:
        """Receives the material, and spends one use for it.

        The use is counted before the material leaves. A repeat with the same request id answers
        `Spent` and never material: where the first call did not return (the process died), the
        use is spent, and a further lease must be issued.

        Returns:
            The material, to be wiped by leaving its block; or `Spent`.
            `SecretLeaseUnknown`: there is none that this reference fits.
            `SecretLeaseConsumed`, `SecretLeaseExpired`, `RequestIdReused`.
            `SecretLeaseRevoked`: on request; its guard is gone; the secret is not what it was.

        Raises:
            OutcomeUnknown: The use may have been counted; no material was handed over.
            Tampered, KeyMismatch: The material cannot be opened; the use was not counted.
        """
        self._require_ref(ref)
        require_identifier("request_id", request_id)
        return await self._lending.consume(ref, request_id=request_id)

    async def revoke(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> EndedPhase | Refused[RevokeRefusal]:
        """Ends a lease before its time. Idempotent by state.

        Returns:
            How it ended: now by this, or before by something else, which stays.
            `SecretLeaseUnknown`, `RequestIdReused`.
        """
        self._require_ref(ref)
        require_identifier("request_id", request_id)
        return await self._lending.revoke(ref, request_id=request_id)

    async def leases(
        self, scope: Scope, *, after: str | None = None, limit: int | None = None
    ) -> SecretLeasePage:
        """The leases of exactly one scope by id, ended ones included for a day; writes nothing.

        Args:
            scope: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise. A
                page may hold fewer, or none, and not be the last.
        """
        require_kind("scope", scope, Scope)
        scope.require_work()
        page = await sealed_page(
            self.reading,
            self.vault,
            SECRET_LEASES,
            scope,
            _view,
            after=after,
            limit=self.settings.page if limit is None else limit,
        )
        return SecretLeasePage(leases=page.found, unreadable=page.unreadable, next=page.next)

    # ---- upkeep ---------------------------------------------------------------------------------

    async def rekey(self) -> Rekeyed:
        """Writes every sealed record anew under the primary key; everything opens throughout.

        One commit for each record; generations and times are kept. It may be interrupted and begun
        again, and run by several processes at once.

        Rotation: give all hosts the new key among the older ones; make it the primary; rekey;
        retire the old one; take it out of the rings.
        """
        return await self._rekeying().rekey()

    async def retire(self, key_id: KeyId) -> KeyRetired | Refused[KeyInUse]:
        """Forbids for good to write under a key, and forgets it once nothing needs it. Idempotent.

        Hosts whose primary it is are refused from now on, at each commit that seals.

        Args:
            key_id: Not the primary's.

        Returns:
            That nothing needs it any more; or `KeyInUse`: rekey, and retire it again.

        Raises:
            InvalidValue: It is the primary.
        """
        require_key_id("key_id", key_id)
        if key_id == self.vault.cipher.primary:
            raise InvalidValue("key_id", "must not be the primary's")
        return await self._rekeying().retire(key_id)

    async def sweep(self, *, dry_run: bool = False) -> SecretsSwept:
        """Tidies up: notes ends, makes tombstones of what ended a day ago, forgets old ones.

        Nothing waits for it: what is over is refused, and counts in no quota, all the same.

        Args:
            dry_run: Tell what would be done, and do nothing.
        """
        sweeping = SecretSweeping(updates=self.updates, reading=self.reading, vault=self.vault)
        return await sweeping.sweep(dry_run=dry_run)

    async def audit(self) -> Audit:
        """Looks at every sealed record and its events, and writes nothing.

        A seal tells what was changed; the events tell where a whole older record was put back.
        """
        return await SecretAudit(reading=self.reading, vault=self.vault).audit()

    # ---- steps ----------------------------------------------------------------------------------

    def _rekeying(self) -> Rekeying:
        return Rekeying(updates=self.updates, reading=self.reading, vault=self.vault)

    def _require_ref(self, ref: LeaseRef) -> None:
        require_kind("ref", ref, LeaseRef)
        if ref.guard is not None:
            self.guards.key(ref.guard)

    def _ttl(self, seconds: float | None) -> timedelta:
        chosen = self.settings.lease_seconds if seconds is None else seconds
        require_kind("ttl_seconds", chosen, int, float)
        if not LEASE_SECONDS_MIN <= chosen <= LEASE_SECONDS_MAX:
            raise InvalidValue(
                "ttl_seconds", f"must be {LEASE_SECONDS_MIN:.0f} to {LEASE_SECONDS_MAX:.0f}"
            )
        return timedelta(seconds=chosen)


def _key(owner: Scope, handle: str) -> Key[SecretRecord]:
    require_owner("owner", owner)
    require_handle("handle", handle)
    return key(SECRETS, owner, handle)


def _view(record: SecretLeaseRecord, now: datetime) -> SecretLeaseView | None:
    return lease_view_of(record, now) if isinstance(record, SecretLease) else None
