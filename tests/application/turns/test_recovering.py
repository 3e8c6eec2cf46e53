"""Recovering: a claim that was lost ends once, whoever finds it, and its run goes on or stops."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    LEASE_SECONDS,
    Keep,
    all_of,
    step,
    thread,
)
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding
from turnkeep_domain.turns.effect import Done, Evidence, Intended, Mode, NotDone, Uncertain
from turnkeep_domain.turns.events import RunRequeued
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import ClaimEnded, LeaseExpired
from turnkeep_domain.turns.run_states import Failed, NeedsOperator, Queued, RunStatus
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES


def test_a_sweep_one_millisecond_early_does_nothing(timed: Keep) -> None:
    """Laws 19 and 60."""

    async def scenario() -> None:
        await timed.running()
        await timed.let_pass(LEASE_SECONDS - 0.001)
        before = await timed.snapshot()
        assert await timed.turns.recover() == Swept()
        assert await timed.turns.sweep() == Swept()
        assert await timed.snapshot() == before
        await timed.let_pass(0.001)
        assert (await timed.turns.recover()).recovered == 1

    timed.run(scenario)


def test_a_lost_run_is_queued_again_after_a_backoff(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        view = await timed.view(claim.run)
        assert isinstance(view.state, Queued)
        assert view.counters.lost == 1
        wait = view.state.due_at - await timed.now()
        assert timedelta(seconds=1) <= wait < timedelta(seconds=2)
        (told,) = [event for event in await timed.events() if isinstance(event, RunRequeued)]
        assert told.category == "expired"

    timed.run(scenario)


@pytest.mark.parametrize("loss", ["expiry", "error"])
def test_the_sixth_loss_in_a_row_fails_the_run(timed: Keep, loss: str) -> None:
    """Law 61."""

    async def scenario() -> None:
        run = (await timed.submitted()).address
        for number in range(1, 7):
            await timed.let_pass(130)
            (granted,) = await timed.claimed()
            if loss == "error":
                await timed.turns.relinquish(granted.claim, reason=Relinquishment.ERROR)
            else:
                await timed.let_pass(LEASE_SECONDS)
                await timed.turns.recover()
            status = (await timed.view(run)).status
            assert status is (RunStatus.FAILED if number == 6 else RunStatus.QUEUED)
        state = (await timed.view(run)).state
        assert isinstance(state, Failed)
        assert state.category == "attempts_exhausted"

    timed.run(scenario)


def test_the_twenty_first_return_in_a_row_fails_the_run(keep: Keep) -> None:
    async def scenario() -> None:
        run = (await keep.submitted()).address
        for _ in range(21):
            (granted,) = await keep.claimed()
            await keep.turns.relinquish(granted.claim, reason=Relinquishment.DRAIN)
        assert (await keep.view(run)).status is RunStatus.FAILED

    keep.run(scenario)


def test_two_sweepers_recover_a_run_once(timed: Keep) -> None:
    """Law 62."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        swept = await all_of(timed.turns.recover(), timed.rival.recover())
        assert sum(each.recovered for each in swept) == 1
        assert (await timed.kinds()).count("requeued") == 1
        assert (await timed.view(claim.run)).counters.lost == 1

    timed.run(scenario)


def test_a_sweeper_that_is_paused_in_its_commit_recovers_nothing_twice(timed: Keep) -> None:
    """Law 62."""

    async def scenario() -> None:
        await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            slow = asyncio.ensure_future(turns.recover())
            await faulty.reached("x")
            assert (await timed.turns.recover()).recovered == 1
            await timed.let_pass(3)
            (again,) = await timed.claimed()
            faulty.release("x")
            assert (await slow).recovered == 0
        assert (await timed.view(again.claim.run)).status is RunStatus.RUNNING

    timed.run(scenario)


@pytest.mark.parametrize("fate", ["lose-before", "lose-after", "land-late 2", "fail-before"])
def test_an_ambiguous_recovery_is_one_event(timed: Keep, fate: str) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        async with timed.suffering(f"commit#1: {fate}") as (turns, _):
            await turns.recover()
        await timed.turns.recover()
        assert (await timed.kinds()).count("requeued") == 1
        assert (await timed.view(claim.run)).counters.lost == 1

    timed.run(scenario)


def test_what_the_store_does_not_take_is_left_to_the_next_sweep(timed: Keep) -> None:
    async def scenario() -> None:
        await timed.queue("t1", "t2")
        await timed.claimed(2)
        await timed.let_pass(LEASE_SECONDS)
        async with timed.suffering("commit#*: fail-before") as (turns, _):
            assert await turns.recover() == Swept()
        assert (await timed.turns.recover()).recovered == 2

    timed.run(scenario)


