"""Lifecycles: turns that are submitted, claimed and completed, each in a thread of its own."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from typing import Final

from attrs import field, frozen

from benchmarks.loss import require_count
from benchmarks.window import Window
from tests.application.turns.invariants import Whole, require_invariants
from turnkeep import (
    Claim,
    Container,
    Keep,
    Principal,
    Ref,
    RequestId,
    RunContext,
    RunStanding,
    RunView,
    Scope,
    Settings,
    Token,
    Worker,
    open_keep,
)
from turnkeep_domain.turns.events import RunClaimed, RunCompleted, RunSubmitted
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import RecordStore

READ_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.05
ADA: Final = Principal.person("ada")


@frozen
class Lifecycles:
    """Turns of as many users as there are clients, on one store.

    Attributes:
        url: Where the store is.
        settings: What the host chose.
        completed: Those that were acknowledged to be.
    """

    url: str
    settings: Settings = field(factory=Settings)
    completed: list[str] = field(factory=list)

    async def by_worker(self, window: Window) -> float:
        """Seconds until a worker whose handler does nothing has completed all that clients ask."""
        async with open_keep(self.url, settings=self.settings) as keep:

            async def handle(ctx: RunContext) -> Ref | None:
                window.note(_number(ctx.run.scope))
                self.completed.append(ctx.run.id)
                return None

            async with Worker(keep, handle, concurrency=window.in_flight):
                started = time.perf_counter()
                await window.pass_through(lambda number: _submit(keep, number, window.in_flight))
            return time.perf_counter() - started

    async def by_service(self, window: Window) -> float:
        """Seconds until clients that call the service have completed all: no worker, no handler."""
        async with open_keep(self.url, settings=self.settings) as keep:
            counter = _Counter(keep, window, self.completed)
            claimers = [
                asyncio.create_task(counter.claim())
                for _ in range(max(1, window.in_flight // CLAIM_RUNS_MAX))
            ]
            started = time.perf_counter()
            await window.pass_through(counter.submit)
            seconds = time.perf_counter() - started
            for claimer in claimers:
                claimer.cancel()
            await asyncio.gather(*claimers, return_exceptions=True)
            return seconds

    async def require_all(self, store: RecordStore) -> None:
        """Nothing was lost: each turn was submitted, claimed and completed once, and told so.

        Raises:
            Lost: One was not.
            AssertionError: The records contradict each other.
        """
        container = Container()
        deadline = Deadline.after(container.clock(), READ_SECONDS)
        whole = await Whole.read(store, container.codec(), deadline)
        require_invariants(whole)
        acknowledged = len(set(self.completed))
        require_count("turns", acknowledged=len(self.completed), found=acknowledged)
        ended = {r.run.id for r in whole.ended if r.run.status is RunStatus.COMPLETED}
        require_count("completed runs", acknowledged=acknowledged, found=len(ended))
        require_count(
            "runs of ours", acknowledged=acknowledged, found=len(ended & {*self.completed})
        )
        require_count("active runs", acknowledged=0, found=len(whole.active))
        for kind in (RunSubmitted, RunClaimed, RunCompleted):
            told = Counter(event.run for event in whole.events if isinstance(event, kind))
            require_count(kind.__name__, acknowledged=acknowledged, found=told.total())
            require_count(kind.__name__, acknowledged=acknowledged, found=len(told))


@frozen
class _Counter:
    """The counter at which clients submit, and at which claimed runs are completed at once."""

    keep: Keep
    window: Window
    completed: list[str]
    _asked: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def submit(self, number: int) -> None:
        """Queues a turn, and wakes whoever claims."""
        await _submit(self.keep, number, self.window.in_flight)
        self._asked.set()

    async def claim(self) -> None:
        """Claims whatever is queued, and completes it."""
        async with asyncio.TaskGroup() as completing:
            while True:
                # Before it claims: what is asked for meanwhile must not be taken for seen.
                self._asked.clear()
                token = Token(self.keep.turns.ids.commit_id())
                found = await self.keep.turns.claim(
                    holder="counter", token=token, count=CLAIM_RUNS_MAX
                )
                for granted in found.granted:
                    completing.create_task(self._complete(granted.claim))
                if not found.granted:
                    # A lane that was lost in a race is passed over, and nobody asks for it again.
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._asked.wait(), _LOOK_SECONDS)

    async def _complete(self, claim: Claim) -> None:
        done = await self.keep.turns.complete(claim)
        assert isinstance(done, RunStanding)
        assert done.status is RunStatus.COMPLETED
        self.completed.append(claim.run.id)
        self.window.note(_number(claim.run.scope))


def scope_of(number: int, users: int) -> Scope:
    """A thread of its own for each number, of one of so many users."""
    return Scope.of("acme", f"user-{number % users}", agent="clerk", thread=f"thread-{number}")


def _number(scope: Scope) -> int:
    return int(str(scope.thread).removeprefix("thread-"))


async def _submit(keep: Keep, number: int, users: int) -> None:
    view = await keep.turns.submit(
        scope_of(number, users), actor=ADA, request_id=RequestId("ask"), payload=b"do nothing"
    )
    assert isinstance(view, RunView)
