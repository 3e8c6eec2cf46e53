"""A row: what is stored of a cell or an event, in values that nobody can change.

Rows hold bytes, text and instants, never an object of the caller: what was handed in or out shares
nothing with what is stored.
"""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.keys import Address, Index
from turnkeep_ports.key_bytes import address_of, key_bytes
from turnkeep_ports.store import (
    Cell,
    CommitId,
    Cursor,
    Entry,
    EventDraft,
    Revision,
    StoredEvent,
)


@frozen(kw_only=True)
class Row:
    """A cell as it is stored, under its key bytes."""

    body: bytes = field(repr=False)
    state: str
    due_at: datetime | None
    sort: str
    revision: Revision
    written_by: CommitId

    @classmethod
    def of(cls, entry: Entry, revision: Revision, commit_id: CommitId) -> Row:
        """The row that a put makes."""
        return cls(
            body=bytes(entry.body),
            state=entry.index.state,
            due_at=entry.index.due_at,
            sort=entry.index.sort,
            revision=revision,
            written_by=commit_id,
        )

    def cell(self, address: Address) -> Cell:
        """The cell that a reader gets."""
        index = Index(state=self.state, due_at=self.due_at, sort=self.sort)
        return Cell(
            address=address,
            entry=Entry(body=self.body, index=index),
            revision=self.revision,
            written_by=self.written_by,
        )

    def searched_like(self, other: Row) -> bool:
        """Whether scans find both at the same places."""
        return (self.state, self.due_at, self.sort) == (other.state, other.due_at, other.sort)


@frozen(kw_only=True)
class EventRow:
    """An event as it is stored; its number is its place in the log."""

    key: bytes
    kind: str
    at: datetime
    commit_id: CommitId
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, draft: EventDraft, key: bytes | None, commit_id: CommitId) -> EventRow:
        """The row that a commit appends; the key is the address's, where it is known already."""
        return cls(
            key=key_bytes(draft.address) if key is None else key,
            kind=draft.kind,
            at=draft.at,
            commit_id=commit_id,
            body=bytes(draft.body),
        )

    def stored(self, cursor: Cursor) -> StoredEvent:
        """The event that a reader gets."""
        return StoredEvent(
            cursor=cursor,
            address=address_of(self.key),
            kind=self.kind,
            at=self.at,
            commit_id=self.commit_id,
            body=self.body,
        )
