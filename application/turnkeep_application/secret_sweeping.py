"""A sweep: what has ended is noted, made a tombstone of, and in time forgotten.

Nothing waits for it: every command judges deadlines by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Never, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.sealed_pages import readable
from turnkeep_application.updates import Updates
from turnkeep_application.vault import Vault
from turnkeep_domain.credentials.session import SESSIONS, CredentialSession, SessionRecord
from turnkeep_domain.credentials.swept_session import SweptSession
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Collection, Key, ReadKey
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.lease_roll import LEASE_ROLLS, LeaseRoll, roll_key
from turnkeep_domain.secrets.secret_lease import SECRET_LEASES, SecretLease, SecretLeaseRecord
from turnkeep_domain.secrets.swept_lease import SweptLease
from turnkeep_ports.scans import Due, Position
from turnkeep_ports.store import Cell

BATCH: Final = 31
"""Records of a commit: each with its roll, and the canary, they are 63 cells."""
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@frozen(kw_only=True)
class SecretsSwept:
    """What a sweep has done, or in a dry run would do.

    Attributes:
        expired: Leases and sessions whose deadline had come, now noted.
        tombstones: Those that ended a day ago, of which a tombstone is left.
        forgotten: Tombstones of leases, and empty rolls, that were a month old.
        unreadable: What could not be read, and was left.
    """

    expired: int = field(default=0)
    tombstones: int = field(default=0)
    forgotten: int = field(default=0)
    unreadable: tuple[Unreadable, ...] = field(default=())

    def __add__(self, other: SecretsSwept) -> SecretsSwept:
        """Both together."""
        return SecretsSwept(
            expired=self.expired + other.expired,
            tombstones=self.tombstones + other.tombstones,
            forgotten=self.forgotten + other.forgotten,
            unreadable=self.unreadable + other.unreadable,
        )


_EXPIRED: Final = SecretsSwept(expired=1)
_TOMBSTONE: Final = SecretsSwept(tombstones=1)
_FORGOTTEN: Final = SecretsSwept(forgotten=1)

Sweepable: TypeAlias = SecretLeaseRecord | SessionRecord | LeaseRoll
_DUE: Final[tuple[tuple[Collection[Sweepable], frozenset[str]], ...]] = (
    (
        SECRET_LEASES,
        frozenset({"active", "consumed", "revoked", "expired", "swept"}),
    ),
    (SESSIONS, frozenset({"open", "exhausted", "revoked", "expired"})),
    (LEASE_ROLLS, frozenset({"empty"})),
)


@frozen(kw_only=True)
class SecretSweeping:
    """The sweep. `Secrets` has the contract."""

    updates: Updates
    reading: Reading
    vault: Vault

    async def sweep(self, *, dry_run: bool) -> SecretsSwept:
        """As `Secrets.sweep` promises."""
        await self.vault.ready()
        swept = SecretsSwept()
        for collection, states in _DUE:
            query = Due(collection=collection.name, states=states, by=_FOREVER)
            after: Position | None = None
            while True:
                deadline = self.reading.deadline()
                page = await self.reading.page(query, after=after, limit=BATCH, deadline=deadline)
                due = [cell for cell in page.cells if _is_due(cell, page.now)]
                swept += await self._batch(collection, due, dry_run=dry_run)
                if page.next is None or len(due) < len(page.cells):
                    break
                after = page.next
        return swept

    async def _batch(
        self, of: Collection[Sweepable], due: Sequence[Cell], *, dry_run: bool
    ) -> SecretsSwept:
        keys: list[Key[Sweepable]] = []
        unreadable: list[Unreadable] = []
        for cell in due:
            record = self._readable(self.reading.decoded(of, cell))
            if isinstance(record, Unreadable):
                unreadable.append(record)
            else:
                keys.append(Key(of, cell.address))
        lost = SecretsSwept(unreadable=tuple(unreadable))
        return lost + await self._commit(keys, dry_run=dry_run) if keys else lost

    async def _commit(self, keys: Sequence[Key[Sweepable]], *, dry_run: bool) -> SecretsSwept:
        rolls = {key.address.scope: roll_key(key.address.scope) for key in keys}

        def decide(records: Records, now: datetime) -> Decision[Records, SecretsSwept, Never]:
            self.vault.require_writable(records)
            after, events, swept = records, list[Event](), SecretsSwept()
            for key in keys:
                record = records[key]
                if record is None:
                    continue
                after, told, one = self._tidied(after, key, record, now)
                events += told
                swept += one
            if dry_run or after is records:
                return Unchanged(swept)
            return Changed(after, swept, tuple(events))

        loaded: dict[ReadKey[object], None] = {CANARY: None}
        loaded |= dict.fromkeys(keys)
        loaded |= dict.fromkeys(rolls.values())
        answer = await self.updates.update(tuple(loaded), decide, prepare=self.vault.prepared)
        if isinstance(answer, Refused):
            raise TypeError("a sweep is never refused")
        return answer

    def _tidied(
        self, records: Records, key: Key[Sweepable], record: Sweepable, now: datetime
    ) -> tuple[Records, tuple[Event, ...], SecretsSwept]:
        """The records after one of them was tidied, what is told of it, and what it was."""
        nothing = records, (), SecretsSwept()
        match record:
            case LeaseRoll():
                return (records.delete(key), (), _FORGOTTEN) if record.may_go(now) else nothing
            case SweptLease():
                over = self.vault.verified(record).may_go(now)
                return (records.delete(key), (), _FORGOTTEN) if over else nothing
            case SweptSession():
                return nothing
            case SecretLease() | CredentialSession():
                ended = self.vault.verified(record).expire(now=now)
                if isinstance(ended, Changed):
                    after = _off_the_roll(records.put(key, ended.state), key, now)
                    return after, ended.events, _EXPIRED
                tombstone = record.swept(now=now)
                return (
                    nothing if tombstone is None else (records.put(key, tombstone), (), _TOMBSTONE)
                )
        assert_never(record)

    def _readable(self, record: Sweepable | Unreadable) -> object:
        return record if isinstance(record, LeaseRoll) else readable(self.vault, record)


def _is_due(cell: Cell, now: datetime) -> bool:
    due_at = cell.entry.index.due_at
    return due_at is not None and due_at <= now


def _off_the_roll(records: Records, key: Key[Sweepable], now: datetime) -> Records:
    at = roll_key(key.address.scope)
    roll = records[at]
    if roll is None:
        return records
    listed = roll.without(key.address.id, now=now)
    return records if listed is roll else records.put(at, listed)
