"""Live runs: as many as one process is told to, and how much more memory it has with them.

Usage: python -m benchmarks.live_runs COUNT [DIRECTORY], as a program of its own, so that no other
benchmark has left anything behind. Without a directory, the store is in memory. Prints the bytes
of resident memory, and those of the bodies that are stored, both without the warm-up's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import asdict, frozen
from dependency_injector import providers

from benchmarks.loss import require_count
from benchmarks.places import Backend, Place
from tests.application.turns.invariants import Whole
from turnkeep import Container, Principal, RequestId, RunView, Scope, Turns
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import RecordStore

STATM: Final = Path("/proc/self/statm")
CLIENTS: Final = 32
WARM_UP: Final = 200
USERS: Final = 500
READ_SECONDS: Final = 300.0
ADA: Final = Principal.person("ada")


@frozen
class Footprint:
    """What live runs take, in bytes.

    Attributes:
        resident: Of the process's memory.
        stored: Bodies of their records and events.
    """

    resident: int
    stored: int


def can_be_measured() -> bool:
    """Whether the system tells how much memory a process has."""
    return STATM.exists()


async def footprint(store: RecordStore, count: int) -> Footprint:
    """Submits so many runs, each in a thread of its own.

    Raises:
        Lost: A run that was acknowledged is not there.
    """
    container = Container()
    container.store.override(providers.Object(store))
    async with store:
        turns = container.turns()
        await _submit_all(turns, range(WARM_UP))
        bytes_before = await _stored(container, WARM_UP)
        resident_before = _resident()
        await _submit_all(turns, range(WARM_UP, WARM_UP + count))
        resident = _resident() - resident_before
        stored = await _stored(container, WARM_UP + count) - bytes_before
    return Footprint(resident=resident, stored=stored)


async def _submit_all(turns: Turns, numbers: range) -> None:
    queue: Iterator[int] = iter(numbers)

    async def client() -> None:
        for number in queue:
            scope = Scope.of("acme", f"user-{number % USERS}", thread=f"thread-{number}")
            view = await turns.submit(
                scope, actor=ADA, request_id=RequestId("ask"), payload=b"do nothing"
            )
            assert isinstance(view, RunView)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _stored(container: Container, runs: int) -> int:
    deadline = Deadline.after(container.clock(), READ_SECONDS)
    whole = await Whole.read(container.store(), container.codec(), deadline)
    require_count("live runs", acknowledged=runs, found=len(whole.active))
    bodies = sum(len(cell.entry.body) for cell in whole.cells)
    return bodies + sum(len(event.body) for event in whole.stored_events)


def _resident() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Prints a footprint as JSON."""
    count, *at = sys.argv[1:]
    store = Place(Backend.FILES, at[0]).store() if at else Container().store()
    print(json.dumps(asdict(asyncio.run(footprint(store, int(count))))))


if __name__ == "__main__":
    main()
