"""A specimen: an address, entry, event or query that laws write and ask for."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.store import (
    COMMIT_ID_BYTES,
    CommitId,
    Entry,
    EventDraft,
    EventQuery,
    StoredEvent,
)

COLLECTION: Final = "specimen"
KIND: Final = "specimen.written"
SCOPE: Final = Scope.of("acme", "ada")
NOON: Final = datetime(2031, 5, 17, 12, tzinfo=UTC)
EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
ALL_EVENTS: Final = EventQuery(collections=None, prefix=EVERYBODY)


def address(id: str, *, collection: str = COLLECTION, scope: Scope = SCOPE) -> Address:
    """A cell's place."""
    return Address(collection, scope, id)


def addresses(number: int) -> list[Address]:
    """Places of one scope, in key order."""
    return [address(f"{n:06d}") for n in range(number)]


def entry(
    body: bytes = b"", *, state: str = "open", due_at: datetime | None = None, sort: str = ""
) -> Entry:
    """What a cell may hold."""
    return Entry(body=body, index=Index(state=state, due_at=due_at, sort=sort))


def draft(of: Address, body: bytes = b"", *, kind: str = KIND, at: datetime = NOON) -> EventDraft:
    """An event of a record."""
    return EventDraft(address=of, kind=kind, at=at, body=body)


def told(event: StoredEvent) -> EventDraft:
    """What a stored event tells, as it was drafted."""
    return EventDraft(address=event.address, kind=event.kind, at=event.at, body=event.body)


def fresh_commit_id() -> CommitId:
    """16 bytes that no other commit has."""
    return CommitId(secrets.token_bytes(COMMIT_ID_BYTES))
