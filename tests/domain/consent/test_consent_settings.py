"""Consent settings: auto-approval is on until it expires, and off for who has set nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.domain.consent.samples import ADA, HOUR, NOW, OPS, OWNER, SOON, auto_approving, later
from turnkeep_domain.approvals.consent_refusals import PolicyRefusal
from turnkeep_domain.consent.consent_settings import (
    CONSENT_SETTINGS,
    SETTINGS_ID,
    AutoApproval,
    AutoApproveOutcome,
    ConsentSettings,
)
from turnkeep_domain.consent.events import AutoApproveSet
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Index
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import MARKS_MAX, RequestId, RequestIdReused
from turnkeep_domain.scope import Scope

OFF = AutoApproveOutcome(expires_at=None)


def switch(
    settings: ConsentSettings, seconds: int | None, id: str = "r", *, now: datetime = NOW
) -> Decision[ConsentSettings, AutoApproveOutcome, PolicyRefusal]:
    return settings.set_auto_approve(seconds, by=ADA, request_id=RequestId(id), now=now)


def test_it_is_on_for_its_lifetime_from_now_and_tells_so() -> None:
    decision = switch(ConsentSettings.unsaid(OWNER), HOUR)
    assert isinstance(decision, Changed)
    assert decision.outcome == AutoApproveOutcome(expires_at=SOON)
    assert decision.state.auto_approve == AutoApproval(by=ADA, at=NOW, expires_at=SOON)
    assert decision.events == (
        AutoApproveSet(
            address=decision.state.address,
            at=NOW,
            by=ADA,
            request_id=RequestId("r"),
            expires_at=SOON,
        ),
    )


def test_it_is_off_from_the_instant_at_which_it_expires() -> None:
    on = auto_approving()
    assert on.auto_approval_at(SOON - timedelta(microseconds=1)) is not None
    assert on.auto_approval_at(SOON) is None


def test_switching_it_off_ends_it_and_tells_so() -> None:
    decision = switch(auto_approving(), None, now=later(1))
    assert isinstance(decision, Changed)
    assert decision.state.auto_approve is None
    assert decision.outcome == OFF
    (event,) = decision.events
    assert isinstance(event, AutoApproveSet)
    assert event.expires_at is None


@pytest.mark.parametrize(
    ("settings", "now"), [(ConsentSettings.unsaid(OWNER), NOW), (auto_approving(), SOON)]
)
def test_switching_off_what_is_off_or_has_expired_changes_nothing(
    settings: ConsentSettings, now: datetime
) -> None:
    assert switch(settings, None, now=now) == Unchanged(OFF)


def test_switching_it_on_again_renews_it() -> None:
    decision = switch(auto_approving(), HOUR, now=later(7))
    assert isinstance(decision, Changed)
    assert decision.outcome == AutoApproveOutcome(expires_at=later(7 + HOUR))


def test_a_repeat_answers_its_original_outcome_and_switches_nothing() -> None:
    first = switch(ConsentSettings.unsaid(OWNER), HOUR, "on")
    assert isinstance(first, Changed)
    off = switch(first.state, None, "off", now=later(1))
    assert isinstance(off, Changed)
    assert switch(off.state, HOUR, "on", now=later(2)) == Unchanged(first.outcome)


@pytest.mark.parametrize("seconds", [None, HOUR + 1])
def test_a_request_id_that_was_used_otherwise_is_refused(seconds: int | None) -> None:
    again = switch(auto_approving(), seconds, "on")
    assert again == Refused(RequestIdReused(RequestId("on")))


def test_a_request_id_of_somebody_else_is_refused() -> None:
    again = auto_approving().set_auto_approve(HOUR, by=OPS, request_id=RequestId("on"), now=NOW)
    assert again == Refused(RequestIdReused(RequestId("on")))


def test_the_last_32_request_ids_are_remembered() -> None:
    settings = ConsentSettings.unsaid(OWNER)
    for number in range(MARKS_MAX + 1):
        decision = switch(settings, HOUR, f"r{number}")
        assert isinstance(decision, Changed)
        settings = decision.state
    assert settings.marks.dropped == 1
    assert isinstance(switch(settings, HOUR, "r1"), Unchanged)
    assert isinstance(switch(settings, HOUR, "r0"), Changed)


def test_a_repeat_does_not_switch_it_on_again_until_32_others_have_changed_it() -> None:
    settings = auto_approving()
    for number in range(MARKS_MAX - 1):
        decision = switch(settings, None if number % 2 == 0 else HOUR, f"r{number}")
        assert isinstance(decision, Changed)
        settings = decision.state
        repeat = switch(settings, HOUR, "on")
        assert repeat == Unchanged(AutoApproveOutcome(expires_at=SOON))
    assert settings.auto_approve is None
    decision = switch(settings, 2 * HOUR, "last")
    assert isinstance(decision, Changed)
    assert isinstance(switch(decision.state, HOUR, "on"), Changed)


@pytest.mark.parametrize("seconds", [0, -1, 365 * 24 * HOUR + 1, True, 1.5])
def test_it_is_on_from_a_second_to_a_year(seconds: int) -> None:
    with pytest.raises(InvalidValue, match="lifetime_seconds must be a whole number from 1 to"):
        switch(ConsentSettings.unsaid(OWNER), seconds)


@pytest.mark.parametrize("expires_at", [NOW, later(-1), later(365 * 24 * HOUR + 1)])
def test_what_is_stored_cannot_be_on_longer_than_a_year(expires_at: datetime) -> None:
    with pytest.raises(InvalidValue, match="expires_at must be within 365 days"):
        AutoApproval(by=ADA, at=NOW, expires_at=expires_at)


@pytest.mark.parametrize("by", [Principal.agent("scout"), Principal.extension("plug-in")])
def test_agents_and_extensions_switch_nothing_on(by: Principal) -> None:
    with pytest.raises(InvalidValue, match="by must be a person or a service"):
        AutoApproval(by=by, at=NOW, expires_at=SOON)


def test_they_are_of_a_user_and_of_nothing_below() -> None:
    with pytest.raises(InvalidValue, match="scope must be that of a user"):
        ConsentSettings.unsaid(Scope.of("acme", "ada", thread="t1"))


def test_a_user_has_one_record_of_them() -> None:
    on = auto_approving()
    off = evolve(on, auto_approve=None)
    assert CONSENT_SETTINGS.index_of(on) == Index(state="on", due_at=None, sort=SETTINGS_ID)
    assert CONSENT_SETTINGS.index_of(off) == Index(state="off", due_at=None, sort=SETTINGS_ID)
    assert CONSENT_SETTINGS.identity_of(on).id == SETTINGS_ID == on.address.id
