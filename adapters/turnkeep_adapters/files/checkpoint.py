"""A checkpoint: the whole state after one number of the log, so that what is before may leave.

::

    store id (16)  number (8)  digest of that segment (32)  time (8)  bucket length (1)  bucket
    sequence (8)  floor (8)  cells (8)  events (8)
    cells in key order, each: sequence number (8)  commit id (16)  cell
    events after the floor

Whoever writes the checkpoint of a number writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from attrs import field, frozen

from turnkeep_adapters.files.framing import DIGEST_BYTES, Damaged, Taking, framed, unframed
from turnkeep_adapters.files.layout import first_of
from turnkeep_adapters.files.rows import (
    cell_bytes,
    event_bytes,
    take_cell,
    take_event,
    take_instant,
)
from turnkeep_adapters.memory.commits import revision
from turnkeep_adapters.memory.engine import EngineState
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES
from turnkeep_adapters.memory.rows import Row
from turnkeep_ports.scans import due_bytes
from turnkeep_ports.store import COMMIT_ID_BYTES, CommitId

MAGIC: Final = b"tk-chkp\n"
VERSION: Final = 1
_SEQUENCE_BYTES: Final = 8


@frozen(kw_only=True)
class CheckpointHead:
    """Where a checkpoint stands in the log.

    Attributes:
        number: The last segment that it includes.
        digest: That segment's.
        time: That segment's.
        bucket: Where the next number lies.
    """

    store_id: bytes
    number: int
    digest: bytes
    time: datetime
    bucket: str


@frozen(kw_only=True)
class Checkpoint:
    """What a checkpoint says."""

    head: CheckpointHead
    state: EngineState = field(repr=False)


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """The file of a checkpoint. Costs O(state), in time and in memory."""
    return framed(MAGIC, VERSION, _parts(checkpoint))


def read_checkpoint(raw: bytes) -> Checkpoint:
    """What the bytes of a file say.

    Raises:
        Damaged: They are no whole checkpoint.
        SchemaTooNew: A newer release wrote it.
    """
    taking = _payload(raw)
    head = _head(taking)
    sequence, floor = taking.number(8), taking.number(8)
    cells, events = taking.number(8), taking.number(8)
    state = EngineState(
        sequence=sequence,
        rows=dict(_cell(taking) for _ in range(cells)),
        floor=floor,
        events=tuple(take_event(taking) for _ in range(events)),
    )
    taking.end()
    return Checkpoint(head=head, state=state)


def read_checkpoint_head(raw: bytes) -> CheckpointHead:
    """Where it stands; all of its bytes are judged by their checksum.

    Raises:
        Damaged: They are no whole checkpoint.
        SchemaTooNew: A newer release wrote it.
    """
    return _head(_payload(raw))


def _parts(checkpoint: Checkpoint) -> Iterator[bytes]:
    state = checkpoint.state
    head, bucket = checkpoint.head, checkpoint.head.bucket.encode()
    yield head.store_id
    yield head.number.to_bytes(8, "big")
    yield head.digest
    yield due_bytes(head.time)
    yield len(bucket).to_bytes(1, "big") + bucket
    for count in (state.sequence, state.floor, len(state.rows), len(state.events)):
        yield count.to_bytes(8, "big")
    for key in sorted(state.rows):
        row = state.rows[key]
        yield row.revision[:_SEQUENCE_BYTES] + row.written_by
        yield cell_bytes(key, row)
    for event in state.events:
        yield event_bytes(event)


def _payload(raw: bytes) -> Taking:
    return Taking(unframed(raw, magic=MAGIC, version=VERSION, what="a checkpoint"))


def _head(taking: Taking) -> CheckpointHead:
    store_id = taking.bytes(STORE_ID_BYTES)
    number = taking.number(8)
    digest = taking.bytes(DIGEST_BYTES)
    time = take_instant(taking)
    return CheckpointHead(
        store_id=store_id, number=number, digest=digest, time=time, bucket=_bucket(taking, number)
    )


def _cell(taking: Taking) -> tuple[bytes, Row]:
    number = taking.number(_SEQUENCE_BYTES)
    commit_id = CommitId(taking.bytes(COMMIT_ID_BYTES))
    return take_cell(taking, revision(number, commit_id), commit_id)


def _bucket(taking: Taking, number: int) -> str:
    name = taking.bytes(taking.number(1)).decode("ascii", errors="replace")
    first = first_of(name)
    if first is None or first > number + 1:
        raise Damaged("names a bucket that is none")
    return name
