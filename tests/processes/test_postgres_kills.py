"""Processes that are killed: nothing acknowledged is lost, and nothing is half there."""

from __future__ import annotations

import random
import time

from tests.postgres.databases import shared
from tests.processes.postgres_counting import (
    FOREVER,
    PostgresBrief,
    require_whole,
    start,
    workers,
)

KILLS = 50
AT_ONCE = 3


def test_fifty_kills_lose_nothing_acknowledged_and_tear_nothing() -> None:
    """P17: `kill -9` at random moments, opening included."""
    url, chance = shared()[1].clone(for_good=True), random.Random(3)

    def brief_of(name: str) -> PostgresBrief:
        return PostgresBrief(url=url, name=name, ledger="hot", increments=FOREVER, at_once=AT_ONCE)

    told: list[int] = []
    with workers(*(brief_of(f"first{n}") for n in range(3))) as running:
        for number in range(KILLS):
            victim = chance.choice(running)
            victim.wait_for(chance.choice([0, 1, 3, 9]))
            # Not a wait for anything: the moment of the kill is to be any.
            time.sleep(chance.random() * 0.01)
            victim.kill()
            told += victim.told
            victim.reports.close()
            running.remove(victim)
            running.append(start(brief_of(f"next{number}")))
        for worker in running:
            worker.kill()
            told += worker.told
        most = len(told) + AT_ONCE * (KILLS + 3)
    assert require_whole(url, told, ledger="hot", most=most) >= KILLS
