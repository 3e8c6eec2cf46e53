"""Submitting: laws 1 to 11 and what else a caller of `submit` can count on, over every store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve, field, frozen

from tests.application.turns.keep import (
    ADA,
    BACKGROUND,
    INTERACTIVE,
    Keep,
    all_of,
    thread,
)
from turnkeep_application.turns.cells import lane_key, run_key, turn_state_key
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.bucket import BUCKETS
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.events import RunSubmitted
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import AtCapacity, NotPermitted, ThreadBusy
from turnkeep_domain.turns.run_states import Queued, RunStatus
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES
from turnkeep_ports.admission import Submission
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable
from turnkeep_ports.store import Committed, Late

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
TENANT_CLASS = evolve(TENANT, turn_class=INTERACTIVE)
USER = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.USER, turn_class=None)
AGENT = BucketId(scope=Scope.of("acme", "ada", agent="scout"), axis=Axis.AGENT, turn_class=None)
NO_PROJECT = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.PROJECT, turn_class=None)
ALONE = Scope.of("acme", "ada", agent="scout")


@frozen
class Policy:
    """A host's policy that says one thing; an `Admission`."""

    says: Callable[[Submission], bool]
    asked: list[Submission] = field(factory=list)

    async def admits(self, submission: Submission) -> bool:
        self.asked.append(submission)
        return self.says(submission)


class PolicyDown(Exception):
    pass


def broken(_: Submission) -> bool:
    raise PolicyDown


NOBODY = Policy(lambda _: False)
DOWN = Policy(broken)


# ---- what an accepted turn writes ----------------------------------------------------------------


def test_a_submit_writes_everything_in_one_commit(keep: Keep) -> None:
    async def law() -> None:
        view = await keep.submitted()
        state = await keep.cell(turn_state_key(view.address).address)
        lane = await keep.cell(lane_key(LaneId.of(thread(), INTERACTIVE)).address)
        assert state is not None
        assert lane is not None
        assert state.written_by == lane.written_by
        assert isinstance(view.state, Queued)
        [event] = await keep.events()
        assert isinstance(event, RunSubmitted)
        assert (event.run, event.version, event.status) == (view.id, 1, RunStatus.QUEUED)

    keep.run(law)


@pytest.mark.parametrize("fault", ["fail-before", "lose-before", "stale", "busy"])
def test_a_submit_whose_commit_fails_once_has_written_nothing_before_it_is_repeated(
    keep: Keep, fault: str
) -> None:
    async def law() -> None:
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            assert isinstance(await keep.submit(on=turns), RunView)
        assert await keep.kinds() == ["submitted"]
        assert len((await keep.lane()).entries) == 1

    keep.run(law)


@pytest.mark.parametrize("fault", ["lose-after", "land-late 1", "land-late 3"])
@pytest.mark.parametrize("scope", [thread(), ALONE], ids=["thread", "threadless"])
def test_a_submit_in_doubt_is_accepted_once(keep: Keep, scope: Scope, fault: str) -> None:
    async def law() -> None:
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            first = await keep.submit(scope, on=turns)
            again = await keep.submit(scope, on=turns)
        assert isinstance(first, RunView)
        assert isinstance(again, RunView)
        assert first.id == again.id
        assert await keep.kinds() == ["submitted"]

    keep.run(law)


def test_a_threadless_run_has_a_turn_state_of_its_own_until_it_ends(keep: Keep) -> None:
    async def law() -> None:
        view = await keep.submitted(ALONE)
        key = turn_state_key(view.address)
        assert key.collection is THREADLESS
        assert await keep.record(key) is not None
        [claimed] = await keep.claimed()
        await keep.completed(claimed)
        assert await keep.record(key) is None
        assert isinstance(await keep.record(run_key(view.address)), EndedRun)
        again = await keep.submitted(ALONE)
        assert (again.id, again.status) == (view.id, RunStatus.COMPLETED)

    keep.run(law)


