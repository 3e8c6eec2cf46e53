"""Running: a claim is a right until its deadline, and every end of it is recorded once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.turns.keep import LEASE_SECONDS, SUBMITTER, Keep, step, thread
from tests.application.turns.worlds import memory, postgres
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import (
    Claim,
    EndOperation,
    Heartbeat,
    Relinquishment,
    RunStanding,
)
from turnkeep_domain.turns.effect import Done, Intended, Mode
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    EffectsFull,
    EffectsOpen,
    LeaseExpired,
    LeaseLost,
    NotFound,
    RouteFixed,
    WrongState,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import Completed, RunStatus

FAILED = Category("model_overloaded")
ROUTE = Route(provider=Ref("acme"), model=Ref("m-1"), config_ref=None, auth_ref=Ref("key-1"))
GATE = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("gate"))


def reason(answer: object) -> object:
    assert isinstance(answer, Refused), answer
    return answer.reason


async def everything(keep: Keep, claim: Claim) -> list[object]:
    """What each operation of a worker answers to a claim."""
    turns = keep.turns
    return [
        await turns.heartbeat(claim),
        await turns.start(claim),
        await save(keep, claim),
        await keep.intend(claim),
        await keep.settle(claim, "other", mode=Mode.SAFE),
        await turns.set_route(claim, ROUTE),
        await turns.block(claim, gate=GATE),
        await keep.ask(claim, "approval"),
        await turns.relinquish(claim, reason=Relinquishment.ERROR),
        await turns.fail(claim, category=FAILED),
        await turns.complete(claim),
    ]


async def save(keep: Keep, claim: Claim, payload: bytes = b"saved") -> object:
    return await keep.turns.checkpoint(
        claim, kind=CheckpointKind.BEFORE_MODEL, schema=1, payload=payload, ordinals={"step": 1}
    )


# ---- heartbeats and deadlines -------------------------------------------------------------------


def test_a_heartbeat_writes_one_cell_and_changes_the_lease_alone(timed: Keep) -> None:
    """Law 27."""

    async def scenario() -> None:
        claim = await timed.running()
        before = await timed.whole()
        await timed.let_pass(30)
        answer = await timed.turns.heartbeat(claim)
        assert isinstance(answer, Heartbeat)
        assert answer.until - answer.at == timedelta(seconds=LEASE_SECONDS)
        after = await timed.whole()
        changed = [
            (old, new) for old, new in zip(before.cells, after.cells, strict=True) if old != new
        ]
        assert [new.address for _, new in changed] == [turn_state_key(claim.run).address]
        assert after.stored_events == before.stored_events
        (old,), (new,) = before.states, after.states
        assert old.active is not None
        assert new.active is not None
        assert new == evolve(old, active=evolve(old.active, lease=new.active.lease))

    timed.run(scenario)


def test_one_millisecond_before_its_deadline_a_claim_is_accepted(timed: Keep) -> None:
    """Law 28."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS - 0.001)
        answer = await timed.turns.complete(claim)
        assert isinstance(answer, RunStanding)

    timed.run(scenario)


