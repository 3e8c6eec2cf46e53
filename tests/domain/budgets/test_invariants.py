"""Invariants: what no budget record may be, however it is made; and refusals that name nobody."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from tests.domain.budgets.samples import (
    BO,
    NOON,
    SLOTS,
    TENANT,
    USD,
    WORK,
    admitted,
    ask,
    limited,
    metered,
    reason_of,
)
from turnkeep_domain.budgets import refusals
from turnkeep_domain.budgets.account_ref import AccountRef, Level
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.ceilings import Ceiling, StandingCeiling
from turnkeep_domain.budgets.dimensions import DIMENSIONS, Dimension
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.holds import OnExpiry, Placement, UsedIn, WindowId, hold_id
from turnkeep_domain.budgets.refusals import AmountInvalid, EstimateEmpty, TtlInvalid
from turnkeep_domain.budgets.tallies import Tally, Usage, faulty_amount
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

DAY = timedelta(days=1)
ACCOUNTS, RESERVATION = admitted((limited({USD: Ceiling.of(10)}),), ask())
HELD = ACCOUNTS[0]


def asked(estimate: Any, ttl_ms: Any = 60_000) -> object:
    return Ask.of(
        WORK,
        id=RequestId("r"),
        estimate=estimate,
        ttl_ms=ttl_ms,
        owner="w",
        on_expiry=OnExpiry.RELEASE,
        price_version=None,
    )


@pytest.mark.parametrize("bad", [1.0, True, -1, 2**63, "1", None], ids=repr)
@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda one: one.value)
def test_what_is_no_amount_never_gets_into_an_ask(dimension: Dimension, bad: object) -> None:
    """10."""
    assert reason_of(asked({dimension: bad})) == AmountInvalid(dimension)


@pytest.mark.parametrize("empty", [{}, {USD: 0}, dict.fromkeys(DIMENSIONS, 0)])
def test_an_empty_estimate_is_none(empty: object) -> None:
    """10."""
    assert reason_of(asked(empty)) == EstimateEmpty()


@pytest.mark.parametrize("ttl_ms", [999, 86_400_001, 1_000.0, True, None])
def test_a_time_out_of_bounds_is_none(ttl_ms: object) -> None:
    assert reason_of(asked({USD: 1}, ttl_ms)) == TtlInvalid(1_000, 86_400_000)


@pytest.mark.parametrize("bad", [None, [], {"usd_nano": 1}, {None: 1}])
def test_what_names_no_dimension_is_a_mistake(bad: object) -> None:
    with pytest.raises(InvalidValue):
        asked(bad)


def test_usage_may_name_no_gauge() -> None:
    assert faulty_amount({SLOTS: 1}, gauges=False) is SLOTS
    assert faulty_amount({SLOTS: 0, USD: 3}, gauges=False) is None
    with pytest.raises(InvalidValue):
        Usage.of({SLOTS: 1})


def test_canonical_order_is_fixed() -> None:
    assert [dimension.value for dimension in DIMENSIONS] == [
        *("usd_nano", "input_tokens", "output_tokens", "wall_clock_ms"),
        *("output_bytes", "egress_bytes", "processes", "concurrency_slots"),
    ]
    assert Tally.of({each: place for place, each in enumerate(DIMENSIONS)}).amounts == tuple(
        range(8)
    )


@pytest.mark.parametrize(
    "amounts", [(), (0,) * 7, (0,) * 9, [0] * 8, (0,) * 7 + (-1,), (0,) * 7 + (True,)]
)
def test_a_tally_is_eight_amounts(amounts: Any) -> None:
    with pytest.raises(InvalidValue):
        Tally(amounts)


@pytest.mark.parametrize(
    "changes",
    [
        {"holds": tuple(HELD.holds)},
        {"holds": None},
        {"used": (UsedIn(NOON + DAY, Usage.nothing()), UsedIn(NOON, Usage.nothing()))},
        {"used": (UsedIn(NOON, Usage.nothing()),) * 2},
        {"start": HELD.first - DAY},
        {"limit_revision": -1},
        {"limit_revision": 0},
        {"epoch": -1},
        {"ceilings": HELD.ceilings and HELD.ceilings * 2},
        {"ceilings": (StandingCeiling(dimension=USD, ceiling=Ceiling.of(1), since=2),)},
        {"period": None},
        {"ref": None},
    ],
    ids=repr,
)
def test_no_account_is_like_this(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        evolve(HELD, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"estimate": Tally.of({})},
        {"granted_until": RESERVATION.reserved_at},
        {"deadline": RESERVATION.reserved_at},
        {"deadline": RESERVATION.reserved_at + 8 * DAY},
        {"adopted": RESERVATION.accounts},
        {"scope": Scope.of(None, None)},
        {"adopted": (Placement(Level.THREAD, WindowId(0, NOON)),), "scope": Scope.of("a", "b")},
        {"phase": None},
    ],
    ids=repr,
)
def test_no_reservation_is_like_this(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        evolve(RESERVATION, **changes)


def test_a_hold_is_named_by_scope_and_id_alike() -> None:
    other = Scope.of("acme", "bob")
    assert hold_id(WORK, "r1") == RESERVATION.hold_id
    assert len({hold_id(WORK, "r1"), hold_id(WORK, "r2"), hold_id(other, "r1")}) == 3


def test_two_scopes_may_use_one_reservation_id_on_a_shared_account() -> None:
    accounts, first = admitted((metered(),), ask(scope=Scope.of("acme", "ada")))
    accounts, second = admitted(accounts, ask(scope=Scope.of("acme", "bob")))
    assert first.id == second.id
    assert len(accounts[0].holds) == 2


FIGURES = Figures(
    account=TENANT, dimension=USD, limit=1, spent=2, reserved=3, requested=4, resets_at=None
)
VALUES: dict[str, object] = {
    "dimension": USD,
    "account": AccountRef.thread(WORK),
    "min_ms": 1,
    "max_ms": 2,
    "max": 3,
    "tz": "Mars/Olympus",
    "breaches": (FIGURES,),
    "pauses": (FIGURES,),
    "warnings": (FIGURES,),
    "gate": BudgetGateId("secret-gate"),
    "until": NOON,
    "at": NOON,
    "id": "secret-id",
    "receipt": RESERVATION.receipt_at(NOON),
    "deadline": NOON,
    "field": "usd_nano.max",
    "expected": 1,
    "actual": 2,
    "status": GateStatus.OPEN,
    "asked": 3,
    "model": "secret-model",
}
REASONS: list[Any] = [
    thing
    for _, thing in inspect.getmembers(refusals, inspect.isclass)
    if thing.__module__ == refusals.__name__
]


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.__name__)
def test_a_reason_has_a_code_and_a_sentence_that_names_nobody(reason: Any) -> None:
    values = {each.name: VALUES[each.name] for each in reason.__attrs_attrs__}
    made = reason(**values)
    assert made.code.startswith("budget.")
    assert made.sentence
    for name in ("acme", "ada", "scout", "site", "m1", "t1", "secret", "r1", BO.id + "b"):
        assert name not in made.sentence.split()
        assert "secret" not in made.sentence


def test_every_reason_has_a_code_of_its_own() -> None:
    assert len({reason.code for reason in REASONS}) == len(REASONS) == 21
