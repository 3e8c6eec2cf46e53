"""Several real processes at one ceiling: exactly as many are admitted as it allows."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.databases import shared
from tests.processes.reserving import Racers, limited, reserved, storm
from turnkeep import Dimension, Receipt, RequestId, Scope, open_keep

USD, SLOTS = Dimension.USD_NANO, Dimension.CONCURRENCY_SLOTS


@pytest.fixture(params=["files", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store that processes share."""
    if request.param == "files":
        yield (tmp_path / "store").as_uri()
        return
    _, databases = shared()
    yield databases.clone()
    databases.drop()


def test_of_many_processes_for_one_slot_exactly_one_wins(url: str) -> None:
    """53."""
    limited(url, {SLOTS: 1})
    briefs = [
        Racers(url=url, name=f"p{number}", racers=2, estimate={SLOTS: 1}) for number in range(6)
    ]
    told = Counter(storm(briefs))
    assert told == {"reserved": 1, "budget.limit_exceeded": 11}
    assert reserved(url, SLOTS) == 1


def test_of_200_racers_under_a_ceiling_of_100_exactly_100_win(url: str) -> None:
    """54."""
    limited(url, {USD: 100})
    briefs = [
        Racers(url=url, name=f"p{number}", racers=50, estimate={USD: 1}) for number in range(4)
    ]
    told = Counter(storm(briefs))
    assert told == {"reserved": 100, "budget.limit_exceeded": 100}
    assert reserved(url, USD) == 100


def test_of_many_threads_for_one_slot_exactly_one_wins(url: str) -> None:
    """53: each thread has an event loop and a keep of its own."""
    limited(url, {SLOTS: 1})
    gate = threading.Barrier(6)
    won: list[bool] = []

    def race(number: int) -> None:
        async def ask() -> bool:
            async with open_keep(url) as keep:
                await keep.budgets.snapshot(Scope.of("acme", "x"))
                await asyncio.to_thread(gate.wait)
                answer = await keep.budgets.reserve(
                    Scope.of("acme", f"u{number}"),
                    id=RequestId("once"),
                    estimate={SLOTS: 1},
                    owner="thread",
                )
                return isinstance(answer, Receipt)

        won.append(asyncio.run(ask()))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    assert reserved(url, SLOTS) == 1
