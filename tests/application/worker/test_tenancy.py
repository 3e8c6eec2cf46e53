"""A worker believes in its claim only as long as the store cannot have given it to another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.worker.exits import RunLeft
from turnkeep_application.worker.tenancy import Tenancy
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, Token
from turnkeep_domain.turns.names import RunId

CLAIM = Claim(
    run=RunAddress(Scope.of("acme", "ada", thread="t1"), RunId("r1")),
    epoch=1,
    token=Token(b"t" * 16),
)


def tenancy(clock: VirtualClock, *, lease_seconds: float = 90.0) -> Tenancy:
    held = Tenancy(claim=CLAIM, clock=clock, fence_seconds=75.0, parting_seconds=2.0)
    at = clock.utc_now()
    held.acknowledge(sent_at=0.0, until=at + timedelta(seconds=lease_seconds), at=at)
    return held


def test_belief_ends_75_seconds_after_the_request_was_sent() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held = tenancy(clock)
        await clock.advance(74.999)
        held.require_open()
        await clock.advance(0.001)
        assert held.over.announced
        assert held.lost
        with pytest.raises(RunLeft):
            held.require_standing()

    clock.run_by_hand(scenario())


def test_an_answer_counts_from_when_its_request_was_sent_however_late_it_comes() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held = tenancy(clock)
        sent_at = 30.0
        await clock.advance(60)
        at = clock.utc_now()
        held.acknowledge(sent_at=sent_at, until=at + timedelta(seconds=90), at=at)
        assert held.remaining_seconds() == sent_at + 75 - 60
        await clock.advance(44.999)
        assert held.stands
        await clock.advance(0.001)
        assert not held.stands

    clock.run_by_hand(scenario())


def test_a_short_lease_ends_belief_sooner() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held = tenancy(clock, lease_seconds=10)
        await clock.advance(9.999)
        assert held.stands
        await clock.advance(0.001)
        assert not held.stands

    clock.run_by_hand(scenario())


def test_an_older_answer_never_shortens_belief() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held, at = tenancy(clock), clock.utc_now()
        held.acknowledge(sent_at=0.0, until=at + timedelta(seconds=1), at=at)
        await clock.advance(74)
        assert held.stands
        held.end()

    clock.run_by_hand(scenario())


def test_nothing_revives_a_claim_that_is_over() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held, at = tenancy(clock), clock.utc_now()
        held.lose()
        held.acknowledge(sent_at=0.0, until=at + timedelta(seconds=90), at=at)
        assert not held.stands
        assert held.remaining_seconds() == 0.0

    clock.run_by_hand(scenario())


def test_whoever_must_go_is_told_before_cancel_by() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held, at = tenancy(clock), clock.utc_now()
        held.call_off(sent_at=0.0, cancel_by=at + timedelta(seconds=60), at=at)
        assert held.cancelling.announced
        assert held.cancel_by == at + timedelta(seconds=60)
        assert held.remaining_seconds() == 58.0
        told = held.must_go
        await clock.advance(57.999)
        early = told.announced
        await clock.advance(0.001)
        assert (early, told.announced) == (False, True)
        assert held.stands, "the end can still be told"
        held.end()

    clock.run_by_hand(scenario())


def test_a_context_that_was_left_writes_nothing_while_the_worker_may() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        held = tenancy(clock)
        held.close()
        held.require_standing()
        with pytest.raises(RunLeft):
            held.require_open()
        held.end()
        assert not held.lost
        with pytest.raises(RunLeft):
            held.require_standing()

    clock.run_by_hand(scenario())


def test_a_tenancy_that_is_over_leaves_no_timer() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        tenancy(clock).end()

    clock.run(scenario())
    assert clock.monotonic() == 0.0
