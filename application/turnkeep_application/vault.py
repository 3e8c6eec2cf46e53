"""A vault: what stands between sealed records and those who decide on them.

A record that was sealed is verified before any decision rests on it; one that changes is encrypted
and sealed in the step before its commit; and every such commit checks the canary, so that a host
whose ring is out of date writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.credentials.account import ACCOUNTS, CredentialAccount, DeletedAccount
from turnkeep_domain.credentials.session import SESSIONS, CredentialSession
from turnkeep_domain.credentials.swept_session import SweptSession
from turnkeep_domain.decisions import Decision, Unchanged
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.secrets.canary import CANARY, Canary
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.sealing import UNSEALED, UNWRITTEN, sealed_under, written_under
from turnkeep_domain.secrets.secret import SECRETS, DeletedSecret, Secret
from turnkeep_domain.secrets.secret_lease import SECRET_LEASES, SecretLease
from turnkeep_domain.secrets.swept_lease import SweptLease
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.key_errors import KeyMismatch, Tampered

Enveloping: TypeAlias = Secret | CredentialAccount
Sealed: TypeAlias = (
    Secret
    | DeletedSecret
    | SecretLease
    | SweptLease
    | CredentialAccount
    | DeletedAccount
    | CredentialSession
    | SweptSession
)
SEALED_COLLECTIONS: Final[tuple[Collection[Sealed], ...]] = (
    SECRETS,
    SECRET_LEASES,
    ACCOUNTS,
    SESSIONS,
)
"""Every collection of sealed records."""
T = TypeVar("T")

_PROOF: Final = b"turnkeep"
_RETIRED: Final = "was retired, or never listed: nothing may be written under it"
NOTHING: Final[Mapping[Address, Material]] = {}


@define
class _Beginning:
    """Whether this process has made sure of its keys."""

    done: bool = False


@frozen(kw_only=True)
class Vault:
    """Verifies, encrypts and seals, for every service that keeps sealed records."""

    updates: Updates
    cipher: Cipher
    _beginning: _Beginning = field(factory=_Beginning, init=False, repr=False)

    async def begin(self) -> None:
        """Makes sure that the ring is the store's. Idempotent; the first use does it, too.

        Every key that the store lists must be in the ring, and open what it is listed with. The
        primary is listed if it is not yet; in a store that lists none, it is the first.

        Raises:
            MasterKeyMissing: The ring is empty.
            KeyMismatch: A listed key is not in the ring, or the primary was retired.
            Tampered: A listed key is in the ring, and does not open what it is listed with.
        """
        primary = self.cipher.primary

        def decide(records: Records, now: datetime) -> Decision[Records, None, None]:
            canary = records[CANARY]
            if canary is None:
                return records.adopt(CANARY, Canary.first(primary, now=now))
            self._require_ring(canary)
            listed = canary.of(primary)
            if listed is None:
                return records.adopt(CANARY, canary.added(primary, now=now))
            if listed.retired:
                raise KeyMismatch(primary, _RETIRED)
            return Unchanged(None)

        await self.updates.update([CANARY], decide, prepare=self._proven)
        self._beginning.done = True

    async def ready(self) -> None:
        """Begins, if that was not done yet; raises what `begin` raises."""
        if not self._beginning.done:
            await self.begin()

    def require_writable(self, records: Records) -> Canary:
        """The canary; refuses what would be written under a key that is not listed.

        Raises:
            KeyMismatch: The primary was retired.
            Tampered: The canary is gone.
        """
        canary = records[CANARY]
        if canary is None:
            raise Tampered("it is gone", CANARY.address)
        if not canary.may_write(self.cipher.primary):
            raise KeyMismatch(self.cipher.primary, _RETIRED)
        return canary

    def verified(self, record: T) -> T:
        """The record, or None, if it is what was sealed.

        Raises:
            KeyMismatch: Its key is not in the ring.
            Tampered: It is not what was sealed.
            TypeError: It is no record that is sealed.
        """
        if record is None:
            return record
        if not isinstance(record, Sealed):
            raise TypeError("only a sealed record can be verified")
        # One that is not sealed yet cannot come from a store: no codec writes it.
        if record.seal is not UNSEALED:
            self.cipher.verify(record.seal, record.binding(), record.envelope)
        return record

    def opened(self, record: Enveloping) -> Material:
        """What is encrypted in a record; whoever gets it wipes it."""
        return self.cipher.decrypt(record.envelope, record.binding())

    def prepared(
        self,
        records: Records,
        materials: Mapping[Address, Material] = NOTHING,
        *,
        before: Mapping[Address, Enveloping] | None = None,
    ) -> Records:
        """The records as they may be stored: every changed one encrypted and sealed.

        Args:
            records: The view after a decision.
            materials: What is to be encrypted, by the record that holds it.
            before: Records whose own content is to be encrypted anew, as they were.
        """
        for key, record in tuple(records.written()):
            if isinstance(record, Sealed) and record.seal is UNSEALED:
                sealed = self._sealed(record, key.address, materials, before or {})
                records = records.put(key, sealed)
        return records

    def is_written_under(self, record: Sealed, key: bytes) -> bool:
        """Whether any part of a record needs this key."""
        envelope = record.envelope
        return sealed_under(record.seal) == key or bool(envelope and written_under(envelope) == key)

    def is_current(self, record: Sealed) -> bool:
        """Whether a record needs no key but the primary."""
        primary, envelope = self.cipher.primary, record.envelope
        written = not envelope or written_under(envelope) == primary
        return written and sealed_under(record.seal) == primary

    # ---- steps ----------------------------------------------------------------------------------

    def _sealed(
        self,
        record: Sealed,
        address: Address,
        materials: Mapping[Address, Material],
        before: Mapping[Address, Enveloping],
    ) -> Sealed:
        if isinstance(record, Enveloping):
            if address in before:
                with self.opened(before[address]) as material:
                    envelope = self.cipher.encrypt(material, record.binding())
                record = evolve(record, envelope=envelope)
            elif record.envelope is UNWRITTEN:
                envelope = self.cipher.encrypt(materials[address], record.binding())
                record = evolve(record, envelope=envelope)
        return evolve(record, seal=self.cipher.seal(record.binding(), record.envelope))

    def _require_ring(self, canary: Canary) -> None:
        for listed in canary.keys:
            if listed.key_id not in self.cipher.ring:
                raise KeyMismatch(listed.key_id, "is listed by the store, and is not in the ring")
        for listed in canary.keys:
            self.cipher.decrypt(listed.envelope, listed.binding()).wipe()

    def _proven(self, records: Records) -> Records:
        canary = records[CANARY]
        if canary is None:
            return records
        keys = []
        for one in canary.keys:
            if one.envelope is UNWRITTEN:
                with Material.of(_PROOF) as proof:
                    one = evolve(one, envelope=self.cipher.encrypt(proof, one.binding()))
            keys.append(one)
        return records.put(CANARY, Canary(keys=tuple(keys)))
