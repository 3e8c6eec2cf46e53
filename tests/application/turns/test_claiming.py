"""Claiming: laws 14 to 20, 22, 63 and 71, over every store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    BACKGROUND,
    INTERACTIVE,
    OPERATOR,
    Keep,
    all_of,
    lane_of,
    thread,
)
from turnkeep_application.errors import Contended
from turnkeep_application.turns.cells import lane_key, tree_key, turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.bucket import BUCKETS
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Token
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.events import RunCancelled, RunClaimed
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import ClaimEnded
from turnkeep_domain.turns.run_states import Cancelled, RunStatus
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES
from turnkeep_domain.turns.turn_state import TURN_STATES
from turnkeep_ports.errors import Unavailable

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)


def threads(granted: tuple[ClaimedRun, ...] | list[ClaimedRun]) -> list[str | None]:
    return [claimed.run.scope.thread for claimed in granted]


async def family(keep: Keep, children: int = 1) -> tuple[ClaimedRun, list[RunView]]:
    """A claimed parent and its queued children."""
    await keep.submitted(thread("parent"))
    [parent] = await keep.claimed()
    views = []
    for number in range(children):
        view = await keep.turns.submit_child(
            parent.claim,
            EffectId("child", number),
            scope=thread(f"child{number}"),
            arguments=digest_of(number),
        )
        assert isinstance(view, RunView)
        views.append(view)
    return parent, views


async def call_off(keep: Keep, parent: ClaimedRun) -> None:
    """Calls the tree off, as a canceller does that is cut off right after its first commit."""
    tree = await keep.record(tree_key(parent.run.root))
    assert tree is not None
    after = tree.call_off(parent.run.root.id, now=await keep.now())
    await keep.put(tree_key(parent.run.root), after)


# ---- what a grant is ----------------------------------------------------------------------------


def test_a_claim_takes_the_fence_and_is_told(keep: Keep) -> None:
    async def law() -> None:
        [address] = await keep.queue("t1")
        [claimed] = await keep.claimed()
        assert claimed.claim.run == address
        assert claimed.run.status is RunStatus.RUNNING
        assert claimed.until - claimed.at == timedelta(seconds=90)
        state = await keep.record(turn_state_key(address))
        assert state is not None
        assert state.fence == claimed.claim.epoch == 1
        [event] = [event for event in await keep.events() if isinstance(event, RunClaimed)]
        assert (event.holder, event.epoch) == ("worker-1", 1)
        lane = await keep.lane()
        assert (lane.entries, lane.running) == ((), 1)

    keep.run(law)


def test_one_pass_takes_runs_of_several_lanes_up_to_its_count(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1", "a2", "a3")
        await keep.queue("b1", "b2", user="bob")
        granted = await keep.claimed(4)
        assert sorted(map(str, threads(granted))) == ["a1", "a2", "b1", "b2"]
        assert threads(await keep.claimed()) == ["a3"]

    keep.run(law)


def test_a_pass_without_anything_to_grant_grants_nothing(keep: Keep) -> None:
    async def law() -> None:
        found = await keep.claim(count=8)
        assert (found.granted, found.ended, found.doubtful, found.unreadable) == ((), (), (), ())

    keep.run(law)


def test_an_idle_claim_and_an_idle_sweep_write_nothing(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1", "t2")
        [claimed] = await keep.claimed()
        await keep.completed(claimed)
        await keep.claimed()
        before = await keep.snapshot()
        async with keep.suffering("") as (turns, faulty):
            await keep.claim(on=turns, count=8)
            await turns.sweep()
            assert {call.operation.value for call in faulty.calls} <= {"load", "scan"}
        assert await keep.snapshot() == before

    keep.run(law)


def test_a_claim_of_one_run_is_one_scan_one_load_and_one_commit(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1", "t2")
        async with keep.suffering("") as (turns, faulty):
            await keep.claimed(1, on=turns)
            assert [call.operation.value for call in faulty.calls] == ["scan", "load", "commit"]

    keep.run(law)


# ---- order --------------------------------------------------------------------------------------


def test_a_lane_is_served_in_the_order_of_arrival_where_all_are_due(keep: Keep) -> None:
    async def law() -> None:
        names = [f"t{number}" for number in range(9)]
        await keep.queue(*names)
        served = [*await keep.claimed(1), *await keep.claimed(3), *await keep.claimed(5)]
        assert threads(served) == names

    keep.run(law)


def test_a_lane_is_served_by_due_time_before_arrival(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("lost")
        await timed.claimed()
        await timed.let_pass(90)
        await timed.queue("fresh1")
        await timed.turns.recover()  # due after a pause, though it came first
        await timed.queue("fresh2")
        await timed.let_pass(60)
        assert threads(await timed.claimed(3)) == ["fresh1", "fresh2", "lost"]

    timed.run(law)


def test_what_is_not_due_yet_is_claimed_by_nobody(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("lost")
        await timed.claimed()
        await timed.let_pass(90)
        await timed.turns.recover()
        [entry] = (await timed.lane()).entries
        wait = (entry.due_at - await timed.now()).total_seconds()
        assert wait > 0
        await timed.let_pass(wait - 0.001)
        async with timed.suffering("") as (turns, faulty):
            assert (await timed.claim(on=turns, count=8)).granted == ()
            assert {call.operation.value for call in faulty.calls} == {"scan"}
        await timed.let_pass(0.001)
        assert threads(await timed.claimed()) == ["lost"]

    timed.run(law)


# ---- rivals -------------------------------------------------------------------------------------


def test_of_two_claimers_of_one_run_one_is_given_it(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1")
        async with keep.suffering("commit#1: hold first") as (turns, faulty):
            first = asyncio.create_task(keep.claim(on=turns))
            await faulty.reached("first")
            second = await keep.claim(on=keep.rival)
            faulty.release("first")
            found = await first
        assert len(second.granted) == 1
        assert (found.granted, found.doubtful) == ((), ())
        assert (await keep.kinds()).count("claimed") == 1

    keep.run(law)


def test_of_many_claimers_each_run_goes_to_one(keep: Keep) -> None:
    async def law() -> None:
        addresses = await keep.queue(*(f"t{number}" for number in range(12)))
        addresses += await keep.queue(*(f"t{number}" for number in range(12)), user="bob")
        hosts = (keep.turns, keep.rival)
        passes = await all_of(*(keep.claim(on=hosts[n % 2], count=2) for n in range(20)))
        granted = [claimed.claim.run for found in passes for claimed in found.granted]
        assert len(granted) == len(set(granted))
        assert (await keep.kinds()).count("claimed") == len(granted)
        while found := (await keep.claim(count=8)).granted:
            granted += [claimed.claim.run for claimed in found]
        assert sorted(granted, key=repr) == sorted(addresses, key=repr)

    keep.run(law)


def test_a_stale_lane_costs_a_pass_only_its_own_runs(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1")
        await keep.queue("b1", user="bob")
        script = "commit#1 in lane: hold one\ncommit#1 in lane: hold two"
        async with keep.suffering(f"{script}\ncommit#2: hold two") as (turns, faulty):
            found = asyncio.create_task(keep.claim(on=turns, count=2))
            await faulty.reached("one")
            await faulty.reached("two")
            [stolen] = await keep.claimed(1, on=keep.rival)
            faulty.release("one")
            faulty.release("two")
            granted = (await found).granted
        assert len(granted) == 1
        assert granted[0].claim.run != stolen.claim.run

    keep.run(law)


# ---- tokens and doubt ---------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lose-after", "land-late 1", "land-late 2", "lose-before"])
def test_an_ambiguous_claim_yields_one_grant(keep: Keep, fault: str) -> None:
    async def law() -> None:
        await keep.queue("t1", "t2")
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            found = await keep.claim(on=turns)
        assert len(found.granted) == 1
        assert (await keep.kinds()).count("claimed") == 1
        assert (await keep.lane()).running == 1

    keep.run(law)


@pytest.mark.parametrize("landed", [True, False])
def test_a_lane_in_doubt_is_named_and_its_repeat_yields_one_grant(
    timed: Keep, *, landed: bool
) -> None:
    async def law() -> None:
        [address, _] = await timed.queue("t1", "t2")
        token = timed.token()
        fault = "lose-after" if landed else "lose-before"
        async with timed.suffering(f"commit#1: {fault}\nload#2: stall") as (turns, _):
            doubtful = await timed.claim(on=turns, token=token)
        assert (doubtful.granted, doubtful.doubtful) == ((), (lane_of(),))
        again = await timed.claim(token=token, lanes=doubtful.doubtful)
        assert [claimed.claim.run for claimed in again.granted] == [address]
        assert (await timed.kinds()).count("claimed") == 1

    timed.run(law)


def test_a_repeated_token_with_its_lanes_is_given_the_same_grants(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1", "a2", "a3")
        await keep.queue("b1", user="bob")
        token = keep.token()
        first = await keep.claim(token=token, count=3)
        before = await keep.snapshot()
        lanes = [lane_of("ada"), lane_of("bob")]
        again = await keep.claim(token=token, count=3, lanes=lanes, on=keep.rival)
        assert len(first.granted) == 3
        assert {claimed.claim for claimed in again.granted} == {
            claimed.claim for claimed in first.granted
        }
        assert {claimed.until for claimed in again.granted} == {
            claimed.until for claimed in first.granted
        }
        assert await keep.snapshot() == before

    keep.run(law)


def test_a_repeat_is_given_the_same_though_it_asks_for_fewer(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1", "a2", "a3")
        token = keep.token()
        await keep.claim(token=token, count=2)
        again = await keep.claim(token=token, count=1, lanes=[lane_of("bob"), lane_of()])
        assert threads(again.granted) == ["a1", "a2"]

    keep.run(law)


def test_a_token_whose_claim_has_ended_is_told_so(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1", "a2")
        token = keep.token()
        first = await keep.claim(token=token, count=2)
        await keep.completed(first.granted[0])
        again = await keep.claim(token=token, count=2, lanes=[lane_of()])
        assert again.ended == (first.granted[0].claim,)
        assert [claimed.claim for claimed in again.granted] == [first.granted[1].claim]
        answer = await keep.turns.fail(again.ended[0], category=Ref("late"))  # type: ignore[arg-type]  # a category is a ref, too
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, ClaimEnded)

    keep.run(law)


def test_a_token_whose_lease_is_over_is_told_so_before_any_sweep(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("a1")
        token = timed.token()
        first = await timed.claim(token=token)
        await timed.let_pass(90)
        again = await timed.claim(token=token, lanes=[lane_of()])
        assert (again.granted, again.ended) == ((), (first.granted[0].claim,))

    timed.run(law)


@pytest.mark.parametrize("later_claims", [15, 16])
def test_a_doubt_whose_cells_were_overwritten_is_settled_by_its_token_or_stays_one(
    timed: Keep, later_claims: int
) -> None:
    async def law() -> None:
        [address, *_] = await timed.queue(*(f"t{number}" for number in range(20)))
        async with timed.suffering("commit#1: lose-after\nload#2: hold x") as (turns, faulty):
            pending = asyncio.create_task(timed.claim(on=turns))
            await faulty.reached("x")
            await timed.turns.request_cancel(
                address, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
            )
            for _ in range(later_claims):
                await timed.claimed(1, on=timed.rival)
            faulty.release("x")
            found = await pending
        if later_claims < 16:
            assert [claimed.claim.run for claimed in found.granted] == [address]
        else:  # the lane remembers 16 tokens: nobody can tell any more
            assert (found.granted, found.doubtful) == ((), (lane_of(),))
        assert (await timed.kinds()).count("claimed") == 1 + later_claims

    timed.run(law)


def test_named_lanes_are_not_scanned_and_serve_what_is_due(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1")
        await keep.queue("b1", user="bob")
        async with keep.suffering("") as (turns, faulty):
            found = await keep.claim(on=turns, count=8, lanes=[lane_of("bob"), lane_of("eve")])
            assert "scan" not in {call.operation.value for call in faulty.calls}
        assert threads(found.granted) == ["b1"]

    keep.run(law)


# ---- what fails ---------------------------------------------------------------------------------


def test_a_lane_that_fails_costs_a_pass_only_itself(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1")
        await keep.queue("b1", user="bob")
        async with keep.suffering("commit#1: lose-before\nload#3: fail-before") as (turns, _):
            found = await keep.claim(on=turns, count=2)
        assert len(found.granted) == 2

    keep.run(law)


def test_a_pass_that_loses_every_race_for_every_lane_is_an_error(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("a1")
        async with timed.suffering("commit#*: stale") as (turns, _):
            with pytest.raises(Contended):
                await timed.claim(on=turns, lanes=[lane_of()])
            with pytest.raises(Contended):
                await timed.claim(on=turns)

    timed.run(law)


def test_a_lane_for_which_every_race_is_lost_is_passed_over(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, running=5)
        await timed.queue("a1")
        await timed.submitted(thread("z1", tenant="other"))
        async with timed.suffering("commit#* in bucket: stale") as (turns, _):
            found = await timed.claim(on=turns, count=2)
        assert threads(found.granted) == ["z1"]
        assert found.doubtful == ()

    timed.run(law)


def test_a_store_that_does_not_serve_is_an_error(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("a1")
        async with timed.suffering("scan#*: fail-before") as (turns, _):
            with pytest.raises(Unavailable):
                await timed.claim(on=turns)

    timed.run(law)


def test_grants_are_told_though_the_next_scan_fails(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("a1")
        async with keep.suffering("scan#2: fail-before") as (turns, _):
            found = await keep.claim(on=turns, count=2)
        assert threads(found.granted) == ["a1"]

    keep.run(law)


# ---- closed threads and trees that are called off -----------------------------------------------


async def close(keep: Keep, view: RunView) -> None:
    """Closes a thread, as deleting it does."""
    key = turn_state_key(view.address)
    state = await keep.record(key)
    assert state is not None
    decision = state.close(now=await keep.now())
    assert isinstance(decision, Changed)
    await keep.put(key, decision.state.state)


def test_a_run_of_a_deleted_thread_is_ended_instead_of_claimed(keep: Keep) -> None:
    async def law() -> None:
        view = await keep.submitted(thread("deleted"))
        await keep.queue("alive")
        await close(keep, view)
        assert threads((await keep.claim(count=2)).granted) == ["alive"]
        ended = await keep.turns.get(view.address)
        assert ended is not None
        assert isinstance(ended.state, Cancelled)
        assert ended.state.reason == "thread_deleted"
        [event] = [event for event in await keep.events() if isinstance(event, RunCancelled)]
        assert event.run == view.id

    keep.run(law)


def test_a_tree_that_is_called_off_starts_nobody(keep: Keep) -> None:
    async def law() -> None:
        parent, children = await family(keep, 3)
        await call_off(keep, parent)
        await keep.queue("other")
        assert threads((await keep.claim(count=8)).granted) == ["other"]
        for child in children:
            ended = await keep.turns.get(child.address)
            assert ended is not None
            assert ended.status is RunStatus.CANCELLED
        assert (await keep.lane()).entries == ()

    keep.run(law)


def test_a_claim_racing_the_calling_off_of_its_tree_starts_nobody(keep: Keep) -> None:
    async def law() -> None:
        parent, [child] = await family(keep)
        async with keep.suffering("commit#1: hold claim") as (turns, faulty):
            found = asyncio.create_task(keep.claim(on=turns))
            await faulty.reached("claim")
            await call_off(keep, parent)
            faulty.release("claim")
            assert (await found).granted == ()
        ended = await keep.turns.get(child.address)
        assert ended is not None
        assert ended.status is RunStatus.CANCELLED

    keep.run(law)


def test_an_end_that_fails_costs_a_pass_nothing_else(keep: Keep) -> None:
    async def law() -> None:
        view = await keep.submitted(thread("deleted"))
        await keep.queue("alive")
        await close(keep, view)
        async with keep.suffering("commit#2: lose-after\ncommit#3: lose-before") as (turns, _):
            found = await keep.claim(on=turns, count=2)
        assert threads(found.granted) == ["alive"]
        assert (await keep.kinds()).count("cancelled") <= 1

    keep.run(law)


def test_a_claim_racing_a_cancel_ends_cancelled_or_to_be_cancelled(keep: Keep) -> None:
    async def law() -> None:
        [address] = await keep.queue("t1")
        async with keep.suffering("commit#1: hold claim") as (turns, faulty):
            found = asyncio.create_task(keep.claim(on=turns))
            await faulty.reached("claim")
            standing = await keep.turns.request_cancel(
                address, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
            )
            faulty.release("claim")
            assert (await found).granted == ()
        assert not isinstance(standing, Refused)
        assert standing.status is RunStatus.CANCELLED

    keep.run(law)


def test_a_cancel_racing_a_claim_ends_cancelled_or_to_be_cancelled(keep: Keep) -> None:
    async def law() -> None:
        [address] = await keep.queue("t1")
        async with keep.suffering("commit#1: hold cancel") as (turns, faulty):
            cancel = asyncio.create_task(
                turns.request_cancel(
                    address, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
                )
            )
            await faulty.reached("cancel")
            await keep.claimed()
            faulty.release("cancel")
            standing = await cancel
        assert not isinstance(standing, Refused)
        assert standing.status is RunStatus.CANCEL_REQUESTED

    keep.run(law)


# ---- what is unreadable -------------------------------------------------------------------------


def test_a_corrupt_run_is_reported_and_put_back_a_minute(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("bad", "good1", "good2")
        await timed.damage(TURN_STATES, thread("bad"), "bad")
        found = await timed.claim(count=2)
        assert threads(found.granted) == ["good1", "good2"]
        [unreadable] = found.unreadable
        assert (unreadable.address.id, unreadable.code) == ("bad", "corrupt")
        assert (await timed.claim(count=2)).unreadable == ()
        await timed.let_pass(60)
        assert len((await timed.claim(count=2)).unreadable) == 1

    timed.run(law, sound=False)


def test_many_corrupt_runs_stop_no_other(timed: Keep) -> None:
    async def law() -> None:
        names = [f"bad{number}" for number in range(5)]
        await timed.queue(*names, "good")
        for name in names:
            await timed.damage(TURN_STATES, thread(name), name)
        found = await timed.claim()
        assert threads(found.granted) == ["good"]
        assert len(found.unreadable) == 5

    timed.run(law, sound=False)


def test_a_corrupt_lane_is_reported_and_stops_no_other(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("a1")
        await timed.queue("b1", user="bob")
        await timed.damage(LANES, lane_of("ada").scope, INTERACTIVE.value)
        found = await timed.claim(count=2)
        assert threads(found.granted) == ["b1"]
        assert [one.address.collection for one in found.unreadable] == ["lane"]

    timed.run(law, sound=False)


def test_a_page_of_corrupt_lanes_hides_none_behind_it(timed: Keep) -> None:
    async def law() -> None:
        for number in range(33):
            await timed.queue("t", user=f"u{number}")
            await timed.damage(LANES, lane_of(f"u{number}").scope, INTERACTIVE.value)
        await timed.queue("good", user="zoe")
        found = await timed.claim()
        assert threads(found.granted) == ["good"]
        assert len(found.unreadable) == 33

    timed.run(law, sound=False)


def test_a_lane_of_corrupt_limits_is_put_off_and_stops_no_other(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, running=5)
        await timed.queue("a1")
        await timed.submitted(thread("z1", tenant="other"))
        await timed.damage(BUCKETS, TENANT.scope, TENANT.cell_id)
        found = await timed.claim(count=2)
        assert threads(found.granted) == ["z1"]
        assert [one.address.collection for one in found.unreadable] == ["bucket"]
        assert (await timed.claim(count=2)).unreadable == ()

    timed.run(law, sound=False)


def test_a_corrupt_tree_puts_its_runs_back_and_stops_no_other(timed: Keep) -> None:
    async def law() -> None:
        parent, _ = await family(timed, 2)
        await timed.queue("good")
        await timed.damage(SPAWN_TREES, parent.claim.run.scope, parent.claim.run.id)
        found = await timed.claim(count=3)
        assert threads(found.granted) == ["good"]
        assert {one.address.collection for one in found.unreadable} == {"spawn_tree"}

    timed.run(law, sound=False)


def test_a_lane_that_names_a_run_which_is_not_queued_is_reported_and_goes_on(timed: Keep) -> None:
    async def law() -> None:
        [gone, _] = await timed.queue("gone", "good")
        lane = await timed.lane()
        await timed.claimed()
        stale = evolve(await timed.lane(), entries=lane.entries)
        await timed.put(lane_key(lane_of()), stale)
        found = await timed.claim()
        assert threads(found.granted) == ["good"]
        assert [one.address for one in found.unreadable] == [turn_state_key(gone).address]

    timed.run(law, sound=False)


# ---- which runs ---------------------------------------------------------------------------------


def test_only_the_classes_asked_for_are_looked_at(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("now")
        await keep.queue("later", turn_class=BACKGROUND)
        assert threads((await keep.claim(count=2, classes=[BACKGROUND])).granted) == ["later"]
        assert threads((await keep.claim(count=2, classes=[INTERACTIVE])).granted) == ["now"]

    keep.run(law)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (ScopePrefix(scope=Scope.of("acme", None), depth=1), ["ada1", "ada2", "bob1"]),
        (ScopePrefix.owner(thread("x", user="bob")), ["bob1"]),
        (ScopePrefix.exactly(thread("ada2")), ["ada2"]),
        (ScopePrefix(scope=Scope.of("acme", "ada", agent="none"), depth=3), []),
    ],
    ids=["tenant", "user", "thread", "agent"],
)
def test_only_runs_under_the_prefix_are_claimed(
    keep: Keep, prefix: ScopePrefix, expected: list[str]
) -> None:
    async def law() -> None:
        await keep.submitted(thread("elsewhere", tenant="other"))
        await keep.queue("ada1", "ada2")
        await keep.queue("bob1", user="bob")
        found = await keep.turns.claim(
            holder="worker-1", token=keep.token(), count=8, prefix=prefix
        )
        assert sorted(map(str, threads(found.granted))) == expected

    keep.run(law)


@pytest.mark.parametrize(
    "wrong",
    [
        {"holder": ""},
        {"token": Token(b"short")},
        {"count": 0},
        {"count": 9},
        {"count": True},
        {"classes": ["interactive"]},
        {"prefix": "acme"},
        {"lanes": ["acme"]},
    ],
    ids=str,
)
def test_a_mistake_of_the_host_is_told_before_anything_is_read(
    keep: Keep, wrong: dict[str, object]
) -> None:
    async def law() -> None:
        given: dict[str, object] = {"holder": "w", "token": keep.token(), **wrong}
        async with keep.suffering("") as (turns, faulty):
            with pytest.raises(InvalidValue):
                await turns.claim(**given)  # type: ignore[arg-type]  # wrong on purpose
            assert faulty.calls == ()

    keep.run(law)


def test_nothing_renders_a_token(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1")
        token = Token(b"s3cret-token-16b")
        found = await keep.claim(token=token)
        assert "s3cret" not in repr(found)
        whole = await keep.whole()
        assert not any(b"s3cret" in cell.entry.body for cell in whole.cells)

    keep.run(law)


def test_an_unknown_outcome_of_putting_back_is_a_doubt_and_no_error(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("bad", "good")
        await timed.damage(TURN_STATES, thread("bad"), "bad")
        async with timed.suffering("commit#1: lose-before\nload#3: stall") as (turns, _):
            found = await timed.claim(on=turns)
        assert found.doubtful == (lane_of(),)

    timed.run(law, sound=False)
