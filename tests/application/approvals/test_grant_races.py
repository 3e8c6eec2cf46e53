"""Races for a grant: of two who want it, one has it; of a yes and what forbids it, one wins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import pytest

from tests.application.approvals.granting import (
    ACTIVE,
    CONSUMED,
    OLGA,
    ONE,
    REVOKED,
    TWO,
    Resumer,
    approved,
    disable,
)
from tests.application.approvals.keep import (
    ADA,
    AGENT,
    APPROVED,
    DISCARDED,
    GRACE,
    ONE_OF_TWO,
    SCOPE,
    Keep,
    rid,
)
from turnkeep_application.approvals import Approvals
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.grant_phases import GrantOutcome, GrantRevokeCause, GrantState
from turnkeep_domain.approvals.grant_refusals import (
    AlreadyDispatching,
    ClaimLost,
    GrantBusy,
    GrantRevoked,
    GrantSpent,
    NotApproved,
    OutcomeUncertain,
)
from turnkeep_domain.approvals.grant_token import GrantToken
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import NotPending
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_ports.errors import OutcomeUnknown

DISABLED: Final = Refused(ToolDisabled(CapabilityId("pay")))


def test_a_discard_inside_an_approve_leaves_no_grant(keep: Keep) -> None:
    """36."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering("commit#1: hold approve") as (approvals, faulty):
            approving = asyncio.create_task(
                approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            )
            await faulty.reached("approve")
            answer = await keep.rival.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
            assert answer == DISCARDED
            faulty.release("approve")
            assert await approving == Refused(NotPending(ApprovalState.DISCARDED, None))
        assert await keep.grant(id) is None
        assert await keep.kinds("grant") == []
        claim = await Resumer(approvals=keep.approvals, id=id).claim()
        assert claim == Refused(NotApproved(ApprovalState.DISCARDED))

    keep.run(scenario)


