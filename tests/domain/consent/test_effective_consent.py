"""Effective consent: the first of ten rules whose condition is met answers, in every combination.

What is expected is computed from how each case is described, never from what is built of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Final

import pytest
from attrs import evolve, frozen, validators

from tests.domain.consent.samples import (
    ADA,
    CLERK,
    DISPATCH,
    FIRST,
    HOUR,
    MAIL,
    NOW,
    OPS,
    SCOUT,
    SECOND,
    SOON,
    SPAWN,
    TELLS,
    TELLS_AND_WRITES,
    allowance,
    allowing,
    auto_approving,
    later,
    unsaid,
)
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.effective import (
    Intent,
    LiveGrant,
    Standing,
    Weighed,
    effective_consent,
    forbids,
    weighed_rules,
)
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import ORDINARY, Origin
from turnkeep_domain.consent.overrides import Override, OverrideKind
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.errors import InvalidValue

NOTHING: Final = Standing(grant=None, policy=None, settings=None, unreadable=False)
ALLOWS_ALL: Final = Manifest.of(MAIL, exempt=True, standing=True, auto_approvable=True)

FORBIDDEN: Final = ("nobody", "origin", "manifest")
OVERRIDES: Final = (None, OverrideKind.ASK_EACH_TIME, OverrideKind.DISABLED)
GRANTS: Final = ("none", "covers", "too narrow", "expired")
FLOORS: Final = ("none", "financial", "approvals", "budgets", "host", "origin", "manifest")
ALLOWS: Final = ("none", "covers", "expired", "other grantee", "other kind", "too narrow")
AUTO: Final = ("unset", "on", "expired")
FLOOR_EFFECTS: Final = {
    "financial": Effect.FINANCIAL,
    "approvals": Effect.CHANGES_APPROVALS,
    "budgets": Effect.CHANGES_BUDGETS,
    "host": Effect.DELETES,
}


@frozen(kw_only=True)
class Case:
    """One combination, as it is described."""

    forbidden: str
    override: OverrideKind | None
    unreadable: bool
    grant: str
    floor: str
    allow: str
    auto: str
    manifest: bool
    exempt: bool
    standing: bool
    eligible: bool

    def expected(self) -> ConsentRule:
        conditions = {
            ConsentRule.FORBIDDEN: self.forbidden != "nobody",
            ConsentRule.DISABLED: self.override is OverrideKind.DISABLED,
            ConsentRule.UNREADABLE: self.unreadable,
            ConsentRule.GRANTED: self.grant == "covers",
            ConsentRule.HARD_FLOOR: self.floor != "none",
            ConsentRule.ASK_EACH_TIME: self.override is OverrideKind.ASK_EACH_TIME,
            ConsentRule.EXEMPT: self.manifest and self.exempt,
            ConsentRule.ALLOWED: self.manifest and self.standing and self.allow == "covers",
            ConsentRule.AUTO_APPROVED: self.manifest and self.eligible and self.auto == "on",
        }
        return next((rule for rule, met in conditions.items() if met), ConsentRule.OTHERWISE)


def cases() -> Iterator[Case]:
    for manifest, exempt, standing, eligible in product((True, False), repeat=4):
        if not manifest and (exempt or standing or eligible):
            continue
        for forbidden, override, unreadable, grant, floor, allow, auto in product(
            FORBIDDEN, OVERRIDES, (True, False), GRANTS, FLOORS, ALLOWS, AUTO
        ):
            if not manifest and "manifest" in (forbidden, floor):
                continue
            yield Case(
                forbidden=forbidden,
                override=override,
                unreadable=unreadable,
                grant=grant,
                floor=floor,
                allow=allow,
                auto=auto,
                manifest=manifest,
                exempt=exempt,
                standing=standing,
                eligible=eligible,
            )


def built_policies() -> dict[tuple[OverrideKind | None, str], ToolPolicy]:
    """Also those with both an override and an allow, which no command leads to."""
    given = {
        "covers": allowance(effects=frozenset(Effect)),
        "expired": allowance(effects=frozenset(Effect), lifetime_seconds=1),
        "other grantee": allowance(effects=frozenset(Effect), grantee=CLERK),
        "other kind": allowance(effects=frozenset(Effect), kinds=SPAWN),
        "too narrow": allowance(effects=frozenset()),
    }
    built: dict[tuple[OverrideKind | None, str], ToolPolicy] = {}
    for kind, allow in product(OVERRIDES, ALLOWS):
        policy = unsaid() if allow == "none" else allowing(given[allow])
        override = None if kind is None else Override(kind=kind, by=ADA, at=NOW)
        with validators.disabled():
            built[kind, allow] = evolve(policy, override=override)
    return built


POLICIES: Final = built_policies()
SETTINGS: Final[dict[str, ConsentSettings | None]] = {
    "unset": None,
    "on": auto_approving(HOUR),
    "expired": auto_approving(1),
}
AT: Final = later(1)
"""When what was given for a second has just expired."""


def grant(*, effects: frozenset[Effect], seconds: int) -> LiveGrant:
    return LiveGrant(
        id=FIRST,
        effects=effects,
        issued_by=ADA,
        issued_at=NOW,
        expires_at=NOW + timedelta(seconds=seconds),
    )


GRANTED: Final[dict[str, LiveGrant | None]] = {
    "none": None,
    "covers": grant(effects=frozenset(Effect), seconds=HOUR),
    "too narrow": grant(effects=frozenset(), seconds=HOUR),
    "expired": grant(effects=frozenset(Effect), seconds=1),
}


def build(case: Case) -> tuple[Intent, Standing]:
    manifest = Manifest.of(
        MAIL,
        forbids=case.forbidden == "manifest",
        always_asks=case.floor == "manifest",
        exempt=case.exempt,
        standing=case.standing,
        auto_approvable=case.eligible,
    )
    extra = {FLOOR_EFFECTS[case.floor]} if case.floor in FLOOR_EFFECTS else set()
    intent = Intent(
        action=Dispatch.of(MAIL),
        requester=SCOUT,
        effects=TELLS | extra,
        manifest=manifest if case.manifest else None,
        origin=Origin.of(
            "web", forbids=case.forbidden == "origin", always_asks=case.floor == "origin"
        ),
        always_asked=frozenset({Effect.DELETES}),
    )
    standing = Standing(
        grant=GRANTED[case.grant],
        policy=POLICIES[case.override, case.allow],
        settings=SETTINGS[case.auto],
        unreadable=case.unreadable,
    )
    return intent, standing


def intent(
    *,
    effects: frozenset[Effect] = TELLS,
    manifest: Manifest | None = ALLOWS_ALL,
    origin: Origin = ORDINARY,
) -> Intent:
    return Intent(
        action=Dispatch.of(MAIL),
        requester=SCOUT,
        effects=effects,
        manifest=manifest,
        origin=origin,
        always_asked=frozenset(),
    )


def weigh(rule: ConsentRule, intent: Intent, standing: Standing) -> Weighed:
    (weighed,) = (one for one in weighed_rules(intent, standing, now=NOW) if one.rule is rule)
    return weighed


def test_the_first_of_the_ten_rules_that_is_met_answers_in_every_combination() -> None:
    """Law 7 of approvals."""
    seen = set()
    for case in cases():
        wanted, standing = build(case)
        rule = effective_consent(wanted, standing, now=AT).rule
        assert rule is case.expected(), case
        seen.add(rule)
    assert seen == set(ConsentRule)


def test_each_rule_answers_as_the_table_says() -> None:
    allow, ask, deny = ConsentAnswer.ALLOW, ConsentAnswer.ASK, ConsentAnswer.DENY
    answers = [deny, deny, ask, allow, ask, ask, allow, allow, allow, ask]
    assert [rule.answer for rule in ConsentRule] == answers


def test_an_explanation_weighs_all_ten_rules_in_order_and_its_first_met_one_answers() -> None:
    for case in list(cases())[::97]:
        wanted, standing = build(case)
        weighed = weighed_rules(wanted, standing, now=AT)
        assert [one.rule for one in weighed] == list(ConsentRule)
        assert next(one.rule for one in weighed if one.met) is case.expected()


def test_a_tool_without_a_manifest_is_asked_about_whatever_was_allowed() -> None:
    standing = evolve(NOTHING, policy=allowing(allowance()), settings=auto_approving())
    assert effective_consent(intent(manifest=None), standing, now=NOW).rule is ConsentRule.OTHERWISE


@pytest.mark.parametrize("settings", [None, auto_approving(HOUR)], ids=["unset", "expired"])
def test_auto_approval_is_off_when_it_is_unset_or_has_expired(
    settings: ConsentSettings | None,
) -> None:
    """Law 8 of approvals."""
    eligible = intent(manifest=Manifest.of(MAIL, auto_approvable=True))
    standing = evolve(NOTHING, settings=settings)
    assert effective_consent(eligible, standing, now=SOON).rule is ConsentRule.OTHERWISE


def test_auto_approval_is_on_until_the_instant_at_which_it_expires() -> None:
    eligible = intent(manifest=Manifest.of(MAIL, auto_approvable=True))
    standing = evolve(NOTHING, settings=auto_approving(HOUR))
    just_before = SOON - timedelta(microseconds=1)
    assert effective_consent(eligible, standing, now=just_before).rule is ConsentRule.AUTO_APPROVED


@pytest.mark.parametrize("effect", list(Effect))
def test_stored_consent_never_satisfies_the_hard_floor(effect: Effect) -> None:
    """I6 of approvals."""
    everything = allowing(allowance(effects=frozenset(Effect), kinds=frozenset(ActionKind)))
    standing = evolve(NOTHING, policy=everything, settings=auto_approving())
    call = intent(effects=frozenset({effect}))
    rule = effective_consent(call, standing, now=NOW).rule
    floor = {Effect.FINANCIAL, Effect.CHANGES_APPROVALS, Effect.CHANGES_BUDGETS}
    assert rule is (ConsentRule.HARD_FLOOR if effect in floor else ConsentRule.EXEMPT)


def test_a_grant_serves_what_must_be_asked_each_time_for_somebody_was_asked() -> None:
    standing = evolve(NOTHING, grant=grant(effects=frozenset(Effect), seconds=HOUR))
    costly = intent(effects=frozenset({Effect.FINANCIAL}))
    assert effective_consent(costly, standing, now=NOW).rule is ConsentRule.GRANTED


def test_what_is_disabled_is_denied_though_a_grant_stands() -> None:
    disabled = POLICIES[OverrideKind.DISABLED, "none"]
    granted = grant(effects=frozenset(Effect), seconds=HOUR)
    standing = evolve(NOTHING, policy=disabled, grant=granted)
    assert effective_consent(intent(), standing, now=NOW).rule is ConsentRule.DISABLED


def test_an_explanation_tells_who_set_what_when_until_when_and_from_which_approval() -> None:
    policy = allowing(allowance(source=SECOND))
    standing = Standing(
        grant=grant(effects=TELLS, seconds=7),
        policy=policy,
        settings=auto_approving(),
        unreadable=False,
    )
    assert weigh(ConsentRule.GRANTED, intent(), standing) == Weighed(
        rule=ConsentRule.GRANTED, met=True, by=ADA, at=NOW, expires_at=later(7), source=FIRST
    )
    assert weigh(ConsentRule.ALLOWED, intent(), standing) == Weighed(
        rule=ConsentRule.ALLOWED, met=True, by=ADA, at=NOW, expires_at=SOON, source=SECOND
    )
    assert weigh(ConsentRule.AUTO_APPROVED, intent(), standing) == Weighed(
        rule=ConsentRule.AUTO_APPROVED, met=True, by=ADA, at=NOW, expires_at=SOON
    )


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (ConsentRule.DISABLED, OverrideKind.DISABLED),
        (ConsentRule.ASK_EACH_TIME, OverrideKind.ASK_EACH_TIME),
    ],
)
def test_an_explanation_tells_who_set_an_override(rule: ConsentRule, kind: OverrideKind) -> None:
    policy = evolve(unsaid(), override=Override(kind=kind, by=OPS, at=NOW))
    weighed = weigh(rule, intent(), evolve(NOTHING, policy=policy))
    assert weighed == Weighed(rule=rule, met=True, by=OPS, at=NOW)


def test_an_explanation_tells_of_what_stands_and_does_not_count() -> None:
    standing = Standing(
        grant=grant(effects=TELLS, seconds=HOUR),
        policy=allowing(allowance(effects=TELLS_AND_WRITES)),
        settings=auto_approving(),
        unreadable=False,
    )
    undeclared = intent(effects=TELLS_AND_WRITES, manifest=None)
    told = [
        weigh(rule, undeclared, standing)
        for rule in (ConsentRule.GRANTED, ConsentRule.ALLOWED, ConsentRule.AUTO_APPROVED)
    ]
    assert [(one.met, one.by) for one in told] == [(False, ADA)] * 3


@pytest.mark.parametrize(
    ("manifest", "origin", "expected"),
    [
        (None, None, False),
        (ALLOWS_ALL, ORDINARY, False),
        (Manifest.of(MAIL, forbids=True), None, True),
        (None, Origin.of("mail", forbids=True), True),
        (None, Origin.of("mail", always_asks=True), False),
    ],
)
def test_origin_or_manifest_may_forbid(
    manifest: Manifest | None, origin: Origin | None, *, expected: bool
) -> None:
    assert forbids(manifest, origin) is expected


def test_a_manifest_of_another_tool_is_refused() -> None:
    with pytest.raises(InvalidValue, match="manifest must be that of the capability"):
        intent(manifest=Manifest.of("disk.wipe"))


def test_the_kinds_that_an_allow_names_are_those_of_fingerprints() -> None:
    assert {ActionKind.of(Dispatch.of(MAIL))} == DISPATCH
    assert [kind.value for kind in ActionKind] == ["dispatch", "spawn"]
