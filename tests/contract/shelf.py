"""A shelf: the data of a reference store, which its handles share."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from attrs import Factory, define, frozen

from turnkeep_domain.keys import Address, Index
from turnkeep_ports.store import Cell, CommitId, Entry, Revision

NAME_BYTES: Final = 8
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Row:
    """A cell as it is kept: plain values, none of them an object of a caller."""

    body: bytes
    state: str
    due_at: datetime | None
    sort: str
    revision: Revision
    written_by: CommitId

    @property
    def index(self) -> Index:
        return Index(state=self.state, due_at=self.due_at, sort=self.sort)

    def cell(self, address: Address) -> Cell:
        entry = Entry(body=self.body, index=self.index)
        return Cell(
            address=address, entry=entry, revision=self.revision, written_by=self.written_by
        )


@frozen(kw_only=True)
class Told:
    """An event as it is kept, under its number."""

    number: int
    address: Address
    kind: str
    at: datetime
    body: bytes
    commit_id: CommitId


@define(kw_only=True)
class Shelf:
    """The data: what several handles share."""

    name: bytes = Factory(lambda: secrets.token_bytes(NAME_BYTES))
    rows: dict[Address, Row] = Factory(dict)
    log: list[Told] = Factory(list)
    floor: int = 0
    head: int = 0
    sequence: int = 0
    commits: int = 0
    now: datetime = BEGINNING
