"""A bank: budgets over one store in virtual time, with everything that is stored to be read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, TypeAlias, TypeVar

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
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.budgets.budget_commands import account_key
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.reading import Reading
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.budgets.account import ACCOUNTS, Account, LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Period
from turnkeep_domain.budgets.pruned import GATES, RESERVATIONS
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.decisions import Refused
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
    Put,
    RecordStore,
    StoredEvent,
)

T = TypeVar("T")

WORK: Final = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t1")
EVERYTHING: Final = ScopePrefix(scope=WORK, depth=0)
TENANT: Final = AccountRef.tenant("acme")
USER: Final = AccountRef.user("acme", "ada")
THREAD: Final = AccountRef.thread(WORK)
BO: Final = Principal.person("bo")
USD: Final = Dimension.USD_NANO
SLOTS: Final = Dimension.CONCURRENCY_SLOTS
DAILY: Final = Calendar("UTC", CalendarUnit.DAY)
DAY_SECONDS: Final = 86_400.0
TTL_SECONDS: Final = 900

# Composing its shapes takes longer than most tests.
CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)

Handles: TypeAlias = Callable[[], RecordStore]
"""Opens one more handle on the same store, as a further process would."""


def memory(clock: VirtualClock) -> Handles:
    core = MemoryCore(store_id=b"b" * 16, wall_clock=clock.utc_now)
    return lambda: MemoryRecordStore(core=core, clock=clock)


def files(clock: VirtualClock) -> Handles:
    disk = SimulatedDisk()
    settings = FilesSettings(bucket_segments=8, compaction_bytes=4_096)
    return lambda: FilesRecordStore(
        "/store", clock=clock, wall_clock=clock.utc_now, settings=settings, disk=disk
    )


def postgres(clock: VirtualClock) -> Handles:
    """One store for all: its calls come from other threads as those of other hosts would."""
    store = OutsideStore(clock)
    return lambda: store


STORES: Final[dict[str, Callable[[VirtualClock], Handles]]] = {
    "memory": memory,
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
class Bank:
    """One store with two hosts: `budgets` and, in another process, `rival`.

    Attributes:
        fast: Whether updates go in rounds, and remember what they have last seen.
    """

    make: Callable[[VirtualClock], Handles]
    fast: bool = True
    clock: VirtualClock = field(factory=VirtualClock)
    handles: Handles = field(init=False)
    store: RecordStore = field(init=False)
    budgets: Budgets = field(init=False)
    rival: Budgets = field(init=False)
    _ids: CountedIds = field(factory=CountedIds)
    _beside: RecordStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.handles = self.make(self.clock)
        self.store, self._beside = self.handles(), self.handles()
        self.budgets, self.rival = self.host(self.store), self.host(self._beside)

    def host(self, store: RecordStore, settings: BudgetSettings | None = None) -> Budgets:
        """A host's budgets over a handle."""
        loop = UpdateLoop(
            store=store,
            codec=CODEC,
            clock=self.clock,
            random=SeededRandom(),
            ids=self._ids,
            telemetry=SilentTelemetry(),
            rounds=RoundSettings(together=self.fast),
            last_seen=LastSeenSettings(remembers=self.fast),
        )
        reading = Reading(store=store, codec=CODEC, clock=self.clock, deadline_seconds=15)
        chosen = BudgetSettings() if settings is None else settings
        return Budgets(updates=loop, reading=reading, ids=self._ids, settings=chosen)

    def set(self, **settings: int) -> None:
        """Lets the first host have other settings."""
        self.budgets = self.host(self.store, BudgetSettings(**settings))

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs a scenario over open stores in virtual time."""

        async def main() -> None:
            async with self.store, self._beside:
                await scenario()

        self.clock.run(main())

    @asynccontextmanager
    async def suffering(self, script: str) -> AsyncIterator[tuple[Budgets, FaultyRecordStore]]:
        """A third host, whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(self.handles(), script=Script.parse(script), clock=self.clock)
        async with faulty:
            yield self.host(faulty), faulty

    # ---- what tests do --------------------------------------------------------------------------

    async def ask(
        self,
        id: str = "r1",
        usd: int = 10,
        *,
        on: Budgets | None = None,
        scope: Scope = WORK,
        slots: int = 0,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        estimate: Mapping[Dimension, int] | None = None,
    ) -> object:
        """Reserves, whatever comes of it."""
        wanted = {USD: usd, SLOTS: slots} if estimate is None else estimate
        return await (on or self.budgets).reserve(
            scope, id=rid(id), estimate=wanted, owner="w1", ttl_ms=ttl_ms, on_expiry=on_expiry
        )

    async def reserved(
        self,
        id: str = "r1",
        usd: int = 10,
        *,
        scope: Scope = WORK,
        slots: int = 0,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
    ) -> Receipt:
        """A reservation that was granted."""
        receipt = await self.ask(
            id, usd, scope=scope, slots=slots, ttl_ms=ttl_ms, on_expiry=on_expiry
        )
        assert isinstance(receipt, Receipt), receipt
        return receipt

    async def reconciled(self, id: str = "r1", usd: int = 10, *, scope: Scope = WORK) -> Receipt:
        """A reservation that was reconciled."""
        receipt = await self.budgets.reconcile(
            scope, rid(id), request_id=rid(f"{id}:done"), usage={USD: usd}
        )
        assert isinstance(receipt, Receipt), receipt
        return receipt

    async def limit(
        self,
        ceilings: Mapping[Dimension, Ceiling],
        account: AccountRef = TENANT,
        *,
        period: Period | None = None,
        id: str = "l1",
        on: Budgets | None = None,
    ) -> LimitsSet:
        """Limits that were set, for a lifetime unless a period is named."""
        answer = await (on or self.budgets).set_limit(
            account,
            Limits.of(Lifetime() if period is None else period, ceilings),
            by=BO,
            request_id=rid(id),
        )
        assert isinstance(answer, LimitsSet), answer
        return answer

    async def write(self, cell: Cell, body: bytes) -> None:
        """Overwrites a record with bytes, past every codec; its index stays."""
        writes = [Put(cell.address, cell.revision, Entry(body=body, index=cell.entry.index))]
        answer = await self.store.commit(
            self._ids.commit_id(), writes, (), valid_until=None, deadline=self._deadline()
        )
        assert isinstance(answer, Committed)

    # ---- what tests read ------------------------------------------------------------------------

    async def figures(
        self, account: AccountRef = TENANT, dimension: Dimension = USD
    ) -> tuple[int, int]:
        """What is spent and reserved."""
        view = (await self.budgets.account(account))[dimension]
        return view.spent, view.reserved

    async def record(self, account: AccountRef = TENANT) -> Account:
        """The account as it is stored."""
        seen = await self.budgets.reading.record(account_key(account))
        assert seen.record is not None
        return seen.record

    async def snapshot(self) -> Snapshot:
        cells: list[Cell] = []
        for collection in (ACCOUNTS.name, RESERVATIONS.name, GATES.name):
            query = InScope(collection=collection, prefix=EVERYTHING)
            page = await self.store.scan(query, after=None, limit=500, deadline=self._deadline())
            assert page.next is None
            cells += page.cells
        return Snapshot(tuple(cells), await self.stored_events())

    async def cell(self, address: Address) -> Cell:
        return (await self.store.load([address], deadline=self._deadline())).cells[address]

    async def stored_events(self) -> tuple[StoredEvent, ...]:
        query = EventQuery(collections=None, prefix=EVERYTHING)
        events: list[StoredEvent] = []
        after = START
        while True:
            page = await self.store.events(query, after=after, limit=500, deadline=self._deadline())
            assert isinstance(page, EventPage)
            events += page.events
            if page.next == after:
                return tuple(events)
            after = page.next

    async def events(self) -> list[Event]:
        return [CODEC.decode_event(stored) for stored in await self.stored_events()]

    async def kinds(self) -> list[str]:
        """The kinds of all events, `budget.` left out."""
        return [event.kind.removeprefix("budget.") for event in await self.stored_events()]

    def _deadline(self) -> Deadline:
        return Deadline.after(self.clock, 5)


def reason(answer: object, of: type[T]) -> T:
    """Why a command was refused."""
    assert isinstance(answer, Refused), answer
    assert isinstance(answer.reason, of), answer.reason
    return answer.reason
