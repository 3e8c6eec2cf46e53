"""Ageing: what is due is noted, what is over is erased and pruned, and what is needed is spared."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import pytest

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    APPROVED,
    DENIED,
    EXPIRED,
    GRACE,
    ONE_OF_TWO,
    SCOPE,
    Keep,
    rid,
)
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Erased
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.grant_phases import GrantState
from turnkeep_domain.approvals.refusals import IdSpent, NotPending
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address

DAY: Final = 86_400
TICK: Final = 0.000001


def address(view: ApprovalView) -> Address:
    return Address("approval", view.scope, view.id)


async def denied(keep: Keep, invocation: str = "i1") -> ApprovalView:
    """A request that Ada denied just now."""
    view = await keep.raised(invocation=invocation, quorum=ONE_OF_TWO)
    answer = await keep.approvals.deny(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
    assert answer == DENIED
    return view


async def approved(keep: Keep, invocation: str = "i1") -> ApprovalView:
    """A request that Ada approved just now, and nobody has made use of."""
    view = await keep.raised(invocation=invocation, quorum=ONE_OF_TWO)
    answer = await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
    assert answer == APPROVED
    return view


async def damage(keep: Keep, id: str, collection: str = "approval") -> None:
    cell = await keep.cell(id, collection)
    assert cell is not None
    await keep.write(cell.address, b"damaged", cell)


# ---- sweeping -----------------------------------------------------------------------------------


def test_a_sweep_notes_what_is_due_and_nothing_else(keep: Keep) -> None:
    async def scenario() -> None:
        for number in range(3):
            await keep.raised(invocation=f"due {number}", lifetime_seconds=10)
        later = await keep.raised(invocation="later", lifetime_seconds=11)
        await denied(keep, "denied")
        await keep.clock.advance(10)
        swept = await keep.approvals.sweep()
        assert (swept.expired, swept.grants, swept.unreadable) == (3, 0, ())
        states = sorted(
            record.outcome_at(keep.wall()).state.value
            for record in await keep.records()
            if isinstance(record, Approval)
        )
        assert states == ["denied", "expired", "expired", "expired", "pending"]
        assert (await keep.kinds()).count("expired") == 3
        assert await keep.approvals.expire(SCOPE, later.id) != EXPIRED

    keep.run(scenario)


def test_a_sweep_that_finds_nothing_writes_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.raised(lifetime_seconds=10)
        await keep.clock.advance(10)
        await keep.approvals.sweep()
        before = await keep.snapshot()
        swept = await keep.rival.sweep()
        assert (swept.expired, swept.grants) == (0, 0)
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_sweep_is_bounded_and_goes_on_with_the_earliest(keep: Keep) -> None:
    async def scenario() -> None:
        ids = []
        for seconds in (12, 10, 11):
            view = await keep.raised(invocation=f"i{seconds}", lifetime_seconds=seconds)
            ids.append(view.id)
        await keep.clock.advance(20)
        assert (await keep.approvals.sweep(limit=1)).expired == 1
        assert await keep.approvals.expire(SCOPE, ids[1]) == EXPIRED
        assert (await keep.kinds()).count("expired") == 1
        assert (await keep.approvals.sweep(limit=500)).expired == 2

    keep.run(scenario)


@pytest.mark.parametrize("limit", [0, -1, 501, True, 1.0])
def test_a_limit_out_of_bounds_is_the_hosts_mistake(keep: Keep, limit: int) -> None:
    async def scenario() -> None:
        with pytest.raises(InvalidValue):
            await keep.approvals.sweep(limit=limit)
        with pytest.raises(InvalidValue):
            await keep.approvals.prune(limit=limit)

    keep.run(scenario)


def test_a_damaged_record_is_reported_and_hides_none_of_the_others(keep: Keep) -> None:
    """19."""

    async def scenario() -> None:
        torn = await keep.raised(invocation="torn", lifetime_seconds=10)
        await keep.raised(lifetime_seconds=11)
        await damage(keep, torn.id)
        await keep.clock.advance(11)
        swept = await keep.approvals.sweep()
        assert swept.expired == 1
        assert [found.address for found in swept.unreadable] == [address(torn)]

    keep.run(scenario)


def test_a_sweep_that_meets_a_yes_at_the_deadline_has_one_outcome_with_it(keep: Keep) -> None:
    """49."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO, lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at - timedelta(seconds=1))
        async with keep.suffering("commit#1: hold late") as (approvals, faulty):
            vote = asyncio.create_task(
                approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
            )
            await faulty.reached("late")
            await keep.let_pass_until(view.expires_at)
            assert (await keep.rival.sweep()).expired == 1
            faulty.release("late")
            answer = await vote
        assert answer == Refused(NotPending(ApprovalState.EXPIRED, None))
        assert await keep.kinds() == ["raised", "expired"]
        assert await keep.grant(view.id) is None

    keep.run(scenario)


