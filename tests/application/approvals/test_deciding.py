"""Deciding: one ruling per request, for ever, whoever says what how often."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    APPROVED,
    AUDIT,
    DENIED,
    DISCARDED,
    EXPIRED,
    GRACE,
    ONE_OF_TWO,
    PENDING_1,
    SCOPE,
    Keep,
    rid,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import NotDue, NotEligible, NotPending, Unknown
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused


def ended(answer: object) -> NotPending:
    assert isinstance(answer, Refused)
    assert isinstance(answer.reason, NotPending)
    return answer.reason


def test_the_approval_that_reaches_the_threshold_decides(keep: Keep) -> None:
    async def scenario() -> None:
        id = (await keep.raised()).id
        first = await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert first == PENDING_1
        second = await keep.rival.approve(SCOPE, id, by=AUDIT, decision_id=rid("d2"))
        assert second == APPROVED
        view = await keep.approvals.get(SCOPE, id)
        assert view is not None
        assert view.state is ApprovalState.APPROVED
        assert view.ruling == view.votes[1]
        assert [vote.decider for vote in view.votes] == [ADA, AUDIT]
        assert view.ended_at == keep.wall()
        assert (view.missing, view.changes) == (0, 3)

    keep.run(scenario)


def test_any_denial_decides_even_after_ones_own_approval(keep: Keep) -> None:
    """5."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert await keep.approvals.deny(SCOPE, id, by=ADA, decision_id=rid("d2")) == DENIED
        assert await keep.kinds() == ["raised", "voted", "denied"]

    keep.run(scenario)


def test_the_same_decision_id_answers_its_original_outcome(keep: Keep) -> None:
    """11."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        await keep.approvals.deny(SCOPE, id, by=GRACE, decision_id=rid("d2"))
        before = await keep.snapshot()
        first = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        second = await keep.rival.deny(SCOPE, id, by=GRACE, decision_id=rid("d2"))
        assert (first, second) == (PENDING_1, DENIED)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_the_same_decision_id_answers_its_original_outcome_after_a_discard(keep: Keep) -> None:
    """11."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        await keep.approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
        before = await keep.snapshot()
        again = await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert again == PENDING_1
        discarded = await keep.approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
        assert discarded == DISCARDED
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_another_approver_or_verdict_gets_the_ruling_and_nothing_is_written(keep: Keep) -> None:
    """12."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        before = await keep.snapshot()
        for answer in (
            await keep.approvals.approve(SCOPE, id, by=GRACE, decision_id=rid("d2")),
            await keep.approvals.deny(SCOPE, id, by=GRACE, decision_id=rid("d3")),
            await keep.approvals.deny(SCOPE, id, by=ADA, decision_id=rid("d4")),
            await keep.approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1")),
            await keep.approvals.expire(SCOPE, id),
        ):
            refusal = ended(answer)
            assert refusal.state is ApprovalState.APPROVED
            assert refusal.ruling is not None
            assert refusal.ruling.decision_id == "d1"
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_reused_id_with_other_arguments_is_refused(keep: Keep) -> None:
    """13."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        before = await keep.snapshot()
        reused = Refused(RequestIdReused(rid("d1")))
        approvals = keep.approvals
        assert await approvals.deny(SCOPE, id, by=ADA, decision_id=rid("d1")) == reused
        assert await approvals.approve(SCOPE, id, by=GRACE, decision_id=rid("d1")) == reused
        assert await approvals.discard(SCOPE, id, by=AGENT, request_id=rid("d1")) == reused
        assert await keep.snapshot() == before
        await approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
        assert await approvals.deny(SCOPE, id, by=ADA, decision_id=rid("d1")) == reused
        other = await approvals.discard(SCOPE, id, by=GRACE, request_id=rid("r1"))
        assert other == Refused(RequestIdReused(rid("r1")))

    keep.run(scenario)


