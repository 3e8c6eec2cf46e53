"""A view: the state that the segments up to one number have made, and where the next one lies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, assert_never

from attrs import frozen

from turnkeep_adapters.files.checkpoint import Checkpoint, CheckpointHead
from turnkeep_adapters.files.form import Form
from turnkeep_adapters.files.segment import Item, Segment, Trim
from turnkeep_adapters.memory.commits import Commit, Judged
from turnkeep_adapters.memory.engine import EMPTY, Engine, EngineState
from turnkeep_adapters.memory.rows import EventRow, Row
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import Check, Put

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
ROW_BYTES: Final = 700
"""What a row takes in memory beside its own bytes: objects, map and indexes."""
EVENT_BYTES: Final = 300


@frozen(kw_only=True)
class Head:
    """The last number of the log that a view has, and what the next one must fit to.

    Attributes:
        number: 0 before the first.
        digest: Its segment's; the form's before the first.
        bucket: Where the next number lies.
    """

    number: int
    digest: bytes
    time: datetime
    bucket: str


class View:
    """A state at a head. Used by one thread at a time.

    Attributes:
        weight_bytes: About how much memory the cells and events take.
    """

    def __init__(self, *, store_id: bytes, head: Head, state: EngineState) -> None:
        """Starts from a state; O(n log n)."""
        self.store_id = store_id
        self.head = head
        self.engine = Engine(store_id, state)
        self.weight_bytes = sum(_row_bytes(key, row) for key, row in state.rows.items())
        self.weight_bytes += sum(map(_event_bytes, state.events))

    @classmethod
    def at_beginning(cls, form: Form) -> View:
        """The empty state that the first segment is applied to."""
        head = Head(number=0, digest=form.digest, time=BEGINNING, bucket=form.first_bucket)
        return cls(store_id=form.store_id, head=head, state=EMPTY)

    @classmethod
    def at_checkpoint(cls, checkpoint: Checkpoint) -> View:
        """The state that a checkpoint keeps."""
        of = checkpoint.head
        head = Head(number=of.number, digest=of.digest, time=of.time, bucket=of.bucket)
        return cls(store_id=of.store_id, head=head, state=checkpoint.state)

    def checkpoint(self) -> Checkpoint:
        """A copy of everything."""
        head = self.head
        of = CheckpointHead(
            store_id=self.store_id,
            number=head.number,
            digest=head.digest,
            time=head.time,
            bucket=head.bucket,
        )
        return Checkpoint(head=of, state=self.engine.state())

    def misfit(self, segment: Segment) -> str | None:
        """Why a segment is not the next one here; None if it is."""
        head = self.head
        if segment.store_id != self.store_id:
            return "is of another store"
        if segment.number != head.number + 1:
            return "has another number inside"
        if segment.previous != head.digest:
            return "does not follow the one before it"
        if segment.time < head.time or segment.sequence != self.engine.sequence:
            return "contradicts the one before it"
        return None

    def apply(self, segment: Segment, digest: bytes) -> set[bytes]:
        """Makes the next segment happen; answers the keys that it concerns."""
        keys: set[bytes] = set()
        for item in segment.items:
            self._happen(item, keys)
        self.head = Head(
            number=segment.number,
            digest=digest,
            time=segment.time,
            bucket=segment.next_bucket or self.head.bucket,
        )
        return keys

    def growth_bytes(self, commit: Commit) -> int:
        """About how much more memory a commit takes, if it is written."""
        grown = sum(EVENT_BYTES + len(event.body) for event in commit.events)
        for write in commit.writes:
            if isinstance(write, Check):
                continue
            key = key_bytes(write.address)
            row = self.engine.row(key)
            grown -= 0 if row is None else _row_bytes(key, row)
            if isinstance(write, Put):
                body, sort = write.entry.body, write.entry.index.sort
                grown += ROW_BYTES + len(key) + len(body) + 2 * len(sort)
        return grown

    def _happen(self, item: Item, keys: set[bytes]) -> None:
        match item:
            case Judged():
                self._commit(item, keys)
            case Trim(floor):
                self._trim(floor)
            case _:
                assert_never(item)

    def _commit(self, judged: Judged, keys: set[bytes]) -> None:
        replaced = self.engine.apply(judged)
        for effect, old in zip(judged.effects, replaced, strict=True):
            key, row = effect.key, effect.row
            keys.add(key)
            self.weight_bytes += 0 if row is None else _row_bytes(key, row)
            self.weight_bytes -= 0 if old is None else _row_bytes(key, old)
        for event in judged.events:
            keys.add(event.key)
            self.weight_bytes += _event_bytes(event)

    def _trim(self, floor: int) -> None:
        dropped = self.engine.events_to(floor)
        self.weight_bytes -= sum(map(_event_bytes, dropped))
        self.engine.raise_floor(floor)


def _row_bytes(key: bytes, row: Row) -> int:
    return ROW_BYTES + len(key) + len(row.body) + 2 * len(row.sort)


def _event_bytes(row: EventRow) -> int:
    return EVENT_BYTES + len(row.body)