def test_threadless_runs_of_one_scope_live_side_by_side(keep: Keep) -> None:
    async def law() -> None:
        one = await keep.submitted(ALONE, request="r1")
        two = await keep.submitted(ALONE, request="r2")
        assert one.id != two.id
        assert len(await keep.claimed(2)) == 2

    keep.run(law)


# ---- repeats -------------------------------------------------------------------------------------


def test_a_repeated_submit_answers_the_first_run(keep: Keep) -> None:
    async def law() -> None:
        first = await keep.submitted()
        before = await keep.snapshot()
        assert await keep.submit(on=keep.rival) == first
        assert await keep.snapshot() == before

    keep.run(law)


def test_a_repeated_submit_answers_the_first_run_also_once_that_has_ended(keep: Keep) -> None:
    async def law() -> None:
        first = await keep.submitted()
        [claimed] = await keep.claimed()
        await keep.completed(claimed)
        await keep.submitted(request="r2")
        before = await keep.snapshot()
        again = await keep.submit()
        assert isinstance(again, RunView)
        assert (again.id, again.status) == (first.id, RunStatus.COMPLETED)
        assert again.ended_at is not None
        assert await keep.snapshot() == before

    keep.run(law)


@pytest.mark.parametrize("ended", [False, True])
def test_the_same_request_id_with_another_payload_is_refused(keep: Keep, *, ended: bool) -> None:
    async def law() -> None:
        await keep.submitted()
        if ended:
            [claimed] = await keep.claimed()
            await keep.completed(claimed)
        before = await keep.snapshot()
        answer = await keep.submit(payload=b"something else")
        assert answer == Refused(RequestIdReused(RequestId("r1")))
        assert await keep.snapshot() == before

    keep.run(law)


