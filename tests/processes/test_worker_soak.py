"""Workers that are killed at random, all the time: every run ends, and no step is taken twice.

Ten kills a store; `make soak` asks for a hundred, by TURNKEEP_SOAK_KILLS.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.application.worker.errand import People, require_whole
from tests.application.worker.outside import Written
from tests.application.worker.sites import Host
from tests.postgres.databases import shared
from tests.processes.working import Order, host_at, labourers, owner, start, submitted
from turnkeep_application.turns.views import RunView

KILLS: Final = int(os.environ.get("TURNKEEP_SOAK_KILLS", "10"))
WORKERS: Final = 3
USERS: Final = tuple(f"u{number}" for number in range(4))
AT_ONCE: Final = 12


@pytest.fixture(params=["files", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "files":
        yield tmp_path / "store"
        return
    _, databases = shared()
    yield databases.clone()
    databases.drop()


def test_workers_that_are_killed_at_random_lose_nothing_and_repeat_nothing(
    place: Path | str, tmp_path: Path
) -> None:
    """Law 64: `kill -9` at random in several processes; all runs end and every count is zero."""
    asyncio.run(_soak(place, Written(tmp_path / "deeds"), random.Random(KILLS)))


async def _soak(place: Path | str, deeds: Written, chance: random.Random) -> None:
    order = Order(place=place, deeds=deeds.path)
    async with host_at(place) as host:
        runs: list[RunView] = []
        people = People(host, deeds, tuple(owner(user) for user in USERS))
        looking = asyncio.create_task(people.look_after(0.1))
        with labourers(*[order] * WORKERS) as running:
            for _ in range(KILLS):
                await _keep_busy(host, runs)
                # Not a wait for anything: the moment of the kill is to be any.
                await asyncio.sleep(chance.random() * 0.8)
                victim = running.pop(chance.randrange(WORKERS))
                victim.kill()
                victim.reports.close()
                running.append(start(order))
            for run in runs:
                await host.until(run, lambda view: view.status.final)
        looking.cancel()
        await asyncio.wait([looking])
        await require_whole(host, deeds, runs)


async def _keep_busy(host: Host, runs: list[RunView]) -> None:
    """Submits as many errands as have ended."""
    views = [await host.turns.get(run.address) for run in runs[-2 * AT_ONCE :]]
    live = sum(view is not None and not view.status.final for view in views)
    for _ in range(AT_ONCE - live):
        name = f"t{len(runs)}"
        runs.append(await submitted(host, USERS[len(runs) % len(USERS)], name))
