"""Answering gates: an exact reference means one gate, and a bare answer never guesses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    APPROVED,
    AUDIT,
    DENIED,
    DISCARDED,
    GRACE,
    ONE_OF_TWO,
    PENDING_1,
    SCOPE,
    Keep,
    rid,
)
from turnkeep_application.approval_answering import GateAnswered
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Approvals
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.gate_option import GateOption
from turnkeep_domain.approvals.gate_ref import GateRef
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import (
    AlwaysAllowUnsupported,
    AmbiguousGate,
    InvalidGateRef,
    NotEligible,
    NothingToAnswer,
    NotPending,
    Unknown,
)
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Corrupt

ONCE: Final = GateOption.ALLOW_ONCE
ALWAYS: Final = GateOption.ALWAYS_ALLOW
DENY: Final = GateOption.DENY
LINUS: Final = Principal.person("linus")
NOBODYS: Final = "approval:00000000-0000-8000-8000-000000000000"


async def answered(
    on: Approvals,
    ref: object,
    option: GateOption = ONCE,
    *,
    by: Principal = ADA,
    id: str = "d1",
    scope: Scope = SCOPE,
    shown_at: datetime | None = None,
) -> object:
    return await on.answer(
        scope,
        decider=by,
        ref=None if ref is None else str(ref),
        option=option,
        decision_id=rid(id),
        shown_at=shown_at,
    )


def taken(view: ApprovalView, outcome: ApprovalOutcome) -> GateAnswered:
    return GateAnswered(ref=GateRef(view.id), outcome=outcome)


# ---- with a reference ---------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "outcome"), [(ONCE, APPROVED), (DENY, DENIED)])
def test_an_answer_is_the_vote_that_it_means(
    keep: Keep, option: GateOption, outcome: ApprovalOutcome
) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        assert await answered(keep.approvals, view.ref, option) == taken(view, outcome)
        seen = await keep.approvals.get(SCOPE, view.id)
        assert seen is not None
        assert seen.ruling is not None
        assert (seen.ruling.decider, seen.ruling.decision_id) == (ADA, "d1")

    keep.run(scenario)


def test_an_answer_below_the_threshold_says_how_many_are_missing(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        assert await answered(keep.approvals, view.ref) == taken(view, PENDING_1)

    keep.run(scenario)


def test_an_answer_to_the_user_alone_may_be_for_always(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.ask(
            quorum=None,
            effects=frozenset({Effect.WRITES}),
            offers=frozenset({Offer.ONCE, Offer.ALWAYS}),
        )
        assert isinstance(view, ApprovalView)
        assert await answered(keep.approvals, view.ref, ALWAYS) == taken(view, APPROVED)
        seen = await keep.approvals.get(SCOPE, view.id)
        assert seen is not None
        assert seen.ruling is not None
        assert seen.ruling.offer is Offer.ALWAYS

    keep.run(scenario)


def test_a_malformed_reference_is_refused_before_anything_is_looked_for(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.raised(quorum=ONE_OF_TWO)
        before = await keep.snapshot()
        for ref in ("", "yes", "approval:", f"{NOBODYS} "):
            assert await answered(keep.approvals, ref) == Refused(InvalidGateRef())
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize(
    "foreign",
    [
        Scope.of("other", "ada", agent="scout", project="site", mission="m1", thread="t1"),
        Scope.of("acme", "bo", agent="scout", project="site", mission="m1", thread="t1"),
        Scope.of("acme", "ada", agent="other", project="site", mission="m1", thread="t1"),
        Scope.of("acme", "ada", agent="scout", project="other", mission="m1", thread="t1"),
        Scope.of("acme", "ada", agent="scout", project="site", mission="m2", thread="t1"),
        Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t2"),
        Scope.of("acme", "ada", agent="scout", project="site", mission="m1"),
    ],
    ids=lambda scope: f"{scope.tenant} {scope.user} {scope.agent} {scope.project} {scope.thread}",
)
def test_a_gate_of_another_scope_is_unknown_and_untouched(keep: Keep, foreign: Scope) -> None:
    """17."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        before = await keep.snapshot()
        for ref in (view.ref, NOBODYS):
            answer = await answered(keep.approvals, ref, scope=foreign)
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, Unknown)
        bare = await answered(keep.approvals, None, scope=foreign, shown_at=keep.wall())
        assert bare == Refused(NothingToAnswer())
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_an_exact_reference_never_falls_through_to_another_gate(keep: Keep) -> None:
    async def scenario() -> None:
        first = await keep.raised(quorum=ONE_OF_TWO)
        await keep.raised(invocation="i2", quorum=ONE_OF_TWO)
        await answered(keep.approvals, first.ref, DENY, by=GRACE)
        before = await keep.snapshot()
        answer = await answered(keep.approvals, first.ref, id="d2")
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, NotPending)
        assert answer.reason.state is ApprovalState.DENIED
        assert answer.reason.ruling is not None
        assert answer.reason.ruling.decider == GRACE
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_repeat_is_answered_as_it_was_before_anything_else_is_judged(keep: Keep) -> None:
    """11."""

    async def scenario() -> None:
        view = await keep.raised()
        first = await answered(keep.approvals, view.ref)
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        before = await keep.snapshot()
        assert first == taken(view, PENDING_1)
        assert await answered(keep.rival, view.ref) == first
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("option", [ALWAYS, DENY])
def test_a_decision_id_with_another_option_is_refused(keep: Keep, option: GateOption) -> None:
    """13."""

    async def scenario() -> None:
        view = await keep.raised()
        await answered(keep.approvals, view.ref)
        before = await keep.snapshot()
        answer = await answered(keep.rival, view.ref, option)
        assert answer == Refused(RequestIdReused(rid("d1")))
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("option", [ONCE, ALWAYS, DENY])
def test_who_may_not_decide_is_told_so_whatever_became_of_the_gate(
    keep: Keep, option: GateOption
) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        refused = Refused(NotEligible(LINUS))
        assert await answered(keep.approvals, view.ref, option, by=LINUS) == refused
        await answered(keep.approvals, view.ref)
        assert await answered(keep.approvals, view.ref, option, by=LINUS, id="d2") == refused

    keep.run(scenario)


