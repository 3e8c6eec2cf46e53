"""Closing: a hold leaves once, and what was used is charged once, to the window it was for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.domain.budgets.samples import (
    DAILY,
    NOON,
    SECOND,
    SLOTS,
    TENANT,
    USD,
    USER,
    admitted,
    ask,
    closed,
    limited,
    metered,
    reason_of,
    refusal,
    reserved,
    rid,
    spent,
    used,
)
from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import Level
from turnkeep_domain.budgets.cascade import Cascade
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import BudgetExpired, BudgetReconciled
from turnkeep_domain.budgets.holds import OnExpiry, WindowId
from turnkeep_domain.budgets.phases import Expired, Reconciled
from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    LimitExceeded,
    ReservationClosed,
    ReservationExpired,
    TtlInvalid,
)
from turnkeep_domain.budgets.reservation import Closing, Reservation
from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.request_ids import RequestIdReused

RELEASE, CHARGE = OnExpiry.RELEASE, OnExpiry.CHARGE
BEFORE = timedelta(microseconds=1)
DAY = timedelta(days=1)


def test_a_granted_ask_holds_on_every_account_until_its_deadline() -> None:
    """1."""
    accounts, reservation = admitted((limited({}), metered(USER)), ask({USD: 3, SLOTS: 1}))
    assert [tuple(account.holds) for account in accounts] == [
        (reservation.hold(account.window),) for account in accounts
    ]
    assert reservation.deadline == NOON + 60 * SECOND
    receipt = reservation.receipt_at(NOON)
    assert [ref for ref, _ in receipt.accounts] == [TENANT, USER]
    assert (receipt.status, receipt.standing) == (ReservationStatus.ACTIVE,) * 2


def test_the_same_ask_again_gets_the_original_receipt_and_where_it_stands() -> None:
    """17."""
    accounts, reservation = admitted((metered(),), ask())
    first = reservation.asked_again(ask(), now=NOON)
    assert isinstance(first, Unchanged)
    extended = reservation.extend(ttl_ms=600_000, now=NOON + SECOND, held=True)
    assert isinstance(extended, Changed)
    _, after = closed(
        accounts, extended.state.reconcile(used(4), request_id=rid("c"), now=NOON + SECOND)
    )
    again = after.asked_again(ask(), now=NOON + SECOND)
    assert isinstance(again, Unchanged)
    assert again.outcome.standing is ReservationStatus.RECONCILED
    assert (again.outcome.status, again.outcome.deadline, again.outcome.actual) == (
        first.outcome.status,
        first.outcome.deadline,
        None,
    )


@pytest.mark.parametrize("other", [ask({USD: 11}), ask(on_expiry=CHARGE)])
def test_another_ask_under_the_same_id_is_refused(other: object) -> None:
    """18."""
    _, reservation = admitted((metered(),), ask())
    answer = reservation.asked_again(other, now=NOON)  # type: ignore[arg-type]  # they are asks
    assert reason_of(answer) == RequestIdReused(rid("r1"))


def test_reconciling_replaces_the_hold_by_the_actual_cost() -> None:
    """22."""
    accounts, reservation = admitted((limited({}), metered(USER)), ask({USD: 10, SLOTS: 1}))
    decision = reservation.reconcile(used(4), request_id=rid("c"), now=NOON + SECOND)
    assert isinstance(decision, Changed)
    assert decision.valid_until == reservation.deadline
    accounts, after = closed(accounts, decision, now=NOON + SECOND)
    assert [(spent(a), reserved(a), len(a.holds)) for a in accounts] == [(4, 0, 0)] * 2
    assert after.phase == Reconciled(actual=used(4), late=False, at=NOON + SECOND)


def test_a_repeated_close_is_the_original_and_another_is_refused() -> None:
    """23."""
    accounts, reservation = admitted((metered(),), ask())
    decision = reservation.reconcile(used(4), request_id=rid("c"), now=NOON)
    _, after = closed(accounts, decision)
    assert isinstance(decision, Changed)
    assert after.reconcile(used(4), request_id=rid("c"), now=NOON) == Unchanged(decision.outcome)
    assert reason_of(after.reconcile(used(5), request_id=rid("c"), now=NOON)) == RequestIdReused(
        rid("c")
    )
    for again in (
        after.reconcile(used(4), request_id=rid("d"), now=NOON),
        after.release(request_id=rid("d"), now=NOON),
        after.extend(ttl_ms=60_000, now=NOON, held=False),
    ):
        reason = reason_of(again)
        assert isinstance(reason, ReservationClosed)
        assert reason.receipt.status is ReservationStatus.RECONCILED


def test_an_over_run_is_recorded_in_full_and_then_blocks() -> None:
    """26."""
    accounts, reservation = admitted((limited({USD: Ceiling.of(10)}),), ask())
    decision = reservation.reconcile(used(25), request_id=rid("c"), now=NOON)
    assert isinstance(decision, Changed)
    (event,) = decision.events
    assert isinstance(event, BudgetReconciled)
    assert (event.overrun, event.charged) == (used(15), used(25))
    accounts, _ = closed(accounts, decision)
    assert spent(accounts[0]) == 25
    assert isinstance(refusal(accounts, ask({USD: 1}, "r2")), LimitExceeded)


def test_releasing_gives_everything_back() -> None:
    accounts, reservation = admitted((metered(),), ask())
    decision = reservation.release(request_id=rid("c"), now=NOON)
    accounts, after = closed(accounts, decision)
    assert (spent(accounts[0]), reserved(accounts[0])) == (0, 0)
    assert after.status_at(NOON) is ReservationStatus.RELEASED
    assert isinstance(decision, Changed)
    assert after.release(request_id=rid("c"), now=NOON) == Unchanged(decision.outcome)


def test_releasing_past_the_deadline_expires_instead() -> None:
    accounts, reservation = admitted((metered(),), ask(on_expiry=CHARGE))
    decision = reservation.release(request_id=rid("c"), now=reservation.deadline)
    assert isinstance(decision, Changed)
    assert decision.valid_until is None
    assert [type(event) for event in decision.events] == [BudgetExpired]
    accounts, after = closed(accounts, decision, now=reservation.deadline)
    assert (spent(accounts[0]), len(accounts[0].holds)) == (10, 0)
    assert decision.outcome.status is ReservationStatus.EXPIRED
    again = after.release(request_id=rid("d"), now=reservation.deadline)
    assert again == Unchanged(decision.outcome), "it had expired already"


def test_a_slot_frees_exactly_at_the_deadline_though_nobody_sweeps() -> None:
    """28."""
    (account,), reservation = admitted((limited({SLOTS: Ceiling.of(1)}),), ask({SLOTS: 1}))
    wish = ask({SLOTS: 1}, "r2")
    assert isinstance(refusal((account,), wish, now=reservation.deadline - BEFORE), LimitExceeded)
    admitted((account,), wish, now=reservation.deadline)


def test_extending_never_shortens_and_moves_no_window() -> None:
    (account,), reservation = admitted((limited({}, period=DAILY),), ask())
    assert isinstance(reservation.extend(ttl_ms=60_000, now=NOON, held=True), Unchanged)
    half = NOON + 30 * SECOND
    assert isinstance(reservation.extend(ttl_ms=60_000, now=half - BEFORE, held=True), Unchanged), (
        "over half of it remains"
    )
    decision = reservation.extend(ttl_ms=60_000, now=half, held=True)
    assert isinstance(decision, Changed)
    assert (decision.state.deadline, decision.valid_until) == (
        half + 60 * SECOND,
        NOON + 60 * SECOND,
    )
    assert decision.events == ()
    (after,) = Cascade((account,)).extended(decision.state)
    assert [(hold.deadline, hold.window) for hold in after.holds] == [
        (half + 60 * SECOND, account.window)
    ]
    shorter = decision.state.extend(ttl_ms=1_000, now=half, held=True)
    assert isinstance(shorter, Unchanged)


def test_extending_cannot_revive_what_is_overdue_or_lost() -> None:
    """29."""
    (account,), reservation = admitted((metered(),), ask())
    expired = ReservationExpired(reservation.deadline)
    overdue = reservation.extend(ttl_ms=60_000, now=reservation.deadline, held=True)
    assert reason_of(overdue) == expired
    rolled = account.rolled(reservation.deadline)
    assert isinstance(rolled, Account)
    held = Cascade((rolled,)).holds_for(reservation)
    assert not held
    back = reservation.extend(ttl_ms=60_000, now=reservation.deadline - SECOND, held=held)
    assert reason_of(back) == expired


def test_a_reservation_lasts_seven_days_in_all() -> None:
    _, reservation = admitted((metered(),), ask(ttl_ms=86_400_000))
    now = NOON
    for _ in range(6):
        now += timedelta(hours=23)
        decision = reservation.extend(ttl_ms=86_400_000, now=now, held=True)
        assert isinstance(decision, Changed)
        reservation = decision.state
    now += timedelta(hours=23)
    assert reason_of(reservation.extend(ttl_ms=86_400_000, now=now, held=True)) == TtlInvalid(
        1_000, 7 * 3_600_000
    )
    last = reservation.extend(ttl_ms=7 * 3_600_000, now=now, held=True)
    assert isinstance(last, Changed)
    assert last.state.deadline == NOON + timedelta(days=7)


def test_a_late_reconcile_charges_the_window_that_it_was_reserved_in() -> None:
    """31: once."""
    late = NOON.replace(hour=23, minute=59)
    wish = ask(ttl_ms=10_000)
    accounts, reservation = admitted((limited({}, period=DAILY),), wish, now=late)
    accounts, expired = closed(
        accounts, reservation.expire(now=reservation.deadline), now=reservation.deadline
    )
    assert isinstance(expired.phase, Expired)
    same_day, _ = closed(
        accounts, expired.reconcile(used(4), request_id=rid("c"), now=late), now=late
    )
    assert spent(same_day[0]) == 4
    next_day, after = closed(
        accounts, expired.reconcile(used(4), request_id=rid("c"), now=late + DAY), now=late + DAY
    )
    assert spent(next_day[0]) == 0
    assert after.phase == Reconciled(actual=used(4), late=True, at=late + DAY)
    again = after.reconcile(used(4), request_id=rid("d"), now=late + DAY)
    assert isinstance(reason_of(again), ReservationClosed)


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "unswept"])
@pytest.mark.parametrize(("actual", "charged"), [(4, 10), (10, 10), (17, 17)])
def test_what_is_charged_at_its_expiry_is_charged_the_greater(
    actual: int, charged: int, *, swept: bool
) -> None:
    """32."""
    accounts, reservation = admitted((metered(),), ask(on_expiry=CHARGE))
    now = reservation.deadline
    if swept:
        accounts, reservation = closed(accounts, reservation.expire(now=now), now=now)
        assert spent(accounts[0]) == 10
    decision = reservation.reconcile(used(actual), request_id=rid("c"), now=now)
    accounts, _ = closed(accounts, decision, now=now)
    assert (spent(accounts[0]), len(accounts[0].holds)) == (charged, 0)


def test_what_was_reserved_yesterday_and_is_reconciled_today_leaves_todays_figures() -> None:
    """33."""
    late = NOON.replace(hour=23, minute=59)
    accounts, reservation = admitted(
        (limited({USD: Ceiling.of(10)}, period=DAILY),), ask(ttl_ms=3_600_000), now=late
    )
    today = late + timedelta(minutes=2)
    accounts, _ = admitted(accounts, ask({USD: 7}, "r2"), now=today)
    accounts, _ = closed(
        accounts, reservation.reconcile(used(9), request_id=rid("c"), now=today), now=today
    )
    assert (spent(accounts[0]), reserved(accounts[0], today)) == (0, 7)
    assert accounts[0].window == WindowId(1, (NOON + DAY).replace(hour=0))


def test_expiring_before_the_deadline_changes_nothing() -> None:
    _, reservation = admitted((metered(),), ask())
    assert isinstance(reservation.expire(now=reservation.deadline - BEFORE), Unchanged)


def test_an_overflow_refuses_the_close_and_leaves_the_hold() -> None:
    accounts, first = admitted((metered(),), ask())
    accounts, _ = closed(accounts, first.reconcile(used(2**63 - 20), request_id=rid("c"), now=NOON))
    accounts, second = admitted(accounts, ask({USD: 10}, "r2"))
    decision = second.reconcile(used(20), request_id=rid("c"), now=NOON)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Closing)
    assert Cascade(accounts).closed(decision.state, now=NOON) == AmountOverflow(TENANT, USD)
    assert accounts[0].holds_for(second.hold_id)


def adopted(reservation: Reservation, level: Level = Level.USER) -> Changed[Reservation, object]:
    found = reservation.adopted_by(level, WindowId(0, NOON), now=NOON)
    assert found is not None
    return found


def test_an_adopted_account_is_charged_and_not_on_the_original_receipt() -> None:
    _, reservation = admitted((metered(),), ask())
    decision = adopted(reservation)
    assert [placement.level for placement in decision.state.placements] == [
        Level.TENANT,
        Level.USER,
    ]
    assert decision.state.asked_again(ask(), now=NOON) == reservation.asked_again(ask(), now=NOON)
    held = metered(USER).with_hold(reservation.hold(WindowId(0, NOON)))
    closing = decision.state.reconcile(used(3), request_id=rid("c"), now=NOON)
    (user,), _ = closed((held,), closing)
    assert (spent(user), len(user.holds)) == (3, 0)


def test_nothing_is_adopted_twice_nor_after_its_end() -> None:
    _, reservation = admitted((metered(),), ask())
    window = WindowId(0, NOON)
    assert reservation.adopted_by(Level.TENANT, window, now=NOON) is None
    assert adopted(reservation).state.adopted_by(Level.USER, window, now=NOON) is None
    assert reservation.adopted_by(Level.USER, window, now=reservation.deadline) is None
    ended = reservation.release(request_id=rid("c"), now=NOON)
    assert isinstance(ended, Changed)
    assert ended.state.reservation.adopted_by(Level.USER, window, now=NOON) is None


def test_a_reservation_remembers_eight_request_ids() -> None:
    accounts, reservation = admitted((metered(),), ask(on_expiry=CHARGE))
    now = reservation.deadline
    decision = reservation.release(request_id=rid("x"), now=now)
    accounts, expired = closed(accounts, decision, now=now)
    assert isinstance(expired.release(request_id=rid("x"), now=now), Unchanged)
    assert expired.marks.total == 1
    late = expired.reconcile(used(1), request_id=rid("c"), now=now)
    _, after = closed(accounts, late, now=now)
    assert isinstance(decision, Changed)
    replayed = after.release(request_id=rid("x"), now=now)
    assert isinstance(replayed, Unchanged)
    assert replayed.outcome.status is ReservationStatus.EXPIRED, "as it was answered"
    assert replayed.outcome.standing is ReservationStatus.RECONCILED


def test_usage_names_no_gauge() -> None:
    assert used(3)[USD] == 3
    assert used(3)[SLOTS] == 0
    assert used(3).as_mapping() == {Dimension.USD_NANO: 3}
