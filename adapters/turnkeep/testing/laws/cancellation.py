"""Laws of cancellation: wherever it strikes, a commit is whole and a store goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.laws.handles import CALLS
from turnkeep.testing.specimens import address
from turnkeep.testing.trial import Trial, expect_events
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import Committed, Late, Stale

T = TypeVar("T")
Pause = Callable[[], Awaitable[None]]

TICKS_MAX = 40
"""How many turns of the event loop a commit may take that needs nothing but the loop."""
PARTS = 16
"""At how many moments a commit is cancelled that waits for the world."""


def _after_ticks(ticks: int) -> Pause:
    async def pause() -> None:
        for _ in range(ticks):
            await asyncio.sleep(0)

    return pause


def _after_seconds(seconds: float) -> Pause:
    async def pause() -> None:
        await asyncio.sleep(seconds)

    return pause


async def _broken_off(call: Coroutine[object, object, T], pause: Pause) -> T | BaseException | None:
    """Begins a call and cancels it after a pause; None where the pause was too long for that."""
    task = asyncio.ensure_future(call)
    await pause()
    if task.done():
        task.result()
        return None
    task.cancel()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return outcome


async def _seconds_of_a_commit(caller: Caller) -> float:
    trial = await Trial.prepare(caller)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await trial.commit(caller.store, caller.deadline())
    return loop.time() - began


async def _pauses(caller: Caller) -> list[Pause]:
    """Pauses that end at every turn of a commit, or at fractions of the time that it takes."""
    seconds = await _seconds_of_a_commit(caller)
    by_ticks = [_after_ticks(ticks) for ticks in range(TICKS_MAX)]
    return by_ticks + [_after_seconds(seconds * part / PARTS) for part in range(1, PARTS)]


class CancellationLaws:
    """A cancellation proves nothing, and breaks nothing."""

    @law
    async def test_cancelling_a_commit_leaves_all_or_nothing(self, harness: Harness) -> None:
        """P17: Cancelling a commit, at every await, leaves all or nothing."""
        landed, lost = list[Trial](), list[Trial]()
        async with calling_several(harness, 2) as (caller, other):
            for pause in await _pauses(caller):
                trial = await Trial.prepare(caller)
                commit = trial.commit(caller.store, caller.deadline())
                outcome = await _broken_off(commit, pause)
                has_landed = await trial.landed(other)
                if outcome is None or isinstance(outcome, Committed):
                    assert has_landed, "a commit was answered and is not there"
                if isinstance(outcome, Stale | Late | Unavailable):
                    assert not has_landed, "a commit was refused and is there"
                (landed if has_landed else lost).append(trial)
            await expect_events(other, landed=landed, lost=lost)

    @law
    async def test_a_commit_that_never_began_never_runs(self, harness: Harness) -> None:
        """P17: A commit that was cancelled before it was handed over never runs."""
        async with calling(harness) as caller:
            trial = await Trial.prepare(caller)
            never = trial.commit(caller.store, caller.deadline())
            outcome = await _broken_off(never, _after_ticks(0))
            assert isinstance(outcome, asyncio.CancelledError)
            assert not await trial.landed(caller)
            await expect_events(caller, landed=[], lost=[trial])

    @law
    async def test_cancelling_a_read_changes_nothing(self, harness: Harness) -> None:
        """P17: Cancelling a load, a scan or a reading of events has no effect."""
        async with calling(harness) as caller:
            revision = await caller.put(address("called"))
            for name in ("load", "scan", "events"):
                for pause in await _pauses(caller):
                    await _broken_off(CALLS[name](caller.store, caller.deadline()), pause)
                await CALLS[name](caller.store, caller.deadline())
            assert (await caller.present(address("called"))).revision == revision

    @law
    async def test_many_cancellations_leave_a_store_working(self, harness: Harness) -> None:
        """P17: However many are cancelled at once, nothing that serves the next is lost."""
        async with calling(harness) as caller:
            for ticks in range(8):
                trials = [await Trial.prepare(caller) for _ in range(16)]
                commits = [t.commit(caller.store, caller.deadline()) for t in trials]
                await asyncio.gather(*(_broken_off(c, _after_ticks(ticks)) for c in commits))
                await asyncio.gather(*(trial.landed(caller) for trial in trials))
            assert await _seconds_of_a_commit(caller) >= 0
