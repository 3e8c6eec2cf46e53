"""Approvals of runs grow old: none is pruned under a run that has not ended."""

from __future__ import annotations

from tests.application.turns.keep import ADA, Keep, Parked
from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.run_states import RunStatus

DAY = 86_400


async def released(keep: Keep, *, approve: bool) -> Parked:
    """A run that was let go on by a ruling, and is queued since."""
    parked = await keep.parked()
    approvals = keep.approvals()
    vote = approvals.approve if approve else approvals.deny
    answer = await vote(parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d1"))
    ended = ApprovalState.APPROVED if approve else ApprovalState.DENIED
    assert answer == ApprovalOutcome.of(ended)
    assert (await keep.view(parked.run)).status is RunStatus.QUEUED
    return parked


def address(parked: Parked) -> Address:
    return Address("approval", parked.run.scope, parked.approval)


def test_an_approval_is_spared_while_the_run_that_asked_has_not_ended(timed: Keep) -> None:
    """34."""

    async def scenario() -> None:
        parked = await released(timed, approve=False)
        await timed.let_pass(100 * DAY)
        approvals = timed.approvals()
        pruned = await approvals.prune()
        assert (pruned.erased, pruned.pruned, pruned.spared) == ((address(parked),), (), 1)
        record = await timed.record(approval_key(parked.run.scope, parked.approval))
        assert isinstance(record, Approval)
        await timed.cancel(parked.run)
        pruned = await approvals.prune()
        assert (pruned.pruned, pruned.spared) == ((address(parked),), 0)
        record = await timed.record(approval_key(parked.run.scope, parked.approval))
        assert isinstance(record, Discarded)
        assert record.was is ApprovalState.DENIED

    timed.run(scenario)


def test_the_grant_of_a_run_that_was_called_off_ages_from_then_on(timed: Keep) -> None:
    """34."""

    async def scenario() -> None:
        parked = await released(timed, approve=True)
        await timed.cancel(parked.run)
        grant = await timed.record(grant_key(parked.run.scope, parked.approval))
        assert grant is not None
        assert grant.ended_at is not None
        approvals = timed.approvals()
        await timed.let_pass(90 * DAY - 1)
        assert (await approvals.prune()).pruned == ()
        await timed.let_pass(2)
        assert (await approvals.prune()).pruned == (address(parked),)
        assert await timed.record(grant_key(parked.run.scope, parked.approval)) is None

    timed.run(scenario)


def test_a_sweep_lets_the_run_go_on_whose_approval_has_expired(timed: Keep) -> None:
    async def scenario() -> None:
        parked = await timed.parked(lifetime_seconds=60)
        await timed.let_pass(60)
        swept = await timed.approvals().sweep()
        assert (swept.expired, swept.unreadable) == (1, ())
        assert (await timed.view(parked.run)).status is RunStatus.QUEUED
        kinds = await timed.kinds()
        assert kinds[-2:] == ["approval.expired", "resumed"]

    timed.run(scenario)
