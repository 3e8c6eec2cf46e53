"""Every benchmark runs, and has no figure when something was lost."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from benchmarks import (
    p1_hot_budget,
    p1_hot_cell,
    p2_one_writer,
    p4_convoy,
    p6_durable_files,
    p7_processes,
    p8_loop,
    p9_footprint,
    p10_threads,
)
from benchmarks.approval_pair import ApprovalPair
from benchmarks.crew import Crew, crew
from benchmarks.figure import Benchmark
from benchmarks.live_runs import can_be_measured, footprint
from benchmarks.loss import Lost, require_approvals
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.sqlite_row import sqlite_row
from benchmarks.tellers import Tellers
from benchmarks.writers import Writers
from turnkeep import Actor, Container, Principal, Ref, RequestId, RunView, Scope, Turns
from turnkeep_application.round_settings import RoundSettings

P1, P1B, P2, P4, P6, P7, P8, P9, P10 = (
    module.BENCHMARK
    for module in (
        p1_hot_budget,
        p1_hot_cell,
        p2_one_writer,
        p4_convoy,
        p6_durable_files,
        p7_processes,
        p8_loop,
        p9_footprint,
        p10_threads,
    )
)
ON_POSTGRES: Final = 0 if postgres_lacks() else 1
"""With the postgres store and its server, its ratios are there; without, a word about them."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at here is not how fast it is."""
    for name, number in (("WRITERS", 4), ("MANY", 8), ("TIMES", 2), ("TIMES_LOCKED", 1)):
        monkeypatch.setattr(p1_hot_budget, name, number)
    for name, number in (("WRITERS", 6), ("MANY", 8), ("TIMES", 4), ("TIMES_LOCKED", 2)):
        monkeypatch.setattr(p1_hot_cell, name, number)
    monkeypatch.setattr(p2_one_writer, "TIMES", 5)
    monkeypatch.setattr(p4_convoy, "STALL_SECONDS", 0.6)
    monkeypatch.setattr(p6_durable_files, "WRITERS", 4)
    monkeypatch.setattr(p6_durable_files, "TIMES", 5)
    monkeypatch.setattr(p7_processes, "PROCESSES", 2)
    monkeypatch.setattr(p7_processes, "STINT_SECONDS", 0.05)
    monkeypatch.setattr(p9_footprint, "LIVE_QUICK", 400)
    monkeypatch.setattr(p10_threads, "LONG", 120)
    monkeypatch.setattr(p10_threads, "SHORT", 60)
    monkeypatch.setattr(p10_threads, "TIMES", 2)


@pytest.mark.parametrize(
    ("benchmark", "ratios"),
    [
        (P1, 3 * ON_POSTGRES),
        (P1B, 3 * ON_POSTGRES),
        (P2, 4 * ON_POSTGRES),
        (P4, 2 + 2 * ON_POSTGRES),
        (P6, 2),
        (P7, 1 + ON_POSTGRES),
        (P8, 1),
        (P9, 1 + 2 * can_be_measured()),
        (P10, 6 + 3 * ON_POSTGRES),
    ],
    ids=["P1", "P1b", "P2", "P4", "P6", "P7", "P8", "P9", "P10"],
)
def test_a_benchmark_measures_both_sides_of_each_ratio(benchmark: Benchmark, ratios: int) -> None:
    figure = benchmark.measure(1)
    assert len(figure.ratios) == ratios
    assert all(ratio.value > 0 for ratio in figure.ratios)
    assert len(figure.lines()) >= 1


@pytest.mark.parametrize(
    "module",
    [p1_hot_budget, p1_hot_cell, p2_one_writer, p7_processes, p10_threads],
    ids=["P1", "P1b", "P2", "P7", "P10"],
)
def test_what_needs_a_server_is_left_out_in_one_line(
    module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "postgres_lacks", lambda: "psycopg cannot be imported")
    figure = module.measure(1)  # type: ignore[attr-defined] # one of three modules
    lines = [line for line in figure.lines() if "left out: psycopg cannot be imported" in line]
    assert len(lines) == 1
    assert not any("postgres," in ratio.name for ratio in figure.ratios)


