"""Gating: who waits is let go in the commit of what it waits for, and never waits in vain."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from tests.application.turns.keep import ADA, OPERATOR, SUBMITTER, Keep, step, thread
from turnkeep_application.approval_cells import approval_key, payload_key
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Approvals
from turnkeep_application.turns.views import RunView
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import IdSpent, NotPending, StaleGate, TooManyPending
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, RunStanding
from turnkeep_domain.turns.effect import Done
from turnkeep_domain.turns.events import RunResumed
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    EffectsFull,
    GateMismatch,
    GatePending,
    NotFound,
    NotPermitted,
    ReplayDiverged,
    UnknownGate,
    WrongState,
)
from turnkeep_domain.turns.run_states import Blocked, RunStatus

TOOL = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("gate"))
CALLBACK = Actor.system("callbacks")


def reason(answer: object) -> object:
    assert isinstance(answer, Refused), answer
    return answer.reason


async def blocked(keep: Keep, *, until_seconds: float | None = None) -> Claim:
    """A run that waits for a tool."""
    claim = await keep.running()
    until = None
    if until_seconds is not None:
        until = await keep.now() + timedelta(seconds=until_seconds)
    standing = await keep.turns.block(claim, gate=TOOL, until=until)
    assert isinstance(standing, RunStanding)
    assert standing.status is RunStatus.BLOCKED
    return claim


async def resumed(keep: Keep, run: RunAddress, **given: object) -> object:
    arguments: dict[str, object] = {
        "kind": GateKind.EXTERNAL_TOOL,
        "ref": TOOL.ref,
        "disposition": Disposition.GRANTED,
        "actor": CALLBACK,
        "request_id": RequestId("go-1"),
    }
    return await keep.turns.resume(run, **{**arguments, **given})  # type: ignore[arg-type]  # wrong ones on purpose


async def disposition(keep: Keep, run: RunAddress) -> object:
    """What the journal says of the gate."""
    (entry,) = [entry for entry in await keep.turns.journal(run) if entry.id == step("gate")]
    assert isinstance(entry.state, Done)
    return entry.state.disposition


async def family(
    keep: Keep, count: int = 2, *, policy: TurnPolicy | None = None
) -> tuple[Claim, list[RunAddress]]:
    """A running parent with children that are queued."""
    claim = await keep.running(thread("parent"))
    children = []
    for number in range(count):
        child = await keep.turns.submit_child(
            claim,
            step("spawn", number),
            scope=thread(f"child-{number}"),
            policy=policy,
            arguments=digest_of("spawn", number),
        )
        assert isinstance(child, RunView), child
        children.append(child.address)
    return claim, children


def join(children: list[RunAddress]) -> Gate:
    return Gate.of(
        kind=GateKind.DEPENDENT_RUN,
        ref=Ref("join"),
        effect=step("gate"),
        awaited=tuple(children),
    )


# ---- raising with block -------------------------------------------------------------------------


def test_the_approval_its_payload_and_the_block_are_one_commit(keep: Keep) -> None:
    """Law 44; approvals, law 46."""

    async def scenario() -> None:
        claim = await keep.running()
        events = len(await keep.events())
        standing = await keep.ask(claim)
        assert isinstance(standing, RunStanding)
        assert standing.status is RunStatus.BLOCKED
        whole = await keep.whole()
        told = whole.stored_events[events:]
        assert [event.kind for event in told] == ["approval.raised", "run.blocked"]
        assert len({event.commit_id for event in told}) == 1
        (approval,) = whole.approvals
        assert isinstance(approval, Approval)
        assert approval.request.question.run == claim.run
        view = await keep.view(claim.run)
        assert isinstance(view.state, Blocked)
        assert view.state.until == approval.request.expires_at
        assert view.state.gate.ref == Ref(approval.request.id)
        assert await keep.record(payload_key(claim.run.scope, approval.request.id)) is not None

    keep.run(scenario)


@pytest.mark.parametrize("fate", ["lose-before", "fail-before", "lose-after", "land-late 1"])
def test_whatever_becomes_of_the_commit_there_is_approval_and_block_or_neither(
    keep: Keep, fate: str
) -> None:
    """Law 44; approvals, law 46."""

    async def scenario() -> None:
        claim = await keep.running()
        async with keep.suffering(f"commit#1: {fate}") as (turns, _):
            assert isinstance(await keep.ask(claim, on=turns), RunStanding)
        whole = await keep.whole()
        view = await keep.view(claim.run)
        assert (view.status is RunStatus.BLOCKED) == (len(whole.approvals) == 1)
        await keep.ask(claim)
        assert len((await keep.whole()).approvals) == 1
        assert (await keep.kinds()).count("approval.raised") == 1
        assert (await keep.kinds()).count("blocked") == 1

    keep.run(scenario)


def test_asking_again_under_the_ended_claim_answers_as_it_did(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        first = await keep.ask(claim)
        before = await keep.snapshot()
        assert await keep.ask(claim) == first
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_replay_passes_a_gate_that_was_decided_and_asks_nobody_twice(keep: Keep) -> None:
    async def scenario() -> None:
        parked = await keep.parked()
        await keep.approvals().approve(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
        )
        (again,) = await keep.claimed()
        before = await keep.snapshot()
        assert await keep.ask(again.claim) is Disposition.GRANTED
        assert isinstance(reason(await keep.ask(again.claim, invocation="i2")), ReplayDiverged)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_fifth_open_approval_cannot_come_about_and_a_ninth_is_refused(keep: Keep) -> None:
    """Law 75: approved ones count until they are used."""

    async def scenario() -> None:
        claim = await keep.running()
        for number in range(8):
            standing = await keep.ask(claim, f"gate-{number}", invocation=f"i{number}")
            assert isinstance(standing, RunStanding), standing
            view = await keep.view(claim.run)
            assert isinstance(view.state, Blocked)
            assert sum(entry.open for entry in view.approvals) == 1
            await keep.approvals().approve(
                claim.run.scope,
                str(view.state.gate.ref),
                by=ADA,
                decision_id=RequestId(f"d{number}"),
            )
            (again,) = await keep.claimed()
            claim = again.claim
        before = await keep.snapshot()
        assert isinstance(reason(await keep.ask(claim, "gate-8", invocation="i8")), EffectsFull)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_crowded_scope_refuses_and_the_run_runs_on(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        crowd = evolve(keep.turns, approvals=evolve(keep.turns.approvals, pending_max=1))
        rest = evolve(keep.approvals(), settings=crowd.approvals)
        assert isinstance(await raised_alone(rest, claim.run), ApprovalView)
        before = await keep.snapshot()
        assert reason(await keep.ask(claim, on=crowd)) == TooManyPending(1)
        assert await keep.snapshot() == before
        assert (await keep.view(claim.run)).status is RunStatus.RUNNING

    keep.run(scenario)


async def raised_alone(approvals: Approvals, run: RunAddress) -> object:
    return await approvals.raise_request(
        run.scope,
        invocation=InvocationId("other"),
        action=Dispatch(capability=CapabilityId("pay"), estimate=Estimate.nothing()),
        effects=frozenset({Effect.FINANCIAL}),
        requester=Principal.agent("scout"),
        correlation_id=CorrelationId("c"),
        input=None,
        reason="",
        display="",
    )


def test_an_approval_that_nobody_raised_for_the_run_is_no_gate_of_it(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        other = await raised_alone(keep.approvals(), claim.run)
        assert isinstance(other, ApprovalView)
        before = await keep.snapshot()
        for ref in (other.id, "3f2b8c1e-0000-8000-8000-000000000000"):
            gate = Gate.of(kind=GateKind.APPROVAL, ref=Ref(ref), effect=step("gate"))
            assert reason(await keep.turns.block(claim, gate=gate)) == UnknownGate(Ref(ref))
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_run_that_is_to_be_cancelled_ends_instead_of_asking(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.request_cancel(
            claim.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        standing = await keep.ask(claim)
        assert isinstance(standing, RunStanding)
        assert standing.status is RunStatus.CANCELLED
        assert (await keep.whole()).approvals == ()

    keep.run(scenario)


# ---- deciding with resume -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approves", "expected"), [(True, Disposition.GRANTED), (False, Disposition.DENIED)]
)
def test_the_deciding_vote_resumes_the_run_in_its_own_commit(
    keep: Keep, *, approves: bool, expected: Disposition
) -> None:
    """Law 49; approvals, law 22 as far as ruling and run go."""

    async def scenario() -> None:
        parked = await keep.parked()
        events = len(await keep.events())
        vote = keep.approvals().approve if approves else keep.approvals().deny
        answer = await vote(parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1"))
        assert isinstance(answer, ApprovalOutcome)
        told = (await keep.whole()).stored_events[events:]
        given = ["approval.approved", "run.resumed", "grant.issued"]
        expected_kinds = given if approves else ["approval.denied", "run.resumed"]
        assert [event.kind for event in told] == expected_kinds
        assert len({event.commit_id for event in told}) == 1
        assert (await keep.view(parked.run)).status is RunStatus.QUEUED
        assert await disposition(keep, parked.run) is expected
        (again,) = await keep.claimed()
        assert await keep.ask(again.claim) is expected

    keep.run(scenario)


@pytest.mark.parametrize("fate", ["lose-before", "lose-after", "fail-before"])
def test_an_ambiguous_vote_rules_and_resumes_once(keep: Keep, fate: str) -> None:
    """Approvals, law 42; law 48."""

    async def scenario() -> None:
        parked = await keep.parked()
        async with keep.suffering(f"commit#1: {fate}") as (_, faulty):
            answer = await keep.approvals(faulty).approve(
                parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
            )
        assert answer == ApprovalOutcome.of(ApprovalState.APPROVED)
        kinds = await keep.kinds()
        assert (kinds.count("approval.approved"), kinds.count("resumed")) == (1, 1)

    keep.run(scenario)


def test_a_vote_below_the_threshold_leaves_the_run_parked(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        grace = Principal.person("grace")
        await keep.turns.require_approval(
            claim,
            step("gate"),
            invocation=InvocationId("i1"),
            action=Dispatch(capability=CapabilityId("pay"), estimate=Estimate.nothing()),
            effects=frozenset({Effect.FINANCIAL}),
            requester=Principal.agent("scout"),
            input=None,
            reason="",
            display="",
            quorum=Quorum.of(2, ADA, grace),
        )
        view = await keep.view(claim.run)
        assert isinstance(view.state, Blocked)
        gate = str(view.state.gate.ref)
        approvals = keep.approvals()
        await approvals.approve(claim.run.scope, gate, by=ADA, decision_id=RequestId("d1"))
        assert (await keep.view(claim.run)).status is RunStatus.BLOCKED
        await approvals.approve(claim.run.scope, gate, by=grace, decision_id=RequestId("d2"))
        assert (await keep.view(claim.run)).status is RunStatus.QUEUED

    keep.run(scenario)


def test_a_withdrawn_approval_resumes_its_run_and_takes_its_payload_along(keep: Keep) -> None:
    async def scenario() -> None:
        parked = await keep.parked()
        await keep.approvals().discard(
            parked.run.scope, parked.approval, by=ADA, request_id=RequestId("w1")
        )
        assert await disposition(keep, parked.run) is Disposition.WITHDRAWN
        assert await keep.record(payload_key(parked.run.scope, parked.approval)) is None
        gone = await keep.record(approval_key(parked.run.scope, parked.approval))
        assert isinstance(gone, Discarded)
        (again,) = await keep.claimed()
        assert await keep.ask(again.claim) is Disposition.WITHDRAWN
        # Asked at another place of the journal, the same call is known to be spent.
        assert isinstance(reason(await keep.ask(again.claim, "other")), IdSpent)

    keep.run(scenario)


@pytest.mark.parametrize("by", ["expire", "vote", "discard", "elapse", "resume"])
def test_when_an_approval_expires_its_run_goes_on_whoever_finds_it(timed: Keep, by: str) -> None:
    """Law 51; approvals, law 20: at the deadline itself."""

    async def scenario() -> None:
        parked = await timed.parked(lifetime_seconds=60)
        scope, id = parked.run.scope, parked.approval
        await timed.let_pass(60)
        approvals = timed.approvals()
        match by:
            case "expire":
                await approvals.expire(scope, id)
            case "vote":
                late = await approvals.approve(scope, id, by=ADA, decision_id=RequestId("d1"))
                assert isinstance(reason(late), NotPending)
            case "discard":
                late = await approvals.discard(scope, id, by=ADA, request_id=RequestId("w1"))
                assert isinstance(reason(late), NotPending)
            case "elapse":
                assert (await timed.turns.sweep()).elapsed == 1
            case _:
                answer = await resumed(
                    timed, parked.run, kind=GateKind.APPROVAL, ref=Ref(id), disposition=None
                )
                assert isinstance(answer, RunStanding)
        assert await disposition(timed, parked.run) is Disposition.ELAPSED
        (approval,) = (await timed.whole()).approvals
        assert isinstance(approval, Approval)
        assert approval.outcome_at(await timed.now()).state is ApprovalState.EXPIRED
        kinds = await timed.kinds()
        assert (kinds.count("approval.expired"), kinds.count("resumed")) == (1, 1)
        told = (await timed.whole()).stored_events[-2:]
        assert len({event.commit_id for event in told}) == 1

    timed.run(scenario)


def test_cancelling_a_blocked_run_withdraws_its_approval(keep: Keep) -> None:
    """Law 42."""

    async def scenario() -> None:
        parked = await keep.parked()
        await keep.turns.request_cancel(
            parked.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        (approval,) = (await keep.whole()).approvals
        assert isinstance(approval, Discarded)
        late = await keep.approvals().approve(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
        )
        assert reason(late) == NotPending(ApprovalState.DISCARDED, None)
        assert await keep.record(payload_key(parked.run.scope, parked.approval)) is None

    keep.run(scenario)


def test_a_vote_on_a_gate_whose_run_has_moved_on_is_stale(keep: Keep) -> None:
    """Approvals, section of votes: the run is parked here, or nobody may decide."""

    async def scenario() -> None:
        parked = await keep.parked()
        # What no command leads to: the approval is put back as it was before it was decided.
        key = approval_key(parked.run.scope, parked.approval)
        pending = await keep.record(key)
        assert pending is not None
        await keep.approvals().approve(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
        )
        await keep.overwrite(key, pending)
        before = await keep.snapshot()
        late = await keep.approvals().deny(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d2")
        )
        assert reason(late) == StaleGate(parked.approval)
        assert await keep.snapshot() == before
        done = await keep.approvals().discard(
            parked.run.scope, parked.approval, by=ADA, request_id=RequestId("w1")
        )
        assert done == ApprovalOutcome.of(ApprovalState.DISCARDED)

    keep.run(scenario, sound=False)


@pytest.mark.parametrize("first", ["vote", "cancel"])
def test_a_vote_and_a_cancel_at_once_leave_one_truth(timed: Keep, first: str) -> None:
    async def scenario() -> None:
        parked = await timed.parked()
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            approvals = timed.approvals(faulty)
            if first == "cancel":
                held = asyncio.ensure_future(
                    approvals.approve(
                        parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
                    )
                )
                await faulty.reached("x")
                await timed.turns.request_cancel(
                    parked.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
                )
                faulty.release("x")
                assert isinstance(reason(await held), NotPending)
            else:
                cancel = asyncio.ensure_future(
                    turns.request_cancel(
                        parked.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
                    )
                )
                await faulty.reached("x")
                vote = await timed.approvals().approve(
                    parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
                )
                assert vote == ApprovalOutcome.of(ApprovalState.APPROVED)
                faulty.release("x")
                assert isinstance(await cancel, RunStanding)
        assert (await timed.view(parked.run)).status is RunStatus.CANCELLED

    timed.run(scenario)


# ---- gates that others open ---------------------------------------------------------------------


def test_a_gate_that_is_settled_before_it_is_reached_never_parks(keep: Keep) -> None:
    """Law 45: a join of runs that have ended; an approval that was decided."""

    async def scenario() -> None:
        claim, children = await family(keep, 1)
        (granted,) = await keep.claimed()
        assert granted.claim.run == children[0]
        await keep.completed(granted)
        events = len(await keep.events())
        assert await keep.turns.block(claim, gate=join(children)) is Disposition.GRANTED
        assert (await keep.view(claim.run)).status is RunStatus.RUNNING
        assert await disposition(keep, claim.run) is Disposition.GRANTED
        assert "blocked" not in (await keep.kinds())[events:]
        before = await keep.snapshot()
        assert await keep.turns.block(claim, gate=join(children)) is Disposition.GRANTED
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_an_approval_that_was_decided_before_its_block_never_parks(keep: Keep) -> None:
    """Law 45: another call of the handler comes to the same approval."""

    async def scenario() -> None:
        parked = await keep.parked()
        await keep.approvals().deny(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
        )
        (again,) = await keep.claimed()
        gate = Gate.of(kind=GateKind.APPROVAL, ref=Ref(parked.approval), effect=step("second"))
        assert await keep.turns.block(again.claim, gate=gate) is Disposition.DENIED
        assert await keep.ask(again.claim, "third") is Disposition.DENIED
        assert (await keep.view(parked.run)).status is RunStatus.RUNNING

    keep.run(scenario)


def test_a_resume_with_the_wrong_kind_actor_or_gate_is_refused_and_nothing_is_written(
    keep: Keep,
) -> None:
    """Law 46."""

    async def scenario() -> None:
        claim = await blocked(keep)
        run = claim.run
        before = await keep.snapshot()
        eve = Actor.submitter(Principal.person("eve"))
        elsewhere = RunAddress(thread("t2"), run.id)
        unknown = RunAddress(run.scope, RunId("none"))
        assert isinstance(reason(await resumed(keep, elsewhere)), NotFound)
        assert isinstance(reason(await resumed(keep, unknown)), NotFound)
        assert isinstance(reason(await resumed(keep, run, actor=eve)), NotPermitted)
        assert isinstance(reason(await resumed(keep, run, actor=OPERATOR)), NotPermitted)
        assert isinstance(reason(await resumed(keep, run, kind=GateKind.AUTH)), WrongState)
        assert isinstance(reason(await resumed(keep, run, ref=Ref("tool-2"))), GateMismatch)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_run_that_awaits_others_is_resumed_by_a_system_alone(keep: Keep) -> None:
    """Law 46."""

    async def scenario() -> None:
        claim, children = await family(keep)
        await keep.turns.block(claim, gate=join(children))
        refused = await resumed(
            keep, claim.run, kind=GateKind.DEPENDENT_RUN, ref=Ref("join"), actor=SUBMITTER
        )
        assert isinstance(reason(refused), NotPermitted)

    keep.run(scenario)


def test_no_caller_supplies_the_disposition_of_an_approval(keep: Keep) -> None:
    """Law 47."""

    async def scenario() -> None:
        parked = await keep.parked()
        gate: dict[str, object] = {"kind": GateKind.APPROVAL, "ref": Ref(parked.approval)}
        before = await keep.snapshot()
        with pytest.raises(InvalidValue):
            await resumed(keep, parked.run, **gate)
        with pytest.raises(InvalidValue):
            await resumed(keep, parked.run, disposition=None)
        with pytest.raises(InvalidValue):
            await resumed(keep, parked.run, disposition=Disposition.ELAPSED)
        pending = await resumed(keep, parked.run, disposition=None, **gate)
        assert isinstance(reason(pending), GatePending)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_resume_reads_the_disposition_from_the_approval_itself(keep: Keep) -> None:
    """Law 47: what no command leads to, a run that still waits for what was decided."""

    async def scenario() -> None:
        parked = await keep.parked()
        key = approval_key(parked.run.scope, parked.approval)
        pending = await keep.record(key)
        assert pending is not None
        denied = pending.deny(by=ADA, decision_id=RequestId("d1"), now=await keep.now())
        assert isinstance(denied, Changed)
        await keep.overwrite(key, denied.state)
        answer = await resumed(
            keep,
            parked.run,
            kind=GateKind.APPROVAL,
            ref=Ref(parked.approval),
            disposition=None,
        )
        assert isinstance(answer, RunStanding)
        assert await disposition(keep, parked.run) is Disposition.DENIED

    keep.run(scenario)


def test_two_resumes_are_one_event(keep: Keep) -> None:
    """Law 48."""

    async def scenario() -> None:
        claim = await blocked(keep)
        first = await resumed(keep, claim.run)
        before = await keep.snapshot()
        assert await resumed(keep, claim.run) == first
        second = await resumed(keep, claim.run, request_id=RequestId("go-2"))
        assert isinstance(reason(second), WrongState)
        assert await keep.snapshot() == before
        assert (await keep.kinds()).count("resumed") == 1

    keep.run(scenario)


def test_two_resumes_at_once_are_one_event(keep: Keep) -> None:
    """Law 48."""

    async def scenario() -> None:
        claim = await blocked(keep)
        answers = await asyncio.gather(
            *(resumed(keep, claim.run, request_id=RequestId(f"go-{n}")) for n in range(4))
        )
        assert sum(isinstance(answer, RunStanding) for answer in answers) == 1
        assert (await keep.kinds()).count("resumed") == 1

    keep.run(scenario)


def test_a_denied_gate_queues_its_run_and_never_cancels_it(keep: Keep) -> None:
    """Law 49."""

    async def scenario() -> None:
        claim = await blocked(keep)
        answer = await resumed(keep, claim.run, disposition=Disposition.DENIED)
        assert isinstance(answer, RunStanding)
        assert answer.status is RunStatus.QUEUED
        (again,) = await keep.claimed()
        assert await keep.turns.block(again.claim, gate=TOOL) is Disposition.DENIED

    keep.run(scenario)


def test_a_resume_after_its_time_is_elapsed_whatever_it_says(timed: Keep) -> None:
    """Law 51."""

    async def scenario() -> None:
        claim = await blocked(timed, until_seconds=30)
        await timed.let_pass(30)
        answer = await resumed(timed, claim.run)
        assert isinstance(answer, RunStanding)
        assert await disposition(timed, claim.run) is Disposition.ELAPSED
        (told,) = [event for event in await timed.events() if isinstance(event, RunResumed)]
        assert told.disposition is Disposition.ELAPSED

    timed.run(scenario)


def test_a_sweep_one_millisecond_early_does_nothing(timed: Keep) -> None:
    """Law 60, of waits."""

    async def scenario() -> None:
        await blocked(timed, until_seconds=30)
        await timed.let_pass(29.999)
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).elapsed == 0
        assert await timed.snapshot() == before
        await timed.let_pass(0.001)
        assert (await timed.turns.sweep()).elapsed == 1

    timed.run(scenario)


# ---- runs that wait for runs --------------------------------------------------------------------


def test_the_last_child_resumes_its_parent_in_its_own_commit(keep: Keep) -> None:
    """Law 50."""

    async def scenario() -> None:
        claim, children = await family(keep)
        standing = await keep.turns.block(claim, gate=join(children))
        assert isinstance(standing, RunStanding)
        first, last = await keep.claimed(2)
        await keep.completed(first)
        view = await keep.view(claim.run)
        assert isinstance(view.state, Blocked)
        assert len(view.state.gate.awaited) == 1
        await keep.turns.fail(last.claim, category=Category("broken"))
        told = (await keep.whole()).stored_events[-2:]
        assert [event.kind for event in told] == ["run.failed", "run.resumed"]
        assert len({event.commit_id for event in told}) == 1
        (again,) = await keep.claimed()
        assert again.claim.run == claim.run
        assert await keep.turns.block(again.claim, gate=join(children)) is Disposition.GRANTED

    keep.run(scenario)


@pytest.mark.parametrize("first", ["child", "parent"])
def test_the_last_child_that_races_its_parent_s_block_loses_no_wake(
    timed: Keep, first: str
) -> None:
    """Law 50."""

    async def scenario() -> None:
        # In another lane than its parent: what they share would decide the race.
        claim, children = await family(timed, 1, policy=TurnPolicy.background())
        (granted,) = await timed.claimed()
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            if first == "child":
                held = asyncio.ensure_future(turns.block(claim, gate=join(children)))
                await faulty.reached("x")
                await timed.completed(granted)
                faulty.release("x")
                assert await held is Disposition.GRANTED
                assert (await timed.view(claim.run)).status is RunStatus.RUNNING
            else:
                ending = asyncio.ensure_future(turns.complete(granted.claim))
                await faulty.reached("x")
                assert isinstance(await timed.turns.block(claim, gate=join(children)), RunStanding)
                faulty.release("x")
                assert isinstance(await ending, RunStanding)
                assert (await timed.view(claim.run)).status is RunStatus.QUEUED

    timed.run(scenario)


def test_a_child_s_end_that_is_stored_past_the_wait_finds_it_elapsed(timed: Keep) -> None:
    """Law 51: the parent's deadline bounds the commit that tells it."""

    async def scenario() -> None:
        claim, children = await family(timed, 1, policy=TurnPolicy.background())
        until = await timed.now() + timedelta(seconds=5)
        assert isinstance(
            await timed.turns.block(claim, gate=join(children), until=until), RunStanding
        )
        (granted,) = await timed.claimed()
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            ending = asyncio.ensure_future(turns.complete(granted.claim))
            await faulty.reached("x")
            await timed.let_pass(6)
            faulty.release("x")
            assert isinstance(await ending, RunStanding)
        (told,) = [event for event in await timed.events() if isinstance(event, RunResumed)]
        assert told.disposition is Disposition.ELAPSED

    timed.run(scenario)


def test_a_run_joins_its_own_children_alone(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running(thread("parent"))
        stranger = await keep.submitted(thread("other"))
        before = await keep.snapshot()
        for run in (stranger.address, RunAddress(thread("none"), RunId("none"))):
            refusal = reason(await keep.turns.block(claim, gate=join([run])))
            assert refusal == UnknownGate(Ref("join"))
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_sixteen_children_are_joined_at_once(keep: Keep) -> None:
    async def scenario() -> None:
        claim, children = await family(keep, 16)
        standing = await keep.turns.block(claim, gate=join(children))
        assert isinstance(standing, RunStanding)
        for _ in range(2):
            for granted in await keep.claimed(8):
                await keep.completed(granted)
        assert (await keep.view(claim.run)).status is RunStatus.QUEUED

    keep.run(scenario)
