"""Granting: what one yes allows, on every store, and how it is told what became of that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest

from tests.application.approvals.granting import (
    ACTIVE,
    CONSUMED,
    FINANCIAL,
    INPUT,
    ONE,
    PAY,
    REVOKED,
    TWO,
    Resumer,
    approved,
    disable,
)
from tests.application.approvals.keep import (
    ADA,
    AGENT,
    DENIED,
    DISCARDED,
    GRACE,
    SCOPE,
    TWO_OF_THREE,
    Keep,
    rid,
)
from turnkeep_domain.approvals.calls import Dispatch, Effect, Spawn
from turnkeep_domain.approvals.canonical import JsonText
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    GrantOutcome,
    GrantRevokeCause,
    GrantState,
)
from turnkeep_domain.approvals.grant_refusals import (
    AlreadyDispatching,
    CallForbidden,
    ClaimLost,
    EffectsWidened,
    FingerprintMismatch,
    GrantBusy,
    GrantNotDue,
    GrantRevoked,
    GrantSpent,
    NotApproved,
    NotBegun,
    NotGrantee,
    OutcomeUncertain,
)
from turnkeep_domain.approvals.grant_token import GrantToken
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.approvals.refusals import InvalidInput, Unknown
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Corrupt

DISABLED: Final = Refused(ToolDisabled(CapabilityId("pay")))
EXPIRED: Final = Refused(GrantRevoked(GrantRevokeCause.EXPIRED))
SPENT: Final = Refused(GrantSpent())
LOST: Final = Refused(ClaimLost())


def claimed_until(keep: Keep, seconds: float) -> GrantOutcome:
    return GrantOutcome(state=GrantState.CLAIMED, until=keep.in_seconds(seconds))


def begun_until(keep: Keep, seconds: float) -> GrantOutcome:
    return GrantOutcome(state=GrantState.DISPATCHING, until=keep.in_seconds(seconds))


# ---- a yes and its grant -------------------------------------------------------------------------


def test_the_last_yes_and_its_grant_are_one_commit(keep: Keep) -> None:
    """22."""

    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        assert await keep.approvals.grant(SCOPE, view.id) is None
        await keep.approvals.approve(SCOPE, view.id, by=GRACE, decision_id=rid("d2"))
        grant = await keep.approvals.grant(SCOPE, view.id)
        assert grant is not None
        assert (grant.state, grant.grantee, grant.issued_by) == (GrantState.ACTIVE, AGENT, GRACE)
        assert (grant.action, grant.effects, grant.run) == (PAY, FINANCIAL, None)
        assert grant.expires_at == keep.in_seconds(3_600)
        told = (await keep.stored_events())[-2:]
        assert [event.kind for event in told] == ["approval.approved", "grant.issued"]
        assert told[0].commit_id == told[1].commit_id

    keep.run(scenario)


def test_no_other_end_gives_a_grant(keep: Keep) -> None:
    """I3: denial, expiry and discard yield no authority."""

    async def scenario() -> None:
        denied = await keep.raised(invocation="i1")
        discarded = await keep.raised(invocation="i2")
        expired = await keep.raised(invocation="i3", lifetime_seconds=10)
        pending = await keep.raised(invocation="i4")
        approvals = keep.approvals
        assert await approvals.deny(SCOPE, denied.id, by=ADA, decision_id=rid("d")) == DENIED
        answer = await approvals.discard(SCOPE, discarded.id, by=AGENT, request_id=rid("r"))
        assert answer == DISCARDED
        await keep.clock.advance(10)
        states = {
            denied.id: ("i1", ApprovalState.DENIED),
            discarded.id: ("i2", ApprovalState.DISCARDED),
            expired.id: ("i3", ApprovalState.EXPIRED),
            pending.id: ("i4", ApprovalState.PENDING),
        }
        before = await keep.snapshot()
        for id, (invocation, state) in states.items():
            resumer = Resumer(approvals=approvals, id=id)
            assert await resumer.claim(invocation=invocation) == Refused(NotApproved(state))
            assert await resumer.begin() == Refused(Unknown(id))
            assert await approvals.grant(SCOPE, id) is None
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_one_call_is_claimed_begun_and_consumed(keep: Keep) -> None:
    async def scenario() -> None:
        id = await approved(keep)
        resumer = Resumer(approvals=keep.approvals, id=id)
        assert await resumer.claim() == claimed_until(keep, 60)
        view = await keep.approvals.grant(SCOPE, id)
        assert view is not None
        assert (view.state, view.held_by) == (GrantState.CLAIMED, AGENT)
        await keep.clock.advance(5)
        assert await resumer.begin() == begun_until(keep, 900)
        await keep.clock.advance(5)
        assert await resumer.consume() == CONSUMED
        view = await keep.approvals.grant(SCOPE, id)
        assert view is not None
        assert (view.state, view.ended_at, view.held_by) == (GrantState.CONSUMED, keep.wall(), None)
        assert await keep.kinds("grant") == ["issued", "claimed", "began", "consumed"]
        again = Resumer(approvals=keep.approvals, id=id, token=TWO, name="r2")
        assert [await again.claim(), await again.begin(), await again.revoke()] == [SPENT] * 3

    keep.run(scenario)


# ---- what is presented ---------------------------------------------------------------------------


def test_a_mutated_call_is_refused_and_the_grant_untouched(keep: Keep) -> None:
    """27."""

    async def scenario() -> None:
        id = await approved(keep)
        resumer = Resumer(approvals=keep.approvals, id=id)
        before = await keep.snapshot()
        other = Refused(FingerprintMismatch())
        assert await resumer.claim(input={**INPUT, "amount": 13}) == other
        assert await resumer.claim(input={**INPUT, "amount": 12.0}) == other
        assert await resumer.claim(invocation="i2") == other
        assert await resumer.claim(action=Dispatch.of("pay", {"usd_nano": 6})) == other
        assert await resumer.claim(action=Spawn.of("pay", {"usd_nano": 5})) == other
        assert await resumer.claim(action=Dispatch.of("refund", {"usd_nano": 5})) == other
        wider = FINANCIAL | {Effect.DELETES}
        assert await resumer.claim(effects=wider) == Refused(EffectsWidened(("deletes",)))
        assert await resumer.claim(by=ADA) == Refused(NotGrantee(ADA))
        assert await keep.snapshot() == before
        grant = await keep.grant(id)
        assert grant is not None
        assert grant.phase == ActiveGrant()
        assert await resumer.claim(effects=frozenset()) == claimed_until(keep, 60)

    keep.run(scenario)


def test_the_same_input_in_another_spelling_is_the_same_call(keep: Keep) -> None:
    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        spelt = JsonText(' { "amount" : 12, "to" : "s3cret-input" } ')
        assert await resumer.claim(input=spelt) == claimed_until(keep, 60)

    keep.run(scenario)


def test_what_is_no_input_is_refused_before_anything_is_read(keep: Keep) -> None:
    async def scenario() -> None:
        id = await approved(keep)
        async with keep.suffering("") as (approvals, faulty):
            answer = await Resumer(approvals=approvals, id=id).claim(input=JsonText("{"))
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, InvalidInput)
            assert faulty.calls == ()

    keep.run(scenario)


def test_whatever_the_host_forbids_by_now_is_not_claimed(keep: Keep) -> None:
    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        forbidden = Refused(CallForbidden(CapabilityId("pay")))
        assert await resumer.claim(manifest=Manifest.of("pay", forbids=True)) == forbidden
        assert await resumer.claim(origin=Origin.of("feed", forbids=True)) == forbidden
        with pytest.raises(InvalidValue):
            await resumer.claim(manifest=Manifest.of("refund"))
        assert await resumer.claim(manifest=Manifest.of("pay"), origin=Origin.of("feed"))

    keep.run(scenario)


def test_claim_and_begin_are_refused_once_the_tool_is_disabled(keep: Keep) -> None:
    """28."""

    async def scenario() -> None:
        first = Resumer(approvals=keep.approvals, id=await approved(keep))
        second = Resumer(
            approvals=keep.approvals, id=await approved(keep, invocation="i2"), name="r2"
        )
        await first.claim()
        await disable(keep)
        before = await keep.snapshot()
        assert await first.begin() == DISABLED
        assert await second.claim(invocation="i2") == DISABLED
        assert await keep.snapshot() == before
        assert await first.abort() == ACTIVE

    keep.run(scenario)


def test_a_call_that_was_begun_is_told_of_though_the_tool_is_disabled(keep: Keep) -> None:
    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        await resumer.claim()
        await resumer.begin()
        await disable(keep)
        assert await resumer.extend(1_800) == begun_until(keep, 1_800)
        assert await resumer.consume() == CONSUMED

    keep.run(scenario)


def test_a_claim_fails_where_consent_is_unreadable(keep: Keep) -> None:
    """Section of consent, rule three: damage never means yes."""

    async def scenario() -> None:
        id = await approved(keep)
        await disable(keep)
        async with keep.suffering("load in tool_policy: corrupt") as (approvals, _):
            with pytest.raises(Corrupt):
                await Resumer(approvals=approvals, id=id).claim()

    keep.run(scenario)


# ---- time ----------------------------------------------------------------------------------------


def test_an_expired_grant_is_neither_claimed_nor_begun_before_anybody_has_noted_it(
    keep: Keep,
) -> None:
    """29."""

    async def scenario() -> None:
        first = Resumer(approvals=keep.approvals, id=await approved(keep))
        second = Resumer(
            approvals=keep.approvals, id=await approved(keep, invocation="i2"), name="r2"
        )
        await keep.clock.advance(3_590)
        assert await second.claim(invocation="i2") == claimed_until(keep, 10)
        await keep.clock.advance(10)
        view = await keep.approvals.grant(SCOPE, first.id)
        assert view is not None
        assert (view.state, view.cause) == (GrantState.REVOKED, GrantRevokeCause.EXPIRED)
        assert view.ended_at == view.expires_at
        assert await first.claim() == EXPIRED
        assert await second.begin() == EXPIRED
        kinds = await keep.kinds("grant")
        assert kinds == ["issued", "issued", "claimed", "revoked", "revoked"]
        before = await keep.snapshot()
        assert [await first.claim(), await second.begin()] == [EXPIRED] * 2
        assert await keep.approvals.expire_grant(SCOPE, first.id) == REVOKED
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_expiring_a_grant_notes_once_what_is_due(keep: Keep) -> None:
    async def scenario() -> None:
        id = await approved(keep)
        due = Refused(GrantNotDue(keep.in_seconds(3_600)))
        assert await keep.approvals.expire_grant(SCOPE, id) == due
        await keep.clock.advance(3_600)
        for _ in range(2):
            assert await keep.approvals.expire_grant(SCOPE, id) == REVOKED
        assert await keep.kinds("grant") == ["issued", "revoked"]

    keep.run(scenario)


def test_after_a_takeover_the_old_token_has_lost(keep: Keep) -> None:
    """30."""

    async def scenario() -> None:
        id = await approved(keep)
        first = Resumer(approvals=keep.approvals, id=id)
        second = Resumer(approvals=keep.rival, id=id, token=TWO, name="r2")
        await first.claim()
        until = keep.in_seconds(60)
        assert await second.claim() == Refused(GrantBusy(until))
        await keep.let_pass_until(until)
        assert await first.begin() == LOST
        assert await second.claim(request="again") == claimed_until(keep, 60)
        lost = [
            await first.begin(),
            await first.extend(),
            await first.abort(),
            await first.consume(),
        ]
        assert lost == [LOST] * 4
        await second.begin()
        assert await first.begin(request="again") == LOST

    keep.run(scenario)


def test_consume_counts_however_late(keep: Keep) -> None:
    """31."""

    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        await resumer.claim()
        await resumer.begin()
        await keep.clock.advance(timedelta(days=8).total_seconds())
        assert await resumer.consume() == CONSUMED

    keep.run(scenario)


def test_after_an_abort_the_grant_can_be_claimed(keep: Keep) -> None:
    """31."""

    async def scenario() -> None:
        id = await approved(keep)
        first = Resumer(approvals=keep.approvals, id=id)
        second = Resumer(approvals=keep.rival, id=id, token=TWO, name="r2")
        await first.claim()
        await first.begin()
        assert await first.abort() == ACTIVE
        assert await second.claim() == claimed_until(keep, 60)

    keep.run(scenario)


def test_a_call_that_was_begun_and_not_told_of_is_uncertain_until_it_is_settled(
    keep: Keep,
) -> None:
    """44, 45."""

    async def scenario() -> None:
        id = await approved(keep)
        first = Resumer(approvals=keep.approvals, id=id)
        second = Resumer(approvals=keep.rival, id=id, token=TWO, name="r2")
        await first.claim()
        await first.begin()
        until = keep.in_seconds(900)
        assert await second.claim() == Refused(GrantBusy(until))
        assert await second.settle(happened=False) == Refused(GrantBusy(until))
        await keep.let_pass_until(until)
        assert await second.claim() == Refused(OutcomeUncertain(until))
        assert await second.revoke() == Refused(AlreadyDispatching())
        assert await keep.approvals.expire_grant(SCOPE, id) == Refused(AlreadyDispatching())
        assert await second.settle(happened=False) == ACTIVE
        assert await first.consume() == LOST
        assert await second.claim() == claimed_until(keep, 60)
        assert await first.consume() == LOST

    keep.run(scenario)


def test_what_happened_after_all_is_spent(keep: Keep) -> None:
    async def scenario() -> None:
        id = await approved(keep)
        first = Resumer(approvals=keep.approvals, id=id)
        second = Resumer(approvals=keep.rival, id=id, token=TWO, name="r2")
        await first.claim()
        await first.begin()
        await keep.clock.advance(900)
        for _ in range(2):
            assert await second.settle(happened=True) == CONSUMED
        assert await first.consume() == CONSUMED
        assert await second.claim() == SPENT
        assert await keep.kinds("grant") == ["issued", "claimed", "began", "settled"]

    keep.run(scenario)


def test_nothing_is_told_of_a_call_that_was_not_begun(keep: Keep) -> None:
    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        assert await resumer.settle(happened=True) == Refused(NotBegun())
        assert await resumer.consume() == LOST
        await resumer.claim()
        assert await resumer.consume() == Refused(NotBegun())

    keep.run(scenario)


def test_revoking_ends_what_was_not_begun(keep: Keep) -> None:
    async def scenario() -> None:
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        await resumer.claim()
        for _ in range(2):
            assert await resumer.revoke() == REVOKED
        withdrawn = Refused(GrantRevoked(GrantRevokeCause.WITHDRAWN))
        assert [await resumer.begin(), await resumer.claim(request="new")] == [withdrawn] * 2
        assert await keep.kinds("grant") == ["issued", "claimed", "revoked"]

    keep.run(scenario)


@pytest.mark.parametrize("seconds", [0, -1, 86_401, True])
def test_nobody_holds_a_grant_for_less_than_a_second_or_more_than_a_day(
    keep: Keep, seconds: int
) -> None:
    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            resumer = Resumer(approvals=approvals, id="i")
            for command in (resumer.claim, resumer.begin):
                with pytest.raises(InvalidValue):
                    await command(ttl_seconds=seconds)
            with pytest.raises(InvalidValue):
                await resumer.extend(seconds)
            assert faulty.calls == ()

    keep.run(scenario)


@pytest.mark.parametrize("token", [b"", b"1" * 15, b"1" * 17, "1" * 16, None])
def test_a_token_has_sixteen_bytes_and_is_never_repeated(keep: Keep, token: object) -> None:
    async def scenario() -> None:
        resumer = Resumer(
            approvals=keep.approvals,
            id="i",
            token=token,  # type: ignore[arg-type]  # what no host should hand over
        )
        for command in (
            resumer.claim,
            resumer.begin,
            resumer.extend,
            resumer.abort,
            resumer.consume,
        ):
            with pytest.raises(InvalidValue) as raised:
                await command()
            assert not token or str(token) not in str(raised.value)

    keep.run(scenario)


# ---- who -----------------------------------------------------------------------------------------

_FOREIGN: Final = (
    Scope.of("acme", "grace", agent="scout", project="site", mission="m1", thread="t1"),
    Scope.of("other", "ada", agent="scout", project="site", mission="m1", thread="t1"),
    Scope.of("acme", "ada", agent="clerk", project="site", mission="m1", thread="t1"),
    Scope.of("acme", "ada", agent="scout", project="site", mission="m1"),
)


@pytest.mark.parametrize("scope", _FOREIGN)
def test_a_foreign_grant_is_absent(keep: Keep, scope: Scope) -> None:
    """17."""

    async def scenario() -> None:
        id = await approved(keep)
        before = await keep.snapshot()
        foreign = Resumer(approvals=keep.approvals, id=id, scope=scope)
        commands: tuple[Callable[[], Awaitable[object]], ...] = (
            foreign.claim,
            foreign.begin,
            foreign.extend,
            foreign.abort,
            foreign.consume,
            foreign.revoke,
        )
        assert [await command() for command in commands] == [Refused(Unknown(id))] * 6
        assert await foreign.settle(happened=True) == Refused(Unknown(id))
        assert await keep.approvals.expire_grant(scope, id) == Refused(Unknown(id))
        assert await keep.approvals.grant(scope, id) is None
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_no_event_of_a_grant_has_input_fingerprint_or_token_in_it(keep: Keep) -> None:
    """9."""

    async def scenario() -> None:
        first = Resumer(
            approvals=keep.approvals, id=await approved(keep), token=GrantToken(b"T" * 16)
        )
        await first.claim()
        await first.extend(70)
        await first.begin()
        await first.abort()
        await first.claim(request="second claim")
        await first.begin(request="second begin")
        await keep.clock.advance(900)
        await first.settle(happened=True)
        grant = await keep.grant(first.id)
        assert grant is not None
        digits = grant.fingerprint.removeprefix("sha256:")
        told = [event for event in await keep.stored_events() if event.kind.startswith("grant.")]
        assert len(told) == 8
        for event in told:
            assert digits.encode() not in event.body
            assert b"TTTT" not in event.body
            assert b"s3cret" not in event.body

    keep.run(scenario)


def test_a_grant_of_a_host_lasts_as_that_host_has_set(keep: Keep) -> None:
    async def scenario() -> None:
        keep.set(grant_seconds=30, claim_seconds=5, dispatch_seconds=7)
        resumer = Resumer(approvals=keep.approvals, id=await approved(keep))
        view = await keep.approvals.grant(SCOPE, resumer.id)
        assert view is not None
        assert view.expires_at == keep.in_seconds(30)
        assert await resumer.claim() == claimed_until(keep, 5)
        await keep.clock.advance(1)
        assert await resumer.extend() == claimed_until(keep, 5)
        assert await resumer.begin() == begun_until(keep, 7)
        await keep.clock.advance(1)
        assert await resumer.extend() == begun_until(keep, 7)

    keep.run(scenario)


def test_a_request_that_was_approved_again_is_another_grant(keep: Keep) -> None:
    """The next attempt at a call has an id, and a grant, of its own."""

    async def scenario() -> None:
        id = await approved(keep)
        first = Resumer(approvals=keep.approvals, id=id)
        await first.claim()
        await first.begin()
        await first.consume()
        view = await keep.ask(input=INPUT, attempt=2, quorum=TWO_OF_THREE)
        second = Resumer(approvals=keep.approvals, id=view.id, name="r2", token=ONE)  # type: ignore[attr-defined]  # a view, as asking answers
        for by in (ADA, GRACE):
            await keep.approvals.approve(SCOPE, second.id, by=by, decision_id=rid(by.id))
        assert await second.claim() == claimed_until(keep, 60)
        assert second.id != id

    keep.run(scenario)
