"""A rekeying: the way of every sealed record from older master keys to the primary."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, TypeVar

from attrs import evolve, frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.sealed_pages import readable
from turnkeep_application.updates import Updates
from turnkeep_application.vault import SEALED_COLLECTIONS, Enveloping, Sealed, Vault
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.keys import Address, Collection, Key
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.secrets.canary import CANARY, SYSTEM
from turnkeep_domain.secrets.refusals import KeyInUse
from turnkeep_domain.secrets.sealing import UNSEALED, KeyId
from turnkeep_ports.scans import InScope, Position

S = TypeVar("S", bound=Sealed)

_PAGE: Final = 200
_EVERYTHING: Final = ScopePrefix(scope=SYSTEM, depth=0)


@frozen(kw_only=True)
class Rekeyed:
    """What a rekeying came upon.

    Attributes:
        records: How many it has written anew under the primary key.
        unreadable: What it could not read; each hides no other, and keeps its key in use.
    """

    records: int
    unreadable: tuple[Unreadable, ...]


@frozen(kw_only=True)
class KeyRetired:
    """Nothing is, or may be, written under a key any more: it may leave the ring of every host."""

    key_id: KeyId


@frozen(kw_only=True)
class Rekeying:
    """Rekey and retire. `Secrets` has the contracts."""

    updates: Updates
    reading: Reading
    vault: Vault

    async def rekey(self) -> Rekeyed:
        """As `Secrets.rekey` promises."""
        await self.vault.ready()
        records = 0
        unreadable: list[Unreadable] = []
        for collection in SEALED_COLLECTIONS:
            async for record in self._all(collection):
                if isinstance(record, Unreadable):
                    unreadable.append(record)
                elif not self.vault.is_current(record):
                    await self._write_anew(collection, record.binding().address)
                    records += 1
        return Rekeyed(records=records, unreadable=tuple(unreadable))

    async def retire(self, key_id: KeyId) -> KeyRetired | Refused[KeyInUse]:
        """As `Secrets.retire` promises."""
        await self.vault.ready()

        def forbid(records: Records, now: datetime) -> Decision[Records, None, None]:
            canary = self.vault.require_writable(records)
            return records.adopt(CANARY, canary.retire(key_id, now=now))

        await self.updates.update([CANARY], forbid)
        # From here on no commit writes under it: whoever seals checks the canary. So what a scan
        # does not find now, is not there later.
        in_use = 0
        for collection in SEALED_COLLECTIONS:
            async for record in self._all(collection):
                in_use += isinstance(record, Unreadable) or self.vault.is_written_under(
                    record, key_id
                )
        if in_use:
            return Refused(KeyInUse(in_use))
        await self._forget(key_id)
        return KeyRetired(key_id=key_id)

    async def _forget(self, key_id: KeyId) -> None:
        def decide(records: Records, _: datetime) -> Decision[Records, None, None]:
            canary = self.vault.require_writable(records)
            if canary.of(key_id) is None:
                return Unchanged(None)
            return Changed(records.put(CANARY, canary.without(key_id)), None, ())

        await self.updates.update([CANARY], decide)

    async def _write_anew(self, of: Collection[S], address: Address) -> None:
        at: Key[S] = Key(of, address)
        before: dict[Address, Enveloping] = {}

        def decide(records: Records, _: datetime) -> Decision[Records, None, None]:
            self.vault.require_writable(records)
            record = self.vault.verified(records[at])
            before.clear()
            if record is None or self.vault.is_current(record):
                return Unchanged(None)
            if isinstance(record, Enveloping):
                before[address] = record
            return Changed(records.put(at, evolve(record, seal=UNSEALED)), None, ())

        def prepare(records: Records) -> Records:
            return self.vault.prepared(records, before=before)

        await self.updates.update([at, CANARY], decide, prepare=prepare)

    async def _all(self, of: Collection[S]) -> AsyncIterator[S | Unreadable]:
        query = InScope(collection=of.name, prefix=_EVERYTHING)
        after: Position | None = None
        while True:
            deadline = self.reading.deadline()
            page = await self.reading.page(query, after=after, limit=_PAGE, deadline=deadline)
            for cell in page.cells:
                yield readable(self.vault, self.reading.decoded(of, cell))
            if page.next is None:
                return
            after = page.next
