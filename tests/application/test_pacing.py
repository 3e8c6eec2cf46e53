"""Pacing: bounds that make sense, and pauses within them."""

from __future__ import annotations

import pytest

from turnkeep_application.pacing import Pacing
from turnkeep_domain.errors import InvalidValue


class Share:
    def __init__(self, share: float) -> None:
        self.share = share

    def below(self, bound: float) -> float:
        return self.share * bound


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_pause_doubles_from_2_to_50_ms_and_adds_its_share_of_jitter(share: float) -> None:
    pauses = [Pacing().pause_seconds(number, Share(share)) for number in range(31)]
    delays = [0.002, 0.004, 0.008, 0.016, 0.032, *[0.050] * 26]
    assert pauses == pytest.approx([delay * (1 + share) for delay in delays])


def test_a_pause_of_any_number_is_finite() -> None:
    assert Pacing().pause_seconds(999, Share(0)) == 0.050


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts_max": 0},
        {"attempts_max": 1_001},
        {"deadline_seconds": 0.0},
        {"deadline_seconds": 0.5},
        {"deadline_seconds": 3_601.0},
        {"reserve_seconds": -1.0},
        {"pause_first_seconds": -0.1},
        {"pause_max_seconds": -0.1},
    ],
)
def test_bounds_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - attrs' own error, or InvalidValue
        Pacing(**wrong)  # type: ignore[arg-type]  # what a host without a type checker may pass


def test_a_reserve_must_fit_into_the_deadline() -> None:
    with pytest.raises(InvalidValue):
        Pacing(deadline_seconds=1, reserve_seconds=1)
