"""An identity: the same for everybody who means the same, and different for all else."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.message_id import (
    InboundEvent,
    assistant_message_id,
    preview_message_id,
    request_message_id,
    summary_id,
    tool_message_id,
)
from turnkeep_domain.turns.names import RunId

RUN: Final = RunId("run-1")
GOLDEN: Final = [
    "m-9de436ce9aa0c8ee525b77ca3f42c14d",
    "c-5c016cddc7f29c76e1003c49eb1bd8fef77c1f570e0d7be3c38eafdbd30b9498",
    "m-c7db41a299bdf6e4f6c3c4be64deb951",
    "m-c8fae10f3356fce231c70676ed086635",
    "m-010bf76427fb6caa88e9f6195c9b4565",
    "m-0c2e5ec26933930bf2dd246934f42a63",
    "m-e980df9d1494884838726cd0fc07519f",
    "s-2e69255044c85c0701bffdce822f7b59",
]
"""SHA-256 over parts with four bytes of length before each; the first 32 digits, all of a claim."""


def test_golden_vectors_pin_the_ids() -> None:
    event = InboundEvent(source_binding="web", event_id="e1")
    assert [
        event.message_id,
        event.claim_id,
        request_message_id(RequestId("click-1")),
        assistant_message_id(RUN, 0),
        assistant_message_id(RUN, 1),
        tool_message_id(RUN, "result:1"),
        preview_message_id(RUN, "call-1"),
        summary_id(RequestId("click-1")),
    ] == GOLDEN


def test_kinds_of_identities_share_no_id() -> None:
    ids = [
        InboundEvent(source_binding="run-1", event_id="1").message_id,
        assistant_message_id(RUN, 1),
        tool_message_id(RUN, "1"),
        preview_message_id(RUN, "1"),
        request_message_id(RequestId("run-1")),
    ]
    assert all(one != other for one, other in combinations(ids, 2))


@given(
    one=st.tuples(st.text("ab:", min_size=1, max_size=6), st.text("ab", min_size=1)),
    other=st.tuples(st.text("ab:", min_size=1, max_size=6), st.text("ab", min_size=1)),
)
def test_no_two_lists_of_parts_run_together(one: tuple[str, str], other: tuple[str, str]) -> None:
    ids = [InboundEvent(source_binding=a, event_id=b).message_id for a, b in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


@pytest.mark.parametrize("slot", [-1, True, 1.0, "0", 1_000_001])
def test_a_slot_counts_from_0(slot: object) -> None:
    with pytest.raises(InvalidValue):
        assistant_message_id(RUN, slot)  # type: ignore[arg-type]  # the point


def test_an_event_is_not_shown() -> None:
    assert "s3cret" not in repr(InboundEvent(source_binding="web", event_id="s3cret"))
