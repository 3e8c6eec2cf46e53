"""A segment: the file of one number of the log, with the commits and trims that it made happen.

::

    store id (16)  number (8)  previous digest (32)  time (8)  next bucket length (1)  next bucket
    sequence before (8)  items (4)  length of the items (4)  items

    commit  "C"  commit id (16)  effects (2)  events (2)  effects  events
    effect  "P" cell  or  "D" key length (2) key
    trim    "T"  floor (8)

A segment that names a next bucket closes its own: the number after it lies in the next one.
Revisions are not written: each is the next number of the sequence and the commit id.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from struct import Struct
from typing import Final, TypeAlias

from attrs import frozen

from turnkeep_adapters.files.framing import DIGEST_BYTES, Damaged, Taking, framed, unframed
from turnkeep_adapters.files.layout import first_of
from turnkeep_adapters.files.rows import (
    cell_bytes,
    event_bytes,
    instant_of,
    take_cell,
    take_event,
)
from turnkeep_adapters.memory.commits import Effect, Judged, revision
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES
from turnkeep_ports.scans import due_bytes
from turnkeep_ports.store import COMMIT_ID_BYTES, CommitId

MAGIC: Final = b"tk-segm\n"
VERSION: Final = 1
_COMMIT, _TRIM, _PUT, _DELETE = b"C", b"T", b"P", b"D"
_HEAD: Final = Struct(f">{STORE_ID_BYTES}sQ{DIGEST_BYTES}s8sB")
_COUNTS: Final = Struct(">QII")
_OF_COMMIT: Final = Struct(f">{COMMIT_ID_BYTES}sHH")


@frozen
class Trim:
    """The floor of the event log was raised to a number."""

    floor: int


Item: TypeAlias = Judged | Trim


@frozen(kw_only=True)
class Segment:
    """What a segment says.

    Attributes:
        previous: The digest of the segment before it; of `FORMAT` for the first.
        time: The store's time when its commits were judged.
        next_bucket: Where the next number lies, if not in the same bucket.
        sequence: The last sequence number before it.
        items: What happened, in order; none at all in a segment that only moves the log on.
    """

    store_id: bytes
    number: int
    previous: bytes
    time: datetime
    next_bucket: str | None
    sequence: int
    items: tuple[Item, ...]


def segment_bytes(segment: Segment) -> bytes:
    """The file of a segment: one value, one spelling."""
    items = b"".join(_item_bytes(item) for item in segment.items)
    bucket = (segment.next_bucket or "").encode()
    return framed(
        MAGIC,
        VERSION,
        [
            segment.store_id,
            segment.number.to_bytes(8, "big"),
            segment.previous,
            due_bytes(segment.time),
            len(bucket).to_bytes(1, "big"),
            bucket,
            segment.sequence.to_bytes(8, "big"),
            len(segment.items).to_bytes(4, "big"),
            len(items).to_bytes(4, "big"),
            items,
        ],
    )


def read_segment(raw: bytes) -> Segment:
    """What the bytes of a file say; whether it is the one that was looked for, others judge.

    Raises:
        Damaged: They are no whole segment.
        SchemaTooNew: A newer release wrote it.
    """
    taking = Taking(unframed(raw, magic=MAGIC, version=VERSION, what="a log segment"))
    store_id, number, previous, time, bucket_length = taking.fields(_HEAD)
    next_bucket = _next_bucket(taking.bytes(bucket_length), number)
    sequence, count, length = taking.fields(_COUNTS)
    if length != len(taking.payload) - taking.at:
        raise Damaged("has another length than it says")
    items = tuple(_items(taking, count, sequence))
    taking.end()
    return Segment(
        store_id=store_id,
        number=number,
        previous=previous,
        time=instant_of(time),
        next_bucket=next_bucket,
        sequence=sequence,
        items=items,
    )


def _item_bytes(item: Item) -> bytes:
    if isinstance(item, Trim):
        return _TRIM + item.floor.to_bytes(8, "big")
    counts = len(item.effects).to_bytes(2, "big") + len(item.events).to_bytes(2, "big")
    effects = [_effect_bytes(effect) for effect in item.effects]
    events = [event_bytes(event) for event in item.events]
    return b"".join([_COMMIT, item.commit_id, counts, *effects, *events])


def _effect_bytes(effect: Effect) -> bytes:
    if effect.row is None:
        return _DELETE + len(effect.key).to_bytes(2, "big") + effect.key
    return _PUT + cell_bytes(effect.key, effect.row)


def _items(taking: Taking, count: int, sequence: int) -> Iterator[Item]:
    for _ in range(count):
        tag = taking.bytes(1)
        if tag == _TRIM:
            yield Trim(taking.number(8))
        elif tag == _COMMIT:
            judged = _judged(taking, sequence + 1)
            sequence += len(judged.effects)
            yield judged
        else:
            raise Damaged("has an item of no kind")


def _judged(taking: Taking, first: int) -> Judged:
    own, effects, events = taking.fields(_OF_COMMIT)
    commit_id = CommitId(own)
    return Judged(
        commit_id=commit_id,
        first=first,
        effects=tuple([_effect(taking, first + place, commit_id) for place in range(effects)]),
        events=tuple([take_event(taking) for _ in range(events)]),
    )


def _effect(taking: Taking, number: int, commit_id: CommitId) -> Effect:
    tag = taking.bytes(1)
    if tag == _PUT:
        return Effect(*take_cell(taking, revision(number, commit_id), commit_id))
    if tag == _DELETE:
        return Effect(taking.bytes(taking.number(2)), None)
    raise Damaged("has an effect of no kind")


def _next_bucket(bucket: bytes, number: int) -> str | None:
    name = bucket.decode("ascii", errors="replace")
    if name and first_of(name) != number + 1:
        raise Damaged("names a next bucket that is none")
    return name or None
