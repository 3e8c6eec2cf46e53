"""A figure: ratios of medians, judged by a goal for costs or for throughput."""

from __future__ import annotations

import json

import pytest

from benchmarks.figure import AtLeast, AtMost, Figure, Goal, Ratio, Side, Unit

FAST, SLOW = (0.001, 0.002, 0.009), (0.004, 0.008, 0.009)


def ratio(goal: Goal) -> Ratio:
    ours = Side(name="ours", rounds=SLOW)
    return Ratio(name="one", ours=ours, peer=Side(name="theirs", rounds=FAST), goal=goal)


@pytest.mark.parametrize(
    ("goal", "value", "is_met"),
    [
        (AtMost(4.0), 4.0, True),
        (AtMost(3.9), 4.0, False),
        (AtLeast(0.25), 0.25, True),
        (AtLeast(0.26), 0.25, False),
    ],
)
def test_a_cost_is_a_ratio_of_times_and_a_throughput_one_of_rates(
    *, goal: Goal, value: float, is_met: bool
) -> None:
    assert ratio(goal).value == pytest.approx(value)
    assert ratio(goal).is_met is is_met


def test_the_spread_compares_what_was_measured_in_the_same_round() -> None:
    assert ratio(AtMost(1.0)).spread == pytest.approx((1.0, 4.0))
    assert ratio(AtLeast(1.0)).spread == pytest.approx((0.25, 1.0))


def test_a_ratio_is_a_line_with_both_sides() -> None:
    costs, rates = ratio(AtMost(3.0)).line(), ratio(AtLeast(0.2)).line()
    assert "4.00x (goal <= 3x, missed; rounds 1.00 to 4.00)" in costs
    assert costs.endswith("ours: 8000.0 us against theirs: 2000.0 us")
    assert "0.25x (goal >= 0.2x, met; rounds 0.25 to 1.00)" in rates
    assert rates.endswith("ours: 125/s against theirs: 500/s")


def test_a_side_may_count_bytes() -> None:
    resident = Side(name="resident", rounds=(3_000.0,), unit=Unit.BYTES)
    stored = Side(name="stored", rounds=(1_000.0,), unit=Unit.BYTES)
    one = Ratio(name="", ours=resident, peer=stored, goal=AtMost(4.0))
    assert one.line().endswith("resident: 3,000 bytes against stored: 1,000 bytes")
    assert one.facts()["ours"] == {"name": "resident", "bytes": 3_000.0, "rounds": (3_000.0,)}


def test_a_figure_has_a_line_for_each_ratio_and_for_each_remark() -> None:
    ratios = (ratio(AtMost(3.0)), ratio(AtLeast(0.2)))
    figure = Figure(number="P0", title="a trial", ratios=ratios, remarks=("left out: it",))
    first, second, remark = figure.lines()
    assert first == f"P0  {ratios[0].line()}"
    assert second == f"P0  {ratios[1].line()}"
    assert remark == "P0  left out: it"


def test_a_figure_for_programs_tells_the_goal_and_every_round() -> None:
    figure = Figure(number="P0", title="a trial", ratios=(ratio(AtLeast(0.2)),))
    (facts,) = json.loads(json.dumps(figure.facts()))["ratios"]
    assert (facts["at_least"], facts["is_met"]) == (0.2, True)
    assert facts["ours"] == {"name": "ours", "seconds": 0.008, "rounds": list(SLOW)}


def test_a_side_without_a_round_is_none() -> None:
    with pytest.raises(ValueError, match="rounds"):
        Side(name="ours", rounds=())
