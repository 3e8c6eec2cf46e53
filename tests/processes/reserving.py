"""Reserving: what a process of these tests does with budgets, and how it is started.

All wait for the same word to begin, so that they really race.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection

from attrs import frozen

from turnkeep import (
    AccountRef,
    BudgetSnapshot,
    Ceiling,
    Contended,
    Dimension,
    Keep,
    Level,
    Lifetime,
    Limits,
    LimitsSet,
    Principal,
    Receipt,
    Refused,
    RequestId,
    Scope,
    Unavailable,
    open_keep,
)

TENANT = AccountRef.tenant("acme")


@frozen(kw_only=True)
class Racers:
    """What a process is told: how many racers it has, and what each wants.

    Attributes:
        url: The store.
        name: Of the process; each racer is a user of its own.
        at_once: How many of them ask at the same time.
        attempts: How often a racer that lost every race asks again.
    """

    url: str
    name: str
    racers: int
    estimate: dict[Dimension, int]
    at_once: int = 8
    attempts: int = 50


def race(brief: Racers, wire: Connection) -> None:
    """What a process runs: it says that it is ready, waits for the word, and tells who won."""
    asyncio.run(_race(brief, wire))


async def _race(brief: Racers, wire: Connection) -> None:
    async with open_keep(brief.url) as keep:
        # Connected, with everything loaded that is needed.
        await keep.budgets.snapshot(Scope.of("acme", brief.name))
        wire.send("ready")
        await asyncio.to_thread(wire.recv)
        lanes = asyncio.Semaphore(brief.at_once)
        answers = await asyncio.gather(
            *(_ask(keep, brief, number, lanes) for number in range(brief.racers))
        )
    wire.send(answers)


async def _ask(keep: Keep, brief: Racers, number: int, lanes: asyncio.Semaphore) -> str:
    scope = Scope.of("acme", f"{brief.name}-{number}")
    for _ in range(brief.attempts):
        try:
            async with lanes:
                answer = await keep.budgets.reserve(
                    scope, id=RequestId("once"), estimate=brief.estimate, owner=brief.name
                )
        except (Contended, Unavailable):
            continue  # nothing was written
        match answer:
            case Receipt():
                return "reserved"
            case Refused(reason):
                return reason.code
    return "contended"


def storm(briefs: Sequence[Racers]) -> list[str]:
    """Starts the processes, lets them loose at once, and answers what each racer was told."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.reserving"])
    running = []
    try:
        for brief in briefs:
            ours, theirs = context.Pipe()
            process = context.Process(target=race, args=(brief, theirs))
            process.start()
            theirs.close()
            running.append((process, ours))
        for _, wire in running:
            assert wire.recv() == "ready"
        for _, wire in running:
            wire.send("go")
        return [answer for _, wire in running for answer in wire.recv()]
    finally:
        for process, wire in running:
            process.join(60)
            if process.exitcode is None:
                process.kill()
                process.join()
            wire.close()


def limited(url: str, ceilings: dict[Dimension, int]) -> None:
    """Sets the tenant's ceilings."""

    async def limit() -> None:
        async with open_keep(url) as keep:
            limits = Limits.of(
                Lifetime(), {dimension: Ceiling.of(max) for dimension, max in ceilings.items()}
            )
            answer = await keep.budgets.set_limit(
                TENANT, limits, by=Principal.person("bo"), request_id=RequestId("l")
            )
            assert isinstance(answer, LimitsSet)

    asyncio.run(limit())


def reserved(url: str, dimension: Dimension) -> int:
    """What the tenant holds."""

    async def look() -> BudgetSnapshot:
        async with open_keep(url) as keep:
            return await keep.budgets.snapshot(Scope.of("acme", "anybody"))

    shown = asyncio.run(look())
    tenant = next(view for view in shown.accounts if view.account.level is Level.TENANT)
    assert tenant.holds == tenant[dimension].reserved
    return tenant[dimension].reserved
