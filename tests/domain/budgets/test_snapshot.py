"""Snapshots: what is shown of an account at a moment, without a change to it."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from tests.domain.budgets.samples import (
    DAILY,
    NOON,
    SLOTS,
    TENANT,
    USD,
    USER,
    admitted,
    ask,
    closed,
    limited,
    rid,
    used,
)
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Rolling
from turnkeep_domain.budgets.snapshot import account_view

MIDNIGHT = NOON.replace(hour=0)


def test_a_view_shows_what_is_spent_reserved_and_left() -> None:
    account = limited({USD: Ceiling.of(30), SLOTS: Ceiling.of(0)}, period=DAILY)
    accounts, first = admitted((account,), ask())
    accounts, _ = admitted(accounts, ask({USD: 3}, "r2"))
    accounts, _ = closed(accounts, first.reconcile(used(9), request_id=rid("c"), now=NOON))
    view = account_view(TENANT, accounts[0], NOON)
    usd = view[USD]
    assert (usd.spent, usd.reserved, usd.remaining, usd.utilisation_bp) == (9, 3, 18, 4_000)
    assert (view[SLOTS].remaining, view[SLOTS].utilisation_bp) == (0, None), "nothing is allowed"
    tokens = view[Dimension.INPUT_TOKENS]
    assert (tokens.ceiling, tokens.remaining, tokens.utilisation_bp) == (None, None, None)
    assert (view.resets_at, view.limit_revision, view.holds) == (
        MIDNIGHT + timedelta(days=1),
        1,
        1,
    )
    assert view.is_limited


def test_what_is_left_is_never_negative_and_utilisation_may_pass_the_whole() -> None:
    accounts, first = admitted((limited({USD: Ceiling.of(10)}),), ask())
    accounts, _ = closed(accounts, first.reconcile(used(25), request_id=rid("c"), now=NOON))
    usd = account_view(TENANT, accounts[0], NOON)[USD]
    assert (usd.remaining, usd.utilisation_bp) == (0, 25_000)


def test_a_view_after_a_rollover_shows_nothing_spent_and_the_same_revision() -> None:
    """52."""
    accounts, first = admitted((limited({USD: Ceiling.of(10)}, period=DAILY),), ask())
    accounts, _ = closed(accounts, first.reconcile(used(9), request_id=rid("c"), now=NOON))
    tomorrow = account_view(TENANT, accounts[0], NOON + timedelta(days=1))
    assert (tomorrow[USD].spent, tomorrow.limit_revision) == (0, 1)
    assert tomorrow.window is not None
    assert tomorrow.window.start == MIDNIGHT + timedelta(days=1)


def test_an_absent_account_is_unmetered() -> None:
    view = account_view(USER, None, NOON)
    assert (view.metered_since, view.window, view.is_limited) == (None, None, False)
    assert [each.spent for each in view.dimensions] == [0] * 8


def test_a_rolling_period_resets_when_the_oldest_that_counts_does_not_any_more() -> None:
    account = limited({USD: Ceiling.of(10)}, period=Rolling(24 * 60_000))
    assert account_view(TENANT, account, NOON).resets_at is None
    accounts, first = admitted((account,), ask())
    assert account_view(TENANT, accounts[0], NOON).resets_at == NOON + timedelta(minutes=25)
    accounts, _ = closed(accounts, first.reconcile(used(9), request_id=rid("c"), now=NOON))
    assert account_view(TENANT, accounts[0], NOON).resets_at == NOON + timedelta(minutes=25)


def test_an_account_whose_zone_is_unknown_is_shown_as_it_was_entered() -> None:
    account = limited({USD: Ceiling.of(10)}, period=DAILY)
    lost = evolve(account, period=Calendar("Mars/Olympus", CalendarUnit.DAY))
    view = account_view(TENANT, lost, NOON + timedelta(days=3))
    assert view.window == account.window
    assert not view.is_resolvable
    assert account_view(TENANT, account, NOON).is_resolvable
