"""Granted steps: a step and the yes that it is made on are begun, told of and given up together."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import pytest
from attrs import frozen

from tests.application.turns.keep import (
    ADA,
    DONE,
    OPERATOR,
    Keep,
    step,
    thread,
)
from turnkeep_application.approval_cells import grant_key
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Approvals
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.records import Records
from turnkeep_application.turns.cells import effect_key, turn_state_key
from turnkeep_application.turns.granted_steps import StepGrant, step_token
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.approvals.calls import Dispatch
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, canonical
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    ConsumedGrant,
    DispatchingGrant,
    GrantOutcome,
    GrantRevokeCause,
    GrantState,
    GrantStep,
    RevokedGrant,
)
from turnkeep_domain.approvals.grant_refusals import (
    AlreadyDispatching,
    FingerprintMismatch,
    GrantRevoked,
    GrantSpent,
    NotApproved,
    NotGrantee,
    SettleWithRun,
)
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.refusals import Unknown
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Claim, RunStanding
from turnkeep_domain.turns.effect import Done, Intended, NotDone, Uncertain, Unclear
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.refusals import LeaseLost, WrongState
from turnkeep_domain.turns.run import RunApproval
from turnkeep_domain.turns.run_states import Blocked, RunStatus
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.store import CommitId

BROKEN: Final = Category("broken")
NOTHING: Final = NotDone(category=BROKEN, redo=False)
NOT_AFTER_ALL: Final = NotDone(category=Category("checked"), redo=True)
HAPPENED: Final = Done(output=b"as the operator found it", disposition=None)
INPUT: Final[dict[str, Json]] = {"amount": 12}


@frozen
class Ready:
    """A run whose call was approved, claimed anew."""

    claim: Claim
    approval: str

    @property
    def scope(self) -> Scope:
        return self.claim.run.scope


def spelt(input: Json) -> CanonicalInput:
    text = canonical(input)
    assert isinstance(text, CanonicalInput)
    return text


async def ready(keep: Keep, scope: Scope | None = None) -> Ready:
    parked = await keep.parked(scope)
    answer = await keep.approvals().approve(
        parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
    )
    assert isinstance(answer, ApprovalOutcome)
    (again,) = await keep.claimed()
    return Ready(again.claim, parked.approval)


async def begin(
    keep: Keep, at: Ready, *, input: Json = None, on: Turns | None = None, approval: str = ""
) -> object:
    grant = StepGrant(
        approval=approval or at.approval, input=spelt(INPUT if input is None else input)
    )
    return await (on or keep.turns).intend(
        at.claim, step("pay"), arguments=digest_of("a"), grant=grant
    )


async def settle(keep: Keep, at: Ready, outcome: Done | NotDone | Unclear = DONE) -> object:
    return await keep.settle(at.claim, "pay", outcome=outcome)


async def grant_of(keep: Keep, at: Ready) -> Grant:
    grant = await keep.record(grant_key(at.scope, at.approval))
    assert grant is not None
    return grant


async def listed(keep: Keep, at: Ready) -> tuple[RunApproval, ...]:
    state = await keep.record(turn_state_key(at.claim.run))
    assert state is not None
    assert state.active is not None
    return state.active.approvals


async def written_by(keep: Keep, *keys: ReadKey[object]) -> set[CommitId]:
    """The commits that wrote these cells last."""
    return {cell.written_by for cell in [await keep.cell(key.address) for key in keys] if cell}


async def kinds(keep: Keep) -> list[str]:
    events = (await keep.whole()).stored_events
    return [event.kind for event in events if event.kind.startswith("grant.")]


def cells(at: Ready) -> tuple[ReadKey[object], ...]:
    return grant_key(at.scope, at.approval), effect_key(at.claim.run, step("pay"))


# ---- begun ---------------------------------------------------------------------------------------


def test_the_intent_and_the_beginning_of_the_grant_are_one_commit(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        assert await listed(keep, at) == (RunApproval(id=at.approval, open=False),)
        assert isinstance(await begin(keep, at), Intended)
        grant = await grant_of(keep, at)
        assert isinstance(grant.phase, DispatchingGrant)
        assert grant.phase.step == GrantStep(run=at.claim.run, effect=step("pay"))
        assert len(await written_by(keep, *cells(at))) == 1
        assert await kinds(keep) == ["grant.issued", "grant.began"]
        before = await keep.snapshot()
        assert isinstance(await begin(keep, at), Intended)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_other_input_is_refused_and_nothing_is_written(keep: Keep) -> None:
    """27 of approvals."""

    async def scenario() -> None:
        at = await ready(keep)
        before = await keep.snapshot()
        mutated = {"amount": 13}
        assert await begin(keep, at, input=mutated) == Refused(FingerprintMismatch())
        assert await begin(keep, at, approval="none") == Refused(Unknown("none"))
        assert await keep.snapshot() == before
        assert isinstance(await begin(keep, at), Intended)

    keep.run(scenario)


def test_a_yes_that_another_run_asked_for_is_not_this_ones(keep: Keep) -> None:
    async def scenario() -> None:
        first = await ready(keep)
        await keep.turns.complete(first.claim)
        again = await keep.running(request="r2")
        ended = Refused(GrantRevoked(GrantRevokeCause.RUN_ENDED))
        assert await begin(keep, Ready(again, first.approval)) == ended
        elsewhere = await keep.running(thread("t2"))
        unknown = Refused(Unknown(first.approval))
        assert await begin(keep, Ready(elsewhere, first.approval)) == unknown

    keep.run(scenario)


def test_a_yes_that_no_run_asked_for_is_nobodys_step(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        agent = Principal.agent("scout")
        view = await keep.approvals().raise_request(
            claim.run.scope,
            invocation=InvocationId("i9"),
            action=Dispatch.of("pay"),
            effects=frozenset(),
            requester=agent,
            correlation_id=CorrelationId("c"),
            input=INPUT,
            reason="",
            display="",
        )
        assert isinstance(view, ApprovalView)
        await keep.approvals().approve(view.scope, view.id, by=ADA, decision_id=RequestId("d"))
        assert await begin(keep, Ready(claim, view.id)) == Refused(NotGrantee(agent))

    keep.run(scenario)


def test_nothing_is_begun_on_what_nobody_has_approved(keep: Keep) -> None:
    async def scenario() -> None:
        parked = await keep.parked()
        await keep.approvals().deny(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1")
        )
        (again,) = await keep.claimed()
        at = Ready(again.claim, parked.approval)
        assert await begin(keep, at) == Refused(NotApproved(ApprovalState.DENIED))
        assert await keep.record(effect_key(at.claim.run, step("pay"))) is None

    keep.run(scenario)


def test_a_step_is_not_begun_once_its_tool_is_disabled(keep: Keep) -> None:
    """28 of approvals; 40: also between read and write."""

    async def scenario() -> None:
        at = await ready(keep)
        async with keep.suffering("commit#1: hold slow") as (turns, faulty):
            beginning = asyncio.ensure_future(begin(keep, at, on=turns))
            await faulty.reached("slow")
            await disable(keep, at.scope)
            faulty.release("slow")
            assert await beginning == Refused(ToolDisabled(CapabilityId("pay")))
        assert (await grant_of(keep, at)).phase == ActiveGrant()
        assert await keep.record(effect_key(at.claim.run, step("pay"))) is None

    keep.run(scenario)


@pytest.mark.parametrize("first", ["revoke", "begin"])
def test_of_a_revocation_and_a_step_that_begins_exactly_one_wins(keep: Keep, first: str) -> None:
    """41 of approvals."""

    async def scenario() -> None:
        at = await ready(keep)

        async def revoke(turns: Turns) -> object:
            approvals = Approvals(
                updates=turns.updates,
                reading=turns.reading,
                store=turns.store,
                clock=keep.world.clock,
            )
            return await approvals.revoke_grant(
                at.scope, at.approval, by=ADA, request_id=RequestId("r")
            )

        async with keep.suffering("commit#1: hold slow") as (turns, faulty):
            late = begin(keep, at, on=turns) if first == "revoke" else revoke(turns)
            slow = asyncio.ensure_future(late)
            await faulty.reached("slow")
            quick = await (revoke(keep.turns) if first == "revoke" else begin(keep, at))
            faulty.release("slow")
            lost = await slow
        entry = await keep.record(effect_key(at.claim.run, step("pay")))
        if first == "revoke":
            assert isinstance(quick, GrantOutcome)
            assert lost == Refused(GrantRevoked(GrantRevokeCause.WITHDRAWN))
            assert entry is None
        else:
            assert isinstance(quick, Intended)
            assert lost == Refused(AlreadyDispatching())
            assert entry is not None

    keep.run(scenario)


async def disable(keep: Keep, scope: Scope) -> None:
    policy = policy_key(scope, CapabilityId("pay"))

    def decide(records: Records, now: datetime) -> Changed[Records, None]:
        unsaid = ToolPolicy.unsaid(policy.address.scope, CapabilityId("pay"))
        decision = unsaid.set_override(
            OverrideKind.DISABLED, by=ADA, request_id=RequestId("off"), now=now
        )
        assert isinstance(decision, Changed)
        return Changed(records.put(policy, decision.state), None, decision.events)

    answer: object = await keep.rival.updates.update([policy], decide)
    assert answer is None


def test_a_fenced_runner_begins_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        stale = Claim(run=at.claim.run, epoch=at.claim.epoch - 1, token=at.claim.token)
        before = await keep.snapshot()
        assert await begin(keep, Ready(stale, at.approval)) == Refused(LeaseLost())
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_after_a_cancel_request_nothing_is_begun(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        await keep.cancel(at.claim.run)
        assert await begin(keep, at) == Refused(WrongState(RunStatus.CANCEL_REQUESTED))
        assert (await grant_of(keep, at)).phase == ActiveGrant()

    keep.run(scenario)


def test_what_is_no_grant_is_a_mistake(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        with pytest.raises(InvalidValue):
            await keep.turns.intend(
                at.claim,
                step("pay"),
                arguments=digest_of("a"),
                grant=at.approval,  # type: ignore[arg-type]  # what no host should hand over
            )

    keep.run(scenario)


# ---- told of -------------------------------------------------------------------------------------


def test_the_outcome_and_the_end_of_the_grant_are_one_commit(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        await begin(keep, at)
        assert await settle(keep, at) == DONE
        assert isinstance((await grant_of(keep, at)).phase, ConsumedGrant)
        assert len(await written_by(keep, *cells(at), turn_state_key(at.claim.run))) == 1
        assert await listed(keep, at) == ()
        assert await kinds(keep) == ["grant.issued", "grant.began", "grant.consumed"]
        before = await keep.snapshot()
        assert await settle(keep, at) == DONE
        assert await keep.snapshot() == before
        other = StepGrant(approval=at.approval, input=spelt(INPUT))
        again = await keep.turns.intend(
            at.claim, step("other"), arguments=digest_of("a"), grant=other
        )
        assert again == Refused(GrantSpent())

    keep.run(scenario)


def test_what_was_not_done_gives_the_grant_back(keep: Keep) -> None:
    """31 of approvals."""

    async def scenario() -> None:
        at = await ready(keep)
        await begin(keep, at)
        assert await settle(keep, at, NOTHING) == NOTHING
        assert (await grant_of(keep, at)).phase == ActiveGrant()
        assert await listed(keep, at) == (RunApproval(id=at.approval, open=False),)
        assert await kinds(keep) == ["grant.issued", "grant.began", "grant.aborted"]
        grant = StepGrant(approval=at.approval, input=spelt(INPUT))
        state = await keep.turns.intend(
            at.claim, step("other"), arguments=digest_of("a"), grant=grant
        )
        assert isinstance(state, Intended)

    keep.run(scenario)


def test_a_step_without_a_grant_leaves_the_grants_of_its_run_alone(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        await keep.intend(at.claim, "plain")
        await keep.settle(at.claim, "plain")
        assert (await grant_of(keep, at)).phase == ActiveGrant()
        assert await kinds(keep) == ["grant.issued"]

    keep.run(scenario)


@pytest.mark.parametrize("fate", ["lose-after", "lose-before", "fail-before"])
@pytest.mark.parametrize("command", ["begin", "settle"])
def test_a_lost_acknowledgement_leaves_one_change_of_each(
    keep: Keep, command: str, fate: str
) -> None:
    """42 of approvals."""

    async def scenario() -> None:
        at = await ready(keep)
        if command == "settle":
            await begin(keep, at)
        async with keep.suffering(f"commit#1: {fate}") as (turns, _):
            for _attempt in range(2):
                try:
                    if command == "begin":
                        await begin(keep, at, on=turns)
                    else:
                        await keep.settle(at.claim, "pay", on=turns)
                except OutcomeUnknown:
                    continue
        expected = ["grant.issued", "grant.began", "grant.consumed"]
        assert await kinds(keep) == expected[: 2 if command == "begin" else 3]

    keep.run(scenario)


# ---- uncertain -----------------------------------------------------------------------------------


async def uncertain(keep: Keep) -> Ready:
    """A run that needs an operator, for nobody knows whether its granted step happened."""
    at = await ready(keep)
    await begin(keep, at)
    assert isinstance(await settle(keep, at, Unclear()), Uncertain)
    standing = await keep.turns.fail(at.claim, category=BROKEN)
    assert isinstance(standing, RunStanding)
    assert standing.status is RunStatus.NEEDS_OPERATOR
    return at


@pytest.mark.parametrize("outcome", [HAPPENED, NOT_AFTER_ALL])
def test_a_retry_settles_the_step_and_its_grant_before_any_deadline(
    keep: Keep, outcome: Done | NotDone
) -> None:
    async def scenario() -> None:
        at = await uncertain(keep)
        assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)
        standing = await keep.turns.retry(
            at.claim.run,
            settlements={step("pay"): outcome},
            actor=OPERATOR,
            request_id=RequestId("again"),
        )
        assert isinstance(standing, RunStanding)
        grant = await grant_of(keep, at)
        happened = isinstance(outcome, Done)
        assert isinstance(grant.phase, ConsumedGrant if happened else ActiveGrant)
        assert len(await written_by(keep, *cells(at), turn_state_key(at.claim.run))) == 1
        assert await kinds(keep) == ["grant.issued", "grant.began", "grant.settled"]
        assert bool(await listed(keep, at)) is not happened
        (again,) = await keep.claimed()
        state = await begin(keep, Ready(again.claim, at.approval))
        assert state == HAPPENED if happened else isinstance(state, Intended)

    keep.run(scenario)


@pytest.mark.parametrize("outcome", [HAPPENED, NOT_AFTER_ALL])
def test_giving_up_settles_the_grant_and_takes_back_what_was_not_used(
    keep: Keep, outcome: Done | NotDone
) -> None:
    async def scenario() -> None:
        at = await uncertain(keep)
        await keep.turns.give_up(
            at.claim.run,
            settlements={step("pay"): outcome},
            category=BROKEN,
            actor=OPERATOR,
            request_id=RequestId("enough"),
        )
        phase = (await grant_of(keep, at)).phase
        if isinstance(outcome, Done):
            assert isinstance(phase, ConsumedGrant)
        else:
            assert isinstance(phase, RevokedGrant)
            assert phase.cause is GrantRevokeCause.RUN_ENDED

    keep.run(scenario)


def test_an_uncertain_step_is_not_settled_apart_from_its_run(timed: Keep) -> None:
    keep = timed

    async def scenario() -> None:
        at = await uncertain(keep)
        await keep.let_pass(1_000)
        at_step = GrantStep(run=at.claim.run, effect=step("pay"))
        answer = await keep.approvals().settle(
            at.scope, at.approval, happened=False, by=ADA, request_id=RequestId("s")
        )
        assert answer == Refused(SettleWithRun(at_step))
        await keep.cancel(at.claim.run)
        settled = await keep.approvals().settle(
            at.scope, at.approval, happened=True, by=ADA, request_id=RequestId("s")
        )
        assert settled == GrantOutcome(state=GrantState.CONSUMED, until=None)

    keep.run(scenario)


@pytest.mark.parametrize("end", ["cancel", "give up"])
def test_a_yes_of_a_run_that_has_ended_is_not_given_back(timed: Keep, end: str) -> None:
    """Its step was uncertain, and an operator finds that it did not happen."""
    keep = timed

    async def scenario() -> None:
        at = await uncertain(keep)
        if end == "cancel":
            await keep.cancel(at.claim.run)
        else:
            await keep.turns.give_up(
                at.claim.run,
                settlements={},
                category=BROKEN,
                actor=OPERATOR,
                request_id=RequestId("enough"),
            )
        assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)
        await keep.let_pass(1_000)
        for _ in range(2):
            answer = await keep.approvals().settle(
                at.scope, at.approval, happened=False, by=ADA, request_id=RequestId("s")
            )
            assert answer == GrantOutcome(state=GrantState.REVOKED, until=None)
        phase = (await grant_of(keep, at)).phase
        assert isinstance(phase, RevokedGrant)
        assert phase.cause is GrantRevokeCause.RUN_ENDED
        expected = ["grant.issued", "grant.began", "grant.settled", "grant.revoked"]
        assert await kinds(keep) == expected
        ended = Refused(GrantRevoked(GrantRevokeCause.RUN_ENDED))
        assert await claimed_outside(keep, at) == ended

    keep.run(scenario)


@pytest.mark.parametrize("end", ["complete", "fail", "no"])
@pytest.mark.parametrize("told", ["abort", "settle"])
def test_a_yes_that_was_begun_outside_is_given_back_only_to_a_run_that_lives(
    timed: Keep, end: str, told: str
) -> None:
    keep = timed

    async def scenario() -> None:
        at = await ready(keep)
        approvals, token = keep.approvals(), step_token(at.claim, step("outside"))
        assert isinstance(await claimed_outside(keep, at), GrantOutcome)
        await approvals.begin(at.scope, at.approval, token=token, request_id=RequestId("b"))
        if end == "complete":
            await keep.turns.complete(at.claim)
        elif end == "fail":
            await keep.turns.fail(at.claim, category=BROKEN)
        assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)
        request = RequestId("not after all")
        if told == "abort":
            answer: object = await approvals.abort(
                at.scope, at.approval, token=token, request_id=request
            )
        else:
            await keep.let_pass(1_000)
            answer = await approvals.settle(
                at.scope, at.approval, happened=False, by=ADA, request_id=request
            )
        state = GrantState.ACTIVE if end == "no" else GrantState.REVOKED
        assert answer == GrantOutcome(state=state, until=None)
        assert (await grant_of(keep, at)).run == at.claim.run

    keep.run(scenario)


@pytest.mark.parametrize("first", ["abort", "end"])
def test_of_a_run_that_ends_while_its_yes_is_given_back_no_yes_is_left(
    keep: Keep, first: str
) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        approvals, token = keep.approvals(), step_token(at.claim, step("outside"))
        await claimed_outside(keep, at)
        await approvals.begin(at.scope, at.approval, token=token, request_id=RequestId("b"))

        async def abort() -> object:
            return await approvals.abort(
                at.scope, at.approval, token=token, request_id=RequestId("n")
            )

        async with keep.suffering("commit#1: hold slow") as (turns, faulty):
            if first == "abort":
                slow = asyncio.ensure_future(turns.complete(at.claim))
                await faulty.reached("slow")
                assert await abort() == GrantOutcome(state=GrantState.ACTIVE, until=None)
                faulty.release("slow")
                assert isinstance(await slow, RunStanding)
            else:
                held = keep.approvals(faulty)
                late = asyncio.ensure_future(
                    held.abort(at.scope, at.approval, token=token, request_id=RequestId("n"))
                )
                await faulty.reached("slow")
                assert isinstance(await keep.turns.complete(at.claim), RunStanding)
                faulty.release("slow")
                assert await late == GrantOutcome(state=GrantState.REVOKED, until=None)
        assert isinstance((await grant_of(keep, at)).phase, RevokedGrant)

    keep.run(scenario)


def test_a_killed_runner_leaves_step_and_grant_to_an_operator(timed: Keep) -> None:
    """44 of approvals: never run again unsettled."""

    keep = timed

    async def scenario() -> None:
        at = await ready(keep)
        await begin(keep, at)
        await keep.let_pass(90)
        await keep.turns.recover()
        assert (await keep.view(at.claim.run)).status is RunStatus.NEEDS_OPERATOR
        grant = await grant_of(keep, at)
        assert isinstance(grant.phase, DispatchingGrant)
        await keep.let_pass(900)
        approvals = keep.approvals()
        token = step_token(at.claim, step("pay"))
        late = await approvals.consume(
            at.scope, at.approval, token=token, request_id=RequestId("late")
        )
        assert late == Refused(SettleWithRun(GrantStep(run=at.claim.run, effect=step("pay"))))
        assert grant.phase.deadline < await keep.now()
        view = await approvals.grant(at.scope, at.approval)
        assert view is not None
        assert (view.state, view.step) == (GrantState.DISPATCHING, grant.phase.step)
        # Whoever reports late has lost the claim: that is evidence, and changes no grant.
        await settle(keep, at)
        assert (await grant_of(keep, at)).phase == grant.phase

    keep.run(scenario)


# ---- given up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["complete", "fail", "cancel"])
def test_the_end_of_a_run_revokes_what_it_has_not_used_in_its_own_commit(
    keep: Keep, end: str
) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        if end == "complete":
            await keep.turns.complete(at.claim)
        elif end == "fail":
            await keep.turns.fail(at.claim, category=BROKEN)
        else:
            await keep.cancel(at.claim.run)
            await keep.turns.complete(at.claim)
        phase = (await grant_of(keep, at)).phase
        assert isinstance(phase, RevokedGrant)
        assert phase.cause is GrantRevokeCause.RUN_ENDED
        state = turn_state_key(at.claim.run)
        assert len(await written_by(keep, grant_key(at.scope, at.approval), state)) == 1
        assert await kinds(keep) == ["grant.issued", "grant.revoked"]

    keep.run(scenario)


def test_a_run_that_is_cancelled_while_a_step_may_have_happened_keeps_that_grant_open(
    keep: Keep,
) -> None:
    async def scenario() -> None:
        at = await uncertain(keep)
        await keep.cancel(at.claim.run)
        assert (await keep.view(at.claim.run)).status is RunStatus.CANCELLED
        assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)

    keep.run(scenario)


def test_a_grant_that_expired_is_noted_and_listed_no_more(timed: Keep) -> None:
    """29 of approvals."""

    keep = timed

    async def scenario() -> None:
        at = await ready(keep)
        await keep.let_pass(89)
        await keep.turns.heartbeat(at.claim)
        for _ in range(50):
            await keep.let_pass(80)
            await keep.turns.heartbeat(at.claim)
        expired = Refused(GrantRevoked(GrantRevokeCause.EXPIRED))
        assert await begin(keep, at) == expired
        assert await listed(keep, at) == ()
        before = await keep.snapshot()
        assert await begin(keep, at) == expired
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("by", ["revoke", "expire", "consume"])
def test_a_grant_that_ends_elsewhere_leaves_its_runs_list(timed: Keep, by: str) -> None:
    keep = timed

    async def scenario() -> None:
        at = await ready(keep)
        approvals = keep.approvals()
        if by == "revoke":
            answer: object = await approvals.revoke_grant(
                at.scope, at.approval, by=ADA, request_id=RequestId("r")
            )
        elif by == "expire":
            await keep.let_pass(3_600)
            answer = await approvals.expire_grant(at.scope, at.approval)
        else:
            answer = await consumed_outside(keep, at)
        assert isinstance(answer, GrantOutcome)
        assert answer.state.final
        assert await listed(keep, at) == ()
        assert len(await written_by(keep, cells(at)[0], turn_state_key(at.claim.run))) == 1

    keep.run(scenario)


async def claimed_outside(keep: Keep, at: Ready) -> object:
    """The grant of a run, about to be used by a host that keeps no journal."""
    approvals = keep.approvals()
    view = await approvals.get(at.scope, at.approval)
    assert view is not None
    token = step_token(at.claim, step("outside"))
    return await approvals.claim(
        at.scope,
        at.approval,
        by=view.requester,
        invocation=view.invocation,
        action=view.action,
        effects=view.effects,
        input=INPUT,
        token=token,
        request_id=RequestId("c"),
    )


async def consumed_outside(keep: Keep, at: Ready) -> object:
    """The grant of a run, used by a host that keeps no journal."""
    approvals, token = keep.approvals(), step_token(at.claim, step("outside"))
    await claimed_outside(keep, at)
    await approvals.begin(at.scope, at.approval, token=token, request_id=RequestId("b"))
    return await approvals.consume(at.scope, at.approval, token=token, request_id=RequestId("e"))


def test_retrying_a_failed_run_restores_no_yes(keep: Keep) -> None:
    async def scenario() -> None:
        at = await ready(keep)
        await begin(keep, at)
        await settle(keep, at, NOTHING)
        await keep.turns.fail(at.claim, category=BROKEN, effect=step("pay"))
        standing = await keep.turns.retry(
            at.claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert isinstance(standing, RunStanding)
        (again,) = await keep.claimed()
        ended = Refused(GrantRevoked(GrantRevokeCause.RUN_ENDED))
        assert await begin(keep, Ready(again.claim, at.approval)) == ended

    keep.run(scenario)


def test_a_step_left_open_by_a_failed_run_is_settled_with_its_grant_when_that_is_retried(
    keep: Keep,
) -> None:
    async def scenario() -> None:
        at = await uncertain(keep)
        await keep.turns.give_up(
            at.claim.run,
            settlements={},
            category=BROKEN,
            actor=OPERATOR,
            request_id=RequestId("enough"),
        )
        assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)
        standing = await keep.turns.retry(
            at.claim.run,
            settlements={step("pay"): NOT_AFTER_ALL},
            actor=OPERATOR,
            request_id=RequestId("again"),
        )
        assert isinstance(standing, RunStanding), standing
        phase = (await grant_of(keep, at)).phase
        assert isinstance(phase, RevokedGrant)
        assert phase.cause is GrantRevokeCause.RUN_ENDED

    keep.run(scenario)


async def called_off(keep: Keep, failed: Claim) -> Ready:
    """The retry of a failed run, called off while nobody knows of its granted step."""
    standing = await keep.turns.retry(
        failed.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
    )
    assert isinstance(standing, RunStanding), standing
    (granted,) = await keep.claimed()
    assert isinstance(await keep.ask(granted.claim), RunStanding)
    waiting = await keep.view(granted.claim.run)
    assert isinstance(waiting.state, Blocked)
    approval = str(waiting.state.gate.ref)
    await keep.approvals().approve(waiting.scope, approval, by=ADA, decision_id=RequestId("d1"))
    (granted,) = await keep.claimed()
    at = Ready(granted.claim, approval)
    assert isinstance(await begin(keep, at), Intended)
    await keep.cancel(at.claim.run)
    ended = await keep.turns.fail(at.claim, category=BROKEN)
    assert isinstance(ended, RunStanding)
    assert ended.status is RunStatus.CANCELLED
    assert isinstance((await grant_of(keep, at)).phase, DispatchingGrant)
    return at


@pytest.mark.parametrize("outcome", [HAPPENED, NOT_AFTER_ALL])
def test_a_step_left_open_by_a_retry_that_was_called_off_is_settled_with_its_grant_by_the_next(
    keep: Keep, outcome: Done | NotDone
) -> None:
    async def scenario() -> None:
        failed = await keep.running()
        await keep.turns.fail(failed, category=BROKEN)
        at = await called_off(keep, failed)
        standing = await keep.turns.retry(
            failed.run,
            settlements={step("pay"): outcome},
            actor=OPERATOR,
            request_id=RequestId("once more"),
        )
        assert isinstance(standing, RunStanding), standing
        phase = (await grant_of(keep, at)).phase
        if isinstance(outcome, Done):
            assert isinstance(phase, ConsumedGrant)
        else:
            assert isinstance(phase, RevokedGrant)
            assert phase.cause is GrantRevokeCause.RUN_ENDED
        journal = effect_key(failed.run, step("pay"))
        assert len(await written_by(keep, grant_key(at.scope, at.approval), journal)) == 1

    keep.run(scenario)
