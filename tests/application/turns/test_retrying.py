"""Retrying: an operator says what became of a doubtful step, and the journal goes on from there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    DONE,
    OPERATOR,
    SUBMITTER,
    Keep,
    all_of,
    step,
    thread,
)
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding
from turnkeep_domain.turns.effect import Done, Intended, Mode, NotDone, Unclear
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.limits import RETRIES_MAX
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.refusals import (
    AtCapacity,
    EffectsUnsettled,
    NotFound,
    NotPermitted,
    ThreadBusy,
    UnknownGate,
    WrongState,
)
from turnkeep_domain.turns.run_states import RunStatus

BROKEN = Category("broken")
HAPPENED = Done(output=b"as the operator found it", disposition=None)
NOTHING_HAPPENED = NotDone(category=Category("checked"), redo=True)


async def doubtful(keep: Keep, scope: Scope | None = None) -> Claim:
    """A run that needs an operator: one step is done, another perhaps."""
    claim = await keep.running(scope)
    await keep.intend(claim, "first")
    await keep.settle(claim, "first")
    await keep.intend(claim, "second")
    await keep.settle(claim, "second", outcome=Unclear())
    standing = await keep.turns.fail(claim, category=BROKEN)
    assert isinstance(standing, RunStanding)
    assert standing.status is RunStatus.NEEDS_OPERATOR
    return claim


async def failed(keep: Keep, scope: Scope | None = None) -> Claim:
    """A run that failed in its second step, of which surely nothing happened."""
    claim = await keep.running(scope)
    await keep.intend(claim, "first")
    await keep.settle(claim, "first")
    await keep.intend(claim, "second")
    await keep.settle(claim, "second", outcome=NotDone(category=BROKEN, redo=False))
    standing = await keep.turns.fail(claim, category=BROKEN, effect=step("second"))
    assert isinstance(standing, RunStanding)
    assert standing.status is RunStatus.FAILED
    return claim


async def retry(
    keep: Keep,
    run: RunAddress,
    settlements: Mapping[EffectId, Done | NotDone] | None = None,
    *,
    actor: Actor = OPERATOR,
    request: str = "again-1",
) -> object:
    return await keep.turns.retry(
        run, settlements=settlements or {}, actor=actor, request_id=RequestId(request)
    )


def test_a_retry_waits_until_every_uncertain_step_is_settled(keep: Keep) -> None:
    """Law 55."""

    async def scenario() -> None:
        claim = await doubtful(keep)
        before = await keep.snapshot()
        further = {step("second"): HAPPENED, step("first"): HAPPENED}
        for settlements in ({}, {step("first"): HAPPENED}, further):
            answer = await retry(keep, claim.run, settlements)
            assert isinstance(answer, Refused)
            assert answer.reason == EffectsUnsettled((step("second"),))
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("happened", [True, False])
def test_a_settled_run_goes_on_from_what_the_operator_found(keep: Keep, *, happened: bool) -> None:
    """Laws 52 and 58."""

    async def scenario() -> None:
        claim = await doubtful(keep)
        found = HAPPENED if happened else NOTHING_HAPPENED
        answer = await retry(keep, claim.run, {step("second"): found})
        assert isinstance(answer, RunStanding)
        assert answer.status is RunStatus.QUEUED
        (again,) = await keep.claimed()
        assert again.claim.run == claim.run
        assert await keep.intend(again.claim, "first") == DONE
        second = await keep.intend(again.claim, "second")
        assert second == HAPPENED if happened else isinstance(second, Intended)

    keep.run(scenario)


def test_a_repeated_retry_answers_as_it_did(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await doubtful(keep)
        settlements = {step("second"): HAPPENED}
        first = await retry(keep, claim.run, settlements)
        (again,) = await keep.claimed()
        await keep.completed(again)
        before = await keep.snapshot()
        assert await retry(keep, claim.run, settlements) == first
        other = await retry(keep, claim.run, {step("second"): NOTHING_HAPPENED})
        assert other == Refused(RequestIdReused(RequestId("again-1")))
        late = await retry(keep, claim.run, request="again-2")
        assert late == Refused(WrongState(RunStatus.COMPLETED))
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_only_an_operator_retries_or_gives_up(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await doubtful(keep)
        before = await keep.snapshot()
        settlements = {step("second"): HAPPENED}
        for actor in (SUBMITTER, Actor.system("quota")):
            refused = await retry(keep, claim.run, settlements, actor=actor)
            assert refused == Refused(NotPermitted())
            given_up = await keep.turns.give_up(
                claim.run,
                settlements=settlements,
                category=BROKEN,
                actor=actor,
                request_id=RequestId("g1"),
            )
            assert given_up == Refused(NotPermitted())
        nobody = RunAddress(claim.run.scope, RunId("none"))
        assert await retry(keep, nobody) == Refused(NotFound("none"))
        with pytest.raises(InvalidValue):
            await retry(keep, claim.run, {step("second"): Unclear()})  # type: ignore[dict-item]  # no outcome
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_run_that_is_given_up_fails_with_its_steps_settled(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await doubtful(keep)
        answer = await keep.turns.give_up(
            claim.run,
            settlements={step("second"): HAPPENED},
            category=Category("not_worth_it"),
            actor=OPERATOR,
            request_id=RequestId("g1"),
        )
        assert isinstance(answer, RunStanding)
        assert answer.status is RunStatus.FAILED
        view = await keep.view(claim.run)
        assert view.open == ()
        states = {entry.id.name: entry.state for entry in await keep.turns.journal(claim.run)}
        assert states == {"first": DONE, "second": HAPPENED}
        following = await keep.submitted(request="r2")
        assert following.status is RunStatus.QUEUED

    keep.run(scenario)


def test_a_failed_run_is_done_again_by_a_new_one_on_the_same_journal(keep: Keep) -> None:
    """Law 58: finished steps stay finished, the fatal one is redone."""

    async def scenario() -> None:
        claim = await failed(keep)
        answer = await retry(keep, claim.run)
        assert isinstance(answer, RunStanding)
        assert answer.run != claim.run.id
        again = RunAddress(claim.run.scope, answer.run)
        view = await keep.view(again)
        assert view.lineage.retry_of == claim.run.id
        assert view.turn == (await keep.view(claim.run)).turn
        (granted,) = await keep.claimed()
        assert granted.claim.run == again
        assert await keep.intend(granted.claim, "first") == DONE
        assert isinstance(await keep.intend(granted.claim, "second"), Intended)
        await keep.settle(granted.claim, "second")
        await keep.settle(granted.claim, "third", mode=Mode.SAFE)
        await keep.completed(granted)
        assert [entry.id.name for entry in await keep.turns.journal(claim.run)] == [
            entry.id.name for entry in await keep.turns.journal(again)
        ]
        before = await keep.snapshot()
        repeated = await retry(keep, claim.run)
        assert isinstance(repeated, RunStanding)
        assert (repeated.run, repeated.status) == (again.id, RunStatus.COMPLETED)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_request_id_that_did_one_failed_run_again_does_no_other(keep: Keep) -> None:
    async def scenario() -> None:
        first = await failed(keep)
        await retry(keep, first.run)
        (granted,) = await keep.claimed()
        await keep.completed(granted)
        second = await keep.running(request="r2")
        await keep.turns.fail(second, category=BROKEN)
        before = await keep.snapshot()
        answer = await retry(keep, second.run)
        assert answer == Refused(RequestIdReused(RequestId("again-1")))
        assert await keep.snapshot() == before

    keep.run(scenario)


THREADLESS: Final = Scope.of("acme", "ada", agent="scout")


@pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])
def test_a_failed_run_is_done_again_once_whoever_asks_and_how_often(
    keep: Keep, scope: Scope
) -> None:
    """Law 53: two live runs on one journal would make one call twice."""

    async def scenario() -> None:
        claim = await failed(keep, scope)
        first = await retry(keep, claim.run, request="t1")
        assert isinstance(first, RunStanding)
        before = await keep.snapshot()
        assert await retry(keep, claim.run, request="t2") == first
        refused = await retry(keep, claim.run, actor=SUBMITTER, request="t3")
        assert refused == Refused(NotPermitted())
        other = await retry(keep, claim.run, {step("second"): HAPPENED}, request="t1")
        assert other == Refused(RequestIdReused(RequestId("t1")))
        assert await keep.snapshot() == before
        (granted,) = await keep.claimed()
        assert granted.claim.run.id == first.run
        ended = await keep.completed(granted)
        assert await retry(keep, claim.run, request="t2") == ended
        assert await retry(keep, claim.run, request="t1") == ended
        other = await retry(keep, claim.run, {step("second"): HAPPENED}, request="t1")
        assert other == Refused(RequestIdReused(RequestId("t1")))
        assert (await keep.claim()).granted == ()

    keep.run(scenario)


def test_two_retries_at_once_are_one_run(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await failed(keep, THREADLESS)
        standings = await all_of(
            retry(keep, claim.run, request="t1"),
            keep.rival.retry(claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("t2")),
        )
        assert standings[0] == standings[1]
        assert (await keep.kinds()).count("submitted") == 2

    keep.run(scenario)


async def with_child(keep: Keep, scope: Scope) -> tuple[Claim, RunAddress]:
    """A run that has spawned a child and failed after that."""
    claim = await keep.running(scope)
    child = await keep.turns.submit_child(
        claim, step("spawn"), scope=thread("child"), arguments=digest_of("a")
    )
    assert isinstance(child, RunView), child
    await keep.turns.fail(claim, category=BROKEN)
    return claim, child.address


async def join(keep: Keep, claim: Claim, child: RunAddress) -> object:
    gate = Gate.of(
        kind=GateKind.DEPENDENT_RUN, ref=Ref("join"), effect=step("join"), awaited=(child,)
    )
    return await keep.turns.block(claim, gate=gate)


async def taken(keep: Keep, count: int) -> dict[RunAddress, ClaimedRun]:
    return {granted.claim.run: granted for granted in await keep.claimed(count)}


@pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])
@pytest.mark.parametrize("tries", [1, 2])
def test_a_retry_joins_the_children_of_the_run_that_it_repeats(
    keep: Keep, scope: Scope, tries: int
) -> None:
    """Law 50: the last of them resumes it, as it would have resumed the first."""

    async def scenario() -> None:
        claim, child = await with_child(keep, scope)
        failed, again, held = claim.run, claim.run, dict[RunAddress, ClaimedRun]()
        for number in range(tries):
            answer = await retry(keep, failed, request=f"t{number}")
            assert isinstance(answer, RunStanding)
            again = RunAddress(scope, answer.run)
            held |= await taken(keep, 2 - len(held))
            if number < tries - 1:
                await keep.turns.fail(held.pop(again).claim, category=BROKEN)
                failed = again
        blocked = await join(keep, held[again].claim, child)
        assert isinstance(blocked, RunStanding), blocked
        assert blocked.status is RunStatus.BLOCKED
        await keep.completed(held[child])
        assert (await keep.view(again)).status is RunStatus.QUEUED

    keep.run(scenario)


@pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])
def test_a_retry_passes_children_that_have_ended_meanwhile(keep: Keep, scope: Scope) -> None:
    async def scenario() -> None:
        claim, child = await with_child(keep, scope)
        (granted,) = await keep.claimed()
        await keep.completed(granted)
        await retry(keep, claim.run)
        (again,) = await keep.claimed()
        assert await join(keep, again.claim, child) is Disposition.GRANTED

    keep.run(scenario)


def test_a_run_joins_no_children_of_another_that_it_does_not_repeat(keep: Keep) -> None:
    async def scenario() -> None:
        _, child = await with_child(keep, thread())
        await keep.cancel(child)
        following = await keep.running(request="r2")
        assert await join(keep, following, child) == Refused(UnknownGate(Ref("join")))

    keep.run(scenario)


@pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])
@pytest.mark.parametrize("order", ["late", "between"])
def test_a_child_that_ends_while_a_retry_comes_to_wait_resumes_it(
    keep: Keep, scope: Scope, order: str
) -> None:
    """Law 50, racing: whichever commits second decides anew."""

    async def scenario() -> None:
        claim, child = await with_child(keep, scope)
        (granted,) = await keep.claimed()
        assert granted.claim.run == child
        async with keep.suffering("commit#1: hold ending") as (turns, faulty):
            ending = asyncio.ensure_future(turns.complete(granted.claim))
            await faulty.reached("ending")
            answer = await retry(keep, claim.run)
            assert isinstance(answer, RunStanding)
            if order == "late":
                (again,) = await keep.claimed()
                assert isinstance(await join(keep, again.claim, child), RunStanding)
            faulty.release("ending")
            assert isinstance(await ending, RunStanding)
        if order == "late":
            view = await keep.view(RunAddress(scope, answer.run))
            assert view.status is RunStatus.QUEUED
        else:
            (again,) = await keep.claimed()
            assert await join(keep, again.claim, child) is Disposition.GRANTED

    keep.run(scenario)


@pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])
def test_no_retry_goes_past_a_step_that_a_later_run_of_its_journal_left_uncertain(
    keep: Keep, scope: Scope
) -> None:
    """Law 55."""

    async def scenario() -> None:
        claim = await keep.running(scope)
        await keep.turns.fail(claim, category=BROKEN)
        await retry(keep, claim.run, request="t1")
        (granted,) = await keep.claimed()
        second = granted.claim
        await keep.intend(second, "pay")
        await keep.settle(second, "pay", outcome=Unclear())
        await keep.turns.fail(second, category=BROKEN)
        given_up = await keep.turns.give_up(
            second.run,
            settlements={},
            category=Category("later"),
            actor=OPERATOR,
            request_id=RequestId("g1"),
        )
        assert isinstance(given_up, RunStanding)
        assert (await keep.view(second.run)).open == (step("pay"),)
        before = await keep.snapshot()
        assert await retry(keep, claim.run, request="t2") == given_up
        unsettled = Refused(EffectsUnsettled((step("pay"),)))
        assert await retry(keep, second.run, request="t3") == unsettled
        assert await keep.snapshot() == before
        third = await retry(keep, second.run, {step("pay"): HAPPENED}, request="t4")
        assert isinstance(third, RunStanding)
        (granted,) = await keep.claimed()
        assert granted.claim.run.id == third.run
        assert await keep.intend(granted.claim, "pay") == HAPPENED

    keep.run(scenario)


# ---- a retry that was called off ----------------------------------------------------------------

scopes = pytest.mark.parametrize("scope", [thread(), THREADLESS], ids=["thread", "threadless"])


async def retried(
    keep: Keep, run: RunAddress, request: str, settlements: Mapping[EffectId, Done] | None = None
) -> RunAddress:
    """The run that does another again."""
    answer = await retry(keep, run, settlements, request=request)
    assert isinstance(answer, RunStanding), answer
    return RunAddress(run.scope, answer.run)


@scopes
@pytest.mark.parametrize("claimed", [False, True])
def test_a_retry_that_was_called_off_is_followed_by_another(
    keep: Keep, scope: Scope, *, claimed: bool
) -> None:
    """It is ended, and so no second live run on the journal; what it had done is done."""

    async def scenario() -> None:
        failing = await failed(keep, scope)
        first = await retried(keep, failing.run, "t1")
        if claimed:
            (granted,) = await keep.claimed()
            await keep.settle(granted.claim, "third", mode=Mode.SAFE)
            await keep.cancel(first)
            await keep.turns.relinquish(granted.claim, reason=Relinquishment.DRAIN)
        else:
            await keep.cancel(first)
        second = await retried(keep, failing.run, "t2")
        assert second not in (first, failing.run)
        view = await keep.view(second)
        assert (view.status, view.lineage.retry_of) == (RunStatus.QUEUED, first.id)
        assert view.counters.effects == len(await keep.turns.journal(second)) == 2 + claimed
        before = await keep.snapshot()
        assert await retried(keep, failing.run, "t3") == second
        assert await keep.snapshot() == before
        (granted,) = await keep.claimed()
        assert granted.claim.run == second
        assert await keep.intend(granted.claim, "first") == DONE
        assert isinstance(await keep.intend(granted.claim, "second"), Intended)
        await keep.settle(granted.claim, "second")
        ended = await keep.completed(granted)
        assert await retry(keep, failing.run, request="t4") == ended
        cancelled = await retry(keep, first, request="t5")
        assert cancelled == Refused(WrongState(RunStatus.CANCELLED))

    keep.run(scenario)


@scopes
def test_a_repeated_request_is_answered_by_the_retry_that_it_began(
    keep: Keep, scope: Scope
) -> None:
    """Also once that was called off: only a request of its own begins another."""

    async def scenario() -> None:
        failing = await failed(keep, scope)
        first = await retried(keep, failing.run, "t1")
        cancelled = await keep.cancel(first)
        before = await keep.snapshot()
        assert await retry(keep, failing.run, request="t1") == cancelled
        reused = await retry(keep, failing.run, {step("second"): HAPPENED}, request="t1")
        assert reused == Refused(RequestIdReused(RequestId("t1")))
        assert await keep.snapshot() == before
        second = await retried(keep, failing.run, "t2")
        assert await retry(keep, failing.run, request="t1") == cancelled
        assert await retried(keep, failing.run, "t2") == second
        assert (await keep.cancel(second)).status is RunStatus.CANCELLED
        assert await retry(keep, failing.run, request="t1") == cancelled

    keep.run(scenario)


@scopes
def test_a_repeat_of_the_request_that_let_a_run_go_on_does_not_do_it_again(
    keep: Keep, scope: Scope
) -> None:
    """It is answered by that run, though that has failed since."""

    async def scenario() -> None:
        claim = await doubtful(keep, scope)
        settlements = {step("second"): HAPPENED}
        await retry(keep, claim.run, settlements, request="t1")
        (granted,) = await keep.claimed()
        failed_since = await keep.turns.fail(granted.claim, category=BROKEN)
        before = await keep.snapshot()
        assert await retry(keep, claim.run, settlements, request="t1") == failed_since
        assert await keep.snapshot() == before
        again = await retry(keep, claim.run, request="t2")
        assert isinstance(again, RunStanding)
        assert again.run != claim.run.id

    keep.run(scenario)


@scopes
@pytest.mark.parametrize("open_step", ["second", "other"])
def test_what_a_retry_left_uncertain_when_it_was_called_off_is_settled_first(
    keep: Keep, scope: Scope, open_step: str
) -> None:
    """Law 55: also where it is the very call that had failed the run."""

    async def scenario() -> None:
        failing = await failed(keep, scope)
        first = await retried(keep, failing.run, "t1")
        (granted,) = await keep.claimed()
        assert isinstance(await keep.intend(granted.claim, open_step), Intended)
        await keep.cancel(first)
        await keep.turns.relinquish(granted.claim, reason=Relinquishment.DRAIN)
        before = await keep.snapshot()
        unsettled = await retry(keep, failing.run, request="t2")
        assert unsettled == Refused(EffectsUnsettled((step(open_step),)))
        assert await keep.snapshot() == before
        await retried(keep, failing.run, "t3", {step(open_step): HAPPENED})
        (granted,) = await keep.claimed()
        assert await keep.intend(granted.claim, open_step) == HAPPENED
        if open_step == "other":
            assert isinstance(await keep.intend(granted.claim, "second"), Intended)
            await keep.settle(granted.claim, "second")

    keep.run(scenario)


@scopes
def test_two_that_follow_a_retry_that_was_called_off_are_one(keep: Keep, scope: Scope) -> None:
    async def scenario() -> None:
        failing = await failed(keep, scope)
        await keep.cancel(await retried(keep, failing.run, "t1"))
        standings = await all_of(
            retry(keep, failing.run, request="t2"),
            keep.rival.retry(
                failing.run, settlements={}, actor=OPERATOR, request_id=RequestId("t3")
            ),
        )
        assert standings[0] == standings[1]
        assert (await keep.kinds()).count("submitted") == 3

    keep.run(scenario)


@scopes
@pytest.mark.parametrize("late", [False, True])
def test_a_retry_and_the_cancel_of_the_one_before_leave_one_live_run(
    keep: Keep, scope: Scope, *, late: bool
) -> None:
    """Whichever commits first: never two on one journal."""

    async def scenario() -> None:
        failing = await failed(keep, scope)
        first = await retried(keep, failing.run, "t1")
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(keep.cancel(first, on=turns))
            await faulty.reached("late")
            if late:
                assert await retried(keep, failing.run, "t2") == first
            faulty.release("late")
            assert (await call).status is RunStatus.CANCELLED
        second = await retried(keep, failing.run, "t3")
        assert [run.id for run in (await keep.whole()).active] == [second.id]

    keep.run(scenario)


def test_the_eighth_retry_of_a_run_is_its_last(keep: Keep) -> None:
    async def scenario() -> None:
        failing = await failed(keep)
        ends = list[RunStanding]()
        for number in range(RETRIES_MAX):
            ends.append(await keep.cancel(await retried(keep, failing.run, f"t{number}")))
        assert len({end.run for end in ends}) == RETRIES_MAX
        before = await keep.snapshot()
        assert await retry(keep, failing.run, request="one more") == ends[-1]
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("fate", ["lose-before", "lose-after", "fail-before", "land-late 1"])
def test_an_ambiguous_retry_after_one_that_was_called_off_submits_one(
    keep: Keep, fate: str
) -> None:
    async def scenario() -> None:
        failing = await failed(keep)
        await keep.cancel(await retried(keep, failing.run, "t1"))
        async with keep.suffering(f"commit#1: {fate}") as (turns, _):
            answer = await turns.retry(
                failing.run, settlements={}, actor=OPERATOR, request_id=RequestId("t2")
            )
        assert await retry(keep, failing.run, request="t2") == answer
        assert (await keep.kinds()).count("submitted") == 3

    keep.run(scenario)


def test_a_failed_run_without_thread_is_done_again(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await failed(keep, Scope.of("acme", "ada", agent="scout"))
        answer = await retry(keep, claim.run)
        assert isinstance(answer, RunStanding)
        (granted,) = await keep.claimed()
        assert granted.claim.run.id == answer.run
        assert await keep.intend(granted.claim, "first") == DONE
        await keep.completed(granted)

    keep.run(scenario)


def test_a_retry_is_admitted_as_every_submit_is(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await failed(timed)
        busy = await timed.submitted(request="r2")
        refused = await retry(timed, claim.run)
        assert refused == Refused(ThreadBusy(busy.id, RunStatus.QUEUED))
        (granted,) = await timed.claimed()
        await timed.completed(granted)
        tenant = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
        await timed.limit(tenant, held=1)
        await timed.submitted(thread("other"))
        before = await timed.snapshot()
        full = await retry(timed, claim.run)
        assert isinstance(full, Refused)
        assert isinstance(full.reason, AtCapacity)
        assert await timed.snapshot() == before

    timed.run(scenario)


@pytest.mark.parametrize("fate", ["lose-before", "lose-after", "fail-before"])
def test_an_ambiguous_retry_of_a_failed_run_submits_one(keep: Keep, fate: str) -> None:
    async def scenario() -> None:
        claim = await failed(keep)
        async with keep.suffering(f"commit#1: {fate}") as (turns, _):
            first = await turns.retry(
                claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again-1")
            )
        assert isinstance(first, RunStanding)
        assert await retry(keep, claim.run) == first
        assert (await keep.kinds()).count("submitted") == 2

    keep.run(scenario)


def test_a_completed_or_cancelled_run_is_not_done_again(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.complete(claim)
        assert await retry(keep, claim.run) == Refused(WrongState(RunStatus.COMPLETED))
        running = await keep.running(request="r2")
        assert await retry(keep, running.run) == Refused(WrongState(RunStatus.RUNNING))
        elsewhere = evolve(claim.run, scope=thread("t1", user="eve"))
        assert await retry(keep, elsewhere) == Refused(NotFound(claim.run.id))

    keep.run(scenario)