def test_one_who_says_the_same_again_is_told_how_things_stand(keep: Keep) -> None:
    """5."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        before = await keep.snapshot()
        again = await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d2"))
        assert again == PENDING_1
        assert await keep.snapshot() == before
        await keep.approvals.approve(SCOPE, id, by=GRACE, decision_id=rid("d3"))
        again = await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d4"))
        assert again == APPROVED

    keep.run(scenario)


def test_one_who_may_not_decide_is_refused(keep: Keep) -> None:
    async def scenario() -> None:
        id = (await keep.raised()).id
        before = await keep.snapshot()
        for by in (Principal.person("linus"), AGENT, Principal.service("ada")):
            for verb in (keep.approvals.approve, keep.approvals.deny):
                assert await verb(SCOPE, id, by=by, decision_id=rid("d")) == Refused(
                    NotEligible(by)
                )
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_at_the_deadline_exactly_a_vote_is_refused_and_the_expiry_stored(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at)
        answer = await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        assert ended(answer) == NotPending(ApprovalState.EXPIRED, None)
        (record,) = await keep.records()
        assert isinstance(record, Approval)
        assert record.state_at(view.created_at) is ApprovalState.EXPIRED
        assert record.votes == ()
        assert await keep.kinds() == ["raised", "expired"]
        before = await keep.snapshot()
        answer = await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        assert ended(answer) == NotPending(ApprovalState.EXPIRED, None)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_microsecond_before_the_deadline_a_vote_counts(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10, quorum=ONE_OF_TWO)
        await keep.let_pass_until(view.expires_at - timedelta(microseconds=1))
        answer = await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        assert answer == APPROVED

    keep.run(scenario)


def test_a_discard_at_the_deadline_finds_it_expired(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at)
        answer = await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert ended(answer) == NotPending(ApprovalState.EXPIRED, None)
        assert await keep.kinds() == ["raised", "expired"]
        assert await keep.approvals.payload(SCOPE, view.id) is not None

    keep.run(scenario)


def test_a_vote_that_is_held_up_past_the_deadline_is_not_stored(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10, quorum=ONE_OF_TWO)
        async with keep.suffering("commit#1: hold late") as (approvals, faulty):
            voting = asyncio.create_task(
                approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
            )
            await faulty.reached("late")
            await keep.let_pass_until(view.expires_at)
            faulty.release("late")
            assert ended(await voting) == NotPending(ApprovalState.EXPIRED, None)
        assert await keep.kinds() == ["raised", "expired"]

    keep.run(scenario)


def test_the_stores_time_decides_whatever_a_hosts_clock_says(keep: Keep) -> None:
    """21."""

    async def scenario() -> None:
        ahead = (await keep.raised(invocation="i1", lifetime_seconds=60, quorum=ONE_OF_TWO)).id
        keep.wall.step(60)
        assert keep.clock.monotonic() == 0
        answer = await keep.approvals.approve(SCOPE, ahead, by=ADA, decision_id=rid("d1"))
        assert ended(answer) == NotPending(ApprovalState.EXPIRED, None)
        behind = await keep.raised(invocation="i2", lifetime_seconds=60, quorum=ONE_OF_TWO)
        keep.wall.step(-60)
        await keep.clock.advance(90)
        assert keep.wall() < behind.expires_at
        answer = await keep.approvals.approve(SCOPE, behind.id, by=ADA, decision_id=rid("d1"))
        assert answer == APPROVED

    keep.run(scenario)


def test_what_is_overdue_reads_as_expired_before_anybody_has_noted_it(keep: Keep) -> None:
    """20."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at)
        before = await keep.snapshot()
        seen = await keep.approvals.get(SCOPE, view.id)
        assert seen is not None
        assert (seen.state, seen.missing) == (ApprovalState.EXPIRED, 0)
        assert seen.ended_at == view.expires_at
        assert await keep.snapshot() == before
        await keep.clock.advance(5)
        assert await keep.approvals.expire(SCOPE, view.id) == EXPIRED
        noted = await keep.approvals.get(SCOPE, view.id)
        assert noted is not None
        assert noted.ended_at == view.expires_at
        assert (seen.changes, noted.changes) == (1, 2)

    keep.run(scenario)


