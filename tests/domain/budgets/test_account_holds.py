"""Account holds: what they add up to is carried along, and never differs from their sum."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.budgets.samples import GATE, NOON, SECOND, SLOTS, USD, ask, limited, rid
from turnkeep_domain.budgets.account_holds import AccountHolds
from turnkeep_domain.budgets.bounds import HOLDS_MAX
from turnkeep_domain.budgets.cascade import Cascade
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.holds import Hold, HoldId, OnExpiry, WindowId
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.decisions import Changed
from turnkeep_domain.errors import InvalidValue

WINDOWS = [WindowId(0, NOON), WindowId(0, NOON + timedelta(days=1)), WindowId(1, NOON)]
NOW = NOON + 10 * SECOND


def hold(
    id: str = "a",
    *,
    window: int = 0,
    usd: int = 3,
    slots: int = 1,
    seconds: int = 20,
    on_expiry: OnExpiry = OnExpiry.RELEASE,
) -> Hold:
    return Hold(
        id=HoldId(id),
        tally=Tally.of({USD: usd, SLOTS: slots}),
        window=WINDOWS[window],
        deadline=NOON + seconds * SECOND,
        on_expiry=on_expiry,
    )


def summed(holds: AccountHolds) -> dict[WindowId, tuple[int, ...]]:
    """What stands in each window, as it is carried along."""
    sums: dict[WindowId, tuple[int, ...]] = {}
    for window, amounts in holds.standing(NOW):
        before = sums.get(window, (0,) * 8)
        sums[window] = tuple(map(sum, zip(before, amounts, strict=True)))
    return {window: amounts for window, amounts in sums.items() if any(amounts)}


def calls_of(step: Callable[[], object]) -> int:
    """How many functions a step calls, those it has been through before."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    step()
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(before)
    return calls


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "let go", "extend", "roll"]),
        st.sampled_from("abcd"),
        st.sampled_from([0, 0, 1, 2]),
        st.integers(0, 5),
        st.sampled_from([5, 10, 11, 20, 20]),
        st.sampled_from(OnExpiry),
    ),
    max_size=20,
)


@given(STEPS)
def test_what_is_carried_along_is_what_holds_made_anew_would_add_up_to(
    steps: list[tuple[str, str, int, int, int, OnExpiry]],
) -> None:
    holds = AccountHolds.of(())
    for what, id, window, usd, seconds, on_expiry in steps:
        if what == "put" and HoldId(id) not in holds:
            one = hold(id, window=window, usd=usd, seconds=seconds, on_expiry=on_expiry)
            holds = holds.with_one(one)
        elif what == "let go":
            holds = holds.without(HoldId(id))
        elif what == "extend":
            holds = holds.with_deadline(HoldId(id), NOON + seconds * SECOND)
        elif what == "roll":
            holds = holds.unlapsed(NOW)
        anew = AccountHolds.of(tuple(holds))
        assert (holds, hash(holds), len(holds)) == (anew, hash(anew), len(tuple(anew)))
        assert summed(holds) == summed(anew)
        assert set(holds.windows) == {one.window for one in holds}
        assert tuple(holds.unlapsed(NOW)) == tuple(
            one for one in holds if one.deadline > NOW or one.on_expiry is OnExpiry.CHARGE
        )


def test_what_is_let_go_is_held_no_more() -> None:
    holds = AccountHolds.of([hold("a", usd=3), hold("b", usd=4), hold("c", usd=5, window=1)])
    left = holds.without(HoldId("a"))
    assert dict(left.standing(NOW)) == {
        WINDOWS[0]: Tally.of({USD: 4, SLOTS: 1}).amounts,
        WINDOWS[1]: Tally.of({USD: 5, SLOTS: 1}).amounts,
    }
    assert dict(left.without(HoldId("c")).standing(NOW)).keys() == {WINDOWS[0]}


def test_their_order_counts() -> None:
    orders = [AccountHolds.of(order) for order in permutations([hold("a"), hold("b")])]
    assert orders[0] != orders[1]
    assert [one.id for one in orders[0].with_one(hold("c"))] == ["a", "b", "c"]
    extended = orders[0].with_deadline(HoldId("a"), NOON + 90 * SECOND)
    assert [(one.id, one.deadline) for one in extended] == [
        ("a", NOON + 90 * SECOND),
        ("b", NOON + 20 * SECOND),
    ]


def test_nothing_changes_where_nothing_is_let_go_or_lapses() -> None:
    holds = AccountHolds.of([hold("a"), hold("b", on_expiry=OnExpiry.CHARGE, seconds=1)])
    assert holds.without(HoldId("c")) is holds
    assert holds.unlapsed(NOW) is holds
    assert AccountHolds.of(()).unlapsed(NOW) == AccountHolds.of(())
    emptied = AccountHolds.of([hold("a", seconds=1)]).without(HoldId("a"))
    assert emptied.unlapsed(NOW) is emptied


def test_after_the_first_deadline_has_passed_the_next_one_is_known() -> None:
    early, late = hold("a", seconds=5), hold("b", seconds=20)
    holds = AccountHolds.of([early, late]).without(HoldId("a"))
    noted = holds.unlapsed(NOW)
    assert noted == holds
    assert noted.unlapsed(NOW) is noted
    first, again = calls_of(lambda: holds.unlapsed(NOW)), calls_of(lambda: noted.unlapsed(NOW))
    assert again < first, "they are looked through once, and not each time"


@pytest.mark.parametrize(
    "holds",
    [
        [hold("a"), hold("a", usd=4)],
        [None],
        [hold(f"h{number}") for number in range(HOLDS_MAX + 1)],
    ],
    ids=["twice", "none", "too many"],
)
def test_no_holds_are_like_this(holds: list[Hold]) -> None:
    with pytest.raises(InvalidValue):
        AccountHolds.of(holds)


def test_nothing_is_held_twice_and_no_more_than_there_is_room_for() -> None:
    full = AccountHolds.of(hold(f"h{number}") for number in range(HOLDS_MAX))
    with pytest.raises(InvalidValue):
        full.with_one(hold("one more"))
    with pytest.raises(InvalidValue):
        full.without(HoldId("h0")).with_one(hold("h1"))
    assert evolve(hold("h0")) in tuple(full)


def test_a_spend_costs_the_same_beside_any_number_of_holds() -> None:
    def spend(open_holds: int) -> int:
        others = AccountHolds.of(hold(f"h{number}") for number in range(open_holds))
        account = evolve(limited({USD: Ceiling.of(10**9)}), holds=others)
        admitted = Cascade((account,)).admit(ask(), now=NOON, gate_id=GATE)
        assert isinstance(admitted, Changed)
        assert admitted.state.granted is not None
        closed = admitted.state.granted.reconcile(
            Usage.of({USD: 7}), request_id=rid("close"), now=NOON
        )
        assert isinstance(closed, Changed)
        held = Cascade(admitted.state.accounts)
        return calls_of(
            lambda: (
                Cascade((account,)).admit(ask(), now=NOON, gate_id=GATE),
                held.closed(closed.state, now=NOON),
            )
        )

    assert spend(1_000) == spend(2)
