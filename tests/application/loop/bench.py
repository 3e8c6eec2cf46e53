"""A bench: the loop over a scripted memory store in virtual time, with everything to be read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from attrs import define, field

from tests.application.loop.ledger import LEDGERS, SCOPE, Ledger, LedgerCodec, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.keys import Collection, Key, key
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    START,
    Cell,
    CommitId,
    EventPage,
    EventQuery,
    RecordStore,
    StoredEvent,
)
from turnkeep_ports.telemetry import Counter

T = TypeVar("T")


def _nothing(records: Records, now: datetime) -> Unchanged[None]:
    return Unchanged(None)


class SeededRandom:
    def __init__(self) -> None:
        self._random = random.Random(7)

    def below(self, bound: float) -> float:
        return self._random.random() * bound


class CountedIds:
    def __init__(self) -> None:
        self.minted = 0

    def commit_id(self) -> CommitId:
        self.minted += 1
        return CommitId(self.minted.to_bytes(16, "big"))


@define
class Bench:
    """One store with two handles: `faulty`, which the loop uses, and `beside`, for rivals.

    Attributes:
        through: What the loop uses instead of `faulty`, to which it hands on.
    """

    clock: VirtualClock = field(factory=VirtualClock)
    tallies: Tallies = field(factory=Tallies)
    pacing: Pacing = field(factory=Pacing)
    ids: CountedIds = field(factory=CountedIds)
    random: SeededRandom = field(factory=SeededRandom)
    rounds: RoundSettings = field(factory=RoundSettings)
    last_seen: LastSeenSettings = field(factory=LastSeenSettings)
    codec: LedgerCodec = field(factory=LedgerCodec)
    through: RecordStore | None = field(default=None)
    beside: MemoryRecordStore = field(init=False)
    faulty: FaultyRecordStore = field(init=False)

    _core: MemoryCore = field(init=False)
    _loops: dict[object, UpdateLoop] = field(factory=dict, init=False)
    _calls_before: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._core = MemoryCore(store_id=b"s" * 16, wall_clock=self.clock.utc_now)
        self.beside = self.another()
        self.faulty = FaultyRecordStore(self.another(), script=Script.parse(""), clock=self.clock)

    def another(self) -> MemoryRecordStore:
        """One more handle on the store, closed."""
        return MemoryRecordStore(core=self._core, clock=self.clock)

    def loop(self, store: RecordStore | None = None) -> UpdateLoop:
        """The one loop of a store, as a process has it, with what the bench has now."""
        store = store or self.through or self.faulty
        parts = (store, self.codec, self.random, self.tallies)
        of = (self.pacing, self.rounds, self.last_seen, *map(id, parts))
        if of not in self._loops:
            self._loops[of] = UpdateLoop(
                store=store,
                codec=self.codec,
                clock=self.clock,
                random=self.random,
                ids=self.ids,
                telemetry=self.tallies,
                pacing=self.pacing,
                rounds=self.rounds,
                last_seen=self.last_seen,
            )
        return self._loops[of]

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs a scenario over open stores in virtual time."""

        async def main() -> None:
            async with self.faulty, self.beside:
                await scenario()

        self.clock.run(main())

    def follow(self, script: str) -> None:
        self.faulty.follow(Script.parse(script))

    # ---- commands that go together --------------------------------------------------------------

    async def crowd(
        self,
        commands: Iterable[Coroutine[object, object, T]],
        script: str = "",
        *,
        at: Sequence[Key[Ledger]] = (key(LEDGERS, SCOPE, "l1"),),
    ) -> list[asyncio.Task[T]]:
        """Lets commands wait until somebody has left these cells, then follows the script."""
        self.follow("load#1: hold crowd")
        ahead: asyncio.Task[object]
        ahead = asyncio.create_task(self.loop().update(at, _nothing))
        await self.faulty.reached("crowd")
        tasks = [asyncio.create_task(command) for command in commands]
        await self.clock.settle()
        self._calls_before = len(self.faulty.calls)
        self.follow(script)
        self.faulty.release("crowd")
        await ahead
        return tasks

    # ---- what tests do and read -----------------------------------------------------------------

    async def add(
        self,
        request: str,
        amount: int = 1,
        *,
        of: Collection[Ledger] = LEDGERS,
        id: str = "l1",
        loop: UpdateLoop | None = None,
    ) -> int | Refused[RequestIdReused]:
        """Opens the ledger where it is absent, and adds to it."""
        where = key(of, SCOPE, id)
        return await (loop or self.loop()).update([where], adding(where, request, amount))

    async def rival(
        self, request: str, amount: int = 1, *, of: Collection[Ledger] = LEDGERS, id: str = "l1"
    ) -> None:
        """An update by another process."""
        await self.add(request, amount, of=of, id=id, loop=self.loop(self.beside))

    async def cell(self, of: Collection[Ledger] = LEDGERS, id: str = "l1") -> Cell | None:
        address = key(of, SCOPE, id).address
        deadline = Deadline.after(self.clock, 1)
        return (await self.beside.load([address], deadline=deadline)).cells.get(address)

    async def total(self, of: Collection[Ledger] = LEDGERS, id: str = "l1") -> int | None:
        cell = await self.cell(of, id)
        if cell is None:
            return None
        return LedgerCodec().decode(of, cell.address, cell.entry.body).total

    async def events(self) -> tuple[StoredEvent, ...]:
        query = EventQuery(collections=None, prefix=ScopePrefix(scope=SCOPE, depth=0))
        deadline = Deadline.after(self.clock, 1)
        page = await self.beside.events(query, after=START, limit=500, deadline=deadline)
        assert isinstance(page, EventPage)
        return page.events

    def counted(self, counter: Counter, of: Collection[Ledger] = LEDGERS) -> int:
        return self.tallies.of(of.name, counter)

    def calls(self, operation: Operation) -> int:
        """How many calls there were; of a crowd, since it went."""
        calls = self.faulty.calls[self._calls_before :]
        return sum(call.operation is operation for call in calls)


def adding(
    where: Key[Ledger], request: str, amount: int = 1
) -> Callable[[Records, datetime], Decision[Records, int, RequestIdReused] | Need]:
    """The command that opens the ledger where it is absent, and adds to it."""

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused]:
        ledger = records[where] or opened(where.address.id)
        return records.adopt(where, ledger.add(amount, RequestId(request), where.address, now))

    return decide


def putting(where: Key[Ledger], ledger: Ledger) -> Callable[[Records, datetime], Put]:
    """The command that puts a record as it is."""

    def decide(records: Records, now: datetime) -> Put:
        return Changed(records.put(where, ledger), "put", ())

    return decide


Put = Decision[Records, str, str]
