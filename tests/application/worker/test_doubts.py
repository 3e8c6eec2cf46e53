"""A claim whose answer was lost holds up no drain, and gives a worker no more than it can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from attrs import define, field

from tests.application.worker.sites import Host, VirtualSite, thread
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.worker import Worker
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import RecordStore


@define(eq=False)
class LosesAnswers:
    """A store that does not tell what became of the grants of one user, and then is away.

    Attributes:
        user: Whose lanes.
        landing: Whether the grants are made nonetheless.
        away_seconds: For how long; the rest of the world's, if it is very long.
    """

    inner: RecordStore
    site: VirtualSite
    user: str
    landing: bool = field(default=False, kw_only=True)
    away_seconds: float = field(default=1e9, kw_only=True)
    lost_at: float | None = field(default=None, init=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    @property
    def away(self) -> bool:
        lost_at = self.lost_at
        return lost_at is not None and self.site.clock.monotonic() < lost_at + self.away_seconds

    async def commit(
        self, id: object, writes: Sequence[object], events: object, **more: object
    ) -> object:
        addresses = [write.address for write in writes]  # type: ignore[attr-defined]  # a write's
        of_lane = any(
            (address.collection, address.scope.user) == (LANES.name, self.user)
            for address in addresses
        )
        if of_lane and (self.lost_at is None or self.away):
            if self.lost_at is None:
                self.lost_at = self.site.clock.monotonic()
                if self.landing:
                    await self.inner.commit(id, writes, events, **more)  # type: ignore[arg-type]  # passed on
            raise OutcomeUnknown("lost")
        return await self.inner.commit(id, writes, events, **more)  # type: ignore[arg-type]  # passed on

    async def load(self, keys: Collection[object], **more: object) -> object:
        if self.away and any(key.scope.user == self.user for key in keys):  # type: ignore[attr-defined]  # an address's
            raise Unavailable("away")
        return await self.inner.load(keys, **more)  # type: ignore[arg-type]  # passed on


@asynccontextmanager
async def losing(
    site: VirtualSite, user: str, **how: float | bool
) -> AsyncIterator[tuple[Host, Host, LosesAnswers]]:
    """A host that is well, and one that suffers."""
    async with site.host() as host, site.suffering("") as (sick, faulty):
        loser = LosesAnswers(faulty.inner, site, user, **how)  # type: ignore[arg-type]  # its own fields
        faulty.inner = loser  # type: ignore[assignment]  # it serves as one
        yield host, sick, loser


async def _in_doubt(site: VirtualSite, host: Host, loser: LosesAnswers) -> None:
    """Waits until the worker asks what was granted."""
    await host.submit(thread("t2", user="bob"), request="q2")
    await site.sleep(2)
    assert loser.away


def _twice(worker: Worker, _: asyncio.Task[None]) -> None:
    worker.drain()
    worker.drain()


def _cancelled(_: Worker, working: asyncio.Task[None]) -> None:
    working.cancel()


@pytest.mark.parametrize("end", [_twice, _cancelled])
def test_a_hurried_drain_does_not_wait_out_a_doubt(
    virtual: VirtualSite, end: Callable[[Worker, asyncio.Task[None]], None]
) -> None:
    """Law 65."""
    cut_off: list[float] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await virtual.sleep(10_000)
        finally:
            cut_off.append(virtual.clock.monotonic())

    async def scenario() -> None:
        async with losing(virtual, "bob") as (host, sick, loser):
            run = await host.submit()
            worker = sick.worker(handler)
            working = asyncio.create_task(worker.run())
            await host.until(run, lambda view: view.status is RunStatus.RUNNING)
            await _in_doubt(virtual, host, loser)
            before = virtual.clock.monotonic()
            end(worker, working)
            with suppress(asyncio.CancelledError):
                await working
            settings = host.pace.worker
            assert cut_off[0] - before < 0.1, "handlers are told at once"
            assert virtual.clock.monotonic() - before <= settings.unwind_seconds + 0.1
            view = await host.turns.get(run.address)
            assert view is not None
            assert view.status is RunStatus.QUEUED

    virtual.run(scenario)


def test_a_drain_gives_handlers_their_time_and_no_more_whatever_is_in_doubt(
    virtual: VirtualSite,
) -> None:
    """Law 65."""
    cut_off: list[float] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await virtual.sleep(10_000)
        finally:
            cut_off.append(virtual.clock.monotonic())

    async def scenario() -> None:
        async with losing(virtual, "bob") as (host, sick, loser):
            run = await host.submit()
            worker = sick.worker(handler, drain_seconds=3.0)
            working = asyncio.create_task(worker.run())
            await host.until(run, lambda view: view.status is RunStatus.RUNNING)
            await _in_doubt(virtual, host, loser)
            before = virtual.clock.monotonic()
            worker.drain()
            await working
            assert cut_off[0] - before == pytest.approx(3.0, abs=0.1)
            unwind_seconds = host.pace.worker.unwind_seconds
            assert virtual.clock.monotonic() - before <= 3.0 + unwind_seconds + 0.1

    virtual.run(scenario)


def test_a_doubt_is_not_pursued_once_its_worker_drains(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        raise AssertionError("nothing is begun")

    async def scenario() -> None:
        async with losing(virtual, "bob") as (host, sick, loser):
            worker = sick.worker(handler, drain_seconds=60.0)
            working = asyncio.create_task(worker.run())
            await _in_doubt(virtual, host, loser)
            before = virtual.clock.monotonic()
            worker.drain()
            await working
            # The request that is under way ends by itself, within the deadline of an update.
            assert virtual.clock.monotonic() - before < 16

    virtual.run(scenario)


@pytest.mark.parametrize("landing", [False, True])
def test_no_more_handlers_run_at_once_than_there_are_places(
    virtual: VirtualSite, *, landing: bool
) -> None:
    at_once, most, begun = 0, 0, set[str]()

    async def handler(ctx: RunContext) -> None:
        nonlocal at_once, most
        begun.add(str(ctx.run.id))
        at_once += 1
        most = max(most, at_once)
        try:
            await virtual.sleep(40)
        finally:
            at_once -= 1

    async def scenario() -> None:
        async with losing(virtual, "bob", landing=landing, away_seconds=16.0) as (host, sick, _):
            runs = [
                await host.submit(thread(f"{user}{n}", user=user), request=f"{user}{n}")
                for n in range(12)
                for user in ("ada", "bob")
            ]
            async with sick.worker(handler):
                for run in runs:
                    view = await host.until(run, lambda view: view.status.final)
                    assert view.status is RunStatus.COMPLETED
            assert most == 8
            assert len(begun) == len(runs)

    virtual.run(scenario)


def test_grants_for_which_there_is_no_place_are_given_back(virtual: VirtualSite) -> None:
    """One lane's answer is lost, another class fills the places: what landed goes elsewhere."""
    at_once, most = 0, 0

    async def handler(ctx: RunContext) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            await virtual.sleep(30)
        finally:
            at_once -= 1

    async def scenario() -> None:
        async with losing(virtual, "bob", landing=True, away_seconds=16.0) as (host, sick, _):
            bobs = [
                await host.submit(thread(f"bob{n}", user="bob"), request=f"bob{n}")
                for n in range(3)
            ]
            backs = [
                await host.submit(
                    thread(f"ada{n}"), request=f"ada{n}", policy=TurnPolicy.background()
                )
                for n in range(3)
            ]
            async with sick.worker(handler, concurrency=3):
                for run in [*bobs, *backs]:
                    await host.until(run, lambda view: view.status.final)
            assert most == 3
            views = [await host.turns.get(run.address) for run in bobs]
            returned = [view.counters.returned for view in views if view is not None]
            lost = [view.counters.lost for view in views if view is not None]
            assert sum(returned) > 0
            assert sum(lost) == 0

    virtual.run(scenario)
