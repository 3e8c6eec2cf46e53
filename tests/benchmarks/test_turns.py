"""The benchmarks of turns run, and have no figure when something was lost."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Final

import pytest

from benchmarks import p3_cost_growth, p5_lifecycles, p5b_claimants
from benchmarks.claimants import Claimants
from benchmarks.figure import Benchmark
from benchmarks.finished import Finished
from benchmarks.lifecycles import Lifecycles
from benchmarks.loss import Lost
from benchmarks.places import postgres_lacks
from benchmarks.window import Window
from turnkeep_ports.store import RecordStore

P3, P5, P5B = (module.BENCHMARK for module in (p3_cost_growth, p5_lifecycles, p5b_claimants))
ON_POSTGRES: Final = 0 if postgres_lacks() else 1
PEERS: Final = sum(
    all(importlib.util.find_spec(name) for name in needs) for needs in p5_lifecycles.PEERS.values()
)
"""How many are installed here: they have an environment of their own."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at here is not how fast it is."""
    for name, number in (("FEW", 3), ("MANY", 250), ("MANY_QUICK", 210), ("TIMES", 2)):
        monkeypatch.setattr(p3_cost_growth, name, number)
    for name, jobs in (("JOBS", 6), ("WARM_UP", 2)):
        monkeypatch.setattr(p5_lifecycles, name, jobs)
    monkeypatch.setattr(p5_lifecycles, "IN_FLIGHT", (2, 4))
    for name, number in (("MANY", 4), ("FEW", 2), ("USERS", 8), ("RUNS", 20)):
        monkeypatch.setattr(p5b_claimants, name, number)
    monkeypatch.setattr(p5b_claimants, "STINT_SECONDS", 0.2)


@pytest.mark.parametrize(
    ("benchmark", "ratios"),
    [
        (P3, 6 + 3 * ON_POSTGRES),
        (P5, ON_POSTGRES * (PEERS + 2 if PEERS else 0)),
        (P5B, 3 + 3 * ON_POSTGRES),
    ],
    ids=["P3", "P5", "P5b"],
)
def test_a_benchmark_of_turns_measures_both_sides_of_each_ratio(
    benchmark: Benchmark, ratios: int
) -> None:
    figure = benchmark.measure(1)
    assert len(figure.ratios) == ratios
    assert all(ratio.value > 0 for ratio in figure.ratios)
    assert len(figure.lines()) >= 1


def test_a_peer_that_is_not_there_is_told_in_one_line_and_ours_are_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(p5_lifecycles, "PEERS", {"nobody": ("a_module_of_nobody",)})
    lines = P5.measure(1).lines()
    assert (
        sum("nobody left out: a_module_of_nobody cannot be imported" in line for line in lines) == 1
    )
    assert sum(line.endswith("/s") for line in lines) == 3


@pytest.mark.parametrize("module", [p3_cost_growth, p5_lifecycles, p5b_claimants])
def test_what_needs_a_server_is_left_out_in_one_line(
    module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "postgres_lacks", lambda: "psycopg cannot be imported")
    figure = module.measure(1)  # type: ignore[attr-defined] # one of three modules
    told = [line for line in figure.lines() if "left out: psycopg cannot be imported" in line]
    assert len(told) == 1
    assert not any("postgres" in ratio.name for ratio in figure.ratios)


def test_a_quick_look_at_cost_growth_says_that_it_is_one() -> None:
    assert any("a quick look" in line for line in P3.measure(1).lines())


def test_a_finished_run_that_is_not_there_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Finished.fill

    async def boast(self: Finished, store: RecordStore, runs: int) -> None:
        await honest(self, store, runs - 1)

    monkeypatch.setattr(Finished, "fill", boast)
    with pytest.raises(Lost, match="events"):
        P3.measure(1)


def test_a_turn_that_was_told_to_be_completed_and_is_not_is_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = Lifecycles.by_service

    async def boast(self: Lifecycles, window: Window) -> float:
        seconds = await honest(self, window)
        self.completed[-1] = f"a run of nobody, as good as {self.completed[-1]}"
        return seconds

    monkeypatch.setattr(Lifecycles, "by_service", boast)
    with pytest.raises(Lost, match="runs of ours"):
        P5.measure(1)


def test_a_run_that_was_granted_twice_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Claimants.seconds

    def twice(self: Claimants, members: int, stint_seconds: float) -> tuple[float, list[str]]:
        seconds, granted = honest(self, members, stint_seconds)
        return seconds, [*granted, granted[0]]

    monkeypatch.setattr(Claimants, "seconds", twice)
    with pytest.raises(Lost, match="grants"):
        P5B.measure(1)


async def test_a_window_lets_in_as_many_as_it_has_places_and_no_more() -> None:
    window = Window(3, 20)
    inside: set[int] = set()
    seen: list[int] = []

    async def enqueue(number: int) -> None:
        inside.add(number)
        seen.append(len(inside))
        asyncio.get_running_loop().call_later(0, work, number)

    def work(number: int) -> None:
        inside.remove(number)
        window.note(number)

    await window.pass_through(enqueue)
    window.require_once()
    assert max(seen) == 3


async def test_a_job_that_is_worked_twice_is_a_loss() -> None:
    window = Window(2, 4)

    async def enqueue(number: int) -> None:
        window.note(number)
        window.note(number)

    await window.pass_through(enqueue)
    with pytest.raises(Lost, match="jobs"):
        window.require_once()