def test_a_yes_at_the_deadline_that_meets_a_sweep_has_one_outcome_with_it(keep: Keep) -> None:
    """49."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO, lifetime_seconds=10)
        await keep.let_pass_until(view.expires_at)
        async with keep.suffering("commit#1: hold sweep") as (approvals, faulty):
            sweep = asyncio.create_task(approvals.sweep())
            await faulty.reached("sweep")
            answer = await keep.rival.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
            assert answer == Refused(NotPending(ApprovalState.EXPIRED, None))
            faulty.release("sweep")
            await sweep
        assert await keep.kinds() == ["raised", "expired"]

    keep.run(scenario)


def test_two_sweeps_at_once_note_everything_once(keep: Keep) -> None:
    """32."""

    async def scenario() -> None:
        await keep.overdue(20)
        await asyncio.gather(keep.approvals.sweep(), keep.rival.sweep())
        assert (await keep.kinds()).count("expired") == 20

    keep.run(scenario)


def test_a_sweep_notes_grants_that_nobody_used_in_time(keep: Keep) -> None:
    """29."""

    async def scenario() -> None:
        view = await approved(keep)
        grant = await keep.grant(view.id)
        assert grant is not None
        await keep.let_pass_until(grant.expires_at - timedelta(microseconds=1))
        assert (await keep.approvals.sweep()).grants == 0
        await keep.let_pass_until(grant.expires_at)
        swept = await keep.approvals.sweep()
        assert (swept.expired, swept.grants) == (0, 1)
        after = await keep.grant(view.id)
        assert after is not None
        assert after.state_at(grant.issued_at) is GrantState.REVOKED
        assert await keep.kinds("grant") == ["issued", "revoked"]
        assert (await keep.rival.sweep()).grants == 0

    keep.run(scenario)


# ---- erasing ------------------------------------------------------------------------------------


def test_what_people_read_is_erased_seven_days_after_the_end(keep: Keep) -> None:
    """33."""

    async def scenario() -> None:
        view = await denied(keep)
        ruled = await keep.approvals.get(SCOPE, view.id)
        await keep.clock.advance(7 * DAY - TICK)
        assert (await keep.approvals.prune()).erased == ()
        assert await keep.approvals.payload(SCOPE, view.id) is not None
        await keep.clock.advance(TICK)
        pruned = await keep.approvals.prune()
        assert (pruned.erased, pruned.pruned, pruned.spared) == ((address(view),), (), 0)
        assert await keep.approvals.payload(SCOPE, view.id) is None
        assert await keep.approvals.get(SCOPE, view.id) == ruled
        assert await keep.kinds() == ["raised", "denied", "erased"]
        assert (await keep.rival.prune()).erased == ()

    keep.run(scenario)


def test_the_clock_of_what_expired_runs_from_its_deadline(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=10)
        await keep.clock.advance(5 * DAY)
        await keep.approvals.sweep()
        await keep.let_pass_until(view.expires_at + timedelta(days=7, microseconds=-1))
        assert (await keep.approvals.prune()).erased == ()
        await keep.clock.advance(TICK)
        assert (await keep.approvals.prune()).erased == (address(view),)

    keep.run(scenario)


def test_what_waits_still_keeps_what_people_read(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(lifetime_seconds=30 * DAY)
        await keep.clock.advance(20 * DAY)
        assert (await keep.approvals.prune()).erased == ()
        assert await keep.approvals.payload(SCOPE, view.id) is not None

    keep.run(scenario)


def test_what_was_erased_on_request_is_not_erased_again(keep: Keep) -> None:
    """32."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        assert await keep.approvals.erase_payload(SCOPE, view.id) == Erased(view.id)
        await keep.approvals.deny(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        await keep.clock.advance(8 * DAY)
        assert (await keep.approvals.prune()).erased == ()
        assert await keep.kinds() == ["raised", "erased", "denied"]

    keep.run(scenario)


def test_a_host_may_keep_what_people_read_for_another_time(keep: Keep) -> None:
    async def scenario() -> None:
        view = await denied(keep)
        keep.set(payload_days=0, retention_days=1)
        assert (await keep.approvals.prune()).erased == (address(view),)
        await keep.clock.advance(DAY)
        assert (await keep.approvals.prune()).pruned == (address(view),)

    keep.run(scenario)


def test_nothing_that_people_read_outlives_its_approval() -> None:
    with pytest.raises(InvalidValue):
        ApprovalSettings(payload_days=91)


# ---- pruning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["denied", "expired", "approved"])
def test_a_tombstone_is_left_ninety_days_after_the_end(keep: Keep, end: str) -> None:
    async def scenario() -> None:
        view = await (approved if end == "approved" else denied)(keep)
        if end == "expired":
            view = await keep.raised(invocation="expired", lifetime_seconds=10)
        await keep.clock.advance(3_600)
        await keep.approvals.sweep()
        ended = await keep.approvals.get(SCOPE, view.id)
        assert ended is not None
        assert ended.ended_at is not None
        over = ended.ended_at + timedelta(days=90)
        if end == "approved":
            over += timedelta(hours=1)  # the grant ended when its time was up
        await keep.let_pass_until(over - timedelta(microseconds=1))
        await keep.approvals.prune()
        assert await keep.approvals.get(SCOPE, view.id) == ended
        await keep.clock.advance(TICK)
        assert (await keep.approvals.prune()).pruned == (address(view),)
        left = {_id(record): record for record in await keep.records()}[view.id]
        assert isinstance(left, Discarded)
        assert (left.was, left.ended_at) == (ApprovalState(end), ended.ended_at)
        assert await keep.cell(view.id, "approval_payload") is None
        assert await keep.grant(view.id) is None
        assert (await keep.kinds())[-1] == "pruned"
        before = await keep.snapshot()
        assert (await keep.rival.prune()).pruned == ()
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_spent_id_stays_spent_after_it_was_pruned_and_a_restart(keep: Keep) -> None:
    """11, 15, 16."""

    async def scenario() -> None:
        view = await denied(keep)
        await keep.clock.advance(90 * DAY)
        assert (await keep.approvals.prune()).pruned == (address(view),)
        async with keep.restarted() as approvals:
            again = await keep.ask(on=approvals, quorum=ONE_OF_TWO)
            assert again == Refused(IdSpent(view.id))
            assert await approvals.get(SCOPE, view.id) is None
            assert await approvals.deny(SCOPE, view.id, by=ADA, decision_id=rid("d1")) == DENIED
            late = await approvals.approve(SCOPE, view.id, by=GRACE, decision_id=rid("d2"))
            assert late == Refused(NotPending(ApprovalState.DISCARDED, None))
            second = await keep.ask(on=approvals, quorum=ONE_OF_TWO, attempt=2)
            assert isinstance(second, ApprovalView)

    keep.run(scenario)


def test_an_approval_is_spared_while_its_grant_is_not_finished(keep: Keep) -> None:
    """34."""

    async def scenario() -> None:
        view = await approved(keep)
        await keep.clock.advance(200 * DAY)
        # Nobody has noted yet that its time is up.
        pruned = await keep.approvals.prune()
        assert (pruned.pruned, pruned.spared) == ((), 1)
        assert await keep.grant(view.id) is not None
        await keep.approvals.sweep()
        assert (await keep.approvals.prune()).spared == 1
        await keep.clock.advance(90 * DAY)
        pruned = await keep.approvals.prune()
        assert (pruned.pruned, pruned.spared) == ((address(view),), 0)
        assert await keep.grant(view.id) is None

    keep.run(scenario)


def test_what_is_spared_hides_nothing_that_is_not(keep: Keep) -> None:
    async def scenario() -> None:
        for number in range(5):
            await approved(keep, f"approved {number}")
        view = await denied(keep, "denied")
        await keep.clock.advance(100 * DAY)
        pruned = await keep.approvals.prune(limit=1)
        assert pruned.pruned == (address(view),)
        assert (await keep.approvals.prune()).spared == 5

    keep.run(scenario)


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(keep: Keep) -> None:
    async def scenario() -> None:
        old = await denied(keep, "old")
        spared = await approved(keep, "spared")
        await keep.clock.advance(85 * DAY)
        younger = await denied(keep, "younger")
        await keep.clock.advance(7 * DAY)
        before = await keep.snapshot()
        told = await keep.approvals.prune(dry_run=True)
        assert set(told.erased) == {address(old), address(spared), address(younger)}
        assert (told.pruned, told.spared) == ((address(old),), 1)
        assert await keep.snapshot() == before
        assert await keep.approvals.prune() == told

    keep.run(scenario)


def test_pruning_is_bounded_and_goes_on(keep: Keep) -> None:
    async def scenario() -> None:
        views = [await denied(keep, f"i{number}") for number in range(5)]
        await keep.clock.advance(90 * DAY)
        first = await keep.approvals.prune(limit=2)
        second = await keep.approvals.prune(limit=500)
        assert (len(first.erased), len(first.pruned)) == (2, 2)
        assert {*first.pruned, *second.pruned} == {address(view) for view in views}
        assert not set(first.pruned) & set(second.pruned)
        assert (await keep.kinds()).count("pruned") == 5

    keep.run(scenario)


def test_two_hosts_that_prune_at_once_prune_everything_once(keep: Keep) -> None:
    """32."""

    async def scenario() -> None:
        for number in range(10):
            await denied(keep, f"i{number}")
        await keep.clock.advance(90 * DAY)
        await asyncio.gather(keep.approvals.prune(), keep.rival.prune())
        kinds = await keep.kinds()
        assert (kinds.count("erased"), kinds.count("pruned")) == (10, 10)

    keep.run(scenario)


def test_damage_is_reported_left_untouched_and_hides_nothing(keep: Keep) -> None:
    """19."""

    async def scenario() -> None:
        torn = await denied(keep, "torn")
        hidden = await denied(keep, "hidden")
        view = await denied(keep, "whole")
        await damage(keep, torn.id)
        await damage(keep, hidden.id, "approval_payload")
        await keep.clock.advance(90 * DAY)
        pruned = await keep.approvals.prune()
        assert (pruned.erased, pruned.pruned) == ((address(view),), (address(view),))
        assert {found.address for found in pruned.unreadable} == {address(torn), address(hidden)}
        for id, collection in ((torn.id, "approval"), (hidden.id, "approval_payload")):
            cell = await keep.cell(id, collection)
            assert cell is not None
            assert cell.entry.body == b"damaged"

    keep.run(scenario)


def test_a_discarded_request_is_never_pruned_again(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        await keep.clock.advance(200 * DAY)
        before = await keep.snapshot()
        pruned = await keep.approvals.prune()
        assert (pruned.erased, pruned.pruned, pruned.spared) == ((), (), 0)
        assert await keep.snapshot() == before

    keep.run(scenario)


def _id(record: Approval | Discarded) -> str:
    return record.id if isinstance(record, Discarded) else record.request.id