def test_an_approve_inside_a_discard_stands_with_its_grant(keep: Keep) -> None:
    """35."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering("commit#1: hold discard") as (approvals, faulty):
            discarding = asyncio.create_task(
                approvals.discard(SCOPE, id, by=AGENT, request_id=rid("r1"))
            )
            await faulty.reached("discard")
            answer = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
            assert answer == APPROVED
            faulty.release("discard")
            lost = await discarding
            assert isinstance(lost, Refused)
            assert isinstance(lost.reason, NotPending)
            assert lost.reason.state is ApprovalState.APPROVED
        grant = await keep.approvals.grant(SCOPE, id)
        assert grant is not None
        assert grant.state is GrantState.ACTIVE

    keep.run(scenario)


@pytest.mark.parametrize("script", ["", "load#*: delay 3\ncommit#*: delay 3"])
def test_sixteen_votes_at_once_give_one_grant_at_most(keep: Keep, script: str) -> None:
    """37."""

    async def scenario() -> None:
        voters = [Principal.person(f"p{number}") for number in range(16)]
        id = (await keep.raised(quorum=Quorum.of(2, *voters))).id
        async with keep.suffering(script) as (suffering, _):
            hosts = [suffering, keep.approvals, keep.rival]
            answers = await asyncio.gather(
                *(
                    (host.deny if number in (3, 11) else host.approve)(
                        SCOPE, id, by=voter, decision_id=rid(f"d{number}")
                    )
                    for number, voter in enumerate(voters)
                    for host in (hosts[number % 3],)
                )
            )
        view = await keep.approvals.get(SCOPE, id)
        assert view is not None
        granted = view.state is ApprovalState.APPROVED
        assert await keep.kinds("grant") == ["issued"] * granted
        assert (await keep.grant(id) is not None) is granted
        won = [answer for answer in answers if isinstance(answer, ApprovalOutcome)]
        assert sum(outcome.state.final for outcome in won) == 1

    keep.run(scenario)


@pytest.mark.parametrize("at", ["load", "commit"])
def test_of_two_resumers_one_makes_the_call_and_the_other_harms_nothing(
    keep: Keep, at: str
) -> None:
    """39."""

    async def scenario() -> None:
        id = await approved(keep)
        made: list[str] = []

        async def resume(approvals: Approvals, token: GrantToken, name: str) -> object:
            resumer = Resumer(approvals=approvals, id=id, token=token, name=name)
            for command in (resumer.claim, resumer.begin):
                answer: object = await command()
                if isinstance(answer, Refused):
                    return answer
            made.append(name)
            return await resumer.consume()

        async with keep.suffering(f"{at}#1: hold first") as (approvals, faulty):
            first = asyncio.create_task(resume(approvals, ONE, "r1"))
            await faulty.reached("first")
            assert await resume(keep.rival, TWO, "r2") == CONSUMED
            faulty.release("first")
            assert isinstance(await first, Refused)
        assert made == ["r2"]
        assert await keep.kinds("grant") == ["issued", "claimed", "began", "consumed"]

    keep.run(scenario)


def test_two_resumers_side_by_side_make_one_call(keep: Keep) -> None:
    """39."""

    async def scenario() -> None:
        id = await approved(keep)
        resumers = [
            Resumer(approvals=host, id=id, token=token, name=name)
            for host, token, name in ((keep.approvals, ONE, "r1"), (keep.rival, TWO, "r2"))
        ]
        answers = await asyncio.gather(*(resumer.claim() for resumer in resumers))
        assert sum(isinstance(answer, GrantOutcome) for answer in answers) == 1
        (refused,) = (answer for answer in answers if isinstance(answer, Refused))
        assert isinstance(refused.reason, GrantBusy)

    keep.run(scenario)


@pytest.mark.parametrize("command", ["claim", "begin"])
def test_disabling_between_read_and_write_wins(keep: Keep, command: str) -> None:
    """40."""

    async def scenario() -> None:
        id = await approved(keep)
        if command == "begin":
            await Resumer(approvals=keep.approvals, id=id).claim()
        async with keep.suffering("commit#1: hold slow") as (approvals, faulty):
            resumer = Resumer(approvals=approvals, id=id)
            going: Callable[[], Awaitable[object]] = getattr(resumer, command)
            task = asyncio.ensure_future(going())
            await faulty.reached("slow")
            await disable(keep)
            faulty.release("slow")
            assert await task == DISABLED
        assert "began" not in await keep.kinds("grant")

    keep.run(scenario)


@pytest.mark.parametrize("first", ["revoke", "begin"])
def test_of_revoke_and_begin_exactly_one_wins(keep: Keep, first: str) -> None:
    """41."""

    async def scenario() -> None:
        id = await approved(keep)
        here = Resumer(approvals=keep.approvals, id=id)
        await here.claim()
        async with keep.suffering("commit#1: hold slow") as (approvals, faulty):
            held = Resumer(approvals=approvals, id=id)
            slow = asyncio.ensure_future(held.begin() if first == "revoke" else held.revoke())
            await faulty.reached("slow")
            quick = await (here.revoke() if first == "revoke" else here.begin())
            faulty.release("slow")
            late = await slow
        assert isinstance(quick, GrantOutcome)
        expected = (
            GrantRevoked(GrantRevokeCause.WITHDRAWN) if first == "revoke" else AlreadyDispatching()
        )
        assert late == Refused(expected)
        assert (await keep.kinds("grant"))[2:] == ["revoked" if first == "revoke" else "began"]

    keep.run(scenario)


_FATES: Final = ("lose-after", "lose-before", "land-late 1", "fail-before", "busy", "stale")
_COMMANDS: Final = ("claim", "begin", "consume", "abort", "revoke")


@pytest.mark.parametrize("fate", _FATES)
@pytest.mark.parametrize("command", _COMMANDS)
def test_a_lost_acknowledgement_leaves_one_change_and_one_event(
    keep: Keep, command: str, fate: str
) -> None:
    """42."""

    async def scenario() -> None:
        id = await approved(keep)
        here = Resumer(approvals=keep.approvals, id=id)
        if command in ("begin", "consume", "abort"):
            await here.claim()
        if command in ("consume", "abort"):
            await here.begin()
        before = await keep.kinds("grant")
        async with keep.suffering(f"commit#1: {fate}") as (approvals, _):
            there = Resumer(approvals=approvals, id=id)
            going: Callable[[], Awaitable[object]] = getattr(there, command)
            try:
                answer = await going()
            except OutcomeUnknown:
                answer = await going()
        assert isinstance(answer, GrantOutcome)
        again: Callable[[], Awaitable[object]] = getattr(here, command)
        assert await again() == answer
        assert len(await keep.kinds("grant")) == len(before) + 1

    keep.run(scenario)


@pytest.mark.parametrize("fate", _FATES)
def test_a_lost_acknowledgement_of_the_last_yes_leaves_one_grant(keep: Keep, fate: str) -> None:
    """42."""

    async def scenario() -> None:
        id = (await keep.raised(quorum=ONE_OF_TWO)).id
        async with keep.suffering(f"commit#1: {fate}") as (approvals, _):
            answer = await approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert answer == APPROVED
        again = await keep.rival.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        assert again == APPROVED
        assert await keep.kinds("grant") == ["issued"]

    keep.run(scenario)


def test_what_a_killed_host_had_claimed_is_taken_over_at_the_deadline(keep: Keep) -> None:
    """43."""

    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering("commit#2: lose-before") as (approvals, _):
            dying = Resumer(approvals=approvals, id=id)
            claimed = await dying.claim()
            begin = asyncio.ensure_future(dying.begin())
            await asyncio.sleep(0)
            begin.cancel()
            await asyncio.wait([begin])
        assert isinstance(claimed, GrantOutcome)
        assert claimed.until is not None
        async with keep.restarted() as restarted:
            other = Resumer(approvals=restarted, id=id, token=TWO, name="r2")
            assert await other.claim() == Refused(GrantBusy(claimed.until))
            await keep.let_pass_until(claimed.until)
            assert isinstance(await other.claim(), GrantOutcome)
            assert isinstance(await other.begin(), GrantOutcome)
            assert await other.consume() == CONSUMED

    keep.run(scenario)


def test_what_a_killed_host_had_begun_is_never_run_again_unsettled(keep: Keep) -> None:
    """44. The process that was started anew mints another request id, and is told."""

    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering("") as (approvals, _):
            dying = Resumer(approvals=approvals, id=id)
            await dying.claim()
            begun = await dying.begin()
        assert isinstance(begun, GrantOutcome)
        assert begun.until is not None
        async with keep.restarted() as restarted:
            same = Resumer(approvals=restarted, id=id)
            assert await same.begin(request="anew") == Refused(AlreadyDispatching())
            other = Resumer(approvals=restarted, id=id, token=TWO, name="r2")
            assert await other.begin() == Refused(ClaimLost())
            await keep.let_pass_until(begun.until)
            uncertain = Refused(OutcomeUncertain(begun.until))
            assert [await other.claim(), await same.claim(request="anew")] == [uncertain] * 2
            assert await same.begin(request="anew") == Refused(AlreadyDispatching())
            await keep.clock.advance(7 * 86_400)
            assert await other.claim() == uncertain

    keep.run(scenario)


@pytest.mark.parametrize("fate", ["lose-after", "land-late 1"])
@pytest.mark.parametrize("ended", [False, True])
def test_one_yes_has_one_effect_though_whoever_was_cut_off_repeats_its_begin(
    keep: Keep,
    fate: str,
    ended: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """39, 42, 45. An operator found that nothing had happened, and another made the call."""

    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering(f"commit#2: {fate}") as (approvals, _):
            cut_off = Resumer(approvals=approvals, id=id)
            await cut_off.claim()
            with suppress(OutcomeUnknown):
                await cut_off.begin()
        again = Resumer(approvals=keep.rival, id=id)
        begun = await again.begin()
        assert isinstance(begun, GrantOutcome)
        assert begun.until is not None
        await keep.let_pass_until(begun.until)
        assert await again.begin() == Refused(AlreadyDispatching())
        assert await again.settle(happened=False) == ACTIVE
        assert await again.begin() == Refused(ClaimLost())
        other = Resumer(approvals=keep.approvals, id=id, token=TWO, name="r2")
        assert isinstance(await other.claim(), GrantOutcome)
        assert await again.begin() == Refused(ClaimLost())
        assert isinstance(await other.begin(), GrantOutcome)
        if ended:
            assert await other.consume() == CONSUMED
        lost = Refused(GrantSpent() if ended else ClaimLost())
        assert [await again.begin(), await again.consume()] == [lost] * 2
        assert (await keep.kinds("grant")).count("began") == 2

    keep.run(scenario)


def test_what_was_taken_back_is_not_begun_by_a_repeat(keep: Keep) -> None:
    """42."""

    async def scenario() -> None:
        id = await approved(keep)
        here = Resumer(approvals=keep.approvals, id=id)
        await here.claim()
        begun = await here.begin()
        assert isinstance(begun, GrantOutcome)
        assert begun.until is not None
        await disable(keep)
        assert await here.begin() == begun
        await keep.let_pass_until(begun.until)
        await here.settle(happened=False)
        assert await here.revoke() == REVOKED
        withdrawn = Refused(GrantRevoked(GrantRevokeCause.WITHDRAWN))
        assert await here.begin() == withdrawn
        assert await here.claim() == DISABLED

    keep.run(scenario)


def test_a_claim_that_lands_late_does_not_outlive_the_grant(keep: Keep) -> None:
    """29. The store judges the deadline inside the write."""

    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering("commit#1: hold late") as (approvals, faulty):
            claiming = asyncio.ensure_future(Resumer(approvals=approvals, id=id).claim())
            await faulty.reached("late")
            keep.wall.step(3_600)
            faulty.release("late")
            assert await claiming == Refused(GrantRevoked(GrantRevokeCause.EXPIRED))
        assert await keep.kinds("grant") == ["issued", "revoked"]

    keep.run(scenario)


def test_a_begin_that_lands_late_does_not_outlive_its_claim(keep: Keep) -> None:
    """30."""

    async def scenario() -> None:
        id = await approved(keep)
        here = Resumer(approvals=keep.approvals, id=id)
        await here.claim()
        async with keep.suffering("commit#1: hold late") as (approvals, faulty):
            beginning = asyncio.ensure_future(Resumer(approvals=approvals, id=id).begin())
            await faulty.reached("late")
            keep.wall.step(60)
            faulty.release("late")
            assert await beginning == Refused(ClaimLost())
        assert await keep.kinds("grant") == ["issued", "claimed"]

    keep.run(scenario)


def test_the_sweep_of_a_grant_and_its_claim_at_the_deadline_have_one_outcome(keep: Keep) -> None:
    """49, of grants."""

    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering("commit#1: hold claim") as (approvals, faulty):
            claiming = asyncio.ensure_future(Resumer(approvals=approvals, id=id).claim())
            await faulty.reached("claim")
            keep.wall.step(3_600)
            assert await keep.rival.expire_grant(SCOPE, id) == REVOKED
            faulty.release("claim")
            assert await claiming == Refused(GrantRevoked(GrantRevokeCause.EXPIRED))
        assert await keep.kinds("grant") == ["issued", "revoked"]

    keep.run(scenario)


def test_replaying_a_ruling_restores_nothing_that_was_taken_back(keep: Keep) -> None:
    """I9."""

    async def scenario() -> None:
        id = await approved(keep)
        await keep.approvals.revoke_grant(SCOPE, id, by=OLGA, request_id=rid("r"))
        again = await keep.approvals.approve(SCOPE, id, by=GRACE, decision_id=rid("d-grace"))
        assert again == APPROVED
        view = await keep.approvals.grant(SCOPE, id)
        assert view is not None
        assert view.state is GrantState.REVOKED

    keep.run(scenario)
