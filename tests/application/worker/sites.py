"""A site: one store, any number of hosts on it, and the times that suit its clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from attrs import Factory, define, evolve, field, frozen
from dependency_injector import providers

from tests.application.approvals.keep import CODEC, CountedIds, Handles, SeededRandom
from tests.postgres.world import QUIET, store_on
from turnkeep import Container, Keep, Settings
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.virtual.clock import VirtualClock, Wall
from turnkeep_application.approvals import Approvals
from turnkeep_application.event_pages import Recorded
from turnkeep_application.event_reading import EVERYBODY
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler
from turnkeep_application.worker.worker import Worker
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import START, CursorLost, RecordStore

ADA: Final = Principal.person("ada")
OWNER: Final = ScopePrefix.owner(Scope.of("acme", "ada"))
OPERATOR: Final = Actor.operator(Principal.person("otto"))
SUBMITTER: Final = Actor.submitter(ADA)


def thread(name: str = "t1", *, user: str = "ada") -> Scope:
    return Scope.of("acme", user, agent="scout", thread=name)


@frozen(kw_only=True)
class Pace:
    """The times of a site."""

    turns: TurnSettings
    worker: WorkerSettings


USUAL: Final = Pace(turns=TurnSettings(), worker=WorkerSettings())
QUICK: Final = Pace(
    turns=TurnSettings(
        lease_seconds=2.0,
        cancel_grace_seconds=1.5,
        backoff_seconds_min=0.01,
        backoff_seconds_max=0.05,
        poll_seconds=0.02,
    ),
    worker=WorkerSettings(
        poll_seconds=0.05,
        look_seconds=0.2,
        sweep_seconds=0.1,
        heartbeat_seconds=0.4,
        fence_seconds=1.6,
        drain_seconds=1.0,
        unwind_seconds=0.5,
        parting_seconds=0.5,
    ),
)
"""For time that really passes."""


@frozen(kw_only=True)
class Host:
    """A process of its own, as far as the store can tell."""

    store: RecordStore
    keep: Keep
    pace: Pace

    @classmethod
    def over(
        cls,
        store: RecordStore,
        *,
        clock: Clock,
        random: Random,
        ids: Ids,
        pace: Pace,
        cipher: Cipher | None = None,
    ) -> Host:
        container = Container()
        container.settings.override(providers.Object(Settings(turns=pace.turns)))
        container.store.override(providers.Object(store))
        container.codec.override(providers.Object(CODEC))
        container.clock.override(providers.Object(clock))
        container.random.override(providers.Object(random))
        container.ids.override(providers.Object(ids))
        if cipher is not None:
            container.cipher.override(providers.Object(cipher))
        return cls(store=store, keep=container.keep(), pace=pace)

    @property
    def turns(self) -> Turns:
        return self.keep.turns

    @property
    def approvals(self) -> Approvals:
        return self.keep.approvals

    def worker(
        self, handler: Handler, *, concurrency: int = 8, holder: str = "", **times: float
    ) -> Worker:
        settings = evolve(self.pace.worker, **times)  # type: ignore[arg-type]  # times alone are given
        return Worker(self.keep, handler, concurrency=concurrency, holder=holder, settings=settings)

    async def submit(
        self,
        scope: Scope | None = None,
        *,
        request: str = "q1",
        policy: TurnPolicy | None = None,
        payload: bytes = b"do it",
    ) -> RunView:
        view = await self.turns.submit(
            thread() if scope is None else scope,
            actor=ADA,
            request_id=RequestId(request),
            payload=payload,
            policy=policy,
        )
        assert isinstance(view, RunView), view
        return view

    async def settled(self, run: RunView) -> RunView:
        """The run once it has ended, is blocked or needs an operator."""
        return await self.until(run, lambda view: view.status in SETTLED)

    async def until(self, run: RunView, wanted: Callable[[RunView], bool]) -> RunView:
        """The run once it is as wanted."""
        view: RunView | None = None
        for _ in range(2_000):
            view = await self.turns.get(run.address)
            assert view is not None
            if wanted(view):
                return view
            await self.turns.clock.sleep(self.pace.turns.poll_seconds)
        raise AssertionError(f"the run never came to be as wanted: {view}")

    async def journal(self, run: RunView) -> dict[tuple[str, int], RunEffect]:
        entries = await self.turns.journal(run.address)
        return {(entry.id.name, entry.id.ordinal): entry for entry in entries}

    async def kinds(self) -> list[str]:
        """The kinds of all events of runs, in order, `run.` left out."""
        kinds, after = list[str](), START
        while True:
            page = await self.keep.events.read(EVERYBODY, after=after)
            assert not isinstance(page, CursorLost)
            told = [entry.event.kind for entry in page.entries if isinstance(entry, Recorded)]
            kinds += [kind.removeprefix("run.") for kind in told if kind.startswith("run.")]
            if page.next == after:
                return kinds
            after = page.next


SETTLED: Final = frozenset(
    {
        RunStatus.BLOCKED,
        RunStatus.NEEDS_OPERATOR,
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
    }
)


class Site(Protocol):
    """Where a law is tried."""

    pace: Pace

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None: ...

    def host(
        self, wrap: Callable[[RecordStore], RecordStore] = ...
    ) -> AbstractAsyncContextManager[Host]: ...

    async def sleep(self, seconds: float) -> None: ...


def as_it_is(store: RecordStore) -> RecordStore:
    return store


@define(eq=False)
class VirtualSite:
    """A site in virtual time."""

    make: Callable[[VirtualClock, Wall], Handles]
    pace: Pace = USUAL
    cipher: Cipher | None = None
    clock: VirtualClock = field(factory=VirtualClock, init=False)
    wall: Wall = field(default=Factory(lambda self: self.clock.wall(0), takes_self=True))
    handles: Handles = field(
        default=Factory(lambda self: self.make(self.clock, self.wall), takes_self=True)
    )
    ids: CountedIds = field(factory=CountedIds, init=False)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            await scenario()

        self.clock.run(main())

    @asynccontextmanager
    async def host(
        self, wrap: Callable[[RecordStore], RecordStore] = as_it_is
    ) -> AsyncIterator[Host]:
        async with wrap(self.handles()) as store:
            yield Host.over(
                store,
                clock=self.clock,
                random=SeededRandom(),
                ids=self.ids,
                pace=self.pace,
                cipher=self.cipher,
            )

    @asynccontextmanager
    async def suffering(self, script: str) -> AsyncIterator[tuple[Host, FaultyRecordStore]]:
        """A host whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(self.handles(), script=Script.parse(script), clock=self.clock)
        async with self.host(lambda _: faulty) as host:
            yield host, faulty

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


@define(eq=False)
class PostgresSite:
    """A site on a server, in real time."""

    url: str
    pace: Pace = QUICK

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            await scenario()

        asyncio.run(main())

    @asynccontextmanager
    async def host(
        self, wrap: Callable[[RecordStore], RecordStore] = as_it_is
    ) -> AsyncIterator[Host]:
        async with wrap(store_on(self.url, QUIET)) as store:
            yield Host.over(
                store,
                clock=SystemClock(),
                random=SystemRandom(),
                ids=SystemIds(),
                pace=self.pace,
            )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
