"""An audit: whether what is sealed is what its events tell, and which keys it needs.

A seal tells what was changed. It cannot tell a whole older record that was put back, seal and all;
the events can, for they say what a record has reached. What trimming has taken of them, cannot be
compared.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field, frozen

from turnkeep_application.event_reading import EVERYBODY
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.sealed_pages import readable
from turnkeep_application.vault import SEALED_COLLECTIONS, Sealed, Vault
from turnkeep_domain.credentials.account import CredentialAccount, DeletedAccount
from turnkeep_domain.credentials.events import AccountEvent, SessionEnded, SessionUsed
from turnkeep_domain.credentials.session import CredentialSession
from turnkeep_domain.credentials.session_phases import OpenSession
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.events import SecretEvent, SecretLeaseEnded, SecretLeaseUsed
from turnkeep_domain.secrets.lease_phases import ActiveLease
from turnkeep_domain.secrets.sealing import KeyId, sealed_under, written_under
from turnkeep_domain.secrets.secret import DeletedSecret, Secret
from turnkeep_domain.secrets.secret_lease import SecretLease
from turnkeep_ports.errors import Corrupt, SchemaTooNew
from turnkeep_ports.scans import InScope, Position
from turnkeep_ports.store import START, Cursor, CursorLost, EventQuery

_PAGE: Final = 500
_COLLECTIONS: Final = frozenset(collection.name for collection in SEALED_COLLECTIONS)


@frozen(kw_only=True)
class KeyUse:
    """A master key, and what depends on it.

    Attributes:
        records: How many records cannot be opened without it.
        held: Whether it is in this host's ring.
        listed: Whether the store lists it.
        retired: Whether nothing may be written under it any more.
    """

    key_id: KeyId
    records: int
    primary: bool
    held: bool
    listed: bool
    retired: bool


@frozen(kw_only=True)
class Audit:
    """What was found.

    Attributes:
        records: How many sealed records were looked at.
        unreadable: Those that are corrupt, tampered with, or sealed under a key that is not held.
        behind: Those that are older than their own events tell: a whole record was put back.
        missing: Those of which events tell, and which are gone, though they are never deleted.
        keys: Every key that is held, listed or in use.
    """

    records: int
    unreadable: tuple[Unreadable, ...]
    behind: tuple[Address, ...]
    missing: tuple[Address, ...]
    keys: tuple[KeyUse, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.unreadable or self.behind or self.missing)


@define
class _Reached:
    """What a record has reached, as its events tell; each number only rises."""

    generation: int = 0
    epoch: int = 0
    uses: int = 0
    ended: bool = False

    def hear(self, event: Event) -> None:
        match event:
            case AccountEvent():
                self.generation = max(self.generation, event.generation)
                self.epoch = max(self.epoch, event.epoch)
            case SecretEvent():
                self.generation = max(self.generation, event.generation)
            case SecretLeaseUsed() | SessionUsed():
                self.uses = max(self.uses, event.use)
            case SecretLeaseEnded() | SessionEnded():
                self.ended = True
            case _:
                pass

    def is_met_by(self, record: Sealed) -> bool:
        match record:
            case Secret() | DeletedSecret():
                return record.generation >= self.generation
            case CredentialAccount() | DeletedAccount():
                return record.generation >= self.generation and record.epoch >= self.epoch
            case SecretLease():
                ended = not isinstance(record.phase, ActiveLease)
                return len(record.receipts) >= self.uses and (ended or not self.ended)
            case CredentialSession():
                ended = not isinstance(record.phase, OpenSession)
                return record.uses >= self.uses and (ended or not self.ended)
            case _:
                return True


@define
class _Findings:
    records: int = 0
    unreadable: list[Unreadable] = field(factory=list)
    behind: list[Address] = field(factory=list)
    seen: set[Address] = field(factory=set)
    uses: Counter[KeyId] = field(factory=Counter)


@frozen(kw_only=True)
class SecretAudit:
    """The audit. `Secrets` has the contract."""

    reading: Reading
    vault: Vault

    async def audit(self) -> Audit:
        """As `Secrets.audit` promises."""
        # First the events, then the records: what happens meanwhile only takes records further.
        reached = await self._reached()
        found = _Findings()
        for collection in SEALED_COLLECTIONS:
            query = InScope(collection=collection.name, prefix=EVERYBODY)
            after: Position | None = None
            while True:
                deadline = self.reading.deadline()
                page = await self.reading.page(query, after=after, limit=_PAGE, deadline=deadline)
                for cell in page.cells:
                    found.seen.add(cell.address)
                    record = readable(self.vault, self.reading.decoded(collection, cell))
                    self._look(record, reached.get(cell.address), found)
                if page.next is None:
                    break
                after = page.next
        permanent = {one.name for one in SEALED_COLLECTIONS if one.permanent}
        missing = [at for at in reached.keys() - found.seen if at.collection in permanent]
        return Audit(
            records=found.records,
            unreadable=tuple(found.unreadable),
            behind=tuple(found.behind),
            missing=tuple(sorted(missing, key=repr)),
            keys=await self._keys(found.uses),
        )

    def _look(
        self, record: Sealed | Unreadable, reached: _Reached | None, found: _Findings
    ) -> None:
        found.records += 1
        if isinstance(record, Unreadable):
            found.unreadable.append(record)
            return
        found.uses.update(
            {sealed_under(record.seal), *(map(written_under, filter(None, [record.envelope])))}
        )
        if reached is not None and not reached.is_met_by(record):
            found.behind.append(record.binding().address)

    async def _reached(self) -> dict[Address, _Reached]:
        query = EventQuery(collections=_COLLECTIONS, prefix=EVERYBODY)
        reached: dict[Address, _Reached] = {}
        after: Cursor = START
        while True:
            page = await self.reading.events(query, after=after, limit=_PAGE)
            if isinstance(page, CursorLost):
                after = page.floor
                continue
            for stored in page.events:
                try:
                    event = self.reading.codec.decode_event(stored)
                except (Corrupt, SchemaTooNew):
                    continue  # it tells nothing; whoever reads the log is told of it
                reached.setdefault(stored.address, _Reached()).hear(event)
            if page.next == after:
                return reached
            after = page.next

    async def _keys(self, uses: Counter[KeyId]) -> tuple[KeyUse, ...]:
        canary = (await self.reading.record(CANARY)).record
        listed = {} if canary is None else {one.key_id: one for one in canary.keys}
        held = self.vault.cipher.ring
        return tuple(
            KeyUse(
                key_id=id,
                records=uses[id],
                primary=id == self.vault.cipher.primary,
                held=id in held,
                listed=id in listed,
                retired=id in listed and listed[id].retired,
            )
            for id in sorted({*held, *listed, *uses})
        )
