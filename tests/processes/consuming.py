"""Consuming: processes that all want the material of one secret lease."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final, NoReturn, TypeAlias

from attrs import field, frozen

from turnkeep import (
    ANY,
    EVERYBODY,
    Keep,
    KeySettings,
    LeaseRef,
    Material,
    Opened,
    Pacing,
    Recorded,
    RecordedPage,
    Refused,
    RequestId,
    Scope,
    Settings,
    Spent,
    open_keep,
)

KEY: Final = "TURNKEEP_TEST_MASTER_KEY"
OWNER: Final = Scope.of("acme", "ada")
SCOPE: Final = Scope.of("acme", "ada", thread="t")
MATERIAL: Final = b"shared-by-processes-91"
SETTINGS: Final = Settings(
    keys=KeySettings(primary=(f"env:{KEY}",)), pacing=Pacing(attempts_max=1_000)
)
"""So many race for one lease that a few attempts would not do; nobody gives up."""


@frozen(kw_only=True)
class Wish:
    """What a process is told to do.

    Attributes:
        url: Where the store is.
        ref: Which lease.
        name: Begins its request ids.
        at_once: How many of its tasks consume.
        dies: Whether it is to be killed once a use of its own was stored, before it can tell.
    """

    url: str
    ref: LeaseRef
    name: str
    at_once: int = field(default=1)
    dies: bool = field(default=False)


def give_key() -> None:
    """Puts a key where this process looks for it; another one must do so for itself."""
    os.environ[KEY] = hashlib.sha256(b"processes").hexdigest()


async def lent(url: str, *, uses_max: int = 1) -> LeaseRef:
    """A secret, and a lease of it."""
    async with open_keep(url, settings=SETTINGS) as keep:
        with Material.of(MATERIAL) as material:
            await keep.secrets.put(
                OWNER, "api", material=material, expected=ANY, request_id=RequestId("put")
            )
        ref = await keep.secrets.issue(
            SCOPE,
            owner=OWNER,
            handle="api",
            request_id=RequestId("issue"),
            uses_max=uses_max,
            ttl_seconds=600,
        )
    assert isinstance(ref, LeaseRef)
    return ref


async def consumed(keep: Keep, ref: LeaseRef, id: str) -> str:
    """What a consumer was told, in one word."""
    answer = await keep.secrets.consume(ref, request_id=RequestId(id))
    match answer:
        case Opened(_, material):
            with material:
                assert material.reveal() == MATERIAL
            return "material"
        case Spent():
            return "spent"
        case Refused(reason):
            return reason.code


def consume(wish: Wish, go: Connection, reports: Connection) -> None:
    """What a process runs."""
    # The server that it was forked from may be older than the test.
    give_key()
    asyncio.run(_consume(wish, go, reports))


async def _consume(wish: Wish, go: Connection, reports: Connection) -> None:
    async with open_keep(wish.url, settings=SETTINGS) as keep:
        if wish.dies:
            _die_after_the_commit(keep)
        reports.send("ready")
        await asyncio.to_thread(go.recv)
        ids = [f"{wish.name}-{number}" for number in range(wish.at_once)]
        reports.send(await asyncio.gather(*(consumed(keep, wish.ref, id) for id in ids)))


def _die_after_the_commit(keep: Keep) -> None:
    """Kills this process in the moment in which its use is stored and nobody was told."""
    store = keep.secrets.reading.store
    commit = store.commit

    async def fatal(*arguments: Any, **options: Any) -> NoReturn:
        await commit(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives that")

    # The store's classes have slots, or are frozen; the loop holds this very object.
    type(store).commit = lambda _, *arguments, **options: fatal(*arguments, **options)  # type: ignore[method-assign]  # that is the point


async def again(url: str, ref: LeaseRef, id: str) -> str:
    """What one more consumer is told, after all this."""
    async with open_keep(url, settings=SETTINGS) as keep:
        return await consumed(keep, ref, id)


async def events_of(url: str) -> list[str]:
    """The kinds of all events."""
    async with open_keep(url, settings=SETTINGS) as keep:
        page = await keep.events.read(EVERYBODY, limit=500)
    assert isinstance(page, RecordedPage)
    return [entry.event.kind for entry in page.entries if isinstance(entry, Recorded)]


Running: TypeAlias = tuple[Connection, Connection, multiprocessing.process.BaseProcess]
"""Where a process is told to go, where it reports, and the process."""


@contextmanager
def started(*wishes: Wish) -> Iterator[list[Running]]:
    """Running processes, each ready and waiting for the word to go; all end with the block."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.consuming"])
    running: list[Running] = []
    try:
        for wish in wishes:
            heard, go = context.Pipe(duplex=False)
            reports, told = context.Pipe(duplex=False)
            process: multiprocessing.process.BaseProcess = context.Process(
                target=consume, args=(wish, heard, told)
            )
            process.start()
            heard.close()
            told.close()
            running.append((go, reports, process))
        for _, reports, _ in running:
            assert reports.recv() == "ready"
        yield running
    finally:
        for go, reports, process in running:
            if process.exitcode is None:
                process.kill()
            process.join()
            go.close()
            reports.close()
