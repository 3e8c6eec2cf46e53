"""Spawning: laws 12 and 13, what a child inherits, and the order in which a spawn is judged."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    ADA,
    BACKGROUND,
    INTERACTIVE,
    OPERATOR,
    Keep,
    thread,
)
from turnkeep_application.turns.cells import effect_key, tree_key, turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import Done, EffectKind
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.events import RunSubmitted
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    AtCapacity,
    ClaimEnded,
    LeaseExpired,
    LeaseLost,
    NotFound,
    NotPermitted,
    ReplayDiverged,
    ThreadBusy,
    TreeCancelling,
    TreeFull,
    WrongState,
)
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.spawn_tree import SpawnTree
from turnkeep_ports.admission import Submission

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)


async def running(keep: Keep, name: str = "parent") -> ClaimedRun:
    """A run that a worker has."""
    await keep.submitted(thread(name))
    [claimed] = await keep.claimed()
    return claimed


async def spawn(
    keep: Keep,
    parent: ClaimedRun,
    name: str = "child",
    *,
    ordinal: int = 0,
    on: Turns | None = None,
    scope: Scope | None = None,
    claim: Claim | None = None,
    arguments: str = "do it",
    policy: TurnPolicy | None = None,
) -> object:
    return await (on or keep.turns).submit_child(
        parent.claim if claim is None else claim,
        EffectId(name, ordinal),
        scope=thread(f"{name}-{ordinal}") if scope is None else scope,
        payload=b"part",
        policy=policy,
        arguments=digest_of(arguments),
    )


async def spawned(keep: Keep, parent: ClaimedRun, name: str = "child") -> RunView:
    view = await spawn(keep, parent, name)
    assert isinstance(view, RunView), view
    return view


async def tree_of(keep: Keep, parent: ClaimedRun) -> SpawnTree:
    tree = await keep.record(tree_key(parent.run.root))
    assert tree is not None
    return tree


# ---- what a spawn writes -------------------------------------------------------------------------


def test_a_spawn_writes_child_tree_and_journal_in_one_commit(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        child = await spawned(keep, parent)
        entry = await keep.record(effect_key(parent.claim.run, EffectId("child", 0)))
        assert entry is not None
        assert entry.kind is EffectKind.CHILD
        assert entry.state == Done(output=b"", disposition=None)
        cells = [
            await keep.cell(key.address)
            for key in (
                turn_state_key(child.address),
                turn_state_key(parent.claim.run),
                tree_key(parent.claim.run),
                effect_key(parent.claim.run, EffectId("child", 0)),
            )
        ]
        assert len({cell and cell.written_by for cell in cells}) == 1

    keep.run(law)


def test_lineage_origin_and_actor_of_a_child_are_derived(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        child = await spawned(keep, parent)
        assert child.lineage.parent == parent.claim.run
        assert child.lineage.root == parent.claim.run
        assert child.lineage.depth == 1
        assert child.turn.origin == Ref("run")
        assert child.turn.actor == ADA
        told = [event for event in await keep.events() if isinstance(event, RunSubmitted)]
        assert [event.parent for event in told] == [None, parent.claim.run.id]

    keep.run(law)


@pytest.mark.parametrize(
    ("given", "expected"), [(None, BACKGROUND), (TurnPolicy.interactive(), INTERACTIVE)]
)
def test_a_child_has_the_policy_of_its_parent_unless_another_is_given(
    keep: Keep, given: TurnPolicy | None, expected: object
) -> None:
    async def law() -> None:
        await keep.submitted(thread("parent"), turn_class=BACKGROUND)
        [parent] = await keep.claimed()
        child = await spawn(keep, parent, policy=given)
        assert isinstance(child, RunView)
        assert child.policy.turn_class is expected

    keep.run(law)


def test_a_threadless_child_is_a_run_of_its_own(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        scope = Scope.of("acme", "ada", agent="helper")
        for ordinal in range(3):
            assert isinstance(await spawn(keep, parent, scope=scope, ordinal=ordinal), RunView)
        assert len((await tree_of(keep, parent)).live) == 3

    keep.run(law)


def test_a_child_that_ends_leaves_the_tree(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        await spawned(keep, parent)
        [child] = await keep.claimed()
        await keep.completed(child)
        tree = await tree_of(keep, parent)
        assert (tree.live, tree.spawned) == ((), 1)

    keep.run(law)


# ---- replays -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [False, True])
def test_a_replayed_spawn_answers_its_child_and_adds_nobody(keep: Keep, *, ended: bool) -> None:
    async def law() -> None:
        parent = await running(keep)
        child = await spawned(keep, parent)
        if ended:
            [claimed] = await keep.claimed()
            await keep.completed(claimed)
        before = await keep.snapshot()
        again = await spawn(keep, parent, on=keep.rival)
        assert isinstance(again, RunView)
        assert again.id == child.id
        assert again.status is (RunStatus.COMPLETED if ended else RunStatus.QUEUED)
        assert await keep.snapshot() == before

    keep.run(law)


def test_another_claim_of_the_parent_replays_the_same_child(timed: Keep) -> None:
    async def law() -> None:
        parent = await running(timed)
        child = await spawned(timed, parent)
        await timed.let_pass(90)
        await timed.turns.recover()
        await timed.let_pass(120)
        both = await timed.claimed(2)
        again = next(one for one in both if one.claim.run == parent.claim.run)
        assert again.claim.epoch > parent.claim.epoch
        assert (await spawned(timed, again)).id == child.id
        assert (await tree_of(timed, parent)).spawned == 1

    timed.run(law)


@pytest.mark.parametrize("fault", ["lose-after", "land-late 1", "lose-before", "stale"])
def test_a_spawn_in_doubt_adds_one_member(keep: Keep, fault: str) -> None:
    async def law() -> None:
        parent = await running(keep)
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            first = await spawn(keep, parent, on=turns)
            again = await spawn(keep, parent, on=turns)
        assert isinstance(first, RunView)
        assert isinstance(again, RunView)
        assert first.id == again.id
        assert (await tree_of(keep, parent)).spawned == 1
        assert (await keep.kinds()).count("submitted") == 2

    keep.run(law)


@pytest.mark.parametrize("other", ["arguments", "scope", "policy"])
def test_a_replay_with_anything_else_has_diverged(keep: Keep, other: str) -> None:
    async def law() -> None:
        parent = await running(keep)
        await spawned(keep, parent)
        before = await keep.snapshot()
        match other:
            case "arguments":
                answer = await spawn(keep, parent, arguments="do that")
            case "scope":
                answer = await spawn(keep, parent, scope=thread("elsewhere"))
            case _:
                answer = await spawn(keep, parent, policy=TurnPolicy.background())
        assert answer == Refused(ReplayDiverged(EffectId("child", 0)))
        assert await keep.snapshot() == before

    keep.run(law)


def test_two_spawns_at_once_are_two_children(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        async with keep.suffering("commit#1: hold first") as (turns, faulty):
            first = asyncio.create_task(spawn(keep, parent, "one", on=turns))
            await faulty.reached("first")
            second = await spawn(keep, parent, "two")
            faulty.release("first")
            assert isinstance(await first, RunView)
        assert isinstance(second, RunView)
        assert (await tree_of(keep, parent)).spawned == 2

    keep.run(law)


# ---- who may spawn -------------------------------------------------------------------------------


def test_no_one_but_the_runner_spawns(timed: Keep) -> None:
    async def law() -> None:
        parent = await running(timed)
        claim = parent.claim
        nowhere = evolve(claim, run=evolve(claim.run, scope=thread("nowhere")))
        for wrong, refusal in (
            (evolve(claim, token=timed.token()), LeaseLost),
            (evolve(claim, epoch=claim.epoch + 1), LeaseLost),
            (nowhere, NotFound),
        ):
            before = await timed.snapshot()
            answer = await spawn(timed, parent, claim=wrong)
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, refusal)
            assert await timed.snapshot() == before
        await timed.let_pass(90)
        late = await spawn(timed, parent)
        assert isinstance(late, Refused)
        assert isinstance(late.reason, LeaseExpired)

    timed.run(law)


def test_a_claim_that_has_ended_spawns_nothing(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        await keep.completed(parent)
        answer = await spawn(keep, parent)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, ClaimEnded)

    keep.run(law)


def test_a_run_that_is_to_be_cancelled_spawns_nothing(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        await keep.turns.request_cancel(
            parent.claim.run, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
        )
        answer = await spawn(keep, parent)
        assert answer == Refused(WrongState(RunStatus.CANCEL_REQUESTED))

    keep.run(law)


@pytest.mark.parametrize(
    "scope", [thread("child", user="bob"), thread("child", tenant="other")], ids=["user", "tenant"]
)
def test_a_child_belongs_to_the_user_of_its_parent(keep: Keep, scope: Scope) -> None:
    async def law() -> None:
        parent = await running(keep)
        before = await keep.snapshot()
        answer = await spawn(keep, parent, scope=scope)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, NotFound)
        assert await keep.snapshot() == before

    keep.run(law)


def test_the_policy_is_asked_about_a_child_with_its_parent(keep: Keep) -> None:
    async def law() -> None:
        asked: list[Submission] = []

        class Strict:
            async def admits(self, submission: Submission) -> bool:
                asked.append(submission)
                return False

        parent = await running(keep)
        child = await spawn(keep, parent, on=keep.governed(Strict()))
        assert child == Refused(NotPermitted())
        [submission] = asked
        assert submission.parent == parent.claim.run
        assert submission.actor == ADA
        assert (await keep.kinds()).count("submitted") == 1

    keep.run(law)


def test_a_replayed_spawn_answers_before_the_policy(keep: Keep) -> None:
    async def law() -> None:
        class Down:
            async def admits(self, submission: Submission) -> bool:
                raise OSError

        parent = await running(keep)
        child = await spawned(keep, parent)
        again = await spawn(keep, parent, on=keep.governed(Down()))
        assert isinstance(again, RunView)
        assert again.id == child.id
        with pytest.raises(OSError):  # noqa: PT011 - it has no message of ours
            await spawn(keep, parent, "other", on=keep.governed(Down()))

    keep.run(law)


def test_a_child_in_a_busy_thread_is_refused(keep: Keep) -> None:
    async def law() -> None:
        busy = await keep.submitted(thread("busy"))
        [first] = await keep.claimed()
        parent = await running(keep)
        before = await keep.snapshot()
        answer = await spawn(keep, parent, scope=thread("busy"))
        assert answer == Refused(ThreadBusy(busy.id, RunStatus.RUNNING))
        own = await spawn(keep, parent, scope=thread("parent"))
        assert own == Refused(ThreadBusy(parent.run.id, RunStatus.RUNNING))
        assert await keep.snapshot() == before
        await keep.completed(first)

    keep.run(law)


def test_a_child_is_bounded_by_the_limits_of_all_runs(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=1)
        parent = await running(timed)
        before = await timed.snapshot()
        answer = await spawn(timed, parent)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, AtCapacity)
        assert await timed.snapshot() == before

    timed.run(law)


# ---- the tree ------------------------------------------------------------------------------------


def test_the_65th_live_child_is_refused_until_one_has_ended(timed: Keep) -> None:
    async def law() -> None:
        parent = await running(timed)
        for ordinal in range(64):
            assert isinstance(await spawn(timed, parent, ordinal=ordinal), RunView)
        before = await timed.snapshot()
        answer = await spawn(timed, parent, ordinal=64)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, TreeFull)
        assert answer.reason.limit == "live"
        assert await timed.snapshot() == before
        [child] = await timed.claimed()
        await timed.completed(child)
        assert isinstance(await spawn(timed, parent, ordinal=64), RunView)

    timed.run(law)


def test_the_1001st_child_ever_is_refused(timed: Keep) -> None:
    async def law() -> None:
        parent = await running(timed)
        await spawned(timed, parent)
        tree = await tree_of(timed, parent)
        await timed.put(tree_key(parent.claim.run), evolve(tree, spawned=1_000))
        answer = await spawn(timed, parent, "more")
        assert answer == Refused(TreeFull("spawned", None))

    timed.run(law)


def test_a_child_of_the_ninth_level_is_refused(keep: Keep) -> None:
    async def law() -> None:
        parent = await running(keep)
        for level in range(1, 9):
            child = await spawned(keep, parent, f"level{level}")
            assert child.lineage.depth == level
            [parent] = await keep.claimed()
        before = await keep.snapshot()
        assert await spawn(keep, parent, "level9") == Refused(TreeFull("depth", None))
        assert await keep.snapshot() == before

    keep.run(law)


def test_a_member_of_a_tree_that_is_called_off_spawns_nothing(keep: Keep) -> None:
    async def law() -> None:
        root = await running(keep)
        await spawned(keep, root)
        [child] = await keep.claimed()
        tree = await tree_of(keep, root)
        now = await keep.now()
        await keep.put(tree_key(root.claim.run), tree.call_off(root.run.id, now=now))
        answer = await spawn(keep, child, "grandchild")
        assert answer == Refused(TreeCancelling())

    keep.run(law)
