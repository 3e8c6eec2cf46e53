"""Counting: the command that adds to a ledger, and that leaves no request id behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from attrs import evolve

from tests.application.loop.bench import Bench
from tests.application.loop.ledger import LEDGERS, SCOPE, Ledger, opened
from turnkeep_application.records import Records
from turnkeep_domain.decisions import Changed
from turnkeep_domain.keys import Key, key
from turnkeep_domain.request_ids import RequestId

FIRST = key(LEDGERS, SCOPE, "l1")
SECOND = key(LEDGERS, SCOPE, "l2")
THIRD = key(LEDGERS, SCOPE, "l3")


def counting(
    where: Key[Ledger], amount: int = 1
) -> Callable[[Records, datetime], Changed[Records, int]]:
    """A record has room for any number of such commands; each tells one event."""

    def decide(records: Records, now: datetime) -> Changed[Records, int]:
        ledger = records[where] or opened(where.address.id)
        added = ledger.add(amount, RequestId(f"at {ledger.total}"), where.address, now)
        assert isinstance(added, Changed)
        after = evolve(added.state, marks=ledger.marks)
        return Changed(records.put(where, after), after.total, added.events)

    return decide


async def count(bench: Bench, *wheres: Key[Ledger], amount: int = 1) -> object:
    """Counts on the first of some cells, the others of which it reads."""
    keys = wheres or (FIRST,)
    return await bench.loop().update(keys, counting(keys[0], amount))


async def answers(tasks: Sequence[Awaitable[object]]) -> list[object]:
    """What each was told, or its error."""
    return await asyncio.gather(*tasks, return_exceptions=True)
