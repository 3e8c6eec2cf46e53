"""The models: within their bounds nothing goes wrong, and without a rule something does."""

from __future__ import annotations

from functools import partial

import pytest

from tests.files.models import log_model, power_model
from tests.files.models.search import explore

STATES_MAX = 400_000


@pytest.mark.parametrize("commits", [(2, 2), (1, 1, 1)])
def test_no_interleaving_of_writers_and_a_compactor_forks_the_log(commits: tuple[int, ...]) -> None:
    """F2: Two writers of two commits, and three of one; pauses inside the kernel included."""
    states = explore(
        log_model.beginning(*commits), log_model.successors, log_model.check, states_max=STATES_MAX
    )
    assert states > 50_000


@pytest.mark.parametrize(
    ("rule", "commits", "told"),
    [
        (log_model.Rule.RANDOM_NAMES, (2, 1, 1), "a number is taken twice"),
        (log_model.Rule.LOOK_AFTER, (2, 2), "acknowledged that is not in the history"),
    ],
)
def test_without_a_rule_the_log_forks(
    rule: log_model.Rule, commits: tuple[int, ...], told: str
) -> None:
    """F2: Without R1 or R3."""
    successors = partial(log_model.successors, rules=log_model.ALL - {rule})
    with pytest.raises(log_model.Violation, match=told):
        explore(log_model.beginning(*commits), successors, log_model.check, states_max=STATES_MAX)


@pytest.mark.parametrize(("processes", "commits", "compactions"), [(1, 3, 2), (2, 1, 2), (2, 1, 1)])
def test_no_power_cut_takes_back_what_was_told(
    processes: int, commits: int, compactions: int
) -> None:
    """F2: Whatever part of the unsynced survives, at any moment."""
    explore(
        power_model.beginning(processes, commits, compactions),
        power_model.successors,
        power_model.check,
        states_max=STATES_MAX,
    )


@pytest.mark.parametrize("rule", power_model.Rule)
def test_without_a_sync_a_power_cut_takes_something_back(rule: power_model.Rule) -> None:
    """F2: Without R4, or any of the syncs that it rests on."""
    successors = partial(power_model.successors, rules=power_model.ALL - {rule})
    with pytest.raises(log_model.Violation):
        explore(
            power_model.beginning(2, 2, 2), successors, power_model.check, states_max=STATES_MAX
        )


def test_a_reader_that_does_not_sync_is_enough_to_break_it() -> None:
    """F2: R4 concerns readers too: with one writer and one reader it is missed at once."""
    state = power_model.beginning(2, 1, 0)
    reader = state.processes[1]._replace(commits_left=0)
    state = state._replace(processes=(state.processes[0], reader))
    explore(state, power_model.successors, power_model.check, states_max=STATES_MAX)
    successors = partial(power_model.successors, rules=power_model.ALL - {power_model.Rule.VIEW})
    with pytest.raises(log_model.Violation, match="what was told is lost"):
        explore(state, successors, power_model.check, states_max=STATES_MAX)