@pytest.mark.parametrize(
    "other",
    [
        {"message_ref": Ref("m2")},
        {"source_ref": Ref("s2")},
        {"reply_ref": Ref("a2")},
        {"origin": Ref("schedule")},
        {"policy": TurnPolicy.background()},
        {"actor": Principal.person("grace")},
        {"payload": b"2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_is_submitted_belongs_to_the_request(keep: Keep, other: dict[str, object]) -> None:
    async def law() -> None:
        given: dict[str, object] = {
            "message_ref": Ref("m1"),
            "source_ref": Ref("s1"),
            "reply_ref": Ref("a1"),
            "origin": Ref("chat"),
            "policy": TurnPolicy.interactive(),
            "actor": ADA,
            "payload": b"1",
            "request_id": RequestId("r1"),
        }
        assert isinstance(await keep.turns.submit(thread(), **given), RunView)  # type: ignore[arg-type]  # of many kinds
        answer = await keep.turns.submit(thread(), **{**given, **other})  # type: ignore[arg-type]  # of many kinds
        assert answer == Refused(RequestIdReused(RequestId("r1")))

    keep.run(law)


def test_one_request_id_serves_each_scope_once(keep: Keep) -> None:
    async def law() -> None:
        one, two = await keep.queue("t1", "t2")
        assert one.id != two.id

    keep.run(law)


def test_a_threadless_request_that_races_another_order_under_its_id_begins_no_second_run(
    keep: Keep,
) -> None:
    async def law() -> None:
        async with keep.suffering("commit#1: hold x") as (turns, faulty):
            held = asyncio.create_task(keep.submit(ALONE, on=turns))
            await faulty.reached("x")
            # It is over when the first commits: its turn state is gone, its lane another one.
            await keep.submitted(ALONE, turn_class=BACKGROUND)
            [claimed] = await keep.claimed()
            await keep.completed(claimed)
            faulty.release("x")
            assert await held == Refused(RequestIdReused(RequestId("r1")))
        assert (await keep.kinds()).count("submitted") == 1

    keep.run(law)


# ---- one thread, one run -------------------------------------------------------------------------


def test_of_100_submits_to_one_thread_exactly_one_is_admitted(keep: Keep) -> None:
    async def law() -> None:
        hosts = (keep.turns, keep.rival)
        calls = [keep.submit(on=hosts[n % 2], request=f"r{n}") for n in range(100)]
        answers = await all_of(*calls)
        admitted = [answer for answer in answers if isinstance(answer, RunView)]
        busy = [answer for answer in answers if isinstance(answer, Refused)]
        assert len(admitted) == 1
        assert [type(answer.reason) for answer in busy] == [ThreadBusy] * 99
        assert {answer.reason.run for answer in busy} == {admitted[0].id}

    keep.run(law)


def test_busy_is_not_recorded_and_the_same_id_succeeds_later(keep: Keep) -> None:
    async def law() -> None:
        first = await keep.submitted(request="r1")
        before = await keep.snapshot()
        busy = await keep.submit(request="r2")
        assert busy == Refused(ThreadBusy(first.id, RunStatus.QUEUED))
        assert await keep.snapshot() == before
        [claimed] = await keep.claimed()
        await keep.completed(claimed)
        second = await keep.submitted(request="r2")
        assert second.id != first.id

    keep.run(law)


def test_the_same_thread_id_in_another_scope_is_another_thread(keep: Keep) -> None:
    async def law() -> None:
        await keep.submitted(thread("t1", user="ada"))
        await keep.submitted(thread("t1", user="bob"))
        await keep.submitted(Scope.of("acme", "ada", agent="other", thread="t1"))

    keep.run(law)


def test_another_actor_in_the_same_scope_meets_the_same_thread(keep: Keep) -> None:
    async def law() -> None:
        first = await keep.submitted()
        answer = await keep.submit(request="r2", actor=Principal.person("grace"))
        assert answer == Refused(ThreadBusy(first.id, RunStatus.QUEUED))

    keep.run(law)


# ---- the host's policy ---------------------------------------------------------------------------


def test_the_policy_is_asked_what_is_submitted_once_a_call(keep: Keep) -> None:
    async def law() -> None:
        policy = Policy(lambda _: True)
        await keep.submit(on=keep.governed(policy), turn_class=BACKGROUND)
        [asked] = policy.asked
        assert (asked.scope, asked.actor, asked.parent) == (thread(), ADA, None)
        assert asked.policy.turn_class is BACKGROUND

    keep.run(law)


def test_whom_the_policy_refuses_is_told_so_and_nothing_is_written(keep: Keep) -> None:
    async def law() -> None:
        before = await keep.snapshot()
        assert await keep.submit(on=keep.governed(NOBODY)) == Refused(NotPermitted())
        assert await keep.snapshot() == before

    keep.run(law)


def test_a_policy_that_fails_admits_nobody(keep: Keep) -> None:
    async def law() -> None:
        before = await keep.snapshot()
        with pytest.raises(PolicyDown):
            await keep.submit(on=keep.governed(DOWN))
        assert await keep.snapshot() == before

    keep.run(law)


@pytest.mark.parametrize("policy", [NOBODY, DOWN], ids=["refuses", "fails"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_recorded_request_answers_before_the_policy(
    keep: Keep, policy: Policy, *, ended: bool
) -> None:
    async def law() -> None:
        first = await keep.submitted()
        if ended:
            [claimed] = await keep.claimed()
            await keep.completed(claimed)
        again = await keep.submit(on=keep.governed(policy))
        assert isinstance(again, RunView)
        assert again.id == first.id
        reused = await keep.submit(on=keep.governed(policy), payload=b"else")
        assert reused == Refused(RequestIdReused(RequestId("r1")))

    keep.run(law)


def test_the_policy_comes_before_busy(keep: Keep) -> None:
    async def law() -> None:
        await keep.submitted()
        answer = await keep.submit(on=keep.governed(NOBODY), request="r2")
        assert answer == Refused(NotPermitted())

    keep.run(law)


# ---- limits --------------------------------------------------------------------------------------


def test_busy_comes_before_capacity(timed: Keep) -> None:
    async def law() -> None:
        first = await timed.submitted()
        await timed.limit(TENANT, held=1)
        busy = await timed.submit(request="r2")
        assert busy == Refused(ThreadBusy(first.id, RunStatus.QUEUED))
        full = await timed.submit(thread("t2"))
        assert isinstance(full, Refused)
        assert isinstance(full.reason, AtCapacity)

    timed.run(law)


@pytest.mark.parametrize("limited", [TENANT, TENANT_CLASS, USER, AGENT, NO_PROJECT], ids=str)
def test_each_bucket_bounds_the_runs_that_it_counts(timed: Keep, limited: BucketId) -> None:
    async def law() -> None:
        await timed.limit(limited, held=2)
        await timed.queue("t1", "t2")
        before = await timed.snapshot()
        answer = await timed.submit(thread("t3"))
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, AtCapacity)
        assert answer.reason.limit == limited.cell_id
        assert answer.reason.retry_after_seconds > 0
        assert await timed.snapshot() == before

    timed.run(law)


@pytest.mark.parametrize(
    ("limited", "scope"),
    [
        (USER, thread("t", user="bob")),
        (AGENT, Scope.of("acme", "ada", agent="other", thread="t")),
        (AGENT, Scope.of("acme", "ada", thread="t")),
        (NO_PROJECT, Scope.of("acme", "ada", agent="scout", project="p", thread="t")),
        (TENANT, thread("t", tenant="other")),
    ],
    ids=["other user", "other agent", "no agent", "a project", "other tenant"],
)
def test_a_bucket_bounds_no_other_runs(timed: Keep, limited: BucketId, scope: Scope) -> None:
    async def law() -> None:
        await timed.limit(limited, held=0)
        assert isinstance(await timed.submit(scope), RunView)

    timed.run(law)


def test_a_bucket_of_a_class_bounds_that_class_alone(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT_CLASS, held=0)
        assert isinstance(await timed.submit(turn_class=BACKGROUND), RunView)
        assert isinstance(await timed.submit(thread("t2")), Refused)

    timed.run(law)


def test_limits_are_judged_tenant_first_total_before_class_and_the_lane_last(timed: Keep) -> None:
    async def law() -> None:
        for limited in (AGENT, NO_PROJECT, USER, TENANT_CLASS, TENANT):
            await timed.limit(limited, held=0)
            answer = await timed.submit()
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, AtCapacity)
            assert answer.reason.limit == limited.cell_id

    timed.run(law)


def test_of_two_submits_for_the_last_place_one_is_admitted(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=1)
        async with timed.suffering("commit#1: hold first") as (turns, faulty):
            first = asyncio.create_task(timed.submit(thread("t1"), on=turns))
            await faulty.reached("first")
            second = await timed.submit(thread("t2", user="bob"))
            faulty.release("first")
            answers = [await first, second]
        assert isinstance(answers[1], RunView)
        assert isinstance(answers[0], Refused)
        assert isinstance(answers[0].reason, AtCapacity)

    timed.run(law)


def test_an_ending_gives_its_place_to_the_next(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=1)
        await timed.queue("t1")
        [claimed] = await timed.claimed()
        assert isinstance(await timed.submit(thread("t2")), Refused)
        await timed.completed(claimed)
        assert (await timed.bucket(TENANT)).held == 0
        assert isinstance(await timed.submit(thread("t2")), RunView)

    timed.run(law)


def test_a_lowered_limit_evicts_nobody(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=3)
        await timed.queue("t1", "t2", "t3")
        await timed.limit(TENANT, held=1)
        assert len((await timed.lane()).entries) == 3
        assert isinstance(await timed.submit(thread("t4")), Refused)
        granted = await timed.claimed(3)
        for claimed in granted[:2]:
            await timed.completed(claimed)
        assert isinstance(await timed.submit(thread("t4")), Refused)
        await timed.completed(granted[2])
        assert isinstance(await timed.submit(thread("t4")), RunView)

    timed.run(law)


def test_submits_fill_192_places_of_a_lane(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue(*(f"t{number}" for number in range(192)))
        before = await timed.snapshot()
        answer = await timed.submit(thread("more"))
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, AtCapacity)
        assert answer.reason.limit == "lane"
        assert await timed.snapshot() == before
        assert isinstance(await timed.submit(thread("more"), turn_class=BACKGROUND), RunView)
        assert isinstance(await timed.submit(thread("more", user="bob")), RunView)

    timed.run(law)


def test_without_limits_a_submit_writes_two_cells_and_checks_none(keep: Keep) -> None:
    async def law() -> None:
        async with keep.suffering("") as (turns, faulty):
            await keep.submit(on=turns)
            await keep.submit(thread("t2"), on=turns)
            operations = [call.operation.value for call in faulty.calls]
        assert operations == ["load", "commit"] * 2
        assert len((await keep.whole()).cells) == 3  # two turn states and one lane

    keep.run(law)


def test_limits_that_cannot_be_loaded_admit_nobody(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=5)
        before = await timed.snapshot()
        async with timed.suffering("load#* in bucket: fail-before") as (turns, _):
            with pytest.raises(Unavailable):
                await timed.submit(on=turns)
        assert await timed.snapshot() == before

    timed.run(law)


def test_limits_that_cannot_be_read_admit_nobody(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=5)
        await timed.damage(BUCKETS, TENANT.scope, TENANT.cell_id)
        with pytest.raises(Corrupt):
            await timed.submit()
        assert await timed.cell(Address(TURN_STATES.name, thread(), "t1")) is None

    timed.run(law, sound=False)


# ---- validity ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "lands"), [(14.9, True), (15.0, False)])
def test_a_submit_that_is_held_up_lands_within_15_seconds_of_its_load_or_never(
    timed: Keep, seconds: float, *, lands: bool
) -> None:
    async def law() -> None:
        async with timed.suffering("commit#1: land-late 2\nload#2: stall") as (turns, faulty):
            held = asyncio.create_task(timed.submit(on=turns))
            await timed.let_pass(seconds)
            await timed.now(faulty)  # ends, and so lets the late commit go
            with pytest.raises(OutcomeUnknown):
                await held
            [landing] = faulty.landings
            assert landing.answer is (Committed if lands else Late)
        assert (await timed.kinds() == ["submitted"]) is lands

    timed.run(law)


# ---- host mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": Scope.of("acme", None)},
        {"scope": "acme"},
        {"actor": "ada"},
        {"request_id": ""},
        {"request_id": "x" * 201},
        {"payload": "text"},
        {"message_ref": ""},
        {"source_ref": "x" * 257},
        {"reply_ref": "line\nbreak"},
        {"origin": ""},
        {"policy": "interactive"},
    ],
    ids=str,
)
def test_a_mistake_of_the_host_is_told_before_anything_is_read(
    keep: Keep, wrong: dict[str, object]
) -> None:
    async def law() -> None:
        given: dict[str, object] = {
            "scope": thread(),
            "actor": ADA,
            "request_id": RequestId("r1"),
            "payload": b"",
            **wrong,
        }
        policy = Policy(lambda _: True)
        async with keep.suffering("") as (turns, faulty):
            with pytest.raises(InvalidValue):
                await evolve(turns, admission=policy).submit(**given)  # type: ignore[arg-type]  # wrong on purpose
            assert faulty.calls == ()
        assert policy.asked == []

    keep.run(law)


def test_nothing_of_a_payload_is_stored_or_told(keep: Keep) -> None:
    async def law() -> None:
        view = await keep.submit(payload=b"s3cret-payload")
        whole = await keep.whole()
        assert not any(b"s3cret" in cell.entry.body for cell in whole.cells)
        assert not any(b"s3cret" in event.body for event in whole.stored_events)
        assert "s3cret" not in repr(view)

    keep.run(law)
