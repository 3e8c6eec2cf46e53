"""Cancelling: it answers in every state, wins over every end, and reaches whatever descends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    LEASE_SECONDS,
    OPERATOR,
    SUBMITTER,
    Keep,
    step,
    thread,
)
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused, digest_of
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding
from turnkeep_domain.turns.effect import Unclear
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import NotFound, NotPermitted
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested, RunStatus

GATE: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("gate"))


async def cancel(
    keep: Keep, run: RunAddress, *, actor: Actor = SUBMITTER, request: str = "c1"
) -> object:
    return await keep.turns.request_cancel(
        run, reason=Ref("stop"), actor=actor, request_id=RequestId(request)
    )


async def queued(keep: Keep) -> RunAddress:
    return (await keep.submitted()).address


async def running(keep: Keep) -> RunAddress:
    return (await keep.running()).run


async def blocked(keep: Keep) -> RunAddress:
    claim = await keep.running()
    await keep.turns.block(claim, gate=GATE)
    return claim.run


async def cancelling(keep: Keep) -> RunAddress:
    run = await running(keep)
    await cancel(keep, run, request="before")
    return run


async def needs_operator(keep: Keep) -> RunAddress:
    claim = await keep.running()
    await keep.intend(claim)
    await keep.settle(claim, outcome=Unclear())
    await keep.turns.fail(claim, category=Category("broken"))
    return claim.run


async def completed(keep: Keep) -> RunAddress:
    claim = await keep.running()
    await keep.turns.complete(claim)
    return claim.run


async def failed(keep: Keep) -> RunAddress:
    claim = await keep.running()
    await keep.turns.fail(claim, category=Category("broken"))
    return claim.run


async def cancelled(keep: Keep) -> RunAddress:
    run = await queued(keep)
    await cancel(keep, run, request="before")
    return run


STATES: Final[dict[RunStatus, Callable[[Keep], Awaitable[RunAddress]]]] = {
    RunStatus.QUEUED: queued,
    RunStatus.RUNNING: running,
    RunStatus.BLOCKED: blocked,
    RunStatus.CANCEL_REQUESTED: cancelling,
    RunStatus.NEEDS_OPERATOR: needs_operator,
    RunStatus.COMPLETED: completed,
    RunStatus.FAILED: failed,
    RunStatus.CANCELLED: cancelled,
}
AFTER: Final[dict[RunStatus, RunStatus]] = {
    **{status: status for status in RunStatus},
    RunStatus.QUEUED: RunStatus.CANCELLED,
    RunStatus.BLOCKED: RunStatus.CANCELLED,
    RunStatus.NEEDS_OPERATOR: RunStatus.CANCELLED,
    RunStatus.RUNNING: RunStatus.CANCEL_REQUESTED,
}


@pytest.mark.parametrize("status", RunStatus)
def test_a_cancel_answers_in_every_state_and_its_repeat_writes_nothing(
    keep: Keep, status: RunStatus
) -> None:
    """Law 39."""

    async def scenario() -> None:
        run = await STATES[status](keep)
        assert (await keep.view(run)).status is status
        before = await keep.snapshot()
        answer = await cancel(keep, run)
        assert isinstance(answer, RunStanding)
        assert answer.status is AFTER[status]
        changed = await keep.snapshot()
        assert (changed == before) == (AFTER[status] is status)
        assert await cancel(keep, run) == answer
        again = await cancel(keep, run, request="c2")
        assert isinstance(again, RunStanding)
        assert again.status is AFTER[status]
        assert await keep.snapshot() == changed

    keep.run(scenario)


@pytest.mark.parametrize("status", RunStatus)
def test_a_cancel_by_somebody_else_touches_nothing(keep: Keep, status: RunStatus) -> None:
    """Law 40."""

    async def scenario() -> None:
        run = await STATES[status](keep)
        before = await keep.snapshot()
        eve = Actor.submitter(Principal.person("eve"))
        assert await cancel(keep, run, actor=eve) == Refused(NotPermitted())
        elsewhere = RunAddress(evolve(run.scope, thread=None), run.id)
        assert isinstance(await cancel(keep, elsewhere), Refused)
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("actor", [SUBMITTER, OPERATOR, Actor.system("quota")])
def test_submitter_operator_and_system_may_cancel(keep: Keep, actor: Actor) -> None:
    async def scenario() -> None:
        run = await queued(keep)
        assert isinstance(await cancel(keep, run, actor=actor), RunStanding)
        state = (await keep.view(run)).state
        assert isinstance(state, Cancelled)
        assert (state.by, state.reason) == (actor, "stop")

    keep.run(scenario)


def test_a_reused_request_id_is_refused(keep: Keep) -> None:
    async def scenario() -> None:
        run = await running(keep)
        await cancel(keep, run)
        other = await keep.turns.request_cancel(
            run, reason=Ref("another reason"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        assert other == Refused(RequestIdReused(RequestId("c1")))
        nobody = RunAddress(thread("t9"), run.id)
        assert await cancel(keep, nobody) == Refused(NotFound(run.id))

    keep.run(scenario)


@pytest.mark.parametrize("end", ["complete", "fail", "block", "drain", "error", "expiry"])
def test_after_a_cancel_request_every_end_is_cancelled(timed: Keep, end: str) -> None:
    """Law 38."""

    async def scenario() -> None:
        claim = await timed.running()
        await cancel(timed, claim.run)
        turns = timed.turns
        match end:
            case "complete":
                await turns.complete(claim, result_ref=Ref("answer-1"))
            case "fail":
                await turns.fail(claim, category=Category("broken"))
            case "block":
                await turns.block(claim, gate=GATE)
            case "drain":
                await turns.relinquish(claim, reason=Relinquishment.DRAIN)
            case "error":
                await turns.relinquish(claim, reason=Relinquishment.ERROR)
            case _:
                await timed.let_pass(LEASE_SECONDS)
                assert (await turns.recover()).recovered == 1
        state = (await timed.view(claim.run)).state
        assert isinstance(state, Cancelled)
        assert state.result_ref == ("answer-1" if end == "complete" else None)

    timed.run(scenario)


def test_a_cancelled_run_tells_how_many_steps_are_uncertain(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.intend(claim, "one")
        await timed.intend(claim, "two")
        await timed.settle(claim, "two")
        await cancel(timed, claim.run)
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        state = (await timed.view(claim.run)).state
        assert isinstance(state, Cancelled)
        assert state.uncertain == 1
        assert (await timed.kinds()).count("effect_uncertain") == 1

    timed.run(scenario)


def test_a_cancelled_queued_run_reaches_no_worker(keep: Keep) -> None:
    """Law 41."""

    async def scenario() -> None:
        run = await queued(keep)
        await cancel(keep, run)
        assert (await keep.claim()).granted == ()

    keep.run(scenario)


@pytest.mark.parametrize("first", ["claim", "cancel"])
def test_a_claim_that_races_a_cancel_leaves_a_run_that_is_called_off(
    timed: Keep, first: str
) -> None:
    """Law 26."""

    async def scenario() -> None:
        run = await queued(timed)
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            if first == "claim":
                held = asyncio.ensure_future(
                    turns.request_cancel(
                        run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
                    )
                )
                await faulty.reached("x")
                await timed.claimed()
                faulty.release("x")
                await held
                expected = RunStatus.CANCEL_REQUESTED
            else:
                claim = asyncio.ensure_future(timed.claim(on=turns))
                await faulty.reached("x")
                await cancel(timed, run)
                faulty.release("x")
                assert (await claim).granted == ()
                expected = RunStatus.CANCELLED
        assert (await timed.view(run)).status is expected

    timed.run(scenario)


# ---- what descends from it ----------------------------------------------------------------------


async def spawned(keep: Keep, claim: Claim, name: str) -> RunAddress:
    child = await keep.turns.submit_child(
        claim,
        step("spawn", 0 if name.endswith("a") else 1),
        scope=thread(name),
        arguments=digest_of("spawn", name),
    )
    assert isinstance(child, RunView), child
    return child.address


async def three_generations(keep: Keep) -> tuple[Claim, list[RunAddress]]:
    """A root, two children, of which one runs, and a grandchild that is queued."""
    root = await keep.running(thread("root"))
    first = await spawned(keep, root, "child-a")
    (granted,) = await keep.claimed()
    assert granted.claim.run == first
    grandchild = await spawned(keep, granted.claim, "grandchild-a")
    second = await spawned(keep, root, "child-b")
    return root, [first, second, grandchild]


async def statuses(keep: Keep, runs: list[RunAddress]) -> list[RunStatus]:
    return [(await keep.view(run)).status for run in runs]


CALLED_OFF: Final = [RunStatus.CANCEL_REQUESTED, RunStatus.CANCELLED, RunStatus.CANCELLED]


def test_calling_a_root_off_calls_off_whatever_descends_from_it(keep: Keep) -> None:
    async def scenario() -> None:
        root, descendants = await three_generations(keep)
        answer = await cancel(keep, root.run)
        assert isinstance(answer, RunStanding)
        assert await statuses(keep, descendants) == CALLED_OFF

    keep.run(scenario)


def test_calling_a_child_off_spares_its_siblings_and_parent(keep: Keep) -> None:
    async def scenario() -> None:
        root, (first, second, grandchild) = await three_generations(keep)
        await cancel(keep, first)
        assert await statuses(keep, [root.run, first, second, grandchild]) == [
            RunStatus.RUNNING,
            RunStatus.CANCEL_REQUESTED,
            RunStatus.QUEUED,
            RunStatus.CANCELLED,
        ]

    keep.run(scenario)


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_a_cascade_that_is_cut_off_is_finished_by_the_sweep(timed: Keep, commits: int) -> None:
    """Law 43."""

    async def scenario() -> None:
        root, descendants = await three_generations(timed)
        async with timed.suffering(f"commit#{commits + 1}: hold cut") as (turns, faulty):
            call = asyncio.ensure_future(
                turns.request_cancel(
                    root.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
                )
            )
            done, _ = await asyncio.wait(
                [call, asyncio.ensure_future(faulty.reached("cut"))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            if call not in done:
                call.cancel()
                await asyncio.wait([call])
        # While it is called off, nobody of it is handed out.
        assert (await timed.claim(count=8)).granted == ()
        for _ in range(3):
            await timed.turns.sweep()
        assert await statuses(timed, descendants) == CALLED_OFF
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).cancelled == 0
        assert await timed.snapshot() == before

    timed.run(scenario)


def test_what_cannot_be_called_off_now_is_left_to_the_sweep(timed: Keep) -> None:
    async def scenario() -> None:
        root, descendants = await three_generations(timed)
        async with timed.suffering("load#3: fail-before") as (turns, _):
            answer = await turns.request_cancel(
                root.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
            )
        assert isinstance(answer, RunStanding)
        assert await statuses(timed, descendants) != CALLED_OFF
        await timed.turns.sweep()
        await timed.turns.sweep()
        assert await statuses(timed, descendants) == CALLED_OFF

    timed.run(scenario)


def test_a_tree_that_was_called_off_spawns_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        root, (first, _, _) = await three_generations(keep)
        await cancel(keep, root.run)
        child = (await keep.view(first)).state
        assert isinstance(child, CancelRequested)
        refused = await keep.turns.submit_child(
            root, step("late"), scope=thread("late"), arguments=digest_of("late")
        )
        assert isinstance(refused, Refused)

    keep.run(scenario)
