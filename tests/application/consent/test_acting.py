"""Acting on consent: a step is begun on exactly what its consent rested on, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.application.consent.consenting import (
    ADA,
    MAIL,
    Consenting,
)
from tests.application.worlds import SCOPE, rid
from turnkeep import Keep
from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.turns.views import RunView
from turnkeep_domain.approvals.consent_refusals import ConsentChanged
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Claim, Token
from turnkeep_domain.turns.effect import Intended
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.errors import Corrupt

SEND = EffectId("send", 0)
EXEMPT = Manifest.of(MAIL, exempt=True)


async def running(world: Consenting, *, scope: Scope = SCOPE) -> Claim:
    """A run of the scope that a worker holds."""
    view = await world.keep.turns.submit(scope, actor=ADA, request_id=rid("turn"), payload=b"do it")
    assert isinstance(view, RunView)
    found = await world.keep.turns.claim(
        holder="worker-1", token=Token(b"t" * 16), classes=tuple(TurnClass), count=1
    )
    (claimed,) = found.granted
    return claimed.claim


async def intend(keep: Keep, claim: Claim, consent: EffectiveConsent | None) -> object:
    return await keep.turns.intend(claim, SEND, arguments=digest_of("send"), consent=consent)


async def allowed(world: Consenting, *, lifetime_seconds: int | None = None) -> EffectiveConsent:
    await world.allows(lifetime_seconds=lifetime_seconds)
    answer = await world.asked()
    assert answer.rule is ConsentRule.ALLOWED
    return answer


WITHDRAWN: dict[str, Callable[[Consenting], Awaitable[object]]] = {
    "revoked": lambda world: world.revokes(on=world.rival),
    "disabled": lambda world: world.overrides(OverrideKind.DISABLED, on=world.rival),
    "asks": lambda world: world.overrides(OverrideKind.ASK_EACH_TIME, on=world.rival),
}


def test_a_step_is_begun_while_what_its_consent_rests_on_stands(world: Consenting) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        assert isinstance(await intend(world.keep, claim, consent), Intended)

    world.run(scenario)


@pytest.mark.parametrize("how", WITHDRAWN)
def test_consent_that_was_withdrawn_since_begins_nothing(world: Consenting, how: str) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        await WITHDRAWN[how](world)
        assert await intend(world.keep, claim, consent) == Refused(ConsentChanged(MAIL))
        assert await world.keep.turns.journal(claim.run) == ()

    world.run(scenario)


@pytest.mark.parametrize("how", WITHDRAWN)
def test_consent_that_is_withdrawn_between_read_and_write_wins(world: Consenting, how: str) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        async with world.suffering("commit#1: hold begin") as (keep, faulty):
            beginning = asyncio.create_task(intend(keep, claim, consent))
            await faulty.reached("begin")
            await WITHDRAWN[how](world)
            faulty.release("begin")
            assert await beginning == Refused(ConsentChanged(MAIL))

    world.run(scenario)


def test_auto_approval_that_is_switched_off_between_read_and_write_wins(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        await world.switches()
        consent = await world.asked()
        assert consent.rule is ConsentRule.AUTO_APPROVED
        async with world.suffering("commit#1: hold begin") as (keep, faulty):
            beginning = asyncio.create_task(intend(keep, claim, consent))
            await faulty.reached("begin")
            await world.switches("off", on=False)
            faulty.release("begin")
            assert await beginning == Refused(ConsentChanged(MAIL))

    world.run(scenario)


def test_a_tool_that_is_disabled_between_read_and_write_is_not_used_though_it_is_exempt(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await world.asked(manifest=EXEMPT)
        assert consent.rule is ConsentRule.EXEMPT
        async with world.suffering("commit#1: hold begin") as (keep, faulty):
            beginning = asyncio.create_task(intend(keep, claim, consent))
            await faulty.reached("begin")
            await world.overrides(OverrideKind.DISABLED, on=world.rival)
            faulty.release("begin")
            assert await beginning == Refused(ConsentChanged(MAIL))

    world.run(scenario)


@pytest.mark.parametrize("held", [False, True], ids=["before the read", "before the write"])
def test_consent_that_has_expired_meanwhile_begins_nothing(
    world: Consenting, *, held: bool
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world, lifetime_seconds=10)
        until = world.in_seconds(10)
        async with world.suffering("commit#1: hold begin" if held else "") as (keep, faulty):
            if not held:
                await world.let_pass_until(until)
            beginning = asyncio.create_task(intend(keep, claim, consent))
            if held:
                await faulty.reached("begin")
                await world.let_pass_until(until)
                faulty.release("begin")
            assert await beginning == Refused(ConsentChanged(MAIL))

    world.run(scenario)


def test_a_step_that_was_begun_is_answered_though_its_consent_was_withdrawn_since(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        first = await intend(world.keep, claim, consent)
        await world.revokes()
        assert await intend(world.keep, claim, consent) == first

    world.run(scenario)


@pytest.mark.parametrize("misfortune", ["lose-after", "land-late 1", "busy", "stale"])
def test_a_lost_acknowledgement_begins_the_step_once(world: Consenting, misfortune: str) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        async with world.suffering(f"commit#1: {misfortune}") as (keep, _):
            assert isinstance(await intend(keep, claim, consent), Intended)

    world.run(scenario)


def test_a_policy_that_has_become_unreadable_begins_nothing(world: Consenting) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        await world.damage((await world.cell("tool_policy")).address)
        with pytest.raises(Corrupt):
            await intend(world.keep, claim, consent)

    world.run(scenario)


def test_a_lost_claim_is_told_before_changed_consent(world: Consenting) -> None:
    async def scenario() -> None:
        claim = await running(world)
        consent = await allowed(world)
        await world.revokes()
        await world.keep.turns.complete(claim)
        answer = await intend(world.keep, claim, consent)
        assert isinstance(answer, Refused)
        assert not isinstance(answer.reason, ConsentChanged)

    world.run(scenario)


def test_consent_that_asks_or_is_a_grants_or_another_users_begins_nothing(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        with pytest.raises(InvalidValue, match="consent must allow"):
            await intend(world.keep, claim, await world.asked())
        view = await world.raised()
        await world.takes(view.id, Offer.ONCE)
        granted = await world.asked()
        assert granted.rule is ConsentRule.GRANTED
        with pytest.raises(InvalidValue, match="consent must allow"):
            await intend(world.keep, claim, granted)
        foreign = await world.asked(scope=Scope.of("acme", "bob"), manifest=EXEMPT)
        with pytest.raises(InvalidValue, match="consent must be that of the run's user"):
            await intend(world.keep, claim, foreign)

    world.run(scenario)


def test_a_step_that_needs_no_consent_is_begun_whatever_is_said_of_its_tool(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        claim = await running(world)
        await world.overrides(OverrideKind.DISABLED)
        assert isinstance(await intend(world.keep, claim, None), Intended)

    world.run(scenario)
