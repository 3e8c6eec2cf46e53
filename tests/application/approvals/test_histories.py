"""Histories: the events tell each change once, in order, and every store tells the same."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    AUDIT,
    GRACE,
    SCOPE,
    STORES,
    Keep,
    rid,
)
from turnkeep_application.approval_views import ApprovalView
from turnkeep_domain.approvals.approval import ApprovalRecord
from turnkeep_domain.approvals.events import (
    ApprovalApproved,
    ApprovalDiscarded,
    ApprovalErased,
    ApprovalEvent,
    ApprovalExpired,
    ApprovalRaised,
    ApprovalVoted,
)
from turnkeep_domain.approvals.grant_events import GrantIssued
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_ports.store import Cell

Verb: TypeAlias = Literal["raise", "approve", "deny", "discard", "expire", "erase", "pass"]
VERBS: Final[tuple[Verb, ...]] = (
    "raise",
    "approve",
    "deny",
    "discard",
    "expire",
    "erase",
    "pass",
)


@frozen
class Step:
    """One use case, of one of two requests."""

    verb: Verb
    request: int
    by: Principal
    id: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(VERBS),
        st.integers(0, 1),
        st.sampled_from([ADA, GRACE, AUDIT, AGENT]),
        st.sampled_from(["r0", "r1", "r2", "r3"]),
    ),
    max_size=16,
)


@frozen
class Told:
    """What a history was answered, and what it has left behind."""

    answers: tuple[object, ...]
    records: tuple[ApprovalRecord, ...]
    events: tuple[Event, ...]


async def done(keep: Keep, step: Step, ids: tuple[str, str]) -> object:
    id, request = ids[step.request], rid(step.id)
    match step.verb:
        case "raise":
            return await keep.ask(invocation=f"i{step.request}", lifetime_seconds=10)
        case "approve":
            return await keep.approvals.approve(SCOPE, id, by=step.by, decision_id=request)
        case "deny":
            return await keep.approvals.deny(SCOPE, id, by=step.by, decision_id=request)
        case "discard":
            return await keep.approvals.discard(SCOPE, id, by=step.by, request_id=request)
        case "expire":
            return await keep.approvals.expire(SCOPE, id)
        case "erase":
            return await keep.approvals.erase_payload(SCOPE, id)
        case "pass":
            await keep.clock.advance(4)
            return None


def told_on(store: str, steps: list[Step]) -> Told:
    """What a history leads to on one store."""
    keep = Keep(STORES[store])
    told: list[Told] = []

    async def scenario() -> None:
        views = [await keep.ask(invocation=f"i{n}", lifetime_seconds=10) for n in (0, 1)]
        first, second = views
        assert isinstance(first, ApprovalView)
        assert isinstance(second, ApprovalView)
        answers = [await done(keep, step, (first.id, second.id)) for step in steps]
        told.append(Told(tuple(answers), tuple(await keep.records()), tuple(await keep.events())))

    keep.run(scenario)
    return told[0]


@settings(max_examples=60)
@given(STEPS)
def test_one_history_gives_equal_states_and_events_on_all_stores(steps: list[Step]) -> None:
    """50."""
    reference, *others = [told_on(store, steps) for store in STORES]
    for other in others:
        assert other == reference


def _is_payload(cell: Cell) -> bool:
    """What people are shown is no change of its own: the approval tells that it was erased."""
    return cell.address.collection == "approval_payload"


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=40)
@given(STEPS)
def test_every_event_is_of_a_change_and_every_change_has_one(store: str, steps: list[Step]) -> None:
    """32."""
    keep = Keep(STORES[store])

    async def scenario() -> None:
        views = [await keep.ask(invocation=f"i{n}", lifetime_seconds=10) for n in (0, 1)]
        first, second = views
        assert isinstance(first, ApprovalView)
        assert isinstance(second, ApprovalView)
        assert await keep.kinds() == ["raised", "raised"]
        for step in steps:
            before = await keep.snapshot()
            await done(keep, step, (first.id, second.id))
            after = await keep.snapshot()
            changed = {cell.address for cell in set(after.cells) ^ set(before.cells)} - {
                cell.address for cell in after.cells + before.cells if _is_payload(cell)
            }
            told = after.events[len(before.events) :]
            assert {event.address for event in told} == changed
            assert len(told) == len(changed)
            assert after.events[: len(before.events)] == before.events

    keep.run(scenario)


def test_each_change_has_one_event_in_order_and_repeats_have_none(keep: Keep) -> None:
    """32."""

    async def scenario() -> None:
        approvals = keep.approvals
        for _ in range(2):
            view = await keep.ask(invocation="i1")
            assert isinstance(view, ApprovalView)
            for by in (ADA, GRACE):
                await approvals.approve(SCOPE, view.id, by=by, decision_id=rid(by.id))
            await approvals.erase_payload(SCOPE, view.id)
        withdrawn = await keep.raised(invocation="i2")
        lapsed = await keep.raised(invocation="i3", lifetime_seconds=10)
        for _ in range(2):
            await approvals.discard(SCOPE, withdrawn.id, by=AGENT, request_id=rid("r"))
        await keep.clock.advance(10)
        for _ in range(2):
            await approvals.expire(SCOPE, lapsed.id)
        events = await keep.events()
        assert [type(event) for event in events] == [
            ApprovalRaised,
            ApprovalVoted,
            ApprovalApproved,
            GrantIssued,
            ApprovalErased,
            ApprovalRaised,
            ApprovalRaised,
            ApprovalDiscarded,
            ApprovalExpired,
        ]
        for event in events:
            assert isinstance(event, ApprovalEvent)
            assert (event.capability, event.correlation_id) == ("pay", "c1")
            assert event.address.scope == SCOPE
            assert event.address.collection == event.kind.split(".")[0]
        assert events[8].at == keep.wall()
        voted, discarded = events[1], events[7]
        assert isinstance(voted, ApprovalVoted)
        assert (voted.decider, voted.decision_id) == (ADA, "ada")
        assert isinstance(discarded, ApprovalDiscarded)
        assert (discarded.by, discarded.request_id) == (AGENT, "r")

    keep.run(scenario)