def test_from_its_deadline_on_a_claim_is_refused_everything_before_any_sweep(timed: Keep) -> None:
    """Laws 28 and 29."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        before = await timed.snapshot()
        answers = await everything(timed, claim)
        assert [type(reason(answer)) for answer in answers] == [LeaseExpired] * len(answers)
        assert await timed.snapshot() == before

    timed.run(scenario)


def test_on_a_database_the_same_deadline_comes_by_the_database_s_own_clock() -> None:
    """Laws 29 and 30."""
    world = postgres()
    keep = Keep(world, settings=TurnSettings(lease_seconds=1.0))

    async def scenario() -> None:
        claim = await keep.running()
        until = (await keep.view(claim.run)).held_until
        assert until is not None
        # The deadline itself is what is tried: real time has to pass it.
        await asyncio.sleep(max(0.0, (until - await keep.now()).total_seconds()))
        before = await keep.snapshot()
        answers = await everything(keep, claim)
        assert [type(reason(answer)) for answer in answers] == [LeaseExpired] * len(answers)
        assert await keep.snapshot() == before
        assert (await keep.turns.recover()).recovered == 1

    keep.run(scenario)
    world.close()


def test_a_heartbeat_never_shortens_a_claim(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        until = (await timed.view(claim.run)).held_until
        brief = timed.host(timed.store, settings=TurnSettings(lease_seconds=5))
        answer = await brief.heartbeat(claim)
        assert isinstance(answer, Heartbeat)
        assert answer.until == until

    timed.run(scenario)


def test_heartbeats_stop_at_the_end_of_the_grace(timed: Keep) -> None:
    """Law 33."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(60)
        asked = await timed.now()
        await timed.turns.request_cancel(
            claim.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        await timed.let_pass(20)
        answer = await timed.turns.heartbeat(claim)
        assert isinstance(answer, Heartbeat)
        assert answer.until == answer.cancel_by == asked + timedelta(seconds=60)
        await timed.let_pass(40)
        assert isinstance(reason(await timed.turns.heartbeat(claim)), LeaseExpired)

    timed.run(scenario)


def test_every_host_judges_a_deadline_by_the_store_s_clock(timed: Keep) -> None:
    """Law 30."""

    async def scenario() -> None:
        claim = await timed.running()
        stated = (await timed.view(claim.run)).held_until
        assert stated == await timed.now() + timedelta(seconds=LEASE_SECONDS)
        await timed.let_pass(LEASE_SECONDS - 1)
        assert (await timed.rival.recover()).recovered == 0
        await timed.let_pass(1)
        assert (await timed.rival.recover()).recovered == 1

    timed.run(scenario)


@pytest.mark.parametrize(
    "operation", ["complete", "intend", "checkpoint", "settle", "heartbeat", "block"]
)
def test_a_runner_paused_between_load_and_commit_past_its_deadline_writes_nothing(
    timed: Keep, operation: str
) -> None:
    """Law 31: run, journal and checkpoint."""

    async def scenario() -> None:
        claim = await timed.running()
        before = await timed.snapshot()
        async with timed.suffering("commit#1: hold pause") as (turns, faulty):
            calls: dict[str, Callable[[], Coroutine[object, object, object]]] = {
                "complete": lambda: turns.complete(claim),
                "intend": lambda: turns.intend(claim, step("s"), arguments=digest_of("a")),
                "checkpoint": lambda: turns.checkpoint(
                    claim, kind=CheckpointKind.FINAL, schema=1, payload=b"x", ordinals={}
                ),
                "settle": lambda: turns.settle(
                    claim,
                    step("s"),
                    mode=Mode.KEYED,
                    arguments=digest_of("a"),
                    outcome=Done(output=b"", disposition=None),
                ),
                "heartbeat": lambda: turns.heartbeat(claim),
                "block": lambda: turns.block(claim, gate=GATE),
            }
            # The pause is shorter than an update may take: it is the deadline that ends it.
            await timed.let_pass(LEASE_SECONDS - 5)
            call = asyncio.ensure_future(calls[operation]())
            await faulty.reached("pause")
            await timed.let_pass(5)
            faulty.release("pause")
            answer = await call
        assert isinstance(reason(answer), LeaseExpired)
        assert await timed.snapshot() == before

    timed.run(scenario)


# ---- whose claim it is --------------------------------------------------------------------------


def test_an_older_epoch_or_another_token_has_lost_its_lease(keep: Keep) -> None:
    """Law 32."""

    async def scenario() -> None:
        claim = await keep.running()
        other = evolve(claim, token=keep.token())
        older = evolve(claim, epoch=claim.epoch - 1)
        before = await keep.snapshot()
        for stranger in (other, older):
            for answer in await everything(keep, stranger):
                assert isinstance(reason(answer), LeaseLost)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_claim_of_another_scope_finds_no_run(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        foreign = evolve(claim, run=evolve(claim.run, scope=thread("t1", user="eve")))
        before = await keep.snapshot()
        for answer in await everything(keep, foreign):
            assert isinstance(reason(answer), NotFound)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_after_an_expired_claim_was_swept_its_runner_is_told_how_it_ended(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.let_pass(LEASE_SECONDS)
        assert (await timed.turns.recover()).recovered == 1
        for answer in await everything(timed, claim):
            refusal = reason(answer)
            assert isinstance(refusal, ClaimEnded)
            assert refusal.end.operation is EndOperation.EXPIRY

    timed.run(scenario)


# ---- ends ---------------------------------------------------------------------------------------


def test_a_repeated_complete_answers_the_same_even_after_the_next_run(keep: Keep) -> None:
    """Law 34."""

    async def scenario() -> None:
        claim = await keep.running()
        first = await keep.turns.complete(claim, result_ref=Ref("answer-1"))
        assert isinstance(first, RunStanding)
        assert first.status is RunStatus.COMPLETED
        following = await keep.running(request="r2")
        assert isinstance(await keep.turns.complete(following), RunStanding)
        before = await keep.snapshot()
        assert await keep.turns.complete(claim, result_ref=Ref("answer-1")) == first
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_after_a_complete_every_other_end_is_told_that_the_claim_has_ended(keep: Keep) -> None:
    """Law 35."""

    async def scenario() -> None:
        claim = await keep.running()
        standing = await keep.turns.complete(claim)
        answers = [
            await keep.turns.fail(claim, category=FAILED),
            await keep.turns.complete(claim, result_ref=Ref("another")),
            await keep.turns.relinquish(claim, reason=Relinquishment.DRAIN),
            await keep.turns.heartbeat(claim),
        ]
        for answer in answers:
            refusal = reason(answer)
            assert isinstance(refusal, ClaimEnded)
            assert refusal.end.outcome == standing
            assert refusal.end.operation is EndOperation.COMPLETE

    keep.run(scenario)


def test_a_run_with_an_open_step_cannot_be_completed_or_blocked(keep: Keep) -> None:
    """Law 37."""

    async def scenario() -> None:
        claim = await keep.running()
        await keep.intend(claim)
        before = await keep.snapshot()
        for answer in (
            await keep.turns.complete(claim),
            await keep.turns.block(claim, gate=GATE),
            await keep.ask(claim),
        ):
            refusal = reason(answer)
            assert isinstance(refusal, EffectsOpen)
            assert refusal.open == (step("step"),)
        assert await keep.snapshot() == before
        await keep.settle(claim)
        assert isinstance(await keep.turns.complete(claim), RunStanding)

    keep.run(scenario)


def test_a_completed_run_keeps_its_result_and_a_failed_one_its_reason(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.complete(claim, result_ref=Ref("answer-1"))
        view = await keep.view(claim.run)
        assert view.state == Completed(result_ref=Ref("answer-1"))
        assert view.ended_at == view.updated_at
        second = await keep.running(thread("t2"))
        standing = await keep.turns.fail(second, category=FAILED, effect=step("step"))
        assert isinstance(standing, RunStanding)
        assert standing.status is RunStatus.FAILED

    keep.run(scenario)


def test_a_drained_run_is_due_at_once_and_a_troubled_one_after_a_backoff(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        drained = await timed.turns.relinquish(claim, reason=Relinquishment.DRAIN)
        assert isinstance(drained, RunStanding)
        assert drained.status is RunStatus.QUEUED
        (again,) = await timed.claimed()
        await timed.turns.relinquish(again.claim, reason=Relinquishment.ERROR)
        assert (await timed.claim()).granted == ()
        await timed.let_pass(1)
        (third,) = await timed.claimed()
        assert third.run.counters.lost == 1
        assert third.run.counters.returned == 1

    timed.run(scenario)


# ---- what a run keeps ---------------------------------------------------------------------------


def test_the_fifth_newest_checkpoint_is_deleted(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        for number in range(1, 7):
            saved = await save(keep, claim, b"%d" % number)
            assert isinstance(saved, Checkpoint)
            assert saved.sequence == number
        history = await keep.turns.history(claim.run)
        assert history is not None
        assert [header.sequence for header in history.checkpoints] == [3, 4, 5, 6]
        assert await keep.count(CHECKPOINTS) == 4
        last = await keep.turns.last_checkpoint(claim.run)
        assert last is not None
        assert (last.payload, last.ordinals) == (b"6", (("step", 1),))

    keep.run(scenario)


@pytest.mark.parametrize(("size", "fits"), [(65_536, True), (65_537, False)])
def test_a_checkpoint_has_65_536_bytes_at_most(keep: Keep, *, size: int, fits: bool) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        before = await keep.snapshot()
        if fits:
            assert isinstance(await save(keep, claim, b"x" * size), Checkpoint)
        else:
            with pytest.raises(InvalidValue):
                await save(keep, claim, b"x" * size)
            assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_route_is_chosen_once(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        first = await keep.turns.set_route(claim, ROUTE)
        assert isinstance(first, RunStanding)
        before = await keep.snapshot()
        assert await keep.turns.set_route(claim, ROUTE) == first
        other = evolve(ROUTE, model=Ref("m-2"))
        assert isinstance(reason(await keep.turns.set_route(claim, other)), RouteFixed)
        assert await keep.snapshot() == before
        assert (await keep.view(claim.run)).route == ROUTE

    keep.run(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcdefghijklmnopqrstuvwx",
        "Bearer abcdefghijklmnopqrstuvwxyz",
        "https://ada:pass@host/v1",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
        "api_key=abcdefgh",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    ],
)
def test_a_route_that_looks_like_a_secret_is_refused_before_anything_is_read(text: str) -> None:
    keep = Keep(memory())

    async def scenario() -> None:
        claim = await keep.running()
        async with keep.suffering("load#*: fail-before") as (turns, faulty):
            with pytest.raises(InvalidValue) as refused:
                await turns.set_route(claim, evolve(ROUTE, auth_ref=Ref(text)))
            assert text not in str(refused.value)
            assert not faulty.calls

    keep.run(scenario)


def test_start_is_noted_once_for_a_run_that_is_not_journaled(keep: Keep) -> None:
    async def scenario() -> None:
        policy = evolve(TurnPolicy.interactive(), journaled=False)
        claim = await keep.running(policy=policy)
        first = await keep.turns.start(claim)
        before = await keep.snapshot()
        assert await keep.turns.start(claim) == first
        assert await keep.snapshot() == before

    keep.run(scenario)


# ---- bounds of a journal ------------------------------------------------------------------------


def test_a_seventeenth_open_step_is_refused(keep: Keep) -> None:
    """Law 75."""

    async def scenario() -> None:
        claim = await keep.running()
        for number in range(16):
            assert isinstance(await keep.intend(claim, f"s{number}"), Intended)
        before = await keep.snapshot()
        assert isinstance(reason(await keep.intend(claim, "s16")), EffectsFull)
        assert await keep.snapshot() == before
        assert isinstance(await keep.settle(claim, "s0"), Done)
        assert isinstance(await keep.intend(claim, "s16"), Intended)

    keep.run(scenario)


def test_the_1001st_journal_entry_is_refused(timed: Keep) -> None:
    """Law 75."""

    async def scenario() -> None:
        claim = await timed.running()
        for number in range(1_000):
            answer = await timed.settle(claim, f"s{number}", mode=Mode.SAFE)
            assert isinstance(answer, Done)
        before = await timed.snapshot()
        assert isinstance(reason(await timed.settle(claim, "more", mode=Mode.SAFE)), EffectsFull)
        assert isinstance(reason(await timed.intend(claim, "more")), EffectsFull)
        assert await timed.snapshot() == before
        assert len(await timed.turns.journal(claim.run)) == 1_000

    timed.run(scenario)


@pytest.mark.parametrize("operation", ["intend", "checkpoint"])
def test_a_write_that_races_its_runner_s_own_end_never_lands_after_it(
    timed: Keep, operation: str
) -> None:
    """Law 76, of what a run itself stores."""

    async def scenario() -> None:
        claim = await timed.running()
        async with timed.suffering("commit#1: hold late") as (turns, faulty):
            calls: dict[str, Callable[[], Coroutine[object, object, object]]] = {
                "intend": lambda: turns.intend(claim, step("s"), arguments=digest_of("a")),
                "checkpoint": lambda: turns.checkpoint(
                    claim, kind=CheckpointKind.FINAL, schema=1, payload=b"x", ordinals={}
                ),
            }
            call = asyncio.ensure_future(calls[operation]())
            await faulty.reached("late")
            assert isinstance(await timed.turns.complete(claim), RunStanding)
            before = await timed.snapshot()
            faulty.release("late")
            assert isinstance(reason(await call), ClaimEnded)
        assert await timed.snapshot() == before

    timed.run(scenario)


def test_whatever_a_cancelled_run_may_not_begin_is_wrong_state(keep: Keep) -> None:
    """Law 59."""

    async def scenario() -> None:
        claim = await keep.running()
        await keep.intend(claim, "begun")
        await keep.turns.request_cancel(
            claim.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        assert isinstance(reason(await keep.intend(claim, "further")), WrongState)
        assert isinstance(reason(await save(keep, claim)), WrongState)
        assert isinstance(await keep.settle(claim, "begun"), Done)
        assert isinstance(await keep.settle(claim, "aside", mode=Mode.SAFE), Done)

    keep.run(scenario)