def test_a_corrupt_run_is_reported_and_hides_no_other(timed: Keep) -> None:
    """Law 63."""

    async def scenario() -> None:
        await timed.queue("t1", "t2", "t3")
        await timed.claimed(3)
        await timed.damage(TURN_STATES, thread("t2"), "t2")
        await timed.let_pass(LEASE_SECONDS)
        swept = await timed.turns.recover()
        assert swept.recovered == 2
        assert [(lost.address.id, lost.code) for lost in swept.unreadable] == [("t2", "corrupt")]
        assert (await timed.turns.recover(limit=1)).recovered == 0

    timed.run(scenario, sound=False)


def test_a_corrupt_lane_stops_the_runs_of_its_user_alone(timed: Keep) -> None:
    """Law 63."""

    async def scenario() -> None:
        await timed.queue("t1", user="ada")
        await timed.queue("t2", user="bob")
        await timed.claimed(2)
        await timed.damage(LANES, Scope.of("acme", "ada"), "interactive")
        await timed.let_pass(LEASE_SECONDS)
        swept = await timed.turns.recover()
        assert (swept.recovered, len(swept.unreadable)) == (1, 1)

    timed.run(scenario, sound=False)


def test_many_corrupt_runs_starve_no_sound_one(timed: Keep) -> None:
    """Law 63."""

    async def scenario() -> None:
        names = [f"t{number}" for number in range(6)]
        await timed.queue(*names)
        await timed.claimed(6)
        for name in names[:5]:
            await timed.damage(TURN_STATES, thread(name), name)
        await timed.let_pass(LEASE_SECONDS)
        swept = await timed.turns.recover(limit=1)
        assert swept.recovered == 1

    timed.run(scenario, sound=False)


def test_runs_that_fail_at_every_sweep_starve_none_behind_them(timed: Keep) -> None:
    """Law 63: what cannot be tidied counts for no limit, in what waits as in what is claimed."""

    async def scenario() -> None:
        for number in range(3):
            await timed.running(thread(f"t{number}", user="ada"), request=f"r{number}")
        await timed.running(thread("sound", user="bob"))
        await timed.damage(LANES, Scope.of("acme", "ada"), "interactive")
        await timed.let_pass(LEASE_SECONDS)
        swept = await timed.turns.recover(limit=1)
        assert (swept.recovered, len(swept.unreadable)) == (1, 3)

    timed.run(scenario, sound=False)


def test_waits_that_fail_at_every_sweep_starve_none_behind_them(timed: Keep) -> None:
    """Law 63."""

    async def scenario() -> None:
        until = await timed.now() + timedelta(seconds=30)
        for user, name in (("ada", "t1"), ("ada", "t2"), ("bob", "sound")):
            claim = await timed.running(thread(name, user=user), request=name)
            gate = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("job"), effect=step("gate"))
            assert isinstance(await timed.turns.block(claim, gate=gate, until=until), RunStanding)
        await timed.damage(LANES, Scope.of("acme", "ada"), "interactive")
        await timed.let_pass(31)
        swept = await timed.turns.sweep(limit=1)
        assert (swept.elapsed, len(swept.unreadable)) == (1, 2)

    timed.run(scenario, sound=False)


# ---- a parent that cannot be read ---------------------------------------------------------------


async def orphan(keep: Keep) -> Claim:
    """A running child whose parent waits for it, and whose parent's record is damaged."""
    parent = await keep.running(thread("parent"))
    child = await keep.turns.submit_child(
        parent, step("spawn"), scope=thread("child"), arguments=digest_of("spawn")
    )
    assert isinstance(child, RunView)
    gate = Gate.of(
        kind=GateKind.DEPENDENT_RUN,
        ref=Ref("join"),
        effect=step("join"),
        awaited=(child.address,),
    )
    await keep.turns.block(parent, gate=gate)
    (granted,) = await keep.claimed()
    assert granted.claim.run == child.address
    await keep.damage(TURN_STATES, thread("parent"), "parent")
    return granted.claim


@pytest.mark.parametrize("end", ["complete", "fail", "cancel", "relinquish"])
def test_a_child_ends_though_its_parent_cannot_be_read(keep: Keep, end: str) -> None:
    """Law 63: the damage of one run holds no other."""

    async def scenario() -> None:
        claim = await orphan(keep)
        match end:
            case "complete":
                answer: object = await keep.turns.complete(claim)
            case "fail":
                answer = await keep.turns.fail(claim, category=Category("broken"))
            case "relinquish":
                await keep.cancel(claim.run)
                answer = await keep.turns.relinquish(claim, reason=Relinquishment.DRAIN)
            case _:
                await keep.turns.relinquish(claim, reason=Relinquishment.DRAIN)
                answer = await keep.cancel(claim.run)
        assert isinstance(answer, RunStanding)
        assert answer.status.final
        assert (await keep.view(claim.run)).status is answer.status

    keep.run(scenario, sound=False)


