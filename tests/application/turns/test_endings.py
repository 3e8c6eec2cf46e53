"""Endings: law 74, and that whatever goes along with an end goes in one commit."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    BACKGROUND,
    INTERACTIVE,
    Keep,
    lane_of,
    thread,
)
from tests.application.turns.seeding import seed_queued
from tests.domain.approvals.samples import call, pending, question, stored
from turnkeep_application.approval_cells import approval_key, grant_key, payload_key
from turnkeep_application.turns.cells import run_key, turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.views import RunView
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.phases import Approved, Expired
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.decisions import Changed
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.bucket_ids import Axis, BucketId, buckets_of
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Intended, RunEffect, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.run import RunApproval
from turnkeep_domain.turns.run_states import Blocked, Queued, RunStatus

TENANT: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
TENANT_CLASS: Final = evolve(TENANT, turn_class=INTERACTIVE)
CHILD: Final = Scope.of("acme", "ada", agent="scout", project="site", thread="child")
ADA: Final = Principal.person("ada")
OWNER: Final = Quorum.of(1, ADA)
HOUR: Final = 3_600


async def spawn(keep: Keep, parent: ClaimedRun, scope: Scope, ordinal: int = 0) -> RunView:
    view = await keep.turns.submit_child(
        parent.claim,
        EffectId("child", ordinal),
        scope=scope,
        policy=TurnPolicy.interactive(),
        arguments=digest_of(ordinal),
    )
    assert isinstance(view, RunView), view
    return view


async def joined(keep: Keep, count: int) -> tuple[ClaimedRun, list[RunView]]:
    """A background run that waits for its children, which are queued."""
    await keep.submitted(thread("parent"), turn_class=BACKGROUND)
    [parent] = await keep.claimed()
    children = [await spawn(keep, parent, thread(f"child{n}"), n) for n in range(count)]
    await block(keep, parent, children)
    return parent, children


async def block(keep: Keep, parent: ClaimedRun, children: list[RunView]) -> None:
    gate = Gate.of(
        kind=GateKind.DEPENDENT_RUN,
        ref=Ref("join"),
        effect=EffectId("join", 0),
        awaited=tuple(child.address for child in children),
    )
    assert isinstance(await keep.turns.block(parent.claim, gate=gate), RunStanding)


async def intend(keep: Keep, run: ClaimedRun, count: int) -> None:
    for number in range(count):
        state = await keep.turns.intend(
            run.claim, EffectId("step", number), arguments=digest_of(number)
        )
        assert isinstance(state, Intended), state


async def ask(keep: Keep, run: ClaimedRun, count: int, *, granted: int = 0) -> list[Approval]:
    """Approvals that a run has asked for and nobody has decided, beside others that are granted."""
    scope = run.run.scope
    key = turn_state_key(run.claim.run)
    approvals: list[Approval] = []
    for number in range(count):
        asked = call(scope=scope, invocation=f"i{number}")
        approval = pending(question(asked=asked, quorum=OWNER, run=run.claim.run))
        id = approval.request.id
        payload = ApprovalPayload.of(id, scope, reason="because", display="pay")
        await keep.put(approval_key(scope, id), approval)
        await keep.put(payload_key(scope, id), payload)
        approvals.append(approval)
    given = [await grant(keep, run, f"g{number}") for number in range(granted)]
    state = await keep.record(key)
    assert state is not None
    assert state.active is not None
    listed = (
        *(RunApproval(id=one.request.id, open=True) for one in approvals),
        *(RunApproval(id=id, open=False) for id in given),
    )
    await keep.put(key, evolve(state, active=evolve(state.active, approvals=listed)))
    return approvals


async def grant(keep: Keep, run: ClaimedRun, invocation: str) -> str:
    """An approval that the run was given, and has not used; its id."""
    scope = run.run.scope
    asked = call(scope=scope, invocation=invocation)
    approval = pending(question(asked=asked, quorum=OWNER, run=run.claim.run))
    id = approval.request.id
    decision = approval.approve(by=ADA, decision_id=RequestId("d"), now=approval.request.created_at)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Approval)
    assert isinstance(decision.state.phase, Approved)
    issued = Grant.issued(
        approval.request, decision.state.phase.ruling, lifetime_seconds=3_600, now=await keep.now()
    )
    await keep.put(approval_key(scope, id), decision.state)
    await keep.put(grant_key(scope, id), issued.state)
    return id


# ---- the largest ending -------------------------------------------------------------------------


async def laden(keep: Keep) -> tuple[ClaimedRun, list[Approval]]:
    """A child whose ending means as much as an ending can.

    Its parent waits for it alone, in another lane; seven buckets count it; two of them are full,
    with a lane that waits at each; 16 steps and 4 approvals are open, and 4 grants unspent.
    """
    for id in buckets_of(CHILD, INTERACTIVE):
        await keep.limit(id, held=100)
    await keep.submitted(thread("parent"), turn_class=BACKGROUND)
    [parent] = await keep.claimed()
    child = await spawn(keep, parent, CHILD)
    await block(keep, parent, [child])
    [claimed] = await keep.claimed()
    assert len(claimed.run.holds) == 7
    await keep.limit(TENANT_CLASS, running=1)
    await keep.queue("t", user="eve")
    assert (await keep.claim()).granted == ()
    await keep.limit(TENANT, running=1)
    await keep.queue("t", user="bob")
    assert (await keep.claim()).granted == ()
    await intend(keep, claimed, 16)
    return claimed, await ask(keep, claimed, 4, granted=4)


def test_the_largest_ending_fits_one_commit(timed: Keep) -> None:
    async def law() -> None:
        claimed, approvals = await laden(timed)
        child = claimed.claim.run
        assert (await timed.cancel(child)).status is RunStatus.CANCEL_REQUESTED
        answer = await timed.turns.fail(claimed.claim, category=Category("stopped"))
        assert isinstance(answer, RunStanding)
        assert answer.status is RunStatus.CANCELLED
        record = await timed.cell(run_key(child).address)
        assert record is not None
        whole = await timed.whole()
        written = Counter(
            cell.address.collection for cell in whole.cells if cell.written_by == record.written_by
        )
        assert written == {
            "turn_state": 2,
            "run": 1,
            "lane": 4,  # its own, its parent's, and those that it made room for
            "bucket": 7,
            "spawn_tree": 1,
            "effect": 17,
            "approval": 4,
            "grant": 4,
        }
        for approval in approvals:
            id = approval.request.id
            assert isinstance(await timed.record(approval_key(CHILD, id)), Discarded)
            assert await timed.record(payload_key(CHILD, id)) is None
        assert [(await timed.lane(user)).parked_at for user in ("bob", "eve")] == [None, None]
        told = Counter(
            event.kind for event in whole.stored_events if event.commit_id == record.written_by
        )
        assert told == {
            "run.cancelled": 1,
            "run.effect_uncertain": 16,
            "approval.discarded": 4,
            "grant.revoked": 4,
            "run.resumed": 1,
        }

    timed.run(law)


# ---- steps --------------------------------------------------------------------------------------


def test_whatever_ends_a_claim_its_open_steps_become_uncertain(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        [claimed] = await timed.claimed()
        await intend(timed, claimed, 3)
        await timed.let_pass(90)
        await timed.turns.recover()
        effects: list[RunEffect] = list(await timed.turns.journal(claimed.claim.run))
        assert [type(effect.state) for effect in effects] == [Uncertain] * 3
        assert (await timed.kinds()).count("effect_uncertain") == 3

    timed.run(law)


# ---- approvals ----------------------------------------------------------------------------------


def test_an_ending_notes_overdue_approvals_as_expired_and_discards_the_rest(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        await timed.claimed()
        await timed.let_pass(HOUR)
        await timed.turns.recover()
        await timed.let_pass(120)
        [claimed] = await timed.claimed()
        [approval] = await ask(timed, claimed, 1)
        await timed.turns.complete(claimed.claim)
        record = await timed.record(approval_key(thread("t1"), approval.request.id))
        assert isinstance(record, Approval)
        assert isinstance(record.phase, Expired)
        assert (await timed.events())[-1].kind == "approval.expired"

    timed.run(law)


def test_an_approval_that_was_decided_meanwhile_stands(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1")
        [claimed] = await keep.claimed()
        [approval] = await ask(keep, claimed, 1)
        key = approval_key(thread("t1"), approval.request.id)
        decided = approval.deny(
            by=Principal.person("ada"), decision_id=RequestId("d1"), now=approval.request.created_at
        )
        await keep.put(key, stored(decided))
        await keep.completed(claimed)
        assert await keep.record(key) == stored(decided)

    keep.run(law)


# ---- parents ------------------------------------------------------------------------------------


def test_children_that_end_at_once_resume_their_parent_once(keep: Keep) -> None:
    async def law() -> None:
        parent, _ = await joined(keep, 5)
        granted = await keep.claimed(5)
        await asyncio.gather(*(keep.completed(claimed) for claimed in granted))
        assert (await keep.kinds()).count("resumed") == 1
        [again] = await keep.claimed()
        assert again.claim.run == parent.claim.run

    keep.run(law)


@pytest.mark.parametrize("fault", ["lose-after", "land-late 1", "lose-before", "stale"])
def test_the_end_of_the_last_child_in_doubt_resumes_once(keep: Keep, fault: str) -> None:
    async def law() -> None:
        await joined(keep, 1)
        [claimed] = await keep.claimed()
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            assert isinstance(await turns.complete(claimed.claim), RunStanding)
        assert (await keep.kinds()).count("resumed") == 1
        assert (await keep.kinds()).count("completed") == 1

    keep.run(law)


@pytest.mark.parametrize("end", ["fail", "cancel", "expire"])
def test_however_a_child_ends_its_parent_awaits_it_no_more(timed: Keep, end: str) -> None:
    async def law() -> None:
        parent, children = await joined(timed, 2)
        [claimed] = await timed.claimed()
        match end:
            case "fail":
                await timed.turns.fail(claimed.claim, category=Category("broken"))
            case "cancel":
                await timed.cancel(children[1].address)
            case _:
                await timed.cancel(claimed.claim.run)
                await timed.let_pass(90)
                await timed.turns.recover()
        view = await timed.turns.get(parent.claim.run)
        assert view is not None
        assert isinstance(view.state, Blocked)
        assert len(view.state.gate.awaited) == 1

    timed.run(law)


def test_a_parent_whose_lane_is_full_is_resumed_outside_it(timed: Keep) -> None:
    async def law() -> None:
        await timed.submitted(thread("parent"))
        [parent] = await timed.claimed()
        child = await spawn(timed, parent, thread("child"))
        await block(timed, parent, [child])
        [claimed] = await timed.claimed()
        scopes = [thread(f"b{number}") for number in range(256)]
        await seed_queued(timed.turns.updates, scopes)
        await timed.completed(claimed)
        view = await timed.turns.get(parent.claim.run)
        assert view is not None
        assert isinstance(view.state, Queued)
        assert view.state.outside

    timed.run(law)


def test_a_child_outlives_its_parent_and_ends_alone(keep: Keep) -> None:
    async def law() -> None:
        await keep.submitted(thread("parent"))
        [parent] = await keep.claimed()
        await spawn(keep, parent, thread("child"))
        await keep.completed(parent)
        await keep.submitted(thread("parent"), request="r2")
        granted = await keep.claimed(2)
        child = next(one for one in granted if one.run.scope == thread("child"))
        assert (await keep.completed(child)).status is RunStatus.COMPLETED

    keep.run(law)


def test_a_child_that_goes_on_writes_nothing_of_its_parent(keep: Keep) -> None:
    async def law() -> None:
        await keep.submitted(thread("parent"))
        [parent] = await keep.claimed()
        await spawn(keep, parent, thread("child"))
        [child] = await keep.claimed()
        key = turn_state_key(parent.claim.run)
        before = await keep.cell(key.address)
        await keep.completed(child)
        assert await keep.cell(key.address) == before
        assert (await keep.lane()).id == lane_of()

    keep.run(law)
