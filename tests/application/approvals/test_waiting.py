"""Waiting: no ruling is missed, nothing is written, and every wait ends."""

from __future__ import annotations

import asyncio
import math

import pytest

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    GRACE,
    ONE_OF_TWO,
    SCOPE,
    Keep,
    rid,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.approval_views import ApprovalView, StillPending
from turnkeep_application.approvals import Approvals
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import Corrupt, Unavailable


async def approve(keep: Keep, id: str, *, by: object = ADA) -> None:
    assert by in (ADA, GRACE)
    decider = ADA if by == ADA else GRACE
    await keep.rival.approve(SCOPE, id, by=decider, decision_id=rid(f"by {decider.id}"))


def waiting(approvals: Approvals, view: ApprovalView, seconds: float = 30) -> asyncio.Task[object]:
    """Somebody who waits for the approval to change."""

    async def wait() -> object:
        return await approvals.wait(SCOPE, view.id, seen=view.changes, timeout_seconds=seconds)

    return asyncio.create_task(wait())


def ruled(answer: object) -> ApprovalState:
    assert isinstance(answer, ApprovalView)
    return answer.state


def test_a_ruling_ends_the_wait_by_hint(hinted: Keep) -> None:
    async def scenario() -> None:
        view = await hinted.raised(quorum=ONE_OF_TWO)
        hinted.set(poll_seconds=60)
        task = waiting(hinted.approvals, view)
        await hinted.clock.advance(3)
        await approve(hinted, view.id)
        await hinted.clock.settle()
        assert ruled(await task) is ApprovalState.APPROVED
        assert 3 <= hinted.clock.monotonic() <= 3 + hinted.hint_seconds

    hinted.run(scenario)


