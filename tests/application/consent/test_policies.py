"""Policies: what users have said of their tools is kept, told, taken back and never invented."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from tests.application.consent.consenting import (
    ADA,
    CLERK,
    DISPATCH,
    ELSEWHERE,
    HOUR,
    MAIL,
    OWNER,
    SCOUT,
    SPAWN,
    TELLS,
    WEB,
    Consenting,
)
from tests.application.worlds import SCOPE, Snapshot, memory, rid
from turnkeep import ApprovalSettings, Keep, Policies, Settings
from turnkeep_application.consent_views import ConsentPage, ToolConsent
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.consent_refusals import TooManyAllows
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.consent_settings import AutoApproval, AutoApproveOutcome
from turnkeep_domain.consent.overrides import Override, OverrideKind
from turnkeep_domain.consent.tool_policy import PolicyOutcome
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Corrupt, Unavailable

NOTHING: Final = PolicyOutcome(override=None, allows=0)
ONE: Final = PolicyOutcome(override=None, allows=1)
ASK: Final = OverrideKind.ASK_EACH_TIME
OFF: Final = OverrideKind.DISABLED

FOREIGN: Final = [
    Scope.of("other", "ada", agent="scout", project="site", mission="m1", thread="t1"),
    Scope.of("acme", "bob", agent="scout", project="site", mission="m1", thread="t1"),
]

Command = Callable[[Policies, Scope, Principal], Awaitable[object]]
COMMANDS: Final[dict[str, Command]] = {
    "allow": lambda policies, scope, by: policies.allow(
        scope,
        MAIL,
        grantee=SCOUT,
        kinds=DISPATCH,
        effects=TELLS,
        by=by,
        request_id=rid("r"),
    ),
    "revoke": lambda policies, scope, by: policies.revoke(scope, MAIL, by=by, request_id=rid("r")),
    "revoke_if_source": lambda policies, scope, by: policies.revoke_if_source(
        scope, MAIL, source=ApprovalId("a"), by=by, request_id=rid("r")
    ),
    "set_override": lambda policies, scope, by: policies.set_override(
        scope, MAIL, ASK, by=by, request_id=rid("r")
    ),
    "clear_override": lambda policies, scope, by: policies.clear_override(
        scope, MAIL, by=by, request_id=rid("r")
    ),
    "set_auto_approve": lambda policies, scope, by: policies.set_auto_approve(
        scope, on=True, by=by, request_id=rid("r")
    ),
}
NARROWING: Final = {"revoke", "revoke_if_source", "clear_override"}


# ---- what is said is kept ---------------------------------------------------------------------


def test_what_was_allowed_is_told_to_every_host_in_any_scope_of_the_user(
    world: Consenting,
) -> None:
    """Law 26 of approvals."""

    async def scenario() -> None:
        assert await world.allows() == ONE
        page = await world.rival.policies.consents(ELSEWHERE)
        (tool,) = page.tools
        assert (tool.capability, tool.override) == (MAIL, None)
        (allow,) = tool.allows
        assert (allow.grantee, allow.kinds, allow.effects) == (SCOUT, DISPATCH, TELLS)
        assert (allow.granted_by, allow.granted_at, allow.source) == (ADA, world.now(), None)
        assert allow.expires_at == world.in_seconds(90 * 24 * HOUR)
        assert await world.kinds() == ["tool_policy.allowed"]

    world.run(scenario)


def test_an_override_ends_every_allow_and_allowing_ends_the_override(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        assert await world.overrides(ASK) == PolicyOutcome(override=ASK, allows=0)
        page = await world.keep.policies.consents(SCOPE)
        asks = Override(kind=ASK, by=ADA, at=world.now())
        assert page.tools == (ToolConsent(capability=MAIL, override=asks, allows=()),)
        assert await world.overrides(OFF, "off") == PolicyOutcome(override=OFF, allows=0)
        assert await world.allows("again") == ONE
        assert await world.kinds() == [
            "tool_policy.allowed",
            "tool_policy.override_set",
            "tool_policy.override_set",
            "tool_policy.allowed",
        ]

    world.run(scenario)


def test_clearing_an_override_brings_no_allow_back(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        await world.overrides(OFF)
        cleared = await world.keep.policies.clear_override(
            SCOPE, MAIL, by=ADA, request_id=rid("clear")
        )
        assert cleared == NOTHING
        assert (await world.keep.policies.consents(SCOPE)).tools == ()
        assert (await world.kinds())[-1] == "tool_policy.override_cleared"

    world.run(scenario)


def test_revoking_removes_both_kinds_at_once_and_can_spare_others(world: Consenting) -> None:
    """Law 25 of approvals."""

    async def scenario() -> None:
        await world.allows("a1")
        await world.allows("a2", kinds=SPAWN)
        await world.allows("a3", grantee=CLERK)
        assert await world.revokes(grantee=SCOUT) == ONE
        (tool,) = (await world.keep.policies.consents(SCOPE)).tools
        assert [allow.grantee for allow in tool.allows] == [CLERK]
        assert await world.revokes("all") == NOTHING
        assert (await world.keep.policies.consents(SCOPE)).tools == ()
        assert (await world.kinds())[3:] == ["tool_policy.disallowed"] * 2

    world.run(scenario)


def test_auto_approval_is_on_until_it_expires(world: Consenting) -> None:
    async def scenario() -> None:
        policies = world.keep.policies
        until = world.in_seconds(HOUR)
        switched = await policies.set_auto_approve(
            SCOPE, on=True, by=ADA, request_id=rid("on"), lifetime_seconds=HOUR
        )
        assert switched == AutoApproveOutcome(expires_at=until)
        on = AutoApproval(by=ADA, at=world.now(), expires_at=until)
        assert (await world.rival.policies.consents(ELSEWHERE)).auto_approve == on
        await world.let_pass_until(until)
        assert (await policies.consents(SCOPE)).auto_approve is None
        assert await world.kinds() == ["consent_settings.auto_approve_set"]

    world.run(scenario)


def test_auto_approval_is_on_for_30_days_unless_told(world: Consenting) -> None:
    async def scenario() -> None:
        await world.switches()
        on = (await world.keep.policies.consents(SCOPE)).auto_approve
        assert on is not None
        assert on.expires_at == world.in_seconds(30 * 24 * HOUR)
        await world.switches("off", on=False)
        assert (await world.keep.policies.consents(SCOPE)).auto_approve is None

    world.run(scenario)


def test_settings_bound_what_stands_where_no_lifetime_is_named() -> None:
    world = Consenting(memory, settings=Settings(approvals=ApprovalSettings(allow_seconds=7)))

    async def scenario() -> None:
        await world.allows()
        await world.let_pass_until(world.in_seconds(7))
        assert (await world.keep.policies.consents(SCOPE)).tools == ()

    world.run(scenario)


# ---- repeats and what is absent ---------------------------------------------------------------


def test_revoking_or_clearing_what_is_absent_creates_nothing(world: Consenting) -> None:
    async def scenario() -> None:
        for name in NARROWING:
            assert await COMMANDS[name](world.keep.policies, SCOPE, ADA) == NOTHING
        await world.switches("off", on=False)
        assert await world.snapshot() == Snapshot((), ())

    world.run(scenario)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in NARROWING])
def test_a_repeat_answers_as_first_and_stores_nothing_whatever_happened_since(
    world: Consenting, name: str
) -> None:
    async def scenario() -> None:
        first = await COMMANDS[name](world.keep.policies, SCOPE, ADA)
        await world.overrides(OFF, "other", on=world.rival)
        await world.switches("other auto", on=False)
        before = await world.snapshot()
        assert await COMMANDS[name](world.rival.policies, SCOPE, ADA) == first
        assert await world.snapshot() == before

    world.run(scenario)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "set_auto_approve"])
def test_a_reused_request_id_is_refused_and_stores_nothing(world: Consenting, name: str) -> None:
    """Law 13 of approvals."""

    async def scenario() -> None:
        await world.allows("r", grantee=CLERK)
        before = await world.snapshot()
        answer = await COMMANDS[name](world.keep.policies, SCOPE, ADA)
        assert answer == Refused(RequestIdReused(rid("r")))
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_repeated_allow_does_not_bring_back_what_was_revoked(world: Consenting) -> None:
    """Law 24 of approvals, for hosts that allow by themselves."""

    async def scenario() -> None:
        await world.allows("r")
        await world.revokes()
        assert await world.allows("r", on=world.rival) == ONE
        assert (await world.keep.policies.consents(SCOPE)).tools == ()

    world.run(scenario)


def test_a_repeated_allow_enables_nothing_within_32_changes_of_the_tool(
    world: Consenting,
) -> None:
    """Law 24 of approvals, as far as `Policies` promises it."""

    async def scenario() -> None:
        await world.allows("r")
        await world.revokes("gone")
        for number in range(30):
            await world.overrides(ASK if number % 2 == 0 else OFF, f"o{number}")
        before = await world.snapshot()
        assert await world.allows("r", on=world.rival) == ONE
        assert await world.snapshot() == before
        (tool,) = (await world.keep.policies.consents(SCOPE)).tools
        assert tool.override is not None
        assert tool.override.kind is OFF
        await world.overrides(ASK, "one more")
        assert await world.allows("r") == ONE
        (tool,) = (await world.keep.policies.consents(SCOPE)).tools
        assert (tool.override, len(tool.allows)) == (None, 1)

    world.run(scenario)


@pytest.mark.parametrize(
    "misfortune",
    ["lose-after", "lose-before", "land-late 1", "land-late 4", "fail-before", "busy", "stale"],
)
def test_a_lost_acknowledgement_leaves_one_allow_and_one_event(
    world: Consenting, misfortune: str
) -> None:
    """Law 42 of approvals, for consent."""

    async def scenario() -> None:
        async with world.suffering(f"commit#1: {misfortune}") as (keep, _):
            assert await world.allows(on=keep) == ONE
        assert await world.allows(on=world.rival) == ONE
        assert await world.kinds() == ["tool_policy.allowed"]

    world.run(scenario)


def test_commands_of_two_hosts_at_once_all_take_effect(world: Consenting) -> None:
    async def scenario() -> None:
        agents = [Principal.agent(f"a{number}") for number in range(8)]
        await asyncio.gather(
            *(
                world.allows(f"r{number}", on=(world.keep, world.rival)[number % 2], grantee=agent)
                for number, agent in enumerate(agents)
            )
        )
        (tool,) = (await world.keep.policies.consents(SCOPE)).tools
        assert {allow.grantee for allow in tool.allows} == set(agents)
        assert await world.kinds() == ["tool_policy.allowed"] * 8

    world.run(scenario)


# ---- limits and other scopes ------------------------------------------------------------------


def test_a_65th_allow_of_a_tool_is_refused_and_those_of_other_tools_are_not_counted(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        for number in range(64):
            await world.allows(f"r{number}", grantee=Principal.agent(f"a{number}"))
        before = await world.snapshot()
        refused = await COMMANDS["allow"](world.keep.policies, SCOPE, ADA)
        assert refused == Refused(TooManyAllows(64))
        assert await world.snapshot() == before
        assert await world.allows("other", capability=WEB) == ONE

    world.run(scenario)


@pytest.mark.parametrize("foreign", FOREIGN, ids=["tenant", "user"])
def test_what_another_user_or_tenant_has_said_is_absent_and_stays_as_it_is(
    world: Consenting, foreign: Scope
) -> None:
    """Law 17 of approvals, for consent."""

    async def scenario() -> None:
        await world.allows()
        await world.switches()
        before = await world.snapshot()
        nothing = ConsentPage(tools=(), auto_approve=None, unreadable=(), next=None)
        assert await world.keep.policies.consents(foreign) == nothing
        for name in NARROWING:
            assert await COMMANDS[name](world.keep.policies, foreign, ADA) == NOTHING
        assert await world.snapshot() == before

    world.run(scenario)


# ---- listing ----------------------------------------------------------------------------------


def test_consents_are_listed_by_tool_page_by_page_without_repeats(world: Consenting) -> None:
    async def scenario() -> None:
        tools = [CapabilityId(f"tool{number}") for number in (3, 1, 4, 0, 2)]
        for tool in tools:
            await world.allows(capability=tool)
        seen: list[str] = []
        after: str | None = None
        while True:
            page = await world.keep.policies.consents(SCOPE, after=after, limit=2)
            assert len(page.tools) <= 2
            seen += [tool.capability for tool in page.tools]
            after = page.next
            if after is None:
                break
        assert seen == sorted(tools)

    world.run(scenario)


def test_one_corrupt_record_does_not_hide_the_others(world: Consenting) -> None:
    """Law 19 of approvals, for consent."""

    async def scenario() -> None:
        await world.allows()
        await world.allows(capability=WEB)
        await world.switches()
        mail = (await world.cell("tool_policy", MAIL)).address
        settings = (await world.cell("consent_settings")).address
        await world.damage(mail)
        await world.damage(settings)
        page = await world.keep.policies.consents(SCOPE)
        assert [tool.capability for tool in page.tools] == [WEB]
        assert [(one.address, one.code) for one in page.unreadable] == [
            (mail, "corrupt"),
            (settings, "corrupt"),
        ]
        assert page.auto_approve is None
        with pytest.raises(Corrupt):
            await world.revokes()

    world.run(scenario)


def test_a_page_of_one_user_does_not_continue_another_one(world: Consenting) -> None:
    async def scenario() -> None:
        for number in range(3):
            await world.allows(capability=CapabilityId(f"tool{number}"))
        page = await world.keep.policies.consents(SCOPE, limit=1)
        assert page.next is not None
        with pytest.raises(InvalidValue, match="after must be the next of a page"):
            await world.keep.policies.consents(FOREIGN[1], after=page.next)

    world.run(scenario)


# ---- what no host should hand over ------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("by", [SCOUT, Principal.extension("plug-in")])
def test_agents_and_extensions_neither_give_nor_withdraw_consent(name: str, by: Principal) -> None:
    assert_refused_unread(lambda keep: COMMANDS[name](keep.policies, SCOPE, by), "by must be a")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of(None, "ada"), "acme"])
def test_a_scope_without_a_user_is_refused(name: str, scope: Scope) -> None:
    assert_refused_unread(lambda keep: COMMANDS[name](keep.policies, scope, ADA), "scope must")


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (
            lambda keep: keep.policies.allow(
                SCOPE,
                MAIL,
                grantee=SCOUT,
                kinds=DISPATCH,
                effects=frozenset({Effect.FINANCIAL}),
                by=ADA,
                request_id=rid("r"),
            ),
            "effects must have none that must be asked each time",
        ),
        (
            lambda keep: keep.policies.allow(
                SCOPE,
                MAIL,
                grantee=SCOUT,
                kinds=DISPATCH,
                effects=TELLS,
                by=ADA,
                request_id=rid("r"),
                lifetime_seconds=366 * 24 * HOUR,
            ),
            "lifetime_seconds must be a whole number from 1 to",
        ),
        (
            lambda keep: keep.policies.revoke(
                SCOPE, MAIL, grantee="scout", by=ADA, request_id=rid("r")
            ),
            "grantee must be a Principal",
        ),
        (
            lambda keep: keep.policies.set_override(
                SCOPE, MAIL, "disabled", by=ADA, request_id=rid("r")
            ),
            "kind must be an OverrideKind",
        ),
        (
            lambda keep: keep.policies.set_auto_approve(
                SCOPE, on=False, by=ADA, request_id=rid("r"), lifetime_seconds=1
            ),
            "lifetime_seconds must be absent where it is switched off",
        ),
        (
            lambda keep: keep.policies.set_auto_approve(
                SCOPE, on=True, by=ADA, request_id=rid("r"), lifetime_seconds=366 * 24 * HOUR
            ),
            "lifetime_seconds must be a whole number from 1 to",
        ),
        (
            lambda keep: keep.policies.revoke(SCOPE, MAIL, by=ADA, request_id=rid("")),
            "request_id must have 1 to 200 bytes",
        ),
        (lambda keep: keep.policies.consents(SCOPE, limit=0), "limit must be a whole number"),
        (lambda keep: keep.policies.consents(SCOPE, limit=201), "limit must be a whole number"),
        (lambda keep: keep.policies.consents(SCOPE, after="x"), "after must be the next"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_read(
    call: Callable[[Keep], Awaitable[object]], complaint: str
) -> None:
    assert_refused_unread(call, complaint)


def test_effects_that_the_host_has_asked_each_time_cannot_be_allowed() -> None:
    settings = Settings(approvals=ApprovalSettings(always_asked=frozenset({Effect.DELETES})))
    world = Consenting(memory, settings=settings)

    async def scenario() -> None:
        with pytest.raises(InvalidValue, match="effects must have none"):
            await world.allows(effects=frozenset({Effect.DELETES}))
        assert await world.allows() == ONE

    world.run(scenario)


def test_a_store_that_does_not_serve_is_told_and_nothing_is_guessed(world: Consenting) -> None:
    async def scenario() -> None:
        await world.switches()
        async with world.suffering("scan#*: fail-before") as (keep, _):
            with pytest.raises(Unavailable):
                await keep.policies.consents(SCOPE)

    world.run(scenario)


def assert_refused_unread(call: Callable[[Keep], Awaitable[object]], complaint: str) -> None:
    world = Consenting(memory)

    async def scenario() -> None:
        async with world.suffering("") as (keep, faulty):
            with pytest.raises(InvalidValue, match=complaint):
                await call(keep)
            assert faulty.calls == ()

    world.run(scenario)


def test_consent_is_stored_for_the_user_alone(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        await world.switches()
        assert {cell.address.scope for cell in await world.cells()} == {OWNER}

    world.run(scenario)