def test_expiring_notes_once_what_is_due_and_refuses_what_is_not(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        assert await keep.approvals.expire(SCOPE, view.id) == Refused(NotDue(view.expires_at))
        await keep.let_pass_until(view.expires_at)
        assert await keep.approvals.expire(SCOPE, view.id) == EXPIRED
        before = await keep.snapshot()
        assert await keep.approvals.expire(SCOPE, view.id) == EXPIRED
        assert await keep.snapshot() == before
        assert await keep.kinds() == ["raised", "expired"]

    keep.run(scenario)


def test_what_does_not_exist_is_unknown(keep: Keep) -> None:
    async def scenario() -> None:
        approvals = keep.approvals
        unknown = Refused(Unknown("none"))
        assert await approvals.approve(SCOPE, "none", by=ADA, decision_id=rid("d")) == unknown
        assert await approvals.deny(SCOPE, "none", by=ADA, decision_id=rid("d")) == unknown
        assert await approvals.discard(SCOPE, "none", by=AGENT, request_id=rid("r")) == unknown
        assert await approvals.expire(SCOPE, "none") == unknown
        assert await approvals.erase_payload(SCOPE, "none") == unknown
        assert await approvals.get(SCOPE, "none") is None
        assert await approvals.payload(SCOPE, "none") is None
        assert await approvals.wait(SCOPE, "none", seen=0) is None
        assert (await keep.snapshot()).cells == ()

    keep.run(scenario)


@pytest.mark.parametrize("id", ["", " ", "a\n", "x" * 201])
def test_an_id_that_is_none_raises_and_nothing_is_read(keep: Keep, id: str) -> None:
    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            with pytest.raises(InvalidValue):
                await approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d"))
            with pytest.raises(InvalidValue):
                await approvals.approve(SCOPE, "i", by=ADA, decision_id=RequestId(id))
            with pytest.raises(InvalidValue):
                await approvals.deny(SCOPE, "i", by=ADA, decision_id=RequestId(id))
            with pytest.raises(InvalidValue):
                await approvals.discard(SCOPE, "i", by=ADA, request_id=RequestId(id))
            with pytest.raises(InvalidValue):
                await approvals.get(SCOPE, id)
            assert faulty.calls == ()

    keep.run(scenario)


# ---- races ----------------------------------------------------------------------------------


def test_an_approval_between_a_discards_read_and_write_stands(keep: Keep) -> None:
    """35."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering("commit#1: hold discard") as (approvals, faulty):
            discarding = asyncio.create_task(
                approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
            )
            await faulty.reached("discard")
            approved = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            assert approved == APPROVED
            faulty.release("discard")
            refusal = ended(await discarding)
        assert refusal.state is ApprovalState.APPROVED
        assert refusal.ruling is not None
        assert refusal.ruling.decider == ADA
        assert await keep.kinds() == ["raised", "approved"]
        assert await keep.approvals.payload(SCOPE, id) is not None

    keep.run(scenario)


def test_a_discard_between_an_approvals_read_and_write_yields_no_approval(keep: Keep) -> None:
    """36."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering("commit#1: hold approve") as (approvals, faulty):
            approving = asyncio.create_task(
                approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            )
            await faulty.reached("approve")
            discarded = await keep.rival.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
            assert discarded == DISCARDED
            faulty.release("approve")
            assert ended(await approving) == NotPending(ApprovalState.DISCARDED, None)
        assert await keep.kinds() == ["raised", "discarded"]
        assert len((await keep.snapshot()).cells) == 1

    keep.run(scenario)


@pytest.mark.parametrize("script", ["", "load#*: delay 3\ncommit#*: delay 3"])
@pytest.mark.parametrize("denials", [0, 1, 8, 16])
def test_sixteen_votes_at_once_lead_to_one_ruling_that_the_losers_see(
    keep: Keep, script: str, denials: int
) -> None:
    """37."""

    async def scenario() -> None:
        voters = [Principal.person(f"p{number}") for number in range(16)]
        id = (await keep.raised(quorum=Quorum.of(2, *voters))).id
        async with keep.suffering(script) as (approvals, _):
            answers = await asyncio.gather(
                *(
                    (approvals.deny if number < denials else approvals.approve)(
                        SCOPE, id, by=voter, decision_id=rid(f"d{number}")
                    )
                    for number, voter in enumerate(voters)
                )
            )
        view = await keep.approvals.get(SCOPE, id)
        assert view is not None
        assert view.ruling is not None
        deciding = [a for a in answers if isinstance(a, ApprovalOutcome) and a.state.final]
        assert len(deciding) == 1
        assert deciding[0].state is view.state
        lost = [answer for answer in answers if not isinstance(answer, ApprovalOutcome)]
        assert len(lost) == 16 - len(view.votes)
        assert all(ended(answer) == NotPending(view.state, view.ruling) for answer in lost)
        kinds = await keep.kinds()
        assert kinds.count("approved") + kinds.count("denied") == 1
        assert len(kinds) == 1 + len(view.votes)

    keep.run(scenario)


@pytest.mark.parametrize("sweeper_first", [True, False], ids=["sweep first", "vote first"])
def test_a_sweep_against_a_vote_at_the_deadline_has_one_outcome(
    keep: Keep, *, sweeper_first: bool
) -> None:
    """49."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10, quorum=ONE_OF_TWO)
        await keep.let_pass_until(view.expires_at)
        async with keep.suffering("commit#1: hold settle") as (approvals, faulty):
            if sweeper_first:
                waiting: asyncio.Task[object] = asyncio.create_task(
                    approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
                )
            else:
                waiting = asyncio.create_task(approvals.expire(SCOPE, view.id))
            await faulty.reached("settle")
            if sweeper_first:
                assert await keep.rival.expire(SCOPE, view.id) == EXPIRED
            else:
                vote = await keep.rival.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
                assert ended(vote) == NotPending(ApprovalState.EXPIRED, None)
            faulty.release("settle")
            answer = await waiting
            if sweeper_first:
                assert ended(answer) == NotPending(ApprovalState.EXPIRED, None)
            else:
                assert answer == EXPIRED
        assert await keep.kinds() == ["raised", "expired"]

    keep.run(scenario)


def test_a_vote_before_the_deadline_beats_a_sweep_that_was_too_early(keep: Keep) -> None:
    """49."""

    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10, quorum=ONE_OF_TWO)
        await keep.let_pass_until(view.expires_at - timedelta(microseconds=1))
        sweep, vote = await asyncio.gather(
            keep.rival.expire(SCOPE, view.id),
            keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1")),
        )
        assert isinstance(sweep, Refused)
        assert vote == APPROVED
        assert await keep.kinds() == ["raised", "approved"]

    keep.run(scenario)


# ---- faults ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "misfortune",
    ["lose-after", "lose-before", "land-late 1", "land-late 4", "fail-before", "busy", "stale"],
)
def test_a_lost_acknowledgement_leaves_one_vote_and_one_event(keep: Keep, misfortune: str) -> None:
    """42."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering(f"commit#1: {misfortune}") as (approvals, faulty):
            answer = await approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            assert answer == APPROVED
            assert faulty.unspent == ()
        again = await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert again == APPROVED
        assert await keep.kinds() == ["raised", "approved"]

    keep.run(scenario)


@pytest.mark.parametrize("misfortune", ["lose-after", "lose-before", "land-late 1"])
def test_a_doubtful_discard_is_told_truly(keep: Keep, misfortune: str) -> None:
    """42."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        async with keep.suffering(f"commit#1: {misfortune}") as (approvals, _):
            answer = await approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
            assert answer == DISCARDED
        assert await keep.kinds() == ["raised", "discarded"]
        assert len((await keep.snapshot()).cells) == 1

    keep.run(scenario)


@pytest.mark.parametrize("ticks", range(40))
def test_a_cancelled_vote_is_wholly_stored_or_absent(keep: Keep, ticks: int) -> None:
    """48."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        before = await keep.snapshot()
        voting = asyncio.create_task(
            keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        )
        for _ in range(ticks):
            await asyncio.sleep(0)
        voting.cancel()
        await asyncio.wait([voting])
        await keep.clock.settle()
        kinds = await keep.kinds()
        if kinds == ["raised"]:
            assert voting.cancelled()
            assert await keep.snapshot() == before
        else:
            assert kinds == ["raised", "approved"]
        again = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert again == APPROVED
        assert await keep.kinds() == ["raised", "approved"]

    keep.run(scenario)


def test_a_vote_that_is_cancelled_on_its_way_counts_once_if_it_lands(keep: Keep) -> None:
    """48."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering("commit#1: hold-after answer") as (approvals, faulty):
            voting = asyncio.create_task(
                approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            )
            await faulty.reached("answer")
            voting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await voting
            assert faulty.calls[-1].operation is Operation.COMMIT
        assert await keep.kinds() == ["raised", "approved"]
        again = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert again == APPROVED
        assert await keep.kinds() == ["raised", "approved"]

    keep.run(scenario)
