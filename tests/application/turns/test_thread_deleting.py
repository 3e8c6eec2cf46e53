"""A thread that is deleted takes its queue along: in one commit, and for ever."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.application.turns.conversing import SCOPE, TALK, Talk, code, writes
from tests.application.turns.keep import OPERATOR, Keep, step, thread
from turnkeep_application.reading import Unreadable
from turnkeep_application.thread_keys import header_key
from turnkeep_application.thread_views import ThreadDeletion
from turnkeep_application.turns.calling_off import THREAD_DELETED, TURNS
from turnkeep_application.turns.cells import thread_state_key
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.refusals import ThreadHasRun
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Claim, Heartbeat, RunStanding
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested, Queued, RunStatus
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES
from turnkeep_domain.turns.turn_state import TURN_STATES
from turnkeep_ports.errors import Corrupt


async def delete(talk: Talk, *, force: bool = True, on: Turns | None = None) -> object:
    return await talk.threads(on).delete(SCOPE, "talk", force=force)


async def deleted(talk: Talk, *, force: bool = True) -> None:
    answer = await delete(talk, force=force)
    assert isinstance(answer, ThreadDeletion), answer


async def called_off(keep: Keep, view: RunView) -> Cancelled:
    state = (await keep.view(view.address)).state
    assert isinstance(state, Cancelled)
    assert (state.reason, state.by) == (THREAD_DELETED, TURNS)
    return state


async def submitted(talk: Talk) -> RunView:
    view = await talk.submit(await talk.said())
    assert isinstance(view, RunView)
    return view


@pytest.mark.parametrize("before", ["nothing ran", "a run has ended"])
def test_a_deletion_closes_the_turn_state_in_its_own_commit(keep: Keep, before: str) -> None:
    """Where there was none, a closed one is put."""
    talk = Talk(keep)

    async def law() -> None:
        message = await talk.said()
        if before != "nothing ran":
            await talk.submit(None, request="r0")
            [claimed] = await keep.claimed()
            await keep.completed(claimed)
        await deleted(talk, force=False)
        state = await keep.record(thread_state_key(TALK))
        assert state is not None
        assert state.closed
        closed = await keep.cell(thread_state_key(TALK).address)
        header = await keep.cell(header_key(TALK).address)
        assert closed is not None
        assert header is not None
        assert closed.written_by == header.written_by
        left = await talk.snapshot()
        for reference in (message, None, "mail:1"):
            assert code(await talk.submit(reference)) == "thread_deleted"
        await deleted(talk)
        assert await talk.snapshot() == left

    keep.run(law)


def test_a_thread_that_a_run_holds_is_deleted_by_force_alone(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        view = await submitted(talk)
        before = await talk.snapshot()
        answer = await delete(talk, force=False)
        assert isinstance(answer, Refused)
        assert answer.reason == ThreadHasRun(view.id)
        assert code(answer) == "thread_busy"
        assert await talk.snapshot() == before

    keep.run(law)


def test_a_queued_run_of_a_deleted_thread_ends_when_it_is_claimed(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        view = await submitted(talk)
        await deleted(talk)
        assert isinstance((await keep.view(view.address)).state, Queued)
        found = await keep.claim()
        assert not found.granted
        await called_off(keep, view)

    keep.run(law)


def test_a_worker_learns_that_its_thread_was_deleted(keep: Keep) -> None:
    """Its run is called off in that commit: it may come to an end, but says nothing more."""
    talk = Talk(keep)

    async def law() -> None:
        view = await submitted(talk)
        [claimed] = await keep.claimed()
        await deleted(talk)
        state = (await keep.view(view.address)).state
        assert isinstance(state, CancelRequested)
        assert state.reason == THREAD_DELETED
        beat = await keep.turns.heartbeat(claimed.claim)
        assert isinstance(beat, Heartbeat)
        assert beat.cancel_by == state.cancel_by
        for write in writes(talk, claimed.claim).values():
            assert code(await write()) == "thread_deleted"
        ended = await keep.turns.complete(claimed.claim)
        assert isinstance(ended, RunStanding)
        assert ended.status is RunStatus.CANCELLED
        await deleted(talk)

    keep.run(law)


def test_a_run_that_waits_for_an_approval_ends_with_its_thread(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        await talk.said()
        parked = await keep.parked(SCOPE)
        await deleted(talk)
        assert (await keep.view(parked.run)).status is RunStatus.CANCELLED
        assert "approval.discarded" in await keep.kinds()

    keep.run(law)


def test_a_child_that_ends_with_its_thread_resumes_its_parent(timed: Keep) -> None:
    """The farthest that a deletion reaches: limits, tree, approval, parent, and its lane."""
    talk = Talk(timed)

    async def spawned(parent: Claim) -> RunView:
        view = await timed.turns.submit_child(
            parent, step("spawn"), scope=SCOPE, arguments=digest_of("a")
        )
        assert isinstance(view, RunView)
        return view

    async def law() -> None:
        await talk.said()
        for axis, scope in (
            (Axis.TENANT, Scope.of("acme", None)),
            (Axis.USER, Scope.of("acme", "ada")),
        ):
            await timed.limit(BucketId(scope=scope, axis=axis, turn_class=None), held=50)
        parent = await timed.running(thread("parent"))
        child = await spawned(parent)
        join = Gate.of(
            kind=GateKind.DEPENDENT_RUN,
            ref=Ref("join"),
            effect=step("join"),
            awaited=(child.address,),
        )
        assert isinstance(await timed.turns.block(parent, gate=join), RunStanding)
        [claimed] = await timed.claimed()
        assert isinstance(await timed.ask(claimed.claim), RunStanding)
        await deleted(talk)
        await called_off(timed, child)
        assert (await timed.view(parent.run)).status is RunStatus.QUEUED

    timed.run(law)


async def orphaned(talk: Talk, waits_for: str) -> RunView:
    """A child in the thread, which waits, and a parent of it that waits for it."""
    keep = talk.keep
    parent = await keep.running(thread("parent"))
    child = await keep.turns.submit_child(
        parent, step("spawn"), scope=SCOPE, arguments=digest_of("a")
    )
    assert isinstance(child, RunView)
    join = Gate.of(
        kind=GateKind.DEPENDENT_RUN, ref=Ref("join"), effect=step("join"), awaited=(child.address,)
    )
    assert isinstance(await keep.turns.block(parent, gate=join), RunStanding)
    [claimed] = await keep.claimed()
    if waits_for == "approval":
        assert isinstance(await keep.ask(claimed.claim), RunStanding)
    else:
        await keep.intend(claimed.claim)
        await keep.turns.fail(claimed.claim, category=Category("broken"))
    return child


@pytest.mark.parametrize("waits_for", ["approval", "an operator"])
def test_a_thread_is_deleted_though_the_parent_of_its_run_cannot_be_read(
    keep: Keep, waits_for: str
) -> None:
    """Law 63: its run ends as if it had no parent, and where that is is told."""
    talk = Talk(keep)

    async def law() -> None:
        await talk.said()
        child = await orphaned(talk, waits_for)
        await keep.damage(TURN_STATES, thread("parent"), "parent")
        answer = await delete(talk)
        assert isinstance(answer, ThreadDeletion)
        lost = Unreadable(Address("turn_state", thread("parent"), "parent"), "corrupt")
        assert answer.unreadable == (lost,)
        await called_off(keep, child)
        state = await keep.record(thread_state_key(TALK))
        assert state is not None
        assert state.closed
        again = await delete(talk)
        assert again == evolve(answer, unreadable=())

    keep.run(law, sound=False)


def test_a_thread_whose_run_cannot_leave_its_tree_is_not_deleted(keep: Keep) -> None:
    """What has to be written along must be readable."""
    talk = Talk(keep)

    async def law() -> None:
        await talk.said()
        child = await orphaned(talk, "approval")
        root = child.lineage.root
        assert root is not None
        await keep.damage(SPAWN_TREES, root.scope, root.id)
        with pytest.raises(Corrupt):
            await delete(talk)
        assert (await keep.view(child.address)).status is RunStatus.BLOCKED

    keep.run(law, sound=False)


def test_a_run_that_needs_an_operator_ends_with_its_thread_and_tells_what_is_uncertain(
    keep: Keep,
) -> None:
    talk = Talk(keep)

    async def law() -> None:
        view = await submitted(talk)
        [claimed] = await keep.claimed()
        await keep.intend(claimed.claim)
        await keep.turns.fail(claimed.claim, category=Category("broken"))
        assert (await keep.view(view.address)).status is RunStatus.NEEDS_OPERATOR
        await deleted(talk)
        assert (await called_off(keep, view)).uncertain == 1

    keep.run(law)


def test_a_deletion_and_a_submit_that_race_exclude_each_other(keep: Keep) -> None:
    """Law 45 of threads: exactly one wins, whichever commits first."""
    talk = Talk(keep)

    async def law() -> None:
        message = await talk.said()
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(delete(talk, force=False, on=turns))
            await faulty.reached("late")
            assert isinstance(await talk.submit(message), RunView)
            faulty.release("late")
            assert code(await call) == "thread_busy"
        [claimed] = await keep.claimed()
        await keep.completed(claimed)
        later = await talk.said("Later.")
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(talk.submit(later, on=turns, request="r2"))
            await faulty.reached("late")
            await deleted(talk, force=False)
            before = await talk.snapshot()
            faulty.release("late")
            assert code(await call) == "thread_deleted"
        assert await talk.snapshot() == before

    keep.run(law)


@pytest.mark.parametrize("fault", ["fail-before", "lose-before", "lose-after", "land-late 1"])
def test_a_deletion_in_doubt_calls_off_once(keep: Keep, fault: str) -> None:
    talk = Talk(keep)

    async def law() -> None:
        await submitted(talk)
        [claimed] = await keep.claimed()
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            assert isinstance(await delete(talk, on=turns), ThreadDeletion)
        await deleted(talk)
        assert (await keep.kinds())[-2:] == ["thread.deleted", "cancel_requested"]
        assert isinstance(await keep.turns.complete(claimed.claim), RunStanding)

    keep.run(law)


def test_a_failed_run_of_a_deleted_thread_is_not_retried(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        view = await submitted(talk)
        [claimed] = await keep.claimed()
        await keep.turns.fail(claimed.claim, category=Category("broken"))
        await deleted(talk, force=False)
        before = await talk.snapshot()
        again = await keep.turns.retry(
            view.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert code(again) == "thread_deleted"
        assert await talk.snapshot() == before

    keep.run(law)
