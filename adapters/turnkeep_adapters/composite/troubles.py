"""A trouble: what one mount raised, told under the name of the mount, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from attrs import evolve

from turnkeep_adapters.composite.mounts import Mount
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)

A = TypeVar("A")


@contextmanager
def of_mount(mount: Mount) -> Iterator[None]:
    """What a mount raises in the block is raised as it is, and says whose it is.

    What it proves about the write stays: the class, the code and the flags are the mount's own.
    """
    try:
        yield
    except (Unavailable, OutcomeUnknown, Corrupt) as error:
        raise evolve(error, why=f"mount {mount.name}: {error.why}") from error
    except (Unsupported, PayloadTooLarge, SchemaTooNew) as error:
        raise evolve(error, what=f"mount {mount.name}: {error.what}") from error


async def asked(mount: Mount, call: Awaitable[A]) -> A:
    """A mount's answer."""
    with of_mount(mount):
        return await call


async def side_by_side(calls: Iterable[Coroutine[object, object, A]]) -> list[A]:
    """The answers of calls that run at once, in their order; the first error ends the others."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end(tasks)


async def end(tasks: Iterable[asyncio.Future[A]]) -> None:
    """Cancels what still runs, and waits until it has ended; nobody asks for its errors."""
    ending = tuple(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
