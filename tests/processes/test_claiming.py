"""Claiming by many processes: law 25, and that no user starves among a thousand.

Every run is granted to one claimer, whatever they all do at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application.turns.invariants import Whole, require_invariants
from tests.postgres.databases import shared
from tests.processes.claiming import ClaimBrief, Place, claimers, everything, seed
from turnkeep_domain.turns.events import RunClaimed
from turnkeep_domain.turns.run_states import RunStatus


@pytest.fixture(params=["files", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A store that several processes may open."""
    if request.param == "files":
        yield Place(path=tmp_path / "store")
        return
    databases = shared()[1]
    yield Place(url=databases.clone())
    databases.drop()


def play(
    place: Place, *, processes: int, each: int, count: int, completes: bool
) -> list[tuple[str, str, int]]:
    """What so many processes with so many claimers each were granted."""
    briefs = [
        ClaimBrief(place=place, name=f"p{n}", claimers=each, count=count, completes=completes)
        for n in range(processes)
    ]
    with claimers(*briefs) as running:
        return [grant for process in running for grant in process.finish()]


def claims_of(whole: Whole) -> list[RunClaimed]:
    return [event for event in whole.events if isinstance(event, RunClaimed)]


def test_50_claimers_in_several_processes_start_each_of_500_runs_once(place: Place) -> None:
    seed(place, users=50, runs=10)
    granted = play(place, processes=5, each=10, count=1, completes=True)
    assert len(granted) == len(set(granted)) == 500
    whole = everything(place)
    assert Counter(event.run for event in claims_of(whole)).most_common(1)[0][1] == 1
    assert len(whole.ended) == 500
    assert {record.run.status for record in whole.ended} == {RunStatus.COMPLETED}
    require_invariants(whole)


def test_16_workers_claim_10000_runs_of_1000_users_once_in_order_and_starve_nobody(
    place: Place,
) -> None:
    seed(place, users=1_000, runs=10)
    granted = play(place, processes=2, each=8, count=8, completes=False)
    assert len(granted) == len({(user, thread) for user, thread, _ in granted}) == 10_000
    whole = everything(place)
    claims = claims_of(whole)
    assert len(claims) == 10_000

    order: dict[str, list[str]] = {}
    waiting = {f"u{number:04}" for number in range(1_000)}
    most_before_the_last_user = 0
    for event in claims:
        user, thread = str(event.address.scope.user), str(event.address.scope.thread)
        order.setdefault(user, []).append(thread)
        if waiting:
            most_before_the_last_user = max(most_before_the_last_user, len(order[user]))
        waiting.discard(user)
    threads = [f"t{number:02}" for number in range(10)]
    assert all(served == threads for served in order.values())
    # Users take turns: who meets a rival in a lane goes on to the next, so hardly anybody has a
    # third run before everybody has a first.
    assert most_before_the_last_user <= 5
    require_invariants(whole)
