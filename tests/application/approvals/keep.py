"""A keep: approvals over one store in virtual time, with everything that is stored to be read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import define, field, frozen

from tests.files.simulated_disk import SimulatedDisk
from tests.postgres.outside import OutsideStore
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_adapters.virtual.clock import VirtualClock, Wall
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Approvals
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.reading import Reading
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.approvals.approval import APPROVALS, ApprovalRecord
from turnkeep_domain.approvals.calls import Action, Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    START,
    Cell,
    CommitId,
    Committed,
    Entry,
    EventPage,
    EventQuery,
    Notification,
    Put,
    RecordStore,
    StoredEvent,
)

SCOPE: Final = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t1")
EVERYTHING: Final = ScopePrefix(scope=SCOPE, depth=0)
ADA: Final = Principal.person("ada")
GRACE: Final = Principal.person("grace")
AUDIT: Final = Principal.service("audit")
AGENT: Final = Principal.agent("scout")
ONE_OF_TWO: Final = Quorum.of(1, ADA, GRACE)
TWO_OF_THREE: Final = Quorum.of(2, ADA, GRACE, AUDIT)

PENDING_1: Final = ApprovalOutcome(state=ApprovalState.PENDING, missing=1)
APPROVED: Final = ApprovalOutcome.of(ApprovalState.APPROVED)
DENIED: Final = ApprovalOutcome.of(ApprovalState.DENIED)
EXPIRED: Final = ApprovalOutcome.of(ApprovalState.EXPIRED)
DISCARDED: Final = ApprovalOutcome.of(ApprovalState.DISCARDED)

SECRETS: Final = ("s3cret-input", "s3cret-reason", "s3cret-display")

# Composing its shapes takes longer than most tests.
CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)

Handles: TypeAlias = Callable[[], RecordStore]
"""Opens one more handle on the same store, as a further process would."""


def memory(clock: VirtualClock, wall: Wall) -> Handles:
    core = MemoryCore(store_id=b"s" * 16, wall_clock=wall)
    return lambda: MemoryRecordStore(core=core, clock=clock)


def faultless(clock: VirtualClock, wall: Wall) -> Handles:
    inner = memory(clock, wall)
    return lambda: FaultyRecordStore(inner(), script=Script.parse(""), clock=clock)


def files(clock: VirtualClock, wall: Wall) -> Handles:
    disk = SimulatedDisk()
    settings = FilesSettings(bucket_segments=8, compaction_bytes=4_096)
    return lambda: FilesRecordStore(
        "/store", clock=clock, wall_clock=wall, settings=settings, disk=disk
    )


def postgres(clock: VirtualClock, wall: Wall) -> Handles:
    """A database that is told the time by the test; every handle is the one store."""
    store = OutsideStore(clock, wall)
    return lambda: store


STORES: Final[dict[str, Callable[[VirtualClock, Wall], Handles]]] = {
    "memory": memory,
    "faultless": faultless,
    "files": files,
    "postgres": postgres,
}


def rid(text: str) -> RequestId:
    return RequestId(text)


class SeededRandom:
    def __init__(self) -> None:
        self._random = random.Random(7)

    def below(self, bound: float) -> float:
        return self._random.random() * bound


class CountedIds:
    def __init__(self) -> None:
        self._minted = 0

    def commit_id(self) -> CommitId:
        self._minted += 1
        return CommitId(self._minted.to_bytes(16, "big"))


@frozen
class Snapshot:
    """Everything that a store holds: to be compared, when nothing may have been written."""

    cells: tuple[Cell, ...]
    events: tuple[StoredEvent, ...]


@define
class Keep:
    """One store with two hosts: `approvals` and, in another process, `rival`."""

    make: Callable[[VirtualClock, Wall], Handles]
    rounds: RoundSettings = field(factory=RoundSettings)
    last_seen: LastSeenSettings = field(factory=LastSeenSettings)
    clock: VirtualClock = field(factory=VirtualClock)
    codec: JsonCodec = CODEC
    wall: Wall = field(init=False)
    handles: Handles = field(init=False)
    store: RecordStore = field(init=False)
    approvals: Approvals = field(init=False)
    rival: Approvals = field(init=False)
    _ids: CountedIds = field(factory=CountedIds)
    _beside: RecordStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.wall = self.clock.wall(0)
        self.handles = self.make(self.clock, self.wall)
        self.store, self._beside = self.handles(), self.handles()
        self.approvals, self.rival = self.host(self.store), self.host(self._beside)

    @property
    def hint_seconds(self) -> float:
        """How long a change of the other host may take to be hinted at."""
        pushed = self.store.capabilities.notification is Notification.PUSH
        return 0.0 if pushed else FilesSettings().poll_seconds

    def host(self, store: RecordStore, settings: ApprovalSettings | None = None) -> Approvals:
        """A host's approvals over a handle."""
        loop = UpdateLoop(
            store=store,
            codec=self.codec,
            clock=self.clock,
            random=SeededRandom(),
            ids=self._ids,
            telemetry=SilentTelemetry(),
            rounds=self.rounds,
            last_seen=self.last_seen,
        )
        settings = ApprovalSettings() if settings is None else settings
        reading = Reading(
            store=store,
            codec=self.codec,
            clock=self.clock,
            deadline_seconds=settings.read_seconds,
        )
        return Approvals(
            updates=loop, reading=reading, store=store, clock=self.clock, settings=settings
        )

    def set(self, **settings: float) -> None:
        """Lets the first host have other settings."""
        self.approvals = self.host(self.store, ApprovalSettings(**settings))  # type: ignore[arg-type]  # whole numbers are floats here

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs a scenario over open stores in virtual time."""

        async def main() -> None:
            async with self.store, self._beside:
                await scenario()

        self.clock.run(main())

    @asynccontextmanager
    async def suffering(self, script: str) -> AsyncIterator[tuple[Approvals, FaultyRecordStore]]:
        """A third host, whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(self.handles(), script=Script.parse(script), clock=self.clock)
        async with faulty:
            yield self.host(faulty), faulty

    @asynccontextmanager
    async def restarted(self) -> AsyncIterator[Approvals]:
        """A host that is started after all this."""
        store = self.handles()
        async with store:
            yield self.host(store)

    # ---- what tests do --------------------------------------------------------------------------

    async def ask(
        self,
        *,
        on: Approvals | None = None,
        scope: Scope = SCOPE,
        invocation: str = "i1",
        action: Action | None = None,
        effects: frozenset[Effect] = frozenset({Effect.FINANCIAL}),
        requester: Principal = AGENT,
        input: Json | JsonText = None,
        reason: str = "because",
        display: str = "pay 12 EUR",
        lifetime_seconds: int | None = 3_600,
        quorum: Quorum | None = TWO_OF_THREE,
        attempt: int = 1,
        offers: frozenset[Offer] | None = None,
    ) -> object:
        """Raises a request, whatever comes of it."""
        return await (on or self.approvals).raise_request(
            scope,
            invocation=InvocationId(invocation),
            action=Dispatch.of("pay", {"usd_nano": 5}) if action is None else action,
            effects=effects,
            requester=requester,
            correlation_id=CorrelationId("c1"),
            input=input,
            reason=reason,
            display=display,
            lifetime_seconds=lifetime_seconds,
            quorum=quorum,
            attempt=attempt,
            offers=offers,
        )

    async def raised(
        self,
        *,
        scope: Scope = SCOPE,
        invocation: str = "i1",
        lifetime_seconds: int = 3_600,
        quorum: Quorum | None = TWO_OF_THREE,
        input: Json | JsonText = None,
    ) -> ApprovalView:
        """A request that was raised."""
        view = await self.ask(
            scope=scope,
            invocation=invocation,
            lifetime_seconds=lifetime_seconds,
            quorum=quorum,
            input=input,
        )
        assert isinstance(view, ApprovalView)
        return view

    async def overdue(self, count: int) -> None:
        """So many requests whose deadline has come, and nobody has noted it."""
        host = self.host(self._beside, ApprovalSettings(pending_max=1_000))
        for number in range(count):
            await self.ask(on=host, invocation=f"overdue {number}", lifetime_seconds=10)
        await self.clock.advance(10)

    async def let_pass_until(self, moment: datetime) -> None:
        """Returns when it is exactly that time by the store's clock."""
        await self.clock.advance((moment - self.wall()).total_seconds())
        assert self.wall() == moment

    async def write(self, address: Address, body: bytes, like: Cell) -> None:
        """Overwrites a record with bytes, past every codec; its index stays."""
        writes = [Put(address, like.revision, Entry(body=body, index=like.entry.index))]
        answer = await self.store.commit(
            self._ids.commit_id(), writes, (), valid_until=None, deadline=self._deadline()
        )
        assert isinstance(answer, Committed)

    # ---- what tests read ------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        cells: list[Cell] = []
        for collection in ("approval", "approval_payload", "grant"):
            query = InScope(collection=collection, prefix=EVERYTHING)
            page = await self.store.scan(query, after=None, limit=500, deadline=self._deadline())
            assert page.next is None
            cells += page.cells
        return Snapshot(tuple(cells), await self.stored_events())

    async def stored_events(self) -> tuple[StoredEvent, ...]:
        query = EventQuery(collections=None, prefix=EVERYTHING)
        page = await self.store.events(query, after=START, limit=500, deadline=self._deadline())
        assert isinstance(page, EventPage)
        return page.events

    async def events(self) -> list[Event]:
        return [self.codec.decode_event(stored) for stored in await self.stored_events()]

    async def kinds(self, collection: str = "approval") -> list[str]:
        """The kinds of all events of a collection, its name left out."""
        return [
            event.kind.removeprefix(f"{collection}.")
            for event in await self.stored_events()
            if event.kind.startswith(f"{collection}.")
        ]

    async def grant(self, id: str) -> Grant | None:
        """The grant as it is stored."""
        cell = await self.cell(id, "grant")
        return None if cell is None else self.codec.decode(GRANTS, cell.address, cell.entry.body)

    async def records(self) -> list[ApprovalRecord]:
        """Every approval and tombstone, in key order."""
        cells = (await self.snapshot()).cells
        return [
            self.codec.decode(APPROVALS, cell.address, cell.entry.body)
            for cell in cells
            if cell.address.collection == "approval"
        ]

    async def cell(self, id: str, collection: str = "approval") -> Cell | None:
        for cell in (await self.snapshot()).cells:
            if (cell.address.collection, cell.address.id) == (collection, id):
                return cell
        return None

    def in_seconds(self, seconds: float) -> datetime:
        return self.wall() + timedelta(seconds=seconds)

    def _deadline(self) -> Deadline:
        return Deadline.after(self.clock, 5)
