"""Taking always: one yes that also allows what comes after, in one commit or not at all."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.consent.consenting import (
    ADA,
    APPROVED,
    BOTH,
    DISPATCH,
    ELSEWHERE,
    GRACE,
    HOUR,
    MAIL,
    SCOUT,
    TELLS,
    Consenting,
)
from tests.application.worlds import SCOPE, Snapshot, memory, rid
from turnkeep import ApprovalSettings, Settings
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.consent_refusals import ToolDisabled, TooManyAllows
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import AlwaysAllowUnsupported, NotPending
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.events import ToolAllowed
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_ports.errors import Corrupt

DISCARDED = ApprovalOutcome.of(ApprovalState.DISCARDED)
STORED = ["approval.raised", "approval.approved", "tool_policy.allowed", "grant.issued"]
COMMIT_FAULTS = [
    "lose-after",
    "lose-before",
    "land-late 1",
    "land-late 4",
    "fail-before",
    "busy",
    "stale",
]


async def stored_after(world: Consenting) -> set[str]:
    return {cell.address.collection for cell in await world.cells()}


def test_always_allows_the_requesters_further_calls_that_do_no_more(world: Consenting) -> None:
    async def scenario() -> None:
        id = await world.always_taken()
        policy = await world.policy()
        assert policy is not None
        (allow,) = policy.allows
        assert (allow.grantee, allow.kinds, allow.effects) == (SCOUT, DISPATCH, TELLS)
        assert (allow.granted_by, allow.granted_at, allow.source) == (ADA, world.now(), id)
        assert allow.expires_at == world.in_seconds(90 * 24 * HOUR)
        assert (await world.asked(scope=ELSEWHERE, invocation="i9")).rule is ConsentRule.ALLOWED
        costly = frozenset({Effect.COMMUNICATES, Effect.WRITES})
        assert (await world.asked(effects=costly, invocation="i9")).rule is ConsentRule.OTHERWISE

    world.run(scenario)


def test_once_allows_nothing_further(world: Consenting) -> None:
    async def scenario() -> None:
        view = await world.raised()
        assert await world.takes(view.id, Offer.ONCE) == APPROVED
        assert await world.policy() is None
        assert (await world.asked(invocation="i9")).rule is ConsentRule.OTHERWISE

    world.run(scenario)


def test_ruling_grant_and_allow_are_told_once_each_in_order(world: Consenting) -> None:
    """Law 22 of approvals."""

    async def scenario() -> None:
        id = await world.always_taken()
        assert sorted(await world.kinds()) == sorted(STORED)
        (allowed,) = [event for event in await world.events() if isinstance(event, ToolAllowed)]
        assert (allowed.by, allowed.grantee, allowed.source) == (ADA, SCOUT, id)
        assert allowed.request_id == "d i1"

    world.run(scenario)


@pytest.mark.parametrize("misfortune", COMMIT_FAULTS)
def test_a_lost_acknowledgement_leaves_ruling_grant_and_allow_single(
    world: Consenting, misfortune: str
) -> None:
    """Law 42 of approvals, for always."""

    async def scenario() -> None:
        view = await world.raised()
        async with world.suffering(f"commit#1: {misfortune}") as (keep, _):
            answer = await keep.approvals.approve(
                SCOPE, view.id, by=ADA, decision_id=rid("d1"), offer=Offer.ALWAYS
            )
        assert answer == APPROVED
        assert await world.takes(view.id, Offer.ALWAYS) == APPROVED
        assert sorted(await world.kinds()) == sorted(STORED)
        policy = await world.policy()
        assert policy is not None
        assert len(policy.allows) == 1

    world.run(scenario)


def test_a_cancelled_always_is_stored_whole_or_not_at_all(world: Consenting) -> None:
    """Laws 22 and 48 of approvals, for always."""

    async def scenario() -> None:
        for number, hold in enumerate(("hold", "hold-after")):
            view = await world.raised(f"i{number}")
            before = await world.snapshot()
            async with world.suffering(f"commit#1: {hold} here") as (keep, faulty):
                taking = asyncio.create_task(
                    keep.approvals.approve(
                        SCOPE, view.id, by=ADA, decision_id=rid(f"d{number}"), offer=Offer.ALWAYS
                    )
                )
                await faulty.reached("here")
                taking.cancel()
                faulty.release("here")
                with pytest.raises(asyncio.CancelledError):
                    await taking
            kinds = (await world.kinds())[len(before.events) :]
            policy = await world.policy()
            allowed = {} if policy is None else {allow.source for allow in policy.allows}
            stored = {"approval.approved", "grant.issued", "tool_policy.allowed"}
            assert set(kinds) in (set(), stored)
            assert (view.id in allowed) is bool(kinds)

    world.run(scenario)


# ---- overrides --------------------------------------------------------------------------------


def test_always_ends_that_the_tool_asks_each_time(world: Consenting) -> None:
    """Law 23 of approvals."""

    async def scenario() -> None:
        await world.overrides(OverrideKind.ASK_EACH_TIME)
        assert (await world.asked()).rule is ConsentRule.ASK_EACH_TIME
        view = await world.raised(cause=ConsentRule.ASK_EACH_TIME)
        assert view.cause is ConsentRule.ASK_EACH_TIME
        assert await world.takes(view.id, Offer.ALWAYS) == APPROVED
        assert (await world.asked(invocation="i9")).rule is ConsentRule.ALLOWED

    world.run(scenario)


def test_always_is_refused_on_what_is_disabled_and_once_is_not(world: Consenting) -> None:
    """Law 23 of approvals."""

    async def scenario() -> None:
        view = await world.raised()
        await world.overrides(OverrideKind.DISABLED)
        before = await world.snapshot()
        assert await world.takes(view.id, Offer.ALWAYS) == Refused(ToolDisabled(MAIL))
        assert await world.snapshot() == before
        assert await world.takes(view.id, Offer.ONCE, "d2") == APPROVED

    world.run(scenario)


@pytest.mark.parametrize("kind", list(OverrideKind))
def test_an_override_between_read_and_write_is_what_always_is_decided_on(
    world: Consenting, kind: OverrideKind
) -> None:
    """Law 40 of approvals, for always: disabled, it is refused; else the override is cleared."""

    async def scenario() -> None:
        view = await world.raised()
        async with world.suffering("commit#1: hold take") as (keep, faulty):
            taking = asyncio.create_task(
                keep.approvals.approve(
                    SCOPE, view.id, by=ADA, decision_id=rid("d1"), offer=Offer.ALWAYS
                )
            )
            await faulty.reached("take")
            await world.overrides(kind, on=world.rival)
            faulty.release("take")
            answer = await taking
        policy = await world.policy()
        assert policy is not None
        if kind is OverrideKind.DISABLED:
            assert answer == Refused(ToolDisabled(MAIL))
            assert policy.is_disabled
            assert "grant" not in await stored_after(world)
            return
        assert answer == APPROVED
        assert policy.override is None
        assert len(policy.allows) == 1

    world.run(scenario)


# ---- after it was withdrawn -------------------------------------------------------------------


def test_a_repeated_approve_after_a_revoke_does_not_restore_the_allow(world: Consenting) -> None:
    """Law 24 of approvals."""

    async def scenario() -> None:
        view = await world.raised()
        assert await world.takes(view.id, Offer.ALWAYS) == APPROVED
        await world.revokes()
        before = await world.snapshot()
        assert await world.takes(view.id, Offer.ALWAYS) == APPROVED
        assert await world.takes(view.id, Offer.ALWAYS, "another id") == APPROVED
        assert await world.snapshot() == before
        assert (await world.asked(invocation="i9")).rule is ConsentRule.OTHERWISE

    world.run(scenario)


def test_revoking_by_source_spares_newer_consent(world: Consenting) -> None:
    """Law 25 of approvals."""

    async def scenario() -> None:
        first = await world.always_taken("i1")
        second = await world.always_taken("i2")

        async def revoke(source: ApprovalId, id: str) -> object:
            return await world.keep.policies.revoke_if_source(
                SCOPE, MAIL, source=source, by=ADA, request_id=rid(id)
            )

        before = await world.snapshot()
        await revoke(first, "r1")
        assert await world.snapshot() == before
        assert (await world.asked(invocation="i9")).rule is ConsentRule.ALLOWED
        await revoke(second, "r2")
        assert (await world.asked(invocation="i9")).rule is ConsentRule.OTHERWISE

    world.run(scenario)


def test_a_discard_between_read_and_write_leaves_no_allow(world: Consenting) -> None:
    """Law 36 of approvals."""

    async def scenario() -> None:
        view = await world.raised()
        async with world.suffering("commit#1: hold take") as (keep, faulty):
            taking = asyncio.create_task(
                keep.approvals.approve(
                    SCOPE, view.id, by=ADA, decision_id=rid("d1"), offer=Offer.ALWAYS
                )
            )
            await faulty.reached("take")
            discarded = await world.rival.approvals.discard(
                SCOPE, view.id, by=SCOUT, request_id=rid("r1")
            )
            assert discarded == DISCARDED
            faulty.release("take")
            assert await taking == Refused(NotPending(ApprovalState.DISCARDED, None))
        assert await stored_after(world) == {"approval"}
        assert await world.policy() is None

    world.run(scenario)


def test_a_revoke_between_read_and_write_is_followed_by_the_allow_that_was_given_after(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        await world.allows(grantee=Principal.agent("other"))
        view = await world.raised()
        async with world.suffering("commit#1: hold take") as (keep, faulty):
            taking = asyncio.create_task(
                keep.approvals.approve(
                    SCOPE, view.id, by=ADA, decision_id=rid("d1"), offer=Offer.ALWAYS
                )
            )
            await faulty.reached("take")
            await world.revokes(on=world.rival)
            faulty.release("take")
            assert await taking == APPROVED
        policy = await world.policy()
        assert policy is not None
        assert [allow.grantee for allow in policy.allows] == [SCOUT]

    world.run(scenario)


# ---- what is offered --------------------------------------------------------------------------


@pytest.mark.parametrize("by", [ADA, GRACE])
def test_always_is_refused_where_it_is_not_offered_to_the_decider(
    world: Consenting, by: Principal
) -> None:
    async def scenario() -> None:
        offers = frozenset({Offer.ONCE}) if by == ADA else BOTH
        view = await world.raised(offers=offers, quorum=Quorum.of(1, ADA, GRACE))
        before = await world.snapshot()
        answer = await world.takes(view.id, Offer.ALWAYS, by=by)
        assert answer == Refused(AlwaysAllowUnsupported(view.id))
        assert await world.snapshot() == before
        assert await world.takes(view.id, Offer.ONCE, "d2", by=by) == APPROVED

    world.run(scenario)


def test_what_has_ended_is_told_before_what_is_not_offered(world: Consenting) -> None:
    """Law 10 of approvals."""

    async def scenario() -> None:
        view = await world.raised(offers=None)
        await world.let_pass_until(view.expires_at)
        answer = await world.takes(view.id, Offer.ALWAYS)
        assert answer == Refused(NotPending(ApprovalState.EXPIRED, None))

    world.run(scenario)


def test_nothing_but_this_call_is_offered_unless_the_raiser_says_so(world: Consenting) -> None:
    async def scenario() -> None:
        assert (await world.raised(offers=None)).offers == {Offer.ONCE}
        assert (await world.raised("i2")).offers == BOTH

    world.run(scenario)


def test_a_tool_that_has_64_allows_takes_no_always(world: Consenting) -> None:
    async def scenario() -> None:
        for number in range(64):
            await world.allows(f"r{number}", grantee=Principal.agent(f"a{number}"))
        view = await world.raised()
        before = await world.snapshot()
        assert await world.takes(view.id, Offer.ALWAYS) == Refused(TooManyAllows(64))
        assert await world.snapshot() == before

    world.run(scenario)


def test_always_fails_where_the_policy_is_damaged_and_once_does_not(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        view = await world.raised()
        await world.damage((await world.cell("tool_policy")).address)
        before = await world.snapshot()
        with pytest.raises(Corrupt):
            await world.takes(view.id, Offer.ALWAYS)
        assert await world.snapshot() == before
        assert await world.takes(view.id, Offer.ONCE) == APPROVED

    world.run(scenario)


def test_always_cannot_be_offered_for_what_the_host_has_asked_each_time() -> None:
    settings = Settings(approvals=ApprovalSettings(always_asked=frozenset({Effect.WRITES})))
    world = Consenting(memory, settings=settings)

    async def scenario() -> None:
        writes = frozenset({Effect.WRITES})
        with pytest.raises(InvalidValue, match="offers must not have always"):
            await world.raised(effects=writes)
        assert (await world.raised(effects=writes, offers=None)).offers == {Offer.ONCE}
        assert (await world.raised("i2")).offers == BOTH

    world.run(scenario)


def test_always_stands_for_as_long_as_the_settings_say() -> None:
    world = Consenting(memory, settings=Settings(approvals=ApprovalSettings(allow_seconds=7)))

    async def scenario() -> None:
        await world.always_taken()
        assert (await world.asked(invocation="i9")).until == world.in_seconds(7)
        await world.let_pass_until(world.in_seconds(7))
        assert (await world.asked(invocation="i9")).rule is ConsentRule.OTHERWISE

    world.run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"offers": [Offer.ONCE]},
        {"offers": frozenset({"always"})},
        {"offers": frozenset({Offer.ALWAYS})},
        {"cause": "otherwise"},
        {"cause": ConsentRule.ALLOWED},
    ],
    ids=str,
)
def test_wrong_offers_and_causes_are_refused_before_anything_is_stored(
    wrong: dict[str, object],
) -> None:
    world = Consenting(memory)

    async def scenario() -> None:
        with pytest.raises(InvalidValue, match=r"offers|cause"):
            await world.raised(**wrong)  # type: ignore[arg-type]  # that is the point
        assert await world.snapshot() == Snapshot((), ())

    world.run(scenario)


def test_a_wrong_offer_is_refused_before_anything_is_read() -> None:
    world = Consenting(memory)

    async def scenario() -> None:
        async with world.suffering("") as (keep, faulty):
            with pytest.raises(InvalidValue, match="offer must be an Offer"):
                await keep.approvals.approve(
                    SCOPE,
                    "i",
                    by=ADA,
                    decision_id=rid("d"),
                    offer="always",  # type: ignore[arg-type]  # that is the point
                )
            assert faulty.calls == ()

    world.run(scenario)