def test_a_lost_child_of_an_unreadable_parent_is_recovered_and_the_parent_reported(
    timed: Keep,
) -> None:
    """Law 63."""

    async def scenario() -> None:
        claim = await orphan(timed)
        await timed.cancel(claim.run)
        await timed.let_pass(LEASE_SECONDS)
        swept = await timed.turns.recover()
        assert swept.recovered == 1
        assert [(lost.address.id, lost.code) for lost in swept.unreadable] == [
            ("parent", "corrupt")
        ]
        assert (await timed.view(claim.run)).status is RunStatus.CANCELLED

    timed.run(scenario, sound=False)


def test_a_threadless_run_is_recovered_too(timed: Keep) -> None:
    async def scenario() -> None:
        view = await timed.submitted(Scope.of("acme", "ada", agent="scout"))
        (granted,) = await timed.claimed()
        assert granted.claim.run == view.address
        await timed.let_pass(LEASE_SECONDS)
        assert (await timed.turns.recover()).recovered == 1
        assert (await timed.view(view.address)).status is RunStatus.QUEUED
        await timed.let_pass(3)
        (again,) = await timed.claimed()
        await timed.completed(again)
        assert await timed.count(THREADLESS) == 0

    timed.run(scenario)


# ---- steps that may have happened ---------------------------------------------------------------


def test_a_once_step_that_was_begun_sends_its_lost_run_to_an_operator(timed: Keep) -> None:
    """Law 53, as far as the store goes."""

    async def scenario() -> None:
        claim = await timed.running()
        assert isinstance(await timed.intend(claim), Intended)
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        view = await timed.view(claim.run)
        assert isinstance(view.state, NeedsOperator)
        assert view.open == (step("step"),)
        (entry,) = await timed.turns.journal(claim.run)
        assert isinstance(entry.state, Uncertain)
        assert (await timed.claim()).granted == ()
        assert (await timed.kinds())[-2:] == ["needs_operator", "effect_uncertain"]

    timed.run(scenario)


@pytest.mark.parametrize("mode", [Mode.KEYED, Mode.SAFE])
def test_a_step_that_may_run_again_leaves_nothing_open(timed: Keep, mode: Mode) -> None:
    """Law 54, as far as the store goes."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        assert (await timed.view(claim.run)).status is RunStatus.QUEUED
        await timed.let_pass(3)
        (again,) = await timed.claimed()
        assert isinstance(await timed.settle(again.claim, mode=mode), Done)
        assert len(await timed.turns.journal(claim.run)) == 1

    timed.run(scenario)


@pytest.mark.parametrize("started", [True, False])
def test_a_run_that_is_not_journaled_goes_to_an_operator_once_it_was_started(
    timed: Keep, *, started: bool
) -> None:
    async def scenario() -> None:
        policy = evolve(TurnPolicy.interactive(), journaled=False)
        claim = await timed.running(policy=policy)
        if started:
            await timed.turns.start(claim)
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        expected = RunStatus.NEEDS_OPERATOR if started else RunStatus.QUEUED
        assert (await timed.view(claim.run)).status is expected

    timed.run(scenario)


@pytest.mark.parametrize("swept", [True, False])
def test_a_fenced_runner_s_report_is_evidence_and_decides_nothing(
    timed: Keep, *, swept: bool
) -> None:
    """Law 56."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.intend(claim)
        await timed.let_pass(LEASE_SECONDS)
        if swept:
            await timed.turns.recover()
        answer = await timed.settle(claim)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, ClaimEnded if swept else LeaseExpired)
        await timed.turns.recover()
        assert (await timed.view(claim.run)).status is RunStatus.NEEDS_OPERATOR
        (entry,) = await timed.turns.journal(claim.run)
        assert isinstance(entry.state, Uncertain)
        if swept:
            (evidence,) = entry.state.evidence
            assert isinstance(evidence, Evidence)
            assert evidence.outcome == Done(output=b"output", disposition=None)

    timed.run(scenario)


def test_what_is_done_is_done_for_every_later_claim(timed: Keep) -> None:
    """Law 52, as far as the store goes: after a loss, a resume and a retry."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.intend(claim)
        await timed.settle(claim)
        await timed.let_pass(LEASE_SECONDS)
        await timed.turns.recover()
        await timed.let_pass(3)
        (again,) = await timed.claimed()
        before = await timed.snapshot()
        assert await timed.intend(again.claim) == Done(output=b"output", disposition=None)
        assert await timed.settle(again.claim, outcome=NotDone(category=Category("x"), redo=False))
        assert await timed.snapshot() == before

    timed.run(scenario)


def test_a_heartbeat_that_lands_first_keeps_the_run(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS - 1)
        async with timed.suffering("load#*: delay 0") as (turns, _):
            await timed.turns.heartbeat(claim)
            await timed.let_pass(1)
            assert (await turns.recover()).recovered == 0
        assert isinstance(await timed.turns.complete(claim), RunStanding)

    timed.run(scenario)
