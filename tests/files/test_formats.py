"""Formats: what is written is read back the same, and no release changes it unnoticed."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.actors import NOON, Actor, address, commit_of
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_adapters.files.checkpoint import (
    Checkpoint,
    CheckpointHead,
    checkpoint_bytes,
    read_checkpoint,
    read_checkpoint_head,
)
from turnkeep_adapters.files.form import Form, form_bytes, read_form
from turnkeep_adapters.files.framing import Damaged, framed
from turnkeep_adapters.files.segment import MAGIC, Segment, Trim, read_segment, segment_bytes
from turnkeep_adapters.memory.commits import Effect, Judged, revision
from turnkeep_adapters.memory.engine import EngineState
from turnkeep_adapters.memory.rows import EventRow, Row
from turnkeep_ports.errors import SchemaTooNew
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import CommitId

STORE_ID = bytes(range(16))
COMMIT_ID = CommitId(b"commit-id-of-16b")
BUCKET = "000000000001-" + "a" * 32
NEXT_BUCKET = "000000000008-" + "b" * 32

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
instants = st.datetimes(min_value=NOON.replace(year=1, tzinfo=None), timezones=st.just(UTC))
keys = st.builds(lambda id: key_bytes(address(id)), st.text("abcd", min_size=1, max_size=5))


def row(number: int, commit_id: CommitId, values: tuple) -> Row:  # type: ignore[type-arg]  # drawn
    body, state, due_at, sort = values
    return Row(
        body=body,
        state=state,
        due_at=due_at,
        sort=sort,
        revision=revision(number, commit_id),
        written_by=commit_id,
    )


rows = st.tuples(st.binary(max_size=20), texts, st.none() | instants, texts)


@st.composite
def judged(draw: st.DrawFn, first: int) -> Judged:
    commit_id = CommitId(draw(st.binary(min_size=16, max_size=16)))
    drawn = draw(st.lists(st.tuples(keys, st.none() | rows), min_size=1, max_size=4))
    events = draw(st.lists(st.tuples(keys, texts, instants, st.binary(max_size=9)), max_size=3))
    return Judged(
        commit_id=commit_id,
        first=first,
        effects=tuple(
            Effect(key, None if values is None else row(number, commit_id, values))
            for number, (key, values) in enumerate(drawn, first)
        ),
        events=tuple(
            EventRow(key=key, kind=kind, at=at, commit_id=commit_id, body=body)
            for key, kind, at, body in events
        ),
    )


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    sequence = draw(st.integers(0, 2**40))
    items: list[Judged | Trim] = []
    at = sequence
    for is_trim in draw(st.lists(st.booleans(), max_size=4)):
        if is_trim:
            items.append(Trim(draw(st.integers(0, 2**40))))
        else:
            item = draw(judged(at + 1))
            at += len(item.effects)
            items.append(item)
    return Segment(
        store_id=STORE_ID,
        number=7,
        previous=draw(st.binary(min_size=32, max_size=32)),
        time=draw(instants),
        next_bucket=draw(st.sampled_from([None, NEXT_BUCKET])),
        sequence=sequence,
        items=tuple(items),
    )


@given(segments())
def test_a_segment_is_read_as_it_was_written(segment: Segment) -> None:
    raw = segment_bytes(segment)
    assert read_segment(raw) == segment
    assert segment_bytes(read_segment(raw)) == raw


@given(st.binary(max_size=300))
def test_no_payload_makes_another_error_than_damage(payload: bytes) -> None:
    """Also where the checksum fits: what it protects may be nonsense."""
    raw = framed(MAGIC, 1, [payload])
    try:
        read_segment(raw)
    except Damaged:
        return
    raise AssertionError("nonsense was read as a segment")


@given(segments(), st.data())
def test_a_damaged_payload_with_a_good_checksum_is_damage_or_another_segment(
    segment: Segment, data: st.DataObject
) -> None:
    raw = segment_bytes(segment)[10:-32]
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    try:
        read = read_segment(framed(MAGIC, 1, [changed]))
    except Damaged:
        return
    assert read != segment


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    actor = Actor(SimulatedDisk())
    for number in range(5):
        actor.put(f"a{number % 3}", bytes(number))
    checkpoint = actor.view.checkpoint()
    raw = checkpoint_bytes(checkpoint)
    assert read_checkpoint(raw) == checkpoint
    assert read_checkpoint_head(raw) == checkpoint.head
    assert checkpoint_bytes(read_checkpoint(raw)) == raw


def test_whoever_makes_the_checkpoint_of_a_number_writes_the_same_bytes() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(7):
        actor.put(f"a{number % 4}")
    actor.commits(commit_of(address("x")), commit_of(address("b")))
    actor.trim(actor.events()[2].cursor)
    replayed = Actor(disk)
    assert checkpoint_bytes(replayed.view.checkpoint()) == checkpoint_bytes(actor.view.checkpoint())


def example_segment() -> Segment:
    key = key_bytes(address("one"))
    put = Row(
        body=b"body",
        state="open",
        due_at=NOON,
        sort="s",
        revision=revision(42, COMMIT_ID),
        written_by=COMMIT_ID,
    )
    event = EventRow(key=key, kind="note.written", at=NOON, commit_id=COMMIT_ID, body=b"fact")
    deletion = Effect(key_bytes(address("two")), None)
    commit = Judged(
        commit_id=COMMIT_ID, first=42, effects=(Effect(key, put), deletion), events=(event,)
    )
    return Segment(
        store_id=STORE_ID,
        number=7,
        previous=bytes(32),
        time=NOON + timedelta(microseconds=1),
        next_bucket=NEXT_BUCKET,
        sequence=41,
        items=(commit, Trim(3)),
    )


def example_checkpoint() -> Checkpoint:
    commit = example_segment().items[0]
    assert isinstance(commit, Judged)
    kept = commit.effects[0]
    assert kept.row is not None
    head = CheckpointHead(
        store_id=STORE_ID, number=7, digest=bytes(32), time=NOON, bucket=NEXT_BUCKET
    )
    state = EngineState(sequence=43, rows={kept.key: kept.row}, floor=3, events=commit.events)
    return Checkpoint(head=head, state=state)


def example_form() -> Form:
    return Form(store_id=STORE_ID, first_bucket=BUCKET)


GOLDEN: Final = {
    "form": (
        "746b2d666f726d0a0001000102030405060708090a0b0c0d0e0f2d3030303030303030303030312d61616161"
        "6161616161616161616161616161616161616161616161616161616197f58cd99909a21ef90a917f76ce01f2"
        "824a1b159bdd53f5c9a1098db00e74e5"
    ),
    "segment": (
        "746b2d7365676d0a0001000102030405060708090a0b0c0d0e0f000000000000000700000000000000000000"
        "0000000000000000000000000000000000000000000000e3a03c2b6770012d3030303030303030303030382d"
        "6262626262626262626262626262626262626262626262626262626262626262000000000000002900000002"
        "000000b943636f6d6d69742d69642d6f662d3136620002000150001a040100e3a03c2b67700000000004026e"
        "6f7465000261636d650002616e6e0001010101026f6e65006f70656e73626f647944001a026e6f7465000261"
        "636d650002616e6e00010101010274776f00001a000c00e3a03c2b67700000000004636f6d6d69742d69642d"
        "6f662d313662026e6f7465000261636d650002616e6e0001010101026f6e65006e6f74652e7772697474656e"
        "666163745400000000000000036da783d74e563847bd1187f6192a894683d76970738a417cb043c327765f90"
        "f1"
    ),
    "checkpoint": (
        "746b2d63686b700a0001000102030405060708090a0b0c0d0e0f000000000000000700000000000000000000"
        "0000000000000000000000000000000000000000000000e3a03c2b6770002d3030303030303030303030382d"
        "6262626262626262626262626262626262626262626262626262626262626262000000000000002b00000000"
        "0000000300000000000000010000000000000001000000000000002a636f6d6d69742d69642d6f662d313662"
        "001a040100e3a03c2b67700000000004026e6f7465000261636d650002616e6e0001010101026f6e65006f70"
        "656e73626f6479001a000c00e3a03c2b67700000000004636f6d6d69742d69642d6f662d313662026e6f7465"
        "000261636d650002616e6e0001010101026f6e65006e6f74652e7772697474656e666163749f6fafdac3d03e"
        "f2e26fe0af019ee7dfe38ed070f3acc6b72e332d4dce7fc4e5"
    ),
}
"""Written down, not computed: earlier releases have written these bytes."""


@pytest.mark.parametrize("name", ["form", "segment", "checkpoint"])
def test_a_golden_file_is_read_and_written_as_ever(name: str) -> None:
    """C1 for files: what the first release has written stays readable, byte by byte."""
    raw = bytes.fromhex(GOLDEN[name])
    match name:
        case "form":
            assert (read_form(raw), form_bytes(example_form())) == (example_form(), raw)
        case "segment":
            assert read_segment(raw) == example_segment()
            assert segment_bytes(example_segment()) == raw
        case _:
            assert read_checkpoint(raw) == example_checkpoint()
            assert checkpoint_bytes(example_checkpoint()) == raw


@pytest.mark.parametrize("name", ["form", "segment", "checkpoint"])
def test_a_newer_version_is_told_from_damage(name: str) -> None:
    read = {"form": read_form, "segment": read_segment, "checkpoint": read_checkpoint}[name]
    raw = bytes.fromhex(GOLDEN[name])
    with pytest.raises(SchemaTooNew):
        read(framed(raw[:8], 2, [raw[10:-32]]))
    with pytest.raises(Damaged):
        read(framed(raw[:8], 0, [raw[10:-32]]))
    with pytest.raises(Damaged):
        read(framed(b"another\n", 1, [raw[10:-32]]))
