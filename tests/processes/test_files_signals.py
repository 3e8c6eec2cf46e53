"""Processes that are stopped and killed: nothing acknowledged is lost, and nobody waits."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.processes.counting import FOREVER, Brief, Worker, require_whole, start, workers
from turnkeep_adapters.files.inspection import inspect, verify

KILLS = 50
STOPS = 6


def brief_of(path: Path, name: str, increments: int = FOREVER, ledger: str = "hot") -> Brief:
    return Brief(path=path, name=name, ledger=ledger, increments=increments)


def test_fifty_kills_lose_nothing_acknowledged_and_tear_nothing(tmp_path: Path) -> None:
    """F1, P17: `kill -9` at random moments, opening and compacting included."""
    path, chance = tmp_path / "store", random.Random(1)
    told: list[int] = []
    with workers(*(brief_of(path, f"first{n}") for n in range(3))) as running:
        for number in range(KILLS):
            victim = chance.choice(running)
            victim.wait_for(chance.choice([0, 1, 3, 9]))
            # Not a wait for anything: the moment of the kill is to be any.
            time.sleep(chance.random() * 0.01)
            victim.kill()
            told += victim.told
            running.remove(victim)
            running.append(start(brief_of(path, f"next{number}")))
        for worker in running:
            worker.kill()
            told += worker.told
        most = len(told) + KILLS + 3
    assert require_whole(path, told, ledger="hot", most=most) >= KILLS
    assert verify(path).findings == ()


def compacted_since(path: Path, number: int) -> bool:
    """Whether both checkpoints that are kept are newer, so that the log before them is gone."""
    checkpoints = inspect(path).checkpoints
    return len(checkpoints) == 2 and checkpoints[0] > number


def test_a_process_that_slept_through_compactions_neither_forks_nor_waits(tmp_path: Path) -> None:
    """F1, F3: SIGSTOP for longer than two compactions, then SIGCONT; nobody waits meanwhile."""
    path, chance = tmp_path / "store", random.Random(2)
    with workers(brief_of(path, "sleeper"), brief_of(path, "awake")) as (sleeper, awake):
        for _ in range(STOPS):
            sleeper.wait_for(len(sleeper.told) + chance.randint(1, 5))
            time.sleep(chance.random() * 0.005)
            sleeper.stop()
            asleep_at = inspect(path).head
            while not compacted_since(path, asleep_at):
                before = len(awake.told)
                awake.wait_for(before + 20)
                assert len(awake.told) == before + 20, "the others wait for a sleeper"
            sleeper.go_on()
        sleeper.wait_for(len(sleeper.told) + 5)
        for worker in (sleeper, awake):
            worker.kill()
        told = [*sleeper.told, *awake.told]
        open_ = sum(1 + worker.unknown for worker in (sleeper, awake))
    require_whole(path, told, ledger="hot", most=len(told) + open_)
    assert verify(path).findings == ()


def test_writers_compactors_stops_and_kills_leave_one_chain(tmp_path: Path) -> None:
    """F1: All of it at once, over cells of their own and one that all share."""
    path, chance = tmp_path / "store", random.Random(3)
    ended: list[Worker] = []
    names = [("a", "hot"), ("b", "hot"), ("c", "own"), ("d", "hot")]
    with workers(*(brief_of(path, name, ledger=ledger) for name, ledger in names)) as running:
        stopped: list[Worker] = []
        for number in range(120):
            worker = chance.choice(running)
            if worker in stopped:
                stopped.remove(worker)
                worker.go_on()
            elif len(stopped) < 2 and chance.random() < 0.6:
                worker.stop()
                stopped.append(worker)
            else:
                worker.wait_for(len(worker.told) + chance.randint(0, 8))
                worker.kill()
                ended.append(worker)
                running.remove(worker)
                ledger = worker.brief.ledger
                running.append(start(brief_of(path, f"w{number}", ledger=ledger)))
        for worker in running:
            worker.kill()
        ended += running
        for ledger in ("hot", "own"):
            mine = [worker for worker in ended if worker.brief.ledger == ledger]
            told = [total for worker in mine for total in worker.told]
            open_ = sum(1 + worker.unknown for worker in mine)
            if told or ledger == "hot":
                require_whole(path, told, ledger=ledger, most=len(told) + open_)
    assert verify(path).findings == ()
