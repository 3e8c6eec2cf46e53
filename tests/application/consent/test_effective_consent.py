"""Effective consent over stored records: what it answers, what it rests on, and its doubts."""

from __future__ import annotations

from typing import Final

import pytest

from tests.application.consent.consenting import (
    ADA,
    CLERK,
    ELSEWHERE,
    HOUR,
    MAIL,
    PERMITTING,
    SCOUT,
    SPAWN,
    TELLS,
    WEB,
    Consenting,
)
from tests.application.worlds import SCOPE, memory
from turnkeep import ApprovalSettings, Settings
from turnkeep_domain.approvals.calls import Dispatch, Effect, Spawn
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.names import InvocationId
from turnkeep_domain.approvals.refusals import InputTooDeep, InvalidInput
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.effective import Weighed
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import ABSENT

WRITES: Final = frozenset({Effect.COMMUNICATES, Effect.WRITES})


def test_each_of_the_ten_rules_is_reached_over_stored_records(world: Consenting) -> None:
    """Law 7 of approvals."""

    async def scenario() -> None:
        seen: list[ConsentRule] = []

        async def ask(**asked: object) -> None:
            seen.append((await world.asked(**asked)).rule)  # type: ignore[arg-type]  # any of its arguments

        await ask()
        await world.switches()
        await ask()
        await world.allows()
        await ask()
        await ask(manifest=Manifest.of(MAIL, exempt=True))
        await world.overrides(OverrideKind.ASK_EACH_TIME)
        await ask()
        await ask(effects=frozenset({Effect.FINANCIAL}))
        granted = await world.raised()
        await world.takes(granted.id, Offer.ONCE)
        await ask()
        await world.overrides(OverrideKind.DISABLED, "off")
        await ask()
        await ask(origin=Origin.of("mail", forbids=True))
        await world.damage((await world.cell("tool_policy")).address)
        await ask()
        assert seen == [
            ConsentRule.OTHERWISE,
            ConsentRule.AUTO_APPROVED,
            ConsentRule.ALLOWED,
            ConsentRule.EXEMPT,
            ConsentRule.ASK_EACH_TIME,
            ConsentRule.HARD_FLOOR,
            ConsentRule.GRANTED,
            ConsentRule.DISABLED,
            ConsentRule.FORBIDDEN,
            ConsentRule.UNREADABLE,
        ]

    world.run(scenario)


def test_an_allow_holds_across_the_threads_and_agents_of_its_user_and_for_nobody_else(
    world: Consenting,
) -> None:
    """Law 26 of approvals."""

    async def scenario() -> None:
        await world.allows()
        allowed, otherwise = ConsentRule.ALLOWED, ConsentRule.OTHERWISE
        assert (await world.asked(scope=ELSEWHERE)).rule is allowed
        assert (await world.asked(invocation="another", input={"to": "eve"})).rule is allowed
        assert (await world.asked(requester=CLERK)).rule is otherwise
        assert (await world.asked(requester=Principal.person("scout"))).rule is otherwise
        assert (await world.asked(action=Spawn.of(MAIL))).rule is otherwise
        assert (await world.asked(effects=WRITES)).rule is otherwise
        assert (await world.asked(scope=Scope.of("acme", "bob"))).rule is otherwise
        assert (await world.asked(scope=Scope.of("other", "ada"))).rule is otherwise
        web = Manifest.of(WEB, standing=True)
        assert (await world.asked(action=Dispatch.of(WEB), manifest=web)).rule is otherwise
        await world.allows("spawn", kinds=SPAWN)
        assert (await world.asked(action=Spawn.of(MAIL))).rule is allowed

    world.run(scenario)


