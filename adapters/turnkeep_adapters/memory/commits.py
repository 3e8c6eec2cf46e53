"""A commit: asked for, judged against the rows it expects, and then a set of effects to apply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep_adapters.memory.rows import EventRow, Row
from turnkeep_domain.keys import Address
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import (
    ABSENT,
    Check,
    CommitId,
    Committed,
    Delete,
    EventDraft,
    Late,
    Put,
    Revision,
    Stale,
    Write,
)

_NUMBER_BYTES: Final = 8
_MINTED_BYTES: Final = 8


@frozen(kw_only=True)
class Commit:
    """What a caller wants written, within the limits of the port."""

    commit_id: CommitId
    writes: tuple[Write, ...]
    events: tuple[EventDraft, ...]
    valid_until: datetime | None


@frozen
class Effect:
    """What a commit makes of one cell: a row, or nothing where it was deleted."""

    key: bytes
    row: Row | None


@frozen(kw_only=True)
class Judged:
    """A commit whose expectations held: what a log keeps and replays, in plain values.

    Attributes:
        first: The sequence number of the first effect; the others follow it.
        effects: One for each put and delete, in the order of the writes; never none.
        events: In the order of the commit.
    """

    commit_id: CommitId
    first: int
    effects: tuple[Effect, ...]
    events: tuple[EventRow, ...]


class Trial:
    """Commits judged one after another, each on top of those before it, and none applied.

    A trial may be dropped: it has written nothing. It holds for as long as what it was made from
    does not change.
    """

    def __init__(self, rows: Mapping[bytes, Row], sequence: int) -> None:
        """Starts from rows and the last sequence number that was used."""
        self._rows = rows
        self._sequence = sequence
        self._made: dict[bytes, Row | None] = {}

    def judge(self, commit: Commit, now: datetime) -> Judged | Stale | Late:
        """Compares everything that a commit expects.

        Args:
            commit: Within the limits; they are not checked here.
            now: Decides whether `valid_until` has come: it is `Late` then, stale or not.
        """
        if commit.valid_until is not None and commit.valid_until <= now:
            return Late()
        keys = {write.address: key_bytes(write.address) for write in commit.writes}
        stale = frozenset(
            write.address
            for write in commit.writes
            if not _holds(write, self._row(keys[write.address]))
        )
        if stale:
            return Stale(stale, busy=False)
        judged = self._judged(commit, keys)
        self._sequence += len(judged.effects)
        self._made.update((effect.key, effect.row) for effect in judged.effects)
        return judged

    def _judged(self, commit: Commit, keys: Mapping[Address, bytes]) -> Judged:
        first = self._sequence + 1
        commit_id = CommitId(bytes(commit.commit_id))
        return Judged(
            commit_id=commit_id,
            first=first,
            effects=tuple(
                Effect(keys[write.address], _row(write, number, commit_id))
                for number, write in enumerate(_changing(commit), first)
            ),
            events=tuple(
                EventRow.of(draft, keys.get(draft.address), commit_id) for draft in commit.events
            ),
        )

    def _row(self, key: bytes) -> Row | None:
        return self._made[key] if key in self._made else self._rows.get(key)


def revision(number: int, commit_id: CommitId) -> Revision:
    """A sequence number, then what the commit id begins with.

    The number alone would repeat after a failover that lost commits; the pair does not.
    """
    return Revision(number.to_bytes(_NUMBER_BYTES, "big") + commit_id[:_MINTED_BYTES])


def committed(commit: Commit, judged: Judged) -> Committed:
    """What the caller of an applied commit is told."""
    pairs = zip(_changing(commit), judged.effects, strict=True)
    revisions = {
        change.address: effect.row.revision for change, effect in pairs if effect.row is not None
    }
    return Committed(revisions)


def _changing(commit: Commit) -> list[Put | Delete]:
    return [write for write in commit.writes if not isinstance(write, Check)]


def _holds(write: Write, row: Row | None) -> bool:
    # A delete is stale on an absent cell even if a caller smuggles ABSENT in as its revision.
    if write.expect is ABSENT and not isinstance(write, Delete):
        return row is None
    return row is not None and row.revision == write.expect


def _row(change: Put | Delete, number: int, commit_id: CommitId) -> Row | None:
    if isinstance(change, Delete):
        return None
    return Row.of(change.entry, revision(number, commit_id), commit_id)
