"""A step that needs consent: made unasked where that is allowed, else once a person was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from tests.application.worker.sites import ADA, Host, VirtualSite, thread
from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, TryAgain
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.consent_refusals import (
    ConsentChanged,
    ConsentDenied,
    ConsentWithheld,
)
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.approvals.refusals import InputRefusal, InvalidInput
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import PolicyOutcome
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.effect import Mode
from turnkeep_domain.turns.refusals import CallDeclined
from turnkeep_domain.turns.run_states import RunStatus

MAIL: Final = CapabilityId("mail.send")
SCOUT: Final = Principal.agent("scout")
TELLS: Final = frozenset({Effect.COMMUNICATES})
PERMITTING: Final = Manifest.of(MAIL, standing=True)
MODES: Final = list(Mode)


async def allow(host: Host, id: str = "allow") -> None:
    outcome = await host.keep.policies.allow(
        thread(),
        MAIL,
        grantee=SCOUT,
        kinds=frozenset(ActionKind),
        effects=TELLS,
        by=ADA,
        request_id=RequestId(id),
    )
    assert isinstance(outcome, PolicyOutcome)


async def disable(host: Host) -> None:
    await host.keep.policies.set_override(
        thread(), MAIL, OverrideKind.DISABLED, by=ADA, request_id=RequestId("off")
    )


def consent_of(
    host: Host, *, input: object = "hello"
) -> Callable[[], Awaitable[EffectiveConsent | Refused[InputRefusal]]]:
    return lambda: host.keep.policies.effective_consent(
        thread(),
        invocation=InvocationId("i1"),
        action=Dispatch.of(MAIL),
        effects=TELLS,
        requester=SCOUT,
        input=input,  # type: ignore[arg-type]  # a model may have given anything
        manifest=PERMITTING,
    )


async def approve_what_waits(host: Host, offer: Offer = Offer.ONCE) -> None:
    page = await host.approvals.list_pending(ScopePrefix.owner(thread()))
    (view,) = page.approvals
    await host.approvals.approve(
        view.scope, view.id, by=ADA, decision_id=RequestId("d1"), offer=offer
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_is_allowed_is_made_and_nobody_is_asked(
    virtual: VirtualSite, mode: Mode
) -> None:
    made: list[str] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(key: str) -> str:
                made.append(key)
                return "sent"

            async def handler(ctx: RunContext) -> None:
                assert await ctx.effect("send", send, mode=mode, consent=consent_of(host)) == "sent"

            await allow(host)
            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert len(made) == 1

    virtual.run(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_is_not_allowed_is_not_made_and_its_handler_is_told_the_rule(
    virtual: VirtualSite, mode: Mode
) -> None:
    told: list[object] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(_: str) -> None:
                raise AssertionError("it was not allowed")

            async def handler(ctx: RunContext) -> None:
                try:
                    await ctx.effect("send", send, mode=mode, consent=consent_of(host))
                except CallRefused as refused:
                    told.append((refused.code, refused.reason))

            first = await host.submit(request="r1")
            async with host.worker(handler):
                assert (await host.settled(first)).status is RunStatus.COMPLETED
                await disable(host)
                second = await host.submit(request="r2")
                assert (await host.settled(second)).status is RunStatus.COMPLETED
        assert told == [
            ("consent_withheld", ConsentWithheld(ConsentRule.OTHERWISE)),
            ("consent_denied", ConsentDenied(ConsentRule.DISABLED)),
        ]

    virtual.run(scenario)


@pytest.mark.parametrize("offer", list(Offer))
def test_once_a_person_has_said_yes_the_step_is_made_and_no_replay_makes_it_again(
    virtual: VirtualSite, offer: Offer
) -> None:
    made: list[str] = []
    entered: list[int] = []
    codes: set[str] = set()

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(key: str) -> str:
                made.append(key)
                return "sent"

            async def handler(ctx: RunContext) -> None:
                entered.append(ctx.epoch)
                try:
                    sent = await ctx.effect("send", send, consent=consent_of(host))
                except CallRefused as refused:
                    codes.add(refused.code)
                    grant = await ctx.require_approval(
                        "may it",
                        action=Dispatch.of(MAIL),
                        effects=TELLS,
                        input="hello",
                        reason="because",
                        display="mail",
                        offers=frozenset(Offer),
                    )
                    sent = await ctx.effect("send", send, "hello", grant=grant)
                assert sent == "sent"
                # What is allowed only now was made already, and is not made again.
                await allow(host)
                if len(entered) < 4:
                    raise TryAgain

            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.BLOCKED
                await approve_what_waits(host, offer)
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
        assert codes == {"consent_withheld"}
        assert len(made) == 1
        assert len(entered) == 4

    virtual.run(scenario)


def test_consent_is_not_asked_of_a_step_that_was_made(virtual: VirtualSite) -> None:
    made: list[str] = []
    entered: list[int] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(key: str) -> str:
                made.append(key)
                await disable(host)
                return "sent"

            async def handler(ctx: RunContext) -> None:
                entered.append(ctx.epoch)
                assert await ctx.effect("send", send, consent=consent_of(host)) == "sent"
                if len(entered) == 1:
                    raise TryAgain

            await allow(host)
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
        assert (len(made), len(entered)) == (1, 2)

    virtual.run(scenario)


def test_consent_that_is_withdrawn_once_it_was_given_makes_no_step(virtual: VirtualSite) -> None:
    told: list[object] = []
    made: list[str] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(key: str) -> None:
                made.append(key)

            async def withdrawn() -> EffectiveConsent | Refused[InputRefusal]:
                given = await consent_of(host)()
                await disable(host)
                return given

            async def handler(ctx: RunContext) -> None:
                try:
                    await ctx.effect("send", send, consent=withdrawn)
                except CallRefused as refused:
                    told.append((refused.code, refused.reason))
                await allow(host, "again")
                await ctx.effect("send", send, consent=consent_of(host))
                if len(told) < 3:
                    raise TryAgain

            await allow(host)
            run = await host.submit()
            async with host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
                assert view.status is RunStatus.COMPLETED
        # A replay is told the same, though consent stands by then.
        assert told[0] == ("consent_changed", ConsentChanged(MAIL))
        assert told[1:] == [("consent_changed", CallDeclined("consent_changed"))] * 2
        assert len(made) == 1

    virtual.run(scenario)


def test_input_that_nobody_can_be_asked_about_makes_no_step(virtual: VirtualSite) -> None:
    told: list[object] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def send(_: str) -> None:
                raise AssertionError("it was not allowed")

            async def handler(ctx: RunContext) -> None:
                try:
                    await ctx.effect("send", send, consent=consent_of(host, input=float("nan")))
                except CallRefused as refused:
                    told.append(refused.reason)

            run = await host.submit()
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert len(told) == 1
        assert isinstance(told[0], InvalidInput)

    virtual.run(scenario)