def test_that_a_gate_is_stale_comes_before_that_always_is_not_offered(keep: Keep) -> None:
    """10."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        unsupported = Refused(AlwaysAllowUnsupported(view.id))
        assert await answered(keep.approvals, view.ref, ALWAYS) == unsupported
        await answered(keep.approvals, view.ref, DENY, by=GRACE, id="d2")
        answer = await answered(keep.approvals, view.ref, ALWAYS)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, NotPending)

    keep.run(scenario)


# ---- without one --------------------------------------------------------------------------------


def test_a_bare_answer_means_the_one_gate_that_was_shown(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        await keep.clock.advance(1)
        shown_at = keep.wall()
        await keep.clock.advance(1)
        await keep.raised(invocation="later", quorum=ONE_OF_TWO)
        answer = await answered(keep.approvals, None, shown_at=shown_at)
        assert answer == taken(view, APPROVED)

    keep.run(scenario)


def test_a_page_tells_when_its_gates_were_shown(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        page = await keep.approvals.list_pending(ScopePrefix.owner(SCOPE))
        assert page.read_at == keep.wall()
        answer = await answered(keep.approvals, None, shown_at=page.read_at)
        assert answer == taken(view, APPROVED)

    keep.run(scenario)


def test_a_bare_answer_to_several_gates_is_ambiguous(keep: Keep) -> None:
    async def scenario() -> None:
        views = []
        for number in range(3):
            views.append(await keep.raised(invocation=f"i{number}", quorum=ONE_OF_TWO))
            await keep.clock.advance(1)
        before = await keep.snapshot()
        answer = await answered(keep.approvals, None, shown_at=keep.wall())
        assert answer == Refused(AmbiguousGate(tuple(str(view.ref) for view in views)))
        assert await keep.snapshot() == before
        # Two stood open at this moment, the younger raised exactly then.
        answer = await answered(keep.approvals, None, shown_at=views[1].created_at)
        assert answer == Refused(AmbiguousGate(tuple(str(view.ref) for view in views[:2])))

    keep.run(scenario)


def test_a_bare_answer_to_nothing_is_an_answer_to_no_gate(keep: Keep) -> None:
    async def scenario() -> None:
        shown_at = keep.wall()
        await keep.clock.advance(1)
        await keep.raised(quorum=ONE_OF_TWO)
        before = await keep.snapshot()
        nothing = Refused(NothingToAnswer())
        assert await answered(keep.approvals, None, shown_at=shown_at) == nothing
        early = datetime.min.replace(tzinfo=UTC)
        assert await answered(keep.approvals, None, shown_at=early) == nothing
        assert await keep.snapshot() == before

    keep.run(scenario)


@pytest.mark.parametrize("end", ["denied", "discarded", "expired"])
def test_a_bare_answer_never_reaches_another_gate_because_its_own_has_ended(
    keep: Keep, end: str
) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO, lifetime_seconds=10)
        shown_at = keep.wall()
        await keep.clock.advance(1)
        match end:
            case "denied":
                await keep.approvals.deny(SCOPE, view.id, by=GRACE, decision_id=rid("d0"))
            case "discarded":
                await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r0"))
            case _:
                await keep.let_pass_until(view.expires_at)
        await keep.raised(invocation="another", quorum=ONE_OF_TWO)
        answer = await answered(keep.approvals, None, shown_at=shown_at)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, NotPending)
        assert answer.reason.state is ApprovalState(end)

    keep.run(scenario)


def test_one_of_two_shown_gates_has_ended_and_a_bare_answer_is_ambiguous_still(keep: Keep) -> None:
    async def scenario() -> None:
        one = await keep.raised(quorum=ONE_OF_TWO)
        await keep.raised(invocation="i2", quorum=ONE_OF_TWO)
        shown_at = keep.wall()
        await keep.clock.advance(1)
        await keep.approvals.deny(SCOPE, one.id, by=GRACE, decision_id=rid("d0"))
        answer = await answered(keep.approvals, None, shown_at=shown_at)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, AmbiguousGate)

    keep.run(scenario)


def test_what_had_ended_when_the_prompt_was_shown_does_not_count(keep: Keep) -> None:
    async def scenario() -> None:
        for number, end in enumerate(("denied", "discarded", "expired")):
            old = await keep.raised(
                invocation=f"old {number}", quorum=ONE_OF_TWO, lifetime_seconds=10
            )
            if end == "denied":
                await keep.approvals.deny(SCOPE, old.id, by=GRACE, decision_id=rid("d0"))
            elif end == "discarded":
                await keep.approvals.discard(SCOPE, old.id, by=AGENT, request_id=rid("r0"))
        await keep.clock.advance(10)
        view = await keep.raised(quorum=ONE_OF_TWO)
        answer = await answered(keep.approvals, None, shown_at=keep.wall())
        assert answer == taken(view, APPROVED)

    keep.run(scenario)


def test_a_bare_answer_that_is_repeated_means_the_gate_that_it_meant(keep: Keep) -> None:
    """11."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        shown_at = keep.wall()
        await keep.clock.advance(1)
        first = await answered(keep.approvals, None, shown_at=shown_at)
        await keep.raised(invocation="i2", quorum=ONE_OF_TWO)
        # A client that shows its prompt anew, and then sends the old answer once more.
        for moment in (shown_at, keep.wall()):
            assert await answered(keep.rival, None, shown_at=moment) == first
        assert first == taken(view, APPROVED)

    keep.run(scenario)


