"""A tool policy: what its commands lead to, in every state, and what repeats of them answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import pytest
from attrs import evolve

from tests.domain.consent.samples import (
    ADA,
    BOTH,
    CLERK,
    DISPATCH,
    FIRST,
    HOUR,
    MAIL,
    NOW,
    OPS,
    OWNER,
    SCOUT,
    SECOND,
    SOON,
    SPAWN,
    TELLS,
    TELLS_AND_WRITES,
    allowance,
    allowing,
    changed,
    later,
    the_allow,
    unsaid,
)
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.consent_refusals import ToolDisabled, TooManyAllows
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allowance
from turnkeep_domain.consent.events import (
    ToolAllowed,
    ToolDisallowed,
    ToolOverrideCleared,
    ToolOverrideSet,
)
from turnkeep_domain.consent.limits import ALLOWS_MAX
from turnkeep_domain.consent.overrides import Override, OverrideKind
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES, PolicyOutcome, ToolPolicy
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Index
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import MARKS_MAX, RequestId, RequestIdReused
from turnkeep_domain.scope import Scope

Answer: TypeAlias = Decision[ToolPolicy, PolicyOutcome, object]
Command: TypeAlias = Callable[[ToolPolicy], Answer]

ASK: Final = OverrideKind.ASK_EACH_TIME
OFF: Final = OverrideKind.DISABLED


def allow(given: Allowance | None = None, id: str = "r") -> Command:
    given = allowance() if given is None else given
    return lambda policy: policy.allow(given, request_id=RequestId(id), now=NOW)


def revoke(grantee: Principal | None = None, id: str = "r", by: Principal = ADA) -> Command:
    return lambda policy: policy.revoke(
        grantee=grantee, by=by, request_id=RequestId(id), now=later(1)
    )


def revoke_source(source: str, id: str = "r") -> Command:
    return lambda policy: policy.revoke_if_source(
        source=FIRST if source == "first" else SECOND,
        by=ADA,
        request_id=RequestId(id),
        now=later(1),
    )


def override(kind: OverrideKind, id: str = "r", by: Principal = ADA) -> Command:
    return lambda policy: policy.set_override(kind, by=by, request_id=RequestId(id), now=later(1))


def clear(id: str = "r") -> Command:
    return lambda policy: policy.clear_override(by=ADA, request_id=RequestId(id), now=later(1))


def after(*commands: Command) -> ToolPolicy:
    policy = unsaid()
    for command in commands:
        policy = changed(command(policy))
    return policy


ALLOWED: Final = allowing(allowance())
ASKING: Final = after(override(ASK, "ask"))
DISABLED: Final = after(override(OFF, "off"))
STATES: Final = {"unsaid": unsaid(), "allowed": ALLOWED, "asking": ASKING, "disabled": DISABLED}
COMMANDS: Final[dict[str, Command]] = {
    "allow": allow(),
    "revoke all": revoke(),
    "revoke one": revoke(SCOUT),
    "revoke another": revoke(CLERK),
    "revoke its source": revoke_source("first"),
    "ask each time": override(ASK),
    "disable": override(OFF),
    "clear": clear(),
}
SAME: Final = "unchanged"
TABLE: Final[dict[tuple[str, str], str]] = {
    ("unsaid", "allow"): "allowed",
    ("unsaid", "revoke all"): SAME,
    ("unsaid", "revoke one"): SAME,
    ("unsaid", "revoke another"): SAME,
    ("unsaid", "revoke its source"): SAME,
    ("unsaid", "ask each time"): "asking",
    ("unsaid", "disable"): "disabled",
    ("unsaid", "clear"): SAME,
    ("allowed", "allow"): "allowed",
    ("allowed", "revoke all"): "unsaid",
    ("allowed", "revoke one"): "unsaid",
    ("allowed", "revoke another"): SAME,
    ("allowed", "revoke its source"): SAME,
    ("allowed", "ask each time"): "asking",
    ("allowed", "disable"): "disabled",
    ("allowed", "clear"): SAME,
    ("asking", "allow"): "allowed",
    ("asking", "revoke all"): SAME,
    ("asking", "revoke one"): SAME,
    ("asking", "revoke another"): SAME,
    ("asking", "revoke its source"): SAME,
    ("asking", "ask each time"): SAME,
    ("asking", "disable"): "disabled",
    ("asking", "clear"): "unsaid",
    ("disabled", "allow"): "allowed",
    ("disabled", "revoke all"): SAME,
    ("disabled", "revoke one"): SAME,
    ("disabled", "revoke another"): SAME,
    ("disabled", "revoke its source"): SAME,
    ("disabled", "ask each time"): "asking",
    ("disabled", "disable"): SAME,
    ("disabled", "clear"): "unsaid",
}


def state_of(policy: ToolPolicy) -> str:
    if policy.is_disabled:
        return "disabled"
    if policy.asks_each_time:
        return "asking"
    return "allowed" if policy.allows else "unsaid"


@pytest.mark.parametrize(("state", "command"), list(TABLE))
def test_every_command_in_every_state_leads_where_the_table_says(state: str, command: str) -> None:
    policy, expected = STATES[state], TABLE[state, command]
    decision = COMMANDS[command](policy)
    if expected is SAME:
        assert isinstance(decision, Unchanged)
        return
    assert isinstance(decision, Changed)
    assert state_of(decision.state) == expected
    assert len(decision.events) == 1
    stands = decision.state
    kind = None if stands.override is None else stands.override.kind
    assert decision.outcome == PolicyOutcome(override=kind, allows=len(stands.allows))


@pytest.mark.parametrize(
    ("state", "name"), [pair for pair, expected in TABLE.items() if expected is not SAME]
)
def test_a_repeat_answers_its_original_outcome_whatever_has_happened_since(
    state: str, name: str
) -> None:
    first = COMMANDS[name](STATES[state])
    assert isinstance(first, Changed)
    others = override(OFF, "other 1"), allow(id="other 2"), revoke(id="other 3")
    policy = first.state
    for other in others:
        decision = other(policy)
        policy = decision.state if isinstance(decision, Changed) else policy
    assert COMMANDS[name](policy) == Unchanged(first.outcome)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "allow"])
def test_a_request_id_that_was_used_for_another_command_is_refused(name: str) -> None:
    policy = after(allow(id="r"))
    assert COMMANDS[name](policy) == Refused(RequestIdReused(RequestId("r")))


@pytest.mark.parametrize(
    "other",
    [
        allowance(grantee=CLERK),
        allowance(kinds=SPAWN),
        allowance(effects=TELLS_AND_WRITES),
        allowance(by=OPS),
        allowance(lifetime_seconds=HOUR + 1),
        allowance(source=FIRST),
    ],
)
def test_a_request_id_that_was_used_to_allow_something_else_is_refused(other: Allowance) -> None:
    policy = after(allow(id="r"))
    assert allow(other, id="r")(policy) == Refused(RequestIdReused(RequestId("r")))


def test_a_repeated_allow_does_not_bring_back_what_was_revoked() -> None:
    """I9 of approvals."""
    policy = after(allow(id="r"), revoke(id="gone"))
    assert allow(id="r")(policy) == Unchanged(PolicyOutcome(override=None, allows=1))
    assert policy.allows == ()


def test_the_last_32_request_ids_are_remembered() -> None:
    policy = unsaid()
    for number in range(MARKS_MAX + 1):
        policy = changed(allow(id=f"r{number}")(policy))
    assert policy.marks.dropped == 1
    assert isinstance(allow(id="r1")(policy), Unchanged)
    assert isinstance(allow(id="r0")(policy), Changed)


@pytest.mark.parametrize("name", ["allow", "clear"])
def test_what_widens_is_not_repeated_until_32_others_have_changed_the_tool(name: str) -> None:
    """I9 of approvals, as far as it is promised: nothing is known of what was pushed out."""
    widen = allow(id="first") if name == "allow" else clear(id="first")
    policy = changed(widen(unsaid() if name == "allow" else after(override(ASK, "before"))))
    first = policy.marks.entries[-1].outcome
    for number in range(MARKS_MAX - 1):
        kind = OverrideKind.DISABLED if number % 2 == 0 else OverrideKind.ASK_EACH_TIME
        policy = changed(override(kind, f"r{number}")(policy))
        assert widen(policy) == Unchanged(first)
    policy = changed(override(OverrideKind.ASK_EACH_TIME, "last")(policy))
    again = changed(widen(policy))
    assert again.override is None


def test_a_clearance_that_found_nothing_is_judged_anew() -> None:
    policy = after(allow(id="given"))
    assert isinstance(clear(id="first")(policy), Unchanged)
    disabled = changed(override(OverrideKind.DISABLED, "off")(policy))
    assert changed(clear(id="first")(disabled)).override is None


# ---- allows -----------------------------------------------------------------------------------


def test_an_allow_stands_from_now_for_its_lifetime() -> None:
    given = the_allow(allowing(allowance(source=FIRST)))
    assert (given.grantee, given.kinds, given.effects) == (SCOUT, DISPATCH, TELLS)
    assert (given.granted_by, given.granted_at, given.expires_at) == (ADA, NOW, SOON)
    assert given.source == FIRST


def test_the_same_allow_again_replaces_the_one_before() -> None:
    policy = allowing(allowance(source=FIRST), allowance(by=OPS, lifetime_seconds=2 * HOUR))
    assert the_allow(policy).granted_by == OPS
    assert the_allow(policy).expires_at == later(2 * HOUR)
    assert the_allow(policy).source is None


def test_an_allow_of_another_grantee_kind_or_effect_stands_beside() -> None:
    policy = allowing(
        allowance(),
        allowance(grantee=CLERK),
        allowance(kinds=SPAWN),
        allowance(effects=TELLS_AND_WRITES),
    )
    assert len(policy.allows) == 4


@pytest.mark.parametrize(
    ("grantee", "kind", "effects", "covered"),
    [
        (SCOUT, ActionKind.DISPATCH, TELLS, True),
        (SCOUT, ActionKind.DISPATCH, frozenset(), True),
        (SCOUT, ActionKind.DISPATCH, TELLS_AND_WRITES, False),
        (SCOUT, ActionKind.DISPATCH, frozenset({Effect.WRITES}), False),
        (SCOUT, ActionKind.SPAWN, TELLS, False),
        (CLERK, ActionKind.DISPATCH, TELLS, False),
        (Principal.person("scout"), ActionKind.DISPATCH, TELLS, False),
    ],
)
def test_an_allow_binds_grantee_kind_and_effects(
    grantee: Principal, kind: ActionKind, effects: frozenset[Effect], *, covered: bool
) -> None:
    """Law 26 of approvals."""
    found = ALLOWED.allow_for(grantee=grantee, kind=kind, effects=effects, now=NOW)
    assert (found is not None) is covered


def test_an_allow_covers_nothing_from_the_instant_at_which_it_expires() -> None:
    def found(at: datetime) -> object:
        return ALLOWED.allow_for(grantee=SCOUT, kind=ActionKind.DISPATCH, effects=TELLS, now=at)

    assert found(SOON - timedelta(microseconds=1)) is not None
    assert found(SOON) is None
    assert ALLOWED.live_allows(SOON) == ()


def test_of_several_allows_the_one_that_lasts_longest_is_told() -> None:
    policy = allowing(
        allowance(), allowance(kinds=BOTH, lifetime_seconds=9 * HOUR), allowance(effects=TELLS)
    )
    found = policy.allow_for(grantee=SCOUT, kind=ActionKind.DISPATCH, effects=TELLS, now=NOW)
    assert found is not None
    assert found.expires_at == later(9 * HOUR)


def test_a_65th_allow_is_refused_and_expired_ones_make_room() -> None:
    agents = [Principal.agent(f"a{number}") for number in range(ALLOWS_MAX + 1)]
    full = allowing(*(allowance(grantee=agent) for agent in agents[:-1]))
    last = allowance(grantee=agents[-1])
    assert full.allow(last, request_id=RequestId("r"), now=NOW) == Refused(TooManyAllows(64))
    always = full.allow_always(last, decision_id=RequestId("d"), now=NOW)
    assert always == Refused(TooManyAllows(64))
    room = changed(full.allow(last, request_id=RequestId("r"), now=SOON))
    assert [one.grantee for one in room.allows] == [agents[-1]]


def test_replacing_one_of_64_allows_is_no_65th() -> None:
    agents = [Principal.agent(f"a{number}") for number in range(ALLOWS_MAX)]
    full = allowing(*(allowance(grantee=agent) for agent in agents))
    again = allowance(grantee=agents[0], lifetime_seconds=2 * HOUR)
    assert len(changed(allow(again)(full)).allows) == ALLOWS_MAX


def test_revoking_removes_every_kind_at_once() -> None:
    """Law 25 of approvals."""
    policy = allowing(allowance(), allowance(kinds=SPAWN), allowance(grantee=CLERK))
    assert [one.grantee for one in changed(revoke(SCOUT)(policy)).allows] == [CLERK]
    assert changed(revoke()(policy)).allows == ()


def test_revoking_by_source_spares_newer_consent() -> None:
    """Law 25 of approvals."""
    of_first = allowance(source=FIRST)
    policy = allowing(of_first, allowance(kinds=SPAWN, source=FIRST), allowance(source=SECOND))
    left = changed(revoke_source("first")(policy))
    assert [one.source for one in left.allows] == [SECOND]
    assert isinstance(revoke_source("first")(allowing(of_first, allowance())), Unchanged)


# ---- taken always -----------------------------------------------------------------------------


def test_always_ends_that_the_tool_asks_each_time() -> None:
    """Law 23 of approvals."""
    decision = ASKING.allow_always(
        allowance(source=FIRST), decision_id=RequestId("d"), now=later(1)
    )
    assert isinstance(decision, Changed)
    assert decision.state.override is None
    assert the_allow(decision.state).source == FIRST


def test_always_is_refused_on_what_is_disabled() -> None:
    """Law 23 of approvals."""
    decision = DISABLED.allow_always(allowance(), decision_id=RequestId("d"), now=later(1))
    assert decision == Refused(ToolDisabled(MAIL))


def test_always_is_remembered_by_the_approval_and_not_by_the_policy() -> None:
    decision = unsaid().allow_always(allowance(), decision_id=RequestId("d"), now=NOW)
    assert isinstance(decision, Changed)
    assert decision.state.marks.total == 0


# ---- events -----------------------------------------------------------------------------------


def told(decision: Answer) -> object:
    assert isinstance(decision, Changed)
    (event,) = decision.events
    return event


def test_each_change_tells_of_itself_and_of_no_effect_or_kind() -> None:
    rid = RequestId("r")
    address = unsaid().address
    assert told(allow(allowance(source=FIRST))(unsaid())) == ToolAllowed(
        address=address,
        at=NOW,
        capability=MAIL,
        by=ADA,
        request_id=rid,
        grantee=SCOUT,
        source=FIRST,
        expires_at=SOON,
    )
    at = later(1)
    assert told(revoke(SCOUT, by=OPS)(ALLOWED)) == ToolDisallowed(
        address=address, at=at, capability=MAIL, by=OPS, request_id=rid, grantee=SCOUT, source=None
    )
    of_first = allowing(allowance(source=FIRST))
    assert told(revoke_source("first")(of_first)) == ToolDisallowed(
        address=address, at=at, capability=MAIL, by=ADA, request_id=rid, grantee=None, source=FIRST
    )
    assert told(override(OFF)(ALLOWED)) == ToolOverrideSet(
        address=address, at=at, capability=MAIL, by=ADA, request_id=rid, override=OFF
    )
    assert told(clear()(ASKING)) == ToolOverrideCleared(
        address=address, at=at, capability=MAIL, by=ADA, request_id=rid
    )


def test_taking_always_tells_of_the_allow_under_the_decision() -> None:
    decision = unsaid().allow_always(allowance(source=FIRST), decision_id=RequestId("d"), now=NOW)
    assert isinstance(decision, Changed)
    (event,) = decision.events
    assert isinstance(event, ToolAllowed)
    assert (event.by, event.request_id, event.source) == (ADA, "d", FIRST)


# ---- invariants -------------------------------------------------------------------------------


def test_no_allow_stands_beside_an_override() -> None:
    with pytest.raises(InvalidValue, match="allows must be none beside an override"):
        evolve(ALLOWED, override=Override(kind=ASK, by=ADA, at=NOW))


def test_two_allows_of_one_name_cannot_stand() -> None:
    with pytest.raises(InvalidValue, match="must be told apart"):
        evolve(ALLOWED, allows=(*ALLOWED.allows, *ALLOWED.allows))


def test_more_than_64_allows_cannot_stand() -> None:
    many = tuple(
        evolve(the_allow(ALLOWED), grantee=Principal.agent(f"a{number}"))
        for number in range(ALLOWS_MAX + 1)
    )
    with pytest.raises(InvalidValue, match="allows must be at most 64"):
        evolve(ALLOWED, allows=many)


@pytest.mark.parametrize(
    "scope", [Scope.of("acme", None), Scope.of("acme", "ada", agent="scout"), Scope.of(None, "ada")]
)
def test_a_policy_is_of_a_tenant_and_user_and_of_nothing_below(scope: Scope) -> None:
    with pytest.raises(InvalidValue, match="scope"):
        ToolPolicy.unsaid(scope, MAIL)


@pytest.mark.parametrize("by", [Principal.agent("scout"), Principal.extension("plug-in")])
def test_agents_and_extensions_consent_to_nothing(by: Principal) -> None:
    with pytest.raises(InvalidValue, match="by must be a person or a service"):
        allowance(by=by)
    with pytest.raises(InvalidValue, match="granted_by must be a person or a service"):
        evolve(the_allow(ALLOWED), granted_by=by)
    with pytest.raises(InvalidValue, match="by must be a person or a service"):
        Override(kind=ASK, by=by, at=NOW)


@pytest.mark.parametrize("seconds", [0, -1, 365 * 24 * HOUR + 1, True, 1.5])
def test_an_allow_stands_from_a_second_to_a_year(seconds: int) -> None:
    with pytest.raises(InvalidValue, match="lifetime_seconds must be a whole number from 1 to"):
        allowance(lifetime_seconds=seconds)


@pytest.mark.parametrize("expires_at", [NOW, later(-1), later(365 * 24 * HOUR + 1)])
def test_a_stored_allow_cannot_stand_longer_than_a_year(expires_at: datetime) -> None:
    with pytest.raises(InvalidValue, match="expires_at must be within 365 days"):
        evolve(the_allow(ALLOWED), expires_at=expires_at)


def test_an_allow_names_a_kind_at_least() -> None:
    with pytest.raises(InvalidValue, match="kinds must name one at least"):
        allowance(kinds=frozenset())
    with pytest.raises(InvalidValue, match="kinds must name one at least"):
        evolve(the_allow(ALLOWED), kinds=frozenset())


@pytest.mark.parametrize(
    ("policy", "state"),
    [(unsaid(), "nothing"), (ALLOWED, "allows"), (ASKING, "ask_each_time"), (DISABLED, "disabled")],
)
def test_a_policy_is_found_by_its_tool_and_what_stands(policy: ToolPolicy, state: str) -> None:
    assert TOOL_POLICIES.index_of(policy) == Index(state=state, due_at=None, sort=MAIL)
    identity = TOOL_POLICIES.identity_of(policy)
    assert (identity.scope, identity.id) == (OWNER, MAIL)
