"""Workers that end themselves at any of their commits, as processes: another goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from tests.application.turns.invariants import require_invariants
from tests.application.worker.errand import People, errand, everything, require_whole
from tests.application.worker.mortal import Moment
from tests.application.worker.outside import Written
from tests.postgres.databases import shared
from tests.processes.fates import carried_on, met_its_fate
from tests.processes.working import (
    PATIENT,
    Fate,
    Order,
    Part,
    host_at,
    labourers,
    owner,
    submitted,
)
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import Completed

COMMITS = 22
"""More than the 19 that an errand takes without any heartbeat."""
LEAST = 19
AT_ONCE = 11


@pytest.fixture(params=["files", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "files":
        yield tmp_path / "store"
        return
    _, databases = shared()
    yield databases.clone()
    databases.drop()


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("fate", list(Fate))
def test_a_worker_may_be_killed_or_stopped_at_each_of_its_commits(
    place: Path | str, tmp_path: Path, moment: Moment, fate: Fate
) -> None:
    """Laws 31, 52 to 54, 64: killed, or stopped past its lease and then continued.

    Stopped before a commit is handed over, a process stands between load and commit: when it goes
    on, the store's clock refuses what it had decided. Every write that an errand makes is met.
    """
    deeds = Written(tmp_path / "deeds")
    orders = [
        Order(place=place, deeds=deeds.path, user=f"u{at}", at=at, moment=moment, fate=fate)
        for at in range(1, COMMITS + 1)
    ]
    met = asyncio.run(_errands(orders, deeds))
    assert met >= LEAST


def test_no_other_write_of_a_stopped_worker_wins_late(place: Path | str, tmp_path: Path) -> None:
    """Law 31: a heartbeat, the note that a handler is called, and every end of a claim."""
    parts = {
        "heartbeat": (Part.PATIENTLY, PATIENT),
        "started": (Part.PATIENTLY, evolve(PATIENT, journaled=False)),
        "failed": (Part.GIVING_UP, PATIENT),
        "given back": (Part.TRYING_AGAIN, PATIENT),
    }
    orders = [
        Order(
            place=place,
            deeds=tmp_path / "deeds",
            user=f"u{number}",
            at=2,
            fate=Fate.STOPPED,
            part=part,
        )
        for number, (part, _) in enumerate(parts.values())
    ]

    async def by_another(ctx: RunContext) -> Ref:
        return Ref("by another")

    async def scenario() -> None:
        async with host_at(place) as host:
            runs = [
                await submitted(host, f"u{number}", policy=policy)
                for number, (_, policy) in enumerate(parts.values())
            ]
            with labourers(*orders) as running:
                pairs = zip(running, runs, strict=True)
                assert all(await asyncio.gather(*(met_its_fate(host, *pair) for pair in pairs)))
                async with host.worker(by_another):
                    ended = [await host.until(run, lambda view: view.status.final) for run in runs]
                for labourer in running:
                    labourer.go_on()
                    assert labourer.drained() == 0
            for run, view in zip(runs, ended, strict=True):
                assert view.state == Completed(result_ref=Ref("by another"))
                assert await host.turns.get(run.address) == view
            require_invariants(await everything(host))

    asyncio.run(scenario())


async def _errands(orders: list[Order], deeds: Written) -> int:
    """Lets each order have an errand of its own; how many met their fate."""
    async with host_at(orders[0].place) as host:
        runs: list[RunView] = []
        owners = tuple(owner(str(order.user)) for order in orders)
        looking = asyncio.create_task(People(host, deeds, owners).look_after(0.1))
        met = 0
        for first in range(0, len(orders), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            # Not before: whoever carries on takes any run.
            runs += [await submitted(host, str(order.user)) for order in orders[some]]
            met += await carried_on(host, orders[some], runs[some], errand(deeds))
        looking.cancel()
        await asyncio.wait([looking])
        await require_whole(host, deeds, runs)
    return met