def test_a_bare_answer_is_told_that_a_gate_was_withdrawn_after_it_counted(keep: Keep) -> None:
    """11."""

    async def scenario() -> None:
        view = await keep.raised()
        shown_at = keep.wall()
        first = await answered(keep.approvals, None, shown_at=shown_at)
        discarded = await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert discarded == DISCARDED
        assert await answered(keep.rival, None, shown_at=shown_at) == first
        second = await answered(keep.rival, None, by=AUDIT, id="d2", shown_at=shown_at)
        assert second == Refused(NothingToAnswer())

    keep.run(scenario)


def test_many_ended_gates_hide_none_that_is_open(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(230)
        view = await keep.raised(quorum=ONE_OF_TWO)
        answer = await answered(keep.approvals, None, shown_at=keep.wall())
        assert answer == taken(view, APPROVED)

    keep.run(scenario)


def test_damage_beside_a_gate_makes_a_bare_answer_ambiguous_and_an_exact_one_none(
    keep: Keep,
) -> None:
    """19."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        torn = await keep.raised(invocation="torn", quorum=ONE_OF_TWO)
        cell = await keep.cell(torn.id)
        assert cell is not None
        await keep.write(cell.address, b"damaged", cell)
        answer = await answered(keep.approvals, None, shown_at=keep.wall())
        assert answer == Refused(AmbiguousGate((str(view.ref),)))
        assert await answered(keep.approvals, view.ref) == taken(view, APPROVED)

    keep.run(scenario)


def test_a_bare_answer_to_damage_alone_means_no_yes(keep: Keep) -> None:
    async def scenario() -> None:
        torn = await keep.raised(quorum=ONE_OF_TWO)
        cell = await keep.cell(torn.id)
        assert cell is not None
        await keep.write(cell.address, b"damaged", cell)
        with pytest.raises(Corrupt):
            await answered(keep.approvals, None, shown_at=keep.wall())

    keep.run(scenario)


def test_a_bare_answer_that_does_not_say_when_is_the_hosts_mistake(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.raised(quorum=ONE_OF_TWO)
        for moment in (None, datetime(2030, 1, 1)):  # noqa: DTZ001 - what no host should hand over
            with pytest.raises(InvalidValue):
                await answered(keep.approvals, None, shown_at=moment)

    keep.run(scenario)


def test_answers_that_race_have_one_ruling(keep: Keep) -> None:
    """12, 37."""

    async def scenario() -> None:
        view = await keep.raised(quorum=Quorum.of(1, ADA, GRACE))
        async with keep.suffering("commit#1: hold late") as (held, faulty):
            yes = asyncio.create_task(answered(held, view.ref))
            await faulty.reached("late")
            assert await answered(keep.rival, view.ref, DENY, by=GRACE, id="d2") == taken(
                view, DENIED
            )
            faulty.release("late")
            answer = await yes
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, NotPending)
        assert answer.reason.ruling is not None
        assert answer.reason.ruling.decider == GRACE

    keep.run(scenario)


def test_a_gate_is_answered_until_its_deadline_and_not_at_it(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO, lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at - timedelta(microseconds=1))
        assert await answered(keep.approvals, view.ref) == taken(view, APPROVED)
        other = await keep.raised(invocation="i2", quorum=ONE_OF_TWO, lifetime_seconds=10)
        await keep.let_pass_until(other.expires_at)
        answer = await answered(keep.approvals, other.ref, id="d2")
        assert answer == Refused(NotPending(ApprovalState.EXPIRED, None))

    keep.run(scenario)
