"""Admission: a ceiling holds exactly, each alone and all together."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.budgets.samples import (
    BO,
    DAILY,
    GATE,
    NOON,
    SECOND,
    SLOTS,
    TENANT,
    THREAD,
    USD,
    USER,
    WORK,
    admitted,
    ask,
    closed,
    limited,
    metered,
    refusal,
    reserved,
    rid,
    spent,
    used,
)
from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_holds import AccountHolds
from turnkeep_domain.budgets.account_ref import AccountRef, Level, cascade
from turnkeep_domain.budgets.bounds import HOLDS_MAX
from turnkeep_domain.budgets.cascade import Cascade
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import DIMENSIONS, Dimension
from turnkeep_domain.budgets.events import BudgetReserved, BudgetWarned
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate_id import GatePointer
from turnkeep_domain.budgets.holds import Hold, HoldId, OnExpiry
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Rolling
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    BudgetApprovalDeclined,
    BudgetApprovalNeeded,
    LimitExceeded,
    TooManyHolds,
    WindowUnresolvable,
)
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.scope import Scope


def exceeded(reason: object) -> LimitExceeded:
    assert isinstance(reason, LimitExceeded)
    return reason


def names(reason: LimitExceeded) -> list[tuple[Level, Dimension]]:
    return [(breach.account.level, breach.dimension) for breach in reason.breaches]


def test_a_total_equal_to_the_ceiling_is_admitted_and_one_more_is_not() -> None:
    """2."""
    account = limited({USD: Ceiling.of(10)})
    (full,), _ = admitted((account,), ask({USD: 10}))
    assert reserved(full) == 10
    reason = exceeded(refusal((account,), ask({USD: 11})))
    assert reason.breaches == (
        Figures(
            account=TENANT,
            dimension=USD,
            limit=10,
            spent=0,
            reserved=0,
            requested=11,
            resets_at=None,
        ),
    )


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda one: one.value)
def test_each_dimension_can_deny_alone(dimension: Dimension) -> None:
    """3."""
    account = limited({each: Ceiling.of(5) for each in DIMENSIONS})
    wish = dict.fromkeys(DIMENSIONS, 5) | {dimension: 6}
    assert names(exceeded(refusal((account,), ask(wish)))) == [(Level.TENANT, dimension)]


@pytest.mark.parametrize(("broad", "narrow"), [(100, 5), (5, 100)])
def test_the_narrow_denies_though_the_broad_allows_and_the_reverse(broad: int, narrow: int) -> None:
    """4."""
    accounts = (limited({USD: Ceiling.of(broad)}), limited({USD: Ceiling.of(narrow)}, THREAD))
    level = Level.THREAD if narrow < broad else Level.TENANT
    assert names(exceeded(refusal(accounts, ask()))) == [(level, USD)]
    admitted(accounts, ask({USD: 5}))


def test_a_denial_lists_every_breach_broad_to_narrow_in_canonical_order() -> None:
    """5."""
    few = {SLOTS: Ceiling.of(0), USD: Ceiling.of(1)}
    accounts = (limited(few), limited({USD: Ceiling.of(10)}, USER), limited(few, THREAD))
    reason = exceeded(refusal(accounts, ask({USD: 2, SLOTS: 1})))
    assert names(reason) == [
        *((Level.TENANT, USD), (Level.TENANT, SLOTS)),
        *((Level.THREAD, USD), (Level.THREAD, SLOTS)),
    ]


def test_a_narrow_denial_beats_a_broad_pause() -> None:
    """6."""
    accounts = (limited({USD: Ceiling.of(10, pause_bp=1)}), limited({USD: Ceiling.of(9)}, USER))
    assert names(exceeded(refusal(accounts, ask()))) == [(Level.USER, USD)]


def test_an_over_run_dimension_never_blocks_a_request_of_zero() -> None:
    """7."""
    accounts, reservation = admitted((limited({USD: Ceiling.of(10)}),), ask())
    accounts, _ = closed(accounts, reservation.reconcile(used(99), request_id=rid("c"), now=NOON))
    assert spent(accounts[0]) == 99
    assert names(exceeded(refusal(accounts, ask({USD: 1}, "r2")))) == [(Level.TENANT, USD)]
    admitted(accounts, ask({Dimension.OUTPUT_TOKENS: 10**6}, "r3"))


def test_a_ceiling_of_0_denies_and_no_ceiling_admits_2_to_the_62() -> None:
    """8."""
    account = limited({USD: Ceiling.of(0)})
    assert names(exceeded(refusal((account,), ask({USD: 1})))) == [(Level.TENANT, USD)]
    admitted((account,), ask({Dimension.EGRESS_BYTES: 2**62}))


def test_overflow_is_refused_of_unlimited_accounts_too() -> None:
    """9."""
    (held,), _ = admitted((metered(),), ask({USD: 2**63 - 5}))
    assert refusal((held,), ask({USD: 5}, "r2")) == AmountOverflow(TENANT, USD)
    admitted((held,), ask({USD: 4}, "r2"))


def test_an_agents_ceiling_binds_in_every_project() -> None:
    """11."""
    of = {cascade(Scope.of("acme", "ada", agent="scout", project=p)) for p in ("site", "shop")}
    agents = {ref for refs in of for ref in refs if ref.level is Level.AGENT}
    assert agents == {AccountRef.agent("acme", "ada", "scout")}


def test_an_account_has_room_for_1024_holds() -> None:
    (held,), reservation = admitted((metered(),), ask())
    (hold,) = held.holds
    full = evolve(
        held,
        holds=AccountHolds.of(evolve(hold, id=HoldId(f"h{number}")) for number in range(HOLDS_MAX)),
    )
    assert refusal((full,), ask(id="r2")) == TooManyHolds(TENANT, HOLDS_MAX)
    later = reservation.deadline
    admitted((full,), ask(id="r2"), now=later)


def test_an_unknown_zone_admits_nothing() -> None:
    account = evolve(limited({}, period=DAILY), period=Calendar("Mars/Olympus", CalendarUnit.DAY))
    assert refusal((account,), ask()) == WindowUnresolvable(TENANT, "Mars/Olympus")


def test_a_warning_is_on_every_receipt_and_told_once_in_a_window() -> None:
    """46: at exact equality."""
    account = limited({USD: Ceiling.of(40, warn_bp=5_000)}, period=DAILY)
    decision = Cascade((account,)).admit(ask({USD: 19}), now=NOON, gate_id=GATE)
    assert isinstance(decision, Changed)
    assert decision.outcome.warnings == ()
    accounts = decision.state.accounts
    told: list[int] = []
    for number in range(3):
        decision = Cascade(accounts).admit(ask({USD: 1}, f"w{number}"), now=NOON, gate_id=GATE)
        assert isinstance(decision, Changed)
        accounts = decision.state.accounts
        (warning,) = decision.outcome.warnings
        assert (warning.limit, warning.total) == (40, 20 + number)
        told.append(sum(isinstance(event, BudgetWarned) for event in decision.events))
        assert isinstance(decision.events[0], BudgetReserved)
    assert told == [1, 0, 0]
    tomorrow = NOON + timedelta(days=1)
    decision = Cascade(accounts).admit(ask({USD: 20}, "t"), now=tomorrow, gate_id=GATE)
    assert isinstance(decision, Changed)
    assert [type(event) for event in decision.events] == [BudgetReserved, BudgetWarned]
    reason = exceeded(refusal(accounts, ask({USD: 41}, "d")))
    assert [warning.total for warning in reason.warnings] == [63]


@pytest.mark.parametrize(("amount", "pause_bp"), [(9, 9_000), (10, 10_000)])
def test_a_total_that_reaches_the_pause_opens_one_gate(amount: int, pause_bp: int) -> None:
    """47."""
    account = limited({USD: Ceiling.of(10, pause_bp=pause_bp)}, period=DAILY)
    admitted((account,), ask({USD: amount - 1}))
    decision = Cascade((account,)).admit(ask({USD: amount}), now=NOON, gate_id=GATE)
    assert isinstance(decision, Settled)
    assert isinstance(decision.reason, BudgetApprovalNeeded)
    assert not decision.tidy
    gate = decision.state.gate
    assert gate is not None
    assert (gate.id, gate.limit_revision, gate.figures.total) == (GATE, 1, amount)
    assert gate.expires_at == NOON + timedelta(hours=12), "the day ends before 24 hours do"
    (pointing,) = decision.state.accounts
    assert pointing.gates == (
        GatePointer(dimension=USD, gate=GATE, expires_at=gate.expires_at, declined=False),
    )
    again = refusal((pointing,), ask({USD: amount}, "r2"))
    assert isinstance(again, BudgetApprovalNeeded)
    assert again.gate == GATE


def test_the_first_pause_is_the_broadest() -> None:
    ceilings = {USD: Ceiling.of(10, pause_bp=1)}
    accounts = (metered(), limited(ceilings, USER), limited(ceilings, THREAD))
    decision = Cascade(accounts).admit(ask({USD: 2}), now=NOON, gate_id=GATE)
    assert isinstance(decision, Settled)
    assert isinstance(decision.reason, BudgetApprovalNeeded)
    assert [pause.account for pause in decision.reason.pauses] == [USER, THREAD]
    assert [account.ref for account in decision.state.accounts] == [USER]


def test_a_gate_that_was_declined_declines_until_it_would_have_expired() -> None:
    account = limited({USD: Ceiling.of(10, pause_bp=1)})
    decision = Cascade((account,)).admit(ask(), now=NOON, gate_id=GATE)
    assert isinstance(decision, Settled)
    gate = decision.state.gate
    assert gate is not None
    declined = gate.cancel(
        decision.state.accounts[0], by=BO, request_id=rid("no"), now=NOON + SECOND
    )
    assert isinstance(declined, Changed)
    account = declined.state.account
    assert refusal((account,), ask()) == BudgetApprovalDeclined(GATE, gate.expires_at)
    again = Cascade((account,)).admit(ask(), now=gate.expires_at, gate_id=GATE)
    assert isinstance(again, Settled), "then somebody may be asked anew"


@pytest.mark.parametrize("pause_bp", [1, 3_333, 7_500, 9_000, 9_999, 10_000])
@pytest.mark.parametrize("total", [1, 2, 9, 10, 99, 10**9 + 7, 2**62])
def test_the_least_max_of_a_gate_is_the_smallest_that_lets_the_request_pass(
    pause_bp: int, total: int
) -> None:
    """49."""
    ceiling = Ceiling.of(total, pause_bp=pause_bp)
    least = ceiling.least_max(total)
    at_least, below = evolve(ceiling, max=least), evolve(ceiling, max=least - 1)
    assert not at_least.is_passed_by(total)
    assert not at_least.pauses(total)
    assert below.is_passed_by(total) or below.pauses(total)


def hold(account: Account, *, deadline_in: int, on_expiry: OnExpiry, id: str) -> Hold:
    wish = ask({USD: 7, SLOTS: 1}, id, on_expiry=on_expiry, ttl_ms=deadline_in * 1_000)
    _, reservation = admitted((account,), wish)
    return reservation.hold(account.window)


def test_an_overdue_hold_frees_all_or_its_gauges_alone() -> None:
    account = limited({}, period=DAILY)
    release = hold(account, deadline_in=10, on_expiry=OnExpiry.RELEASE, id="a")
    charge = hold(account, deadline_in=10, on_expiry=OnExpiry.CHARGE, id="b")
    account = account.with_hold(release).with_hold(charge)
    just_before = NOON + 10 * SECOND - timedelta(microseconds=1)
    assert (reserved(account, just_before), reserved(account, just_before, SLOTS)) == (14, 2)
    at = NOON + 10 * SECOND
    assert (reserved(account, at), reserved(account, at, SLOTS)) == (7, 0)
    rolled = account.rolled(at)
    assert isinstance(rolled, Account)
    assert tuple(rolled.holds) == (charge,)


def test_gauges_survive_a_rollover_and_counters_do_not() -> None:
    """36."""
    late = NOON.replace(hour=23, minute=59)
    account = limited({SLOTS: Ceiling.of(1), USD: Ceiling.of(10)}, period=DAILY)
    wish = ask({SLOTS: 1, USD: 10}, ttl_ms=3_600_000)
    accounts, _ = admitted((account,), wish, now=late)
    tomorrow = late + timedelta(minutes=2)
    assert names(exceeded(refusal(accounts, ask({SLOTS: 1, USD: 10}, "r2"), now=tomorrow))) == [
        (Level.TENANT, SLOTS)
    ]
    admitted(accounts, ask({USD: 10}, "r2"), now=tomorrow)


def test_a_clock_that_steps_back_reopens_no_window() -> None:
    """37: what is reserved then belongs to the latest window, and so do the figures."""
    accounts, first = admitted((limited({USD: Ceiling.of(10)}, period=DAILY),), ask())
    accounts, _ = closed(accounts, first.reconcile(used(9), request_id=rid("c"), now=NOON))
    tomorrow = NOON + timedelta(days=1)
    accounts, held = admitted(accounts, ask({USD: 8}, "r2", ttl_ms=86_400_000), now=tomorrow)
    assert exceeded(refusal(accounts, ask({USD: 3}, "r3"), now=NOON)).breaches[0].reserved == 8
    accounts, late = admitted(accounts, ask({USD: 2}, "r3"), now=NOON)
    assert late.accounts == held.accounts
    assert spent(accounts[0]) == 0


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 6), st.integers(0, 6)),
        min_size=1,
        max_size=40,
    )
)
def test_any_interval_of_one_rolling_length_charges_at_most_the_ceiling(
    steps: list[tuple[int, int, int]],
) -> None:
    """38: what is used is charged to when it was reserved, over-runs aside."""
    length = timedelta(minutes=24)
    accounts: tuple[Account, ...] = (limited({USD: Ceiling.of(10)}, period=Rolling(24 * 60_000)),)
    now, charged = NOON, list[tuple[datetime, int]]()
    for number, (seconds, wanted, actual) in enumerate(steps):
        now += timedelta(seconds=seconds)
        decision = Cascade(accounts).admit(ask({USD: wanted}, f"r{number}"), now=now, gate_id=GATE)
        if not isinstance(decision, Changed):
            continue
        granted = decision.state.granted
        assert granted is not None
        cost = min(actual, wanted)
        done = granted.reconcile(used(cost), request_id=rid("c"), now=now)
        accounts, _ = closed(decision.state.accounts, done, now=now)
        charged.append((now, cost))
    for begin, _ in charged:
        assert sum(cost for at, cost in charged if begin <= at < begin + length) <= 10


def test_an_absent_project_is_none_that_is_called_anything() -> None:
    """12."""
    without = AccountRef.mission("acme", "ada", "m1")
    named = AccountRef.mission("acme", "ada", "m1", project="_")
    assert without != named
    assert without.address != named.address
    assert without not in cascade(WORK)
    assert {ref.scope.tenant for ref in cascade(WORK)} == {"acme"}