def test_an_allow_ends_at_the_instant_at_which_it_expires_by_the_stores_clock(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        await world.allows(lifetime_seconds=HOUR)
        answer = await world.asked()
        assert answer.until == world.in_seconds(HOUR)
        await world.let_pass_until(world.in_seconds(HOUR))
        assert (await world.asked()).rule is ConsentRule.OTHERWISE

    world.run(scenario)


def test_effects_that_the_host_has_asked_each_time_are_asked_whatever_stands() -> None:
    settings = Settings(approvals=ApprovalSettings(always_asked=frozenset({Effect.WRITES})))
    world = Consenting(memory, settings=settings)

    async def scenario() -> None:
        exempt = Manifest.of(MAIL, exempt=True)
        assert (await world.asked(effects=WRITES, manifest=exempt)).rule is ConsentRule.HARD_FLOOR
        assert (await world.asked(manifest=exempt)).rule is ConsentRule.EXEMPT

    world.run(scenario)


def test_a_grant_serves_its_own_call_grantee_and_attempt_alone(world: Consenting) -> None:
    async def scenario() -> None:
        view = await world.raised(offers=None)
        await world.takes(view.id, Offer.ONCE)
        bare = Manifest.of(MAIL)
        granted, otherwise = ConsentRule.GRANTED, ConsentRule.OTHERWISE
        answer = await world.asked(manifest=bare)
        assert (answer.rule, answer.answer) == (granted, ConsentAnswer.ALLOW)
        assert (await world.asked(manifest=bare, input={"to": "eve"})).rule is otherwise
        assert (await world.asked(manifest=bare, invocation="i2")).rule is otherwise
        assert (await world.asked(manifest=bare, requester=CLERK)).rule is otherwise
        assert (await world.asked(manifest=bare, effects=WRITES)).rule is otherwise
        assert (await world.asked(manifest=bare, scope=ELSEWHERE)).rule is otherwise
        assert (await world.asked(manifest=bare, attempt=2)).rule is otherwise
        assert answer.until is not None
        await world.let_pass_until(answer.until)
        assert (await world.asked(manifest=bare)).rule is otherwise

    world.run(scenario)


@pytest.mark.parametrize("damaged", ["tool_policy", "consent_settings", "grant"])
def test_a_damaged_record_of_consent_makes_it_ask(world: Consenting, damaged: str) -> None:
    async def scenario() -> None:
        view = await world.raised()
        await world.takes(view.id, Offer.ALWAYS)
        await world.switches()
        assert (await world.asked()).rule is ConsentRule.GRANTED
        await world.damage((await world.cell(damaged)).address)
        answer = await world.asked(manifest=Manifest.of(MAIL, exempt=True, standing=True))
        assert (answer.rule, answer.answer) == (ConsentRule.UNREADABLE, ConsentAnswer.ASK)

    world.run(scenario)


def test_what_is_disabled_stays_denied_though_other_records_are_damaged(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        await world.overrides(OverrideKind.DISABLED)
        await world.switches()
        await world.damage((await world.cell("consent_settings")).address)
        assert (await world.asked()).rule is ConsentRule.DISABLED

    world.run(scenario)


def test_a_store_that_does_not_serve_never_means_yes(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        async with world.suffering("load#*: fail-before") as (keep, _):
            with pytest.raises(Unavailable):
                await world.asked(on=keep, manifest=Manifest.of(MAIL, exempt=True))

    world.run(scenario)


def test_a_read_ends_though_the_store_does_not_answer(world: Consenting) -> None:
    async def scenario() -> None:
        async with world.suffering("load#*: stall") as (keep, _):
            with pytest.raises(Unavailable):
                await world.asked(on=keep)

    world.run(scenario)


def test_the_answer_carries_the_revisions_that_it_rests_on(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        answer = await world.asked()
        policy = await world.cell("tool_policy")
        read = {one.key.address.collection: one.revision for one in answer.read}
        assert read == {
            "grant": ABSENT,
            "tool_policy": policy.revision,
            "consent_settings": ABSENT,
        }
        assert answer.at == world.now()
        await world.revokes()
        assert (await world.cell("tool_policy")).revision != policy.revision

    world.run(scenario)


def test_asking_writes_nothing(world: Consenting) -> None:
    async def scenario() -> None:
        await world.allows()
        before = await world.snapshot()
        await world.asked()
        await world.explained()
        assert await world.snapshot() == before

    world.run(scenario)


def test_an_explanation_tells_of_each_rule_who_set_it_when_and_from_which_approval(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        source = await world.always_taken("earlier")
        await world.switches()
        told = await world.explained()
        assert (told.rule, told.answer) == (ConsentRule.ALLOWED, ConsentAnswer.ALLOW)
        assert [one.rule for one in told.rules] == list(ConsentRule)
        assert [one.rule for one in told.rules if one.met] == [
            ConsentRule.ALLOWED,
            ConsentRule.AUTO_APPROVED,
            ConsentRule.OTHERWISE,
        ]
        now = world.now()
        assert told.rules[7] == Weighed(
            rule=ConsentRule.ALLOWED,
            met=True,
            by=ADA,
            at=now,
            expires_at=world.in_seconds(90 * 24 * HOUR),
            source=source,
        )
        assert told.rules[8] == Weighed(
            rule=ConsentRule.AUTO_APPROVED,
            met=True,
            by=ADA,
            at=now,
            expires_at=world.in_seconds(30 * 24 * HOUR),
        )

    world.run(scenario)


def test_an_explanation_is_made_of_what_is_asked_and_not_of_the_input(world: Consenting) -> None:
    """Law 9 of approvals, for consent."""

    async def scenario() -> None:
        await world.allows()
        answer = await world.asked(input={"to": "s3cret"})
        told = await world.explained()
        for text in (repr(answer), repr(told), repr(await world.events())):
            assert "s3cret" not in text
            assert "sha256:" not in text

    world.run(scenario)


def test_input_that_is_no_json_is_refused_as_a_value(world: Consenting) -> None:
    async def scenario() -> None:
        deep: object = []
        for _ in range(65):
            deep = [deep]
        for input, refusal in ((float("nan"), InvalidInput), (deep, InputTooDeep)):
            answer = await world.keep.policies.effective_consent(
                SCOPE,
                invocation=InvocationId("i1"),
                action=Dispatch.of(MAIL),
                effects=TELLS,
                requester=SCOUT,
                input=input,  # type: ignore[arg-type]  # a model may have given anything
                manifest=PERMITTING,
            )
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, refusal)

    world.run(scenario)


def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    world = Consenting(memory)

    async def scenario() -> None:
        async with world.suffering("") as (keep, faulty):
            for wrong in (
                {"manifest": Manifest.of(WEB)},
                {"attempt": 0},
                {"requester": "scout"},
                {"effects": [Effect.READS]},
                {"origin": "mail"},
                {"scope": Scope.of("acme", None)},
                {"action": "mail.send"},
            ):
                with pytest.raises(InvalidValue):
                    await world.asked(on=keep, **wrong)
            assert faulty.calls == ()

    world.run(scenario)


def test_what_was_answered_stands_until_something_that_it_rests_on_changes_or_expires(
    world: Consenting,
) -> None:
    async def scenario() -> None:
        await world.allows(lifetime_seconds=HOUR)
        answer = await world.asked()
        stands = (await world.keep.policies.reading.moment(answer.keys)).records
        assert answer.stands(stands, world.now())
        assert not answer.stands(stands, world.in_seconds(HOUR))
        await world.allows("again", lifetime_seconds=2 * HOUR)
        changed = (await world.keep.policies.reading.moment(answer.keys)).records
        assert not answer.stands(changed, world.now())

    world.run(scenario)
