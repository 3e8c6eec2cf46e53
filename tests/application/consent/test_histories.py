"""Histories of consent: every store tells the same, and a model in plain values foretells it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypeAlias

import pytest
from attrs import define, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.consent.consenting import (
    ADA,
    CLERK,
    MAIL,
    SCOUT,
    TELLS,
    Consenting,
)
from tests.application.worlds import CODEC, SCOPE, STORES, rid
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.names import InvocationId
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.consent_settings import CONSENT_SETTINGS
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal

Verb: TypeAlias = Literal[
    "allow",
    "always",
    "once",
    "revoke",
    "revoke all",
    "ask",
    "disable",
    "clear",
    "on",
    "off",
    "pass",
]
VERBS: Final[tuple[Verb, ...]] = (
    "allow",
    "allow",
    "always",
    "always",
    "once",
    "revoke",
    "revoke all",
    "ask",
    "disable",
    "clear",
    "on",
    "off",
    "pass",
)
SECONDS: Final = 10
"""How long everything stands."""
PASSING: Final = 4
DECLARED: Final = Manifest.of(MAIL, standing=True, auto_approvable=True)


@frozen
class Step:
    """One use case, of one of two agents."""

    verb: Verb
    agent: Principal


STEPS = st.lists(
    st.builds(Step, st.sampled_from(VERBS), st.sampled_from([SCOUT, CLERK])), max_size=14
)


@define
class Model:
    """What must stand: who is allowed until when, the override, and auto-approval until when."""

    now: int = 0
    allowed: dict[Principal, int] = field(factory=dict)
    override: OverrideKind | None = None
    auto: int = 0

    def follow(self, step: Step) -> None:
        until = self.now + SECONDS
        match step.verb:
            case "allow":
                self._allow(step.agent, until)
            case "always" if self.override is not OverrideKind.DISABLED:
                self._allow(step.agent, until)
            case "ask":
                self._set(OverrideKind.ASK_EACH_TIME)
            case "disable":
                self._set(OverrideKind.DISABLED)
            case "on" | "off":
                self.auto = until if step.verb == "on" else 0
            case "pass":
                self.now += PASSING
            case _:
                self._withdraw(step)

    def _withdraw(self, step: Step) -> None:
        match step.verb:
            case "revoke":
                self.allowed.pop(step.agent, None)
            case "revoke all":
                self.allowed.clear()
            case "clear":
                self.override = None
            case _:
                pass

    def _allow(self, agent: Principal, until: int) -> None:
        self.override = None
        self.allowed[agent] = until

    def _set(self, kind: OverrideKind) -> None:
        self.override = kind
        self.allowed.clear()

    def rule(self, agent: Principal) -> ConsentRule:
        """What consent must say to a call that nobody was asked about."""
        if self.override is OverrideKind.DISABLED:
            return ConsentRule.DISABLED
        if self.override is OverrideKind.ASK_EACH_TIME:
            return ConsentRule.ASK_EACH_TIME
        if self.now < self.allowed.get(agent, 0):
            return ConsentRule.ALLOWED
        return ConsentRule.AUTO_APPROVED if self.now < self.auto else ConsentRule.OTHERWISE


@frozen
class Told:
    """What a history was answered, and what it has left behind."""

    answers: tuple[object, ...]
    rules: tuple[ConsentRule, ...]
    records: tuple[object, ...]
    events: tuple[Event, ...]
    at: datetime


async def done(world: Consenting, step: Step, number: int) -> object:
    policies, id = world.keep.policies, rid(f"r{number}")
    match step.verb:
        case "allow":
            return await policies.allow(
                SCOPE,
                MAIL,
                grantee=step.agent,
                kinds=frozenset({ActionKind.DISPATCH}),
                effects=TELLS,
                by=ADA,
                request_id=id,
                lifetime_seconds=SECONDS,
            )
        case "always" | "once":
            offer = Offer.ALWAYS if step.verb == "always" else Offer.ONCE
            view = await world.raised(f"i{number}", requester=step.agent)
            return await world.takes(view.id, offer, f"d{number}")
        case "revoke" | "revoke all":
            grantee = step.agent if step.verb == "revoke" else None
            return await policies.revoke(SCOPE, MAIL, grantee=grantee, by=ADA, request_id=id)
        case "ask" | "disable":
            kind = OverrideKind.ASK_EACH_TIME if step.verb == "ask" else OverrideKind.DISABLED
            return await policies.set_override(SCOPE, MAIL, kind, by=ADA, request_id=id)
        case "clear":
            return await policies.clear_override(SCOPE, MAIL, by=ADA, request_id=id)
        case "on" | "off":
            seconds = SECONDS if step.verb == "on" else None
            return await policies.set_auto_approve(
                SCOPE, on=step.verb == "on", by=ADA, request_id=id, lifetime_seconds=seconds
            )
        case "pass":
            await world.clock.advance(PASSING)
            return None


async def rules(world: Consenting) -> tuple[ConsentRule, ...]:
    asked = [
        await world.asked(requester=agent, invocation=InvocationId("unasked"), manifest=DECLARED)
        for agent in (SCOUT, CLERK)
    ]
    return tuple(answer.rule for answer in asked)


def told_on(store: str, steps: list[Step]) -> Told:
    """What a history leads to on one store; after each step, consent says what the model says."""
    world, model = Consenting.lasting(STORES[store], SECONDS), Model()
    told: list[Told] = []

    async def scenario() -> None:
        answers: list[object] = []
        seen: list[ConsentRule] = []
        for number, step in enumerate(steps):
            answers.append(await done(world, step, number))
            model.follow(step)
            expected = (model.rule(SCOUT), model.rule(CLERK))
            found = await rules(world)
            assert found == expected, (number, step)
            seen += found
        records = [
            CODEC.decode(of, cell.address, cell.entry.body)
            for cell in await world.cells()
            for of in (TOOL_POLICIES, CONSENT_SETTINGS)
            if cell.address.collection == of.name
        ]
        told.append(
            Told(
                tuple(answers),
                tuple(seen),
                tuple(records),
                tuple(await world.events()),
                world.now(),
            )
        )

    world.run(scenario)
    return told[0]


@settings(max_examples=40)
@given(STEPS)
def test_one_history_gives_the_foretold_consent_and_equal_records_and_events_on_all_stores(
    steps: list[Step],
) -> None:
    """Law 50 of approvals, for consent."""
    reference, *others = [told_on(store, steps) for store in STORES]
    for other in others:
        assert other == reference


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=25)
@given(STEPS)
def test_every_change_of_consent_has_one_event_and_every_repeat_none(
    store: str, steps: list[Step]
) -> None:
    """Law 32 of approvals, for consent."""
    world = Consenting.lasting(STORES[store], SECONDS)

    async def scenario() -> None:
        for number, step in enumerate(steps):
            if step.verb in ("always", "once", "pass"):
                await done(world, step, number)
                continue
            before = await world.snapshot()
            await done(world, step, number)
            after = await world.snapshot()
            changed = [cell.address for cell in after.cells if cell not in before.cells]
            told = after.events[len(before.events) :]
            assert [event.address for event in told] == changed
            # Repeated, one that changed something answers from its mark, and others are judged
            # anew to the same end.
            await done(world, step, number)
            assert await world.snapshot() == after

    world.run(scenario)
