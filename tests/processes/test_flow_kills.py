"""A flow across all aggregates, whose worker is killed or stopped at any of its commits.

An approved call within a budget and with a secret: whichever commit is the process's last, another
worker goes on, an operator asks the world where nobody else can know, and all that was to happen
once has happened once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.application.worker.errand import People
from tests.application.worker.mortal import Moment
from tests.application.worker.outside import Written
from tests.application.worker.purchase import (
    HANDLE,
    LEAST,
    Purchasing,
    prepare,
    receipt_of,
    require_bought_once,
    require_no_material_in,
)
from tests.postgres.databases import shared
from tests.processes.fates import carried_on
from tests.processes.working import Fate, Order, Part, host_at, owner, submitted

COMMITS = LEAST + 2
"""More than a purchase takes without any heartbeat."""


@pytest.fixture(params=["files", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    if request.param == "files":
        yield tmp_path / "store"
        return
    _, databases = shared()
    yield databases.clone()
    databases.drop()


@pytest.mark.parametrize(
    ("fate", "moment"),
    [
        (Fate.KILLED, Moment.BEFORE),
        (Fate.KILLED, Moment.AFTER),
        (Fate.STOPPED, Moment.BEFORE),  # and continued, when another has done its work
    ],
)
def test_a_purchase_is_made_once_whichever_commit_is_its_workers_last(
    place: Path | str, tmp_path: Path, fate: Fate, moment: Moment
) -> None:
    """26 to 31 and 52 of approvals, law 34 of budgets, laws 31 and 52 to 54 of turns."""
    deeds = Written(tmp_path / "deeds")
    orders = [
        Order(
            place=place,
            deeds=deeds.path,
            user=f"u{at}",
            at=at,
            moment=moment,
            fate=fate,
            part=Part.PURCHASE,
            concurrency=1,
        )
        for at in range(1, COMMITS + 1)
    ]
    met = asyncio.run(_purchases(orders, deeds))
    assert met >= LEAST
    stored = stored_bytes(place)
    assert HANDLE.encode() in stored, "what is stored is not what is looked at"
    require_no_material_in(stored)


async def _purchases(orders: list[Order], deeds: Written) -> int:
    """Lets each order have a purchase of its own; how many met their fate."""
    async with host_at(orders[0].place) as host:
        users = [str(order.user) for order in orders]
        for user in users:
            await prepare(host, user)
        people = People(host, deeds, tuple(owner(user) for user in users), receipt_of)
        looking = asyncio.create_task(people.look_after(0.1))
        runs = [await submitted(host, user) for user in users]
        handler = Purchasing(host.keep.budgets, deeds)
        met = await carried_on(host, orders, runs, handler)
        looking.cancel()
        await asyncio.wait([looking])
        await require_bought_once(host, deeds, runs)
    return met


def stored_bytes(place: Path | str) -> bytes:
    """Every byte that a store keeps, as far as anybody who has its disk or its tables can read."""
    if isinstance(place, Path):
        return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())
    with psycopg.connect(place, autocommit=True) as connection:
        return b"".join(
            row[0]
            for table in (b"cell", b"event")
            for column in (b"key", b"body")
            for row in connection.execute(b"SELECT %b FROM turnkeep.%b" % (column, table))
        )
