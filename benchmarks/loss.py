"""A loss: what was acknowledged and is not there. A figure with a loss is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from dependency_injector import providers

from benchmarks.approval_pair import ApprovalPair
from turnkeep import EVERYBODY, Container, Recorded, RecordedPage
from turnkeep_application.event_log import EventLog
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import RecordStore

PAGE: Final = 500
LOAD_SECONDS: Final = 30.0


class Lost(Exception):
    """Something was acknowledged and is not there, or is there and was not acknowledged."""

    def __init__(self, what: str, *, acknowledged: int, found: int) -> None:
        super().__init__(f"{what}: {acknowledged} were acknowledged, {found} are there")


def require_count(what: str, *, acknowledged: int, found: int) -> None:
    """Compares what was acknowledged with what is there.

    Raises:
        Lost: They differ.
    """
    if found != acknowledged:
        raise Lost(what, acknowledged=acknowledged, found=found)


async def require_approvals(
    store: RecordStore, pairs: Sequence[ApprovalPair], acknowledged: Counter[Address]
) -> None:
    """Looks for one event for each acknowledged update, and for the state that the last one left.

    Args:
        store: Open.
        pairs: All that were updated.
        acknowledged: How many updates of each cell were.

    Raises:
        Lost: Some are not there, or are there twice.
    """
    container = Container()
    container.store.override(providers.Object(store))
    told = await _told(container.events())
    require_count("events", acknowledged=acknowledged.total(), found=told.total())
    for pair in pairs:
        at = pair.where.address
        updates = acknowledged[at]
        require_count("events of an approval", acknowledged=updates, found=told[at])
        deadline = Deadline.after(container.clock(), LOAD_SECONDS)
        cell = (await store.load([at], deadline=deadline)).cells[at]
        if container.codec().decode(APPROVALS, at, cell.entry.body) != pair.after(updates):
            raise Lost("the last update of an approval", acknowledged=updates, found=updates - 1)


async def _told(events: EventLog) -> Counter[Address]:
    told: Counter[Address] = Counter()
    after = b""
    page = await events.read(EVERYBODY, limit=PAGE)
    while isinstance(page, RecordedPage) and page.next != after:
        told.update(e.event.address for e in page.entries if isinstance(e, Recorded))
        after = page.next
        page = await events.read(EVERYBODY, after=after, limit=PAGE)
    return told
