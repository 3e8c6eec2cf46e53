"""Several real processes want one secret: material leaves once for each counted use."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.postgres.databases import shared
from tests.processes.consuming import MATERIAL, Wish, again, events_of, give_key, lent, started

PROCESSES = 8
AT_ONCE = 8


@pytest.fixture(params=["files", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    give_key()
    if request.param == "files":
        return (tmp_path / "store").as_uri()
    return shared()[1].clone(for_good=True)


@pytest.mark.parametrize("uses_max", [1, 3])
def test_of_64_consumers_in_8_processes_exactly_as_many_get_it_as_there_are_uses(
    url: str, uses_max: int
) -> None:
    """16, 17."""
    ref = asyncio.run(lent(url, uses_max=uses_max))
    wishes = [
        Wish(url=url, ref=ref, name=f"p{number}", at_once=AT_ONCE) for number in range(PROCESSES)
    ]
    told: Counter[str] = Counter()
    with started(*wishes) as running:
        for go, _, _ in running:
            go.send("go")
        for _, reports, _ in running:
            told.update(reports.recv())
    assert told == {"material": uses_max, "lease_consumed": PROCESSES * AT_ONCE - uses_max}
    kinds = Counter(asyncio.run(events_of(url)))
    assert kinds["secret_lease.used"] == uses_max
    assert kinds["secret_lease.ended"] == 1


def test_64_calls_of_one_request_in_8_processes_get_it_once(url: str) -> None:
    """16, 33."""
    ref = asyncio.run(lent(url, uses_max=2))
    wishes = [Wish(url=url, ref=ref, name="same", at_once=1) for _ in range(PROCESSES)]
    told: Counter[str] = Counter()
    with started(*wishes) as running:
        for go, _, _ in running:
            go.send("go")
        for _, reports, _ in running:
            told.update(reports.recv())
    assert told == {"material": 1, "spent": PROCESSES - 1}


def test_one_that_is_killed_after_its_commit_has_spent_its_use(url: str, tmp_path: Path) -> None:
    """34: `Spent`, and no trace of material."""
    ref = asyncio.run(lent(url, uses_max=2))
    with started(Wish(url=url, ref=ref, name="dying", dies=True)) as ((go, _, process),):
        go.send("go")
        process.join(60)
        assert process.exitcode == -9
    assert asyncio.run(again(url, ref, "dying-0")) == "spent"
    assert asyncio.run(again(url, ref, "other")) == "material"
    assert asyncio.run(again(url, ref, "third")) == "lease_consumed"
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert MATERIAL not in path.read_bytes()