@pytest.mark.parametrize("benchmark", [P6, P8, *[P2] * ON_POSTGRES])
def test_an_update_that_was_acknowledged_and_not_made_is_a_loss(
    benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Writers.update

    async def boast(self: Writers, pair: ApprovalPair) -> None:
        if not self.acknowledged:
            self.acknowledged[pair.where.address] += 1
        await honest(self, pair)

    monkeypatch.setattr(Writers, "update", boast)
    with pytest.raises(Lost, match="events"):
        benchmark.measure(1)


async def test_a_run_that_was_acknowledged_and_does_not_live_is_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit = Turns.submit

    async def ended(self: Turns, scope: Scope, **asked: Any) -> object:
        view = await submit(self, scope, **asked)
        assert isinstance(view, RunView)
        by = Actor.operator(Principal.person("olga"))
        await self.request_cancel(
            view.address, reason=Ref("stop"), actor=by, request_id=RequestId("stop")
        )
        return view

    monkeypatch.setattr(Turns, "submit", ended)
    with pytest.raises(Lost, match="live runs"):
        await footprint(Container().store(), 1)


@pytest.mark.skipif(
    not can_be_measured(), reason="the system does not tell how much memory is used"
)
def test_live_runs_take_memory_and_are_stored() -> None:
    ratio = p9_footprint.live_memory("memory", 400, None)
    assert ratio.peer.rounds[0] > 400 * 200
    assert ratio.ours.rounds[0] > 400 * 200


def test_what_a_program_of_ours_fails_with_is_told() -> None:
    with pytest.raises(RuntimeError, match="invalid literal"):
        p9_footprint._output(["-m", "benchmarks.live_runs", "many"], os.environ)


def test_a_message_that_was_acknowledged_and_is_not_there_is_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = p10_threads.Reader.append

    async def boast(self: p10_threads.Reader, thread: str) -> None:
        await honest(self, thread)
        self.acknowledged["long"] = self.acknowledged.get("long", 0) + 1

    monkeypatch.setattr(p10_threads.Reader, "append", boast)
    with pytest.raises(Lost, match="messages of long"):
        P10.measure(1)


def test_an_update_that_a_process_was_acknowledged_and_is_not_there_is_a_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = Crew.seconds

    def boast(self: Crew, members: int, stint_seconds: float) -> tuple[float, int]:
        seconds, updates = honest(self, members, stint_seconds)
        return seconds, updates + 1

    monkeypatch.setattr(Crew, "seconds", boast)
    with pytest.raises(Lost, match="events"):
        P7.measure(1)


async def test_a_state_that_the_last_update_did_not_leave_is_a_loss() -> None:
    pair = ApprovalPair.made()
    other = evolve(pair, one=pair.other, other=pair.one)
    async with Container().store() as store:
        writers = Writers.on(store)
        await writers.seconds([pair], 3)
        await require_approvals(store, [pair], writers.acknowledged)
        with pytest.raises(Lost, match="the last update"):
            await require_approvals(store, [other], writers.acknowledged)


async def test_an_update_of_one_cell_does_not_stand_for_one_of_another() -> None:
    one, two = ApprovalPair.made(1), ApprovalPair.made(2)
    async with Container().store() as store:
        writers = Writers.on(store)
        await writers.seconds([one, two], 2)
        acknowledged = Counter({one.where.address: 3, two.where.address: 1})
        with pytest.raises(Lost, match="events of an approval: 3 were acknowledged, 2 are there"):
            await require_approvals(store, [one, two], acknowledged)


async def test_an_update_that_nobody_was_acknowledged_is_found() -> None:
    pair, stranger = ApprovalPair.made(1), ApprovalPair.made(2)
    async with Container().store() as store:
        writers = Writers.on(store)
        await writers.seconds([pair], 2)
        acknowledged = Counter(writers.acknowledged)
        await writers.update(stranger)
        with pytest.raises(Lost, match="events: 2 were acknowledged, 3 are there"):
            await require_approvals(store, [pair], acknowledged)


def test_a_row_of_sqlite_that_counts_fewer_updates_is_a_loss(tmp_path: Path) -> None:
    with sqlite_row(tmp_path / "peer.sqlite", b"key", (b"one", b"other")) as row:
        row.seconds(3)
        row.require_all(3)
        row.connection.execute("UPDATE cell SET revision = revision - 1")
        with pytest.raises(Lost, match="revisions in SQLite: 3 were acknowledged, 2 are there"):
            row.require_all(3)


def test_processes_make_the_same_pair(tmp_path: Path) -> None:
    place = Place(Backend.FILES, str(tmp_path / "store"))
    with crew(place, 2) as processes:
        _, updates = processes.seconds(2, 0.0)
        processes.stop()
    assert updates == 4, "each works once before it is measured, and once at least then"


async def test_a_booking_that_was_acknowledged_and_is_not_there_is_a_loss() -> None:
    async with Container().store() as store:
        tellers = Tellers.on(store, "till", RoundSettings())
        await tellers.seconds(3, 3)
        await tellers.require_all()
        other = tellers.beside("till")
        await other.book()
        with pytest.raises(Lost, match="bookings"):
            await tellers.require_all()