def test_a_vote_that_decides_nothing_ends_the_wait_too(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        task = waiting(keep.approvals, view)
        await keep.clock.settle()
        await approve(keep, view.id)
        answer = await task
        assert ruled(answer) is ApprovalState.PENDING
        assert isinstance(answer, ApprovalView)
        assert (answer.changes, answer.missing) == (2, 1)

    keep.run(scenario)


def test_what_has_changed_already_is_answered_at_once(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await approve(keep, view.id)
        assert ruled(await waiting(keep.approvals, view)) is ApprovalState.PENDING
        await approve(keep, view.id, by=GRACE)
        ended = await keep.approvals.get(SCOPE, view.id)
        assert ended is not None
        assert await waiting(keep.approvals, ended) == ended
        assert keep.clock.monotonic() <= keep.hint_seconds

    keep.run(scenario)


def test_a_ruling_between_subscription_and_reading_is_seen(keep: Keep) -> None:
    """47."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        async with keep.suffering("load#1: hold read") as (approvals, faulty):
            task = waiting(approvals, view)
            await faulty.reached("read")
            assert faulty.calls[0].operation is Operation.CHANGED
            await approve(keep, view.id)
            faulty.release("read")
            assert ruled(await task) is ApprovalState.APPROVED
        assert keep.clock.monotonic() == 0

    keep.run(scenario)


def test_a_ruling_between_reading_and_sleeping_is_seen_at_once(hinted: Keep) -> None:
    """47."""

    async def scenario() -> None:
        view = await hinted.raised(quorum=ONE_OF_TWO)
        async with hinted.suffering("load#1: hold-after read") as (approvals, faulty):
            task = waiting(approvals, view)
            await faulty.reached("read")
            await approve(hinted, view.id)
            faulty.release("read")
            assert ruled(await task) is ApprovalState.APPROVED
        assert hinted.clock.monotonic() == 0

    hinted.run(scenario)


@pytest.mark.parametrize("dead", ["stall", "fail-before"])
def test_with_dead_hints_polling_finds_the_ruling(keep: Keep, dead: str) -> None:
    """47."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        async with keep.suffering(f"changed#*: {dead}") as (approvals, _):
            task = waiting(approvals, view)
            await keep.clock.advance(7.25)
            await approve(keep, view.id)
            assert ruled(await task) is ApprovalState.APPROVED
        assert keep.clock.monotonic() <= 8.25

    keep.run(scenario)


def test_hints_that_come_back_are_heard_again(hinted: Keep) -> None:
    async def scenario() -> None:
        view = await hinted.raised(quorum=ONE_OF_TWO)
        script = "changed#1: fail-before\nchanged#2: fail-before"
        async with hinted.suffering(script) as (approvals, _):
            task = waiting(approvals, view)
            await hinted.clock.advance(2.5)
            await approve(hinted, view.id)
            assert ruled(await task) is ApprovalState.APPROVED
            assert hinted.clock.monotonic() <= 2.5 + hinted.hint_seconds

    hinted.run(scenario)


def test_a_timeout_is_a_value_with_the_approval_as_it_is(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        before = await keep.snapshot()
        answer = await waiting(keep.approvals, view, 4.5)
        assert answer == StillPending(view)
        assert keep.clock.monotonic() == pytest.approx(4.5)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_timeout_of_nought_looks_once(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        assert await waiting(keep.approvals, view, 0) == StillPending(view)
        assert keep.clock.monotonic() == 0
        await approve(keep, view.id)
        assert ruled(await waiting(keep.approvals, view, 0)) is ApprovalState.PENDING

    keep.run(scenario)


def test_a_wait_ends_at_the_deadline_of_the_approval_and_writes_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        await keep.clock.advance(0.3)
        before = await keep.snapshot()
        keep.set(poll_seconds=60)
        assert ruled(await waiting(keep.approvals, view)) is ApprovalState.EXPIRED
        assert keep.clock.monotonic() == pytest.approx(10)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_discard_ends_the_wait_with_nothing(hinted: Keep) -> None:
    async def scenario() -> None:
        view = await hinted.raised()
        task = waiting(hinted.approvals, view)
        await hinted.clock.settle()
        await hinted.rival.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert await task is None
        assert hinted.clock.monotonic() <= hinted.hint_seconds

    hinted.run(scenario)


def test_changes_of_others_do_not_end_the_wait(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        other = await keep.raised(invocation="i2")
        task = waiting(keep.approvals, view, 5)
        await keep.clock.advance(1.5)
        await approve(keep, other.id)
        await keep.rival.erase_payload(SCOPE, view.id)
        assert await task == StillPending(view)

    keep.run(scenario)


@pytest.mark.parametrize("script", ["", "changed#*: stall"])
def test_a_cancelled_wait_leaves_no_subscription(keep: Keep, script: str) -> None:
    """48."""

    async def scenario() -> None:
        view = await keep.raised()
        tasks = asyncio.all_tasks()
        async with keep.suffering(script) as (approvals, faulty):
            for _ in range(3):
                task = waiting(approvals, view)
                await keep.clock.advance(0.5)
                assert faulty.calls[-1].operation is Operation.CHANGED
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert all(call.answer is not None for call in faulty.calls)
                assert asyncio.all_tasks() == tasks
        await approve(keep, view.id)

    keep.run(scenario)


def test_a_store_that_is_away_for_a_while_is_asked_again(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        script = "\n".join(f"load#{n}: fail-before" for n in range(1, 6))
        async with keep.suffering(f"{script}\nchanged#*: fail-before") as (approvals, _):
            task = waiting(approvals, view)
            await keep.clock.advance(2)
            await approve(keep, view.id)
            assert ruled(await task) is ApprovalState.APPROVED
        assert keep.clock.monotonic() == pytest.approx(5)

    keep.run(scenario)


def test_a_store_that_is_still_away_at_the_timeout_is_told(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        async with keep.suffering("load#*: fail-before\nchanged#*: fail-before") as (approvals, _):
            with pytest.raises(Unavailable):
                await waiting(approvals, view, 5)
        assert keep.clock.monotonic() == pytest.approx(5)

    keep.run(scenario)


def test_a_store_that_never_answers_holds_a_wait_for_one_read_only(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        async with keep.suffering("load#*: stall\nchanged#*: stall") as (approvals, _):
            with pytest.raises(Unavailable) as caught:
                await waiting(approvals, view, 5)
            assert caught.value.retryable
            assert keep.clock.monotonic() <= 5 + 15
            with pytest.raises(Unavailable):
                await approvals.get(SCOPE, view.id)

    keep.run(scenario)


def test_a_closed_store_ends_the_wait_with_its_error(hinted: Keep) -> None:
    async def scenario() -> None:
        view = await hinted.raised()
        closed = hinted.host(hinted.handles())
        with pytest.raises(Unavailable) as caught:
            await waiting(closed, view)
        assert not caught.value.retryable
        assert hinted.clock.monotonic() <= 1

    hinted.run(scenario)


def test_what_cannot_be_read_is_no_answer(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        async with keep.suffering("load#*: corrupt") as (approvals, _):
            with pytest.raises(Corrupt):
                await waiting(approvals, view)

    keep.run(scenario)


@pytest.mark.parametrize("seconds", [-1, 600.1, math.nan, math.inf])
def test_a_timeout_out_of_bounds_is_refused(keep: Keep, seconds: float) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        async with keep.suffering("") as (approvals, faulty):
            with pytest.raises(InvalidValue):
                await waiting(approvals, view, seconds)
            assert faulty.calls == ()

    keep.run(scenario)


def test_the_longest_wait_passes(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        assert await waiting(keep.approvals, view, 600) == StillPending(view)
        assert keep.clock.monotonic() == pytest.approx(600)

    keep.run(scenario)
