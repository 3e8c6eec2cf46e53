"""Fingerprints and ids: pinned for ever, different for every difference of a call."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.approvals.samples import call, dispatch, spelt
from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.calls import Call, Dispatch, Spawn
from turnkeep_domain.approvals.canonical import Json
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint_of
from turnkeep_domain.scope import Scope

VECTORS: Final = json.loads(
    Path(__file__).with_name("golden_fingerprints.json").read_text(encoding="utf-8")
)
FULL: Final[dict[str, str | None]] = {
    "tenant": "acme",
    "user": "ada",
    "agent": "scout",
    "project": "p",
    "mission": "m",
    "thread": "t",
}


def print_in(**components: str | None) -> Fingerprint:
    return fingerprint_of(call(scope=Scope.of(**{**FULL, **components})))


def call_of(vector: dict[str, Json]) -> Call:
    text = vector["canonical"]
    assert isinstance(text, str)
    _, _, kind, *components, invocation, capability, estimate, input = json.loads(text)
    tenant, user, agent, project, mission, thread = components
    use = Dispatch if kind == "dispatch" else Spawn
    return call(
        scope=Scope.of(tenant, user, agent=agent, project=project, mission=mission, thread=thread),
        invocation=invocation,
        action=use.of(capability, estimate),
        input=input,
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["case"])
def test_a_fingerprint_is_what_it_has_always_been(vector: dict[str, Json]) -> None:
    """1."""
    assert fingerprint_of(call_of(vector)) == vector["fingerprint"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["case"])
def test_an_id_is_what_it_has_always_been(vector: dict[str, Json]) -> None:
    """1."""
    fingerprint = Fingerprint(str(vector["fingerprint"]))
    assert [approval_id(fingerprint, attempt) for attempt in (1, 2)] == vector["ids"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["case"])
def test_a_golden_vector_can_be_told_without_turnkeep(vector: dict[str, Json]) -> None:
    digest = hashlib.sha256(str(vector["canonical"]).encode()).hexdigest()
    assert vector["fingerprint"] == f"sha256:{digest}"


def test_the_order_of_keys_does_not_change_a_fingerprint() -> None:
    """1."""
    one = call(input={"a": 1, "b": {"c": 1, "d": 2}}, action=dispatch("x", {"m": 1, "n": 2}))
    other = call(input={"b": {"d": 2, "c": 1}, "a": 1}, action=dispatch("x", {"n": 2, "m": 1}))
    assert fingerprint_of(one) == fingerprint_of(other)


@pytest.mark.parametrize("dimension", FULL)
def test_each_dimension_of_the_scope_changes_the_fingerprint(dimension: str) -> None:
    """2."""
    assert print_in(**{dimension: "other"}) != print_in()


@pytest.mark.parametrize("dimension", list(FULL)[2:])
def test_an_absent_dimension_changes_the_fingerprint(dimension: str) -> None:
    """2."""
    prints = {print_in(), print_in(**{dimension: None}), print_in(**{dimension: "null"})}
    assert len(prints) == 3


@pytest.mark.parametrize(
    "other",
    [
        call(invocation="i2"),
        call(action=Spawn.of("pay")),
        call(action=dispatch("refund")),
        call(action=dispatch("pay", {"usd_nano": 0})),
        call(action=dispatch("pay", {"usd_nano": 1})),
        call(action=dispatch("pay", {"tokens": 1})),
        call(input={}),
        call(input=[]),
        call(input="null"),
    ],
    ids=lambda other: f"{other.invocation} {other.action.kind} {other.action.capability}",
)
def test_every_other_part_of_a_call_changes_the_fingerprint(other: Call) -> None:
    """2."""
    assert fingerprint_of(call()) != fingerprint_of(other)


def test_what_moves_between_neighbours_changes_the_fingerprint() -> None:
    """2."""
    one = call(scope=Scope.of("acme", "ada", agent="a", project=None))
    other = call(scope=Scope.of("acme", "ada", agent=None, project="a"))
    assert fingerprint_of(one) != fingerprint_of(other)


@given(
    st.integers(0, 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_values_of_different_types_never_share_a_fingerprint(
    whole: int, broken: float, text: str
) -> None:
    """2."""
    inputs: list[Json] = [whole, broken, text, str(whole), str(broken), True, False, None]
    distinct = {spelt(input).text for input in inputs}
    assert len({fingerprint_of(call(input=input)) for input in inputs}) == len(distinct)
    assert fingerprint_of(call(input=whole)) != fingerprint_of(call(input=float(whole)))


@given(st.integers(1, 1_000_000))
def test_an_id_is_a_uuid_of_version_8(attempt: int) -> None:
    id = approval_id(fingerprint_of(call()), attempt)
    uuid = UUID(id)
    assert (uuid.version, uuid.variant, str(uuid)) == (8, RFC_4122, id)


def test_another_attempt_has_another_id() -> None:
    fingerprint = fingerprint_of(call())
    assert len({approval_id(fingerprint, attempt) for attempt in range(1, 100)}) == 99
