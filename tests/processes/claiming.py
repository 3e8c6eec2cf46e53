"""Claiming: processes that take runs from one store, and what must then be true of them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from attrs import field, frozen

from tests.application.turns.invariants import Whole
from tests.application.turns.seeding import run_in
from tests.postgres.world import QUIET, store_on
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.admission import OpenAdmission
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.no_archive import NoArchive
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading
from turnkeep_application.turns.cells import lane_key, turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.turns import Turns
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.events import Event
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Token
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import ABSENT, Committed, Entry, EventDraft, Put, RecordStore

CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)
IDLE_PASSES: Final = 3
SEEDED_TOGETHER: Final = 40
_CLOCK: Final = SystemClock()
_END: Final = "end"


@frozen(kw_only=True)
class Place:
    """Where a store is: a directory, or a database."""

    path: Path | None = field(default=None)
    url: str | None = field(default=None)

    def store(self) -> RecordStore:
        """A handle on it."""
        if self.path is not None:
            settings = FilesSettings(poll_seconds=0.01)
            return FilesRecordStore(
                self.path, clock=_CLOCK, wall_clock=_CLOCK.utc_now, settings=settings
            )
        return store_on(self.url, QUIET)


@frozen(kw_only=True)
class ClaimBrief:
    """What a process is told to do: claim until nothing is left, several claimers at once.

    Attributes:
        completes: Whether whatever was claimed is completed, too.
    """

    place: Place
    name: str
    claimers: int
    count: int
    completes: bool


def turns_over(store: RecordStore) -> Turns:
    """A host over a handle, with the machine's own time and chance."""
    random = SystemRandom()
    loop = UpdateLoop(
        store=store,
        codec=CODEC,
        clock=_CLOCK,
        random=random,
        ids=SystemIds(),
        telemetry=SilentTelemetry(),
    )
    return Turns(
        updates=loop,
        reading=Reading(store=store, codec=CODEC, clock=_CLOCK, deadline_seconds=15.0),
        store=store,
        clock=_CLOCK,
        random=random,
        ids=SystemIds(),
        admission=OpenAdmission(),
        archive=NoArchive(),
    )


# ---- the processes ------------------------------------------------------------------------------


def claim_all(brief: ClaimBrief, reports: Connection) -> None:
    """What a process runs: it tells each run as it is granted, and at last that it ends."""
    asyncio.run(_claim_all(brief, reports))


async def _claim_all(brief: ClaimBrief, reports: Connection) -> None:
    async with brief.place.store() as store:
        turns = turns_over(store)
        claimers = [_claim(turns, brief, number, reports) for number in range(brief.claimers)]
        await asyncio.gather(*claimers)
    reports.send(_END)


async def _claim(turns: Turns, brief: ClaimBrief, number: int, reports: Connection) -> None:
    idle = 0
    while idle < IDLE_PASSES:
        granted = await _one_pass(turns, brief, f"{brief.name}-{number}")
        for claimed in granted:
            reports.send((claimed.run.scope.user, claimed.run.scope.thread, claimed.claim.epoch))
        if brief.completes:
            await asyncio.gather(*(turns.complete(one.claim) for one in granted))
        idle = 0 if granted else idle + 1


async def _one_pass(turns: Turns, brief: ClaimBrief, holder: str) -> list[ClaimedRun]:
    """One pass; lanes whose outcome is in doubt are asked again by the same token."""
    granted: list[ClaimedRun] = []
    token, lanes = Token(os.urandom(16)), None
    while True:
        try:
            found = await turns.claim(holder=holder, token=token, count=brief.count, lanes=lanes)
        except (Contended, Unavailable):
            continue
        granted += found.granted
        if not found.doubtful:
            return granted
        lanes = found.doubtful


@frozen(eq=False)
class Claimers:
    """A running process of claimers."""

    brief: ClaimBrief
    process: multiprocessing.process.BaseProcess
    reports: Connection

    def finish(self) -> list[tuple[str, str, int]]:
        """Waits for its end, which must be a good one; what it was granted."""
        told: list[tuple[str, str, int]] = []
        while True:
            try:
                report = self.reports.recv()
            except EOFError:
                self.process.join()
                raise AssertionError(f"{self.brief.name} ended early") from None
            if report == _END:
                self.process.join()
                return told
            told.append(report)


@contextmanager
def claimers(*briefs: ClaimBrief) -> Iterator[list[Claimers]]:
    """Running processes; whatever runs at the end is ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.claiming"])
    running: list[Claimers] = []
    try:
        for brief in briefs:
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(target=claim_all, args=(brief, sending))
            process.start()
            sending.close()
            running.append(Claimers(brief, process, receiving))
        yield running
    finally:
        for one in running:
            if one.process.exitcode is None:
                one.process.kill()
            one.process.join()
            one.reports.close()


# ---- what is there before and after -------------------------------------------------------------


def seed(place: Place, *, users: int, runs: int) -> None:
    """So many queued runs of so many users, one a thread, in large commits."""
    asyncio.run(_seed(place, users, runs))


async def _seed(place: Place, users: int, runs: int) -> None:
    async with place.store() as store:
        await seed_users(store, [f"u{number:04}" for number in range(users)], runs)


async def seed_users(store: RecordStore, users: Sequence[str], runs: int) -> None:
    """So many queued runs of each of these users, one a thread, in large commits."""
    for begin in range(0, len(users), SEEDED_TOGETHER):
        await _seed_together(store, users[begin : begin + SEEDED_TOGETHER], runs)


async def _seed_together(store: RecordStore, users: Sequence[str], runs: int) -> None:
    address = lane_key(LaneId.of(Scope.of("acme", users[0]), TurnClass.INTERACTIVE)).address
    now = (await store.load([address], deadline=_deadline())).now
    puts: list[Put] = []
    events: list[Event] = []
    for user in users:
        id = LaneId.of(Scope.of("acme", user), TurnClass.INTERACTIVE)
        lane = Lane.empty(id)
        for number in range(runs):
            state, told = run_in(Scope.of("acme", user, thread=f"t{number:02}"), None, now)
            events += told
            assert state.active is not None
            entered = lane.enter(run=state.active.address, due_at=now, root=None)
            assert entered is not None
            lane = entered
            puts.append(_put(turn_state_key(state.active.address), state))
        puts.append(_put(lane_key(id), lane))
    drafts = [
        EventDraft(
            address=event.address, kind=event.kind, at=event.at, body=CODEC.encode_event(event)
        )
        for event in events
    ]
    answer = await store.commit(
        SystemIds().commit_id(), puts, drafts, valid_until=None, deadline=_deadline()
    )
    assert isinstance(answer, Committed)


def _put(key: ReadKey[object], record: object) -> Put:
    index = key.collection.index_of(record)
    return Put(key.address, ABSENT, Entry(body=CODEC.encode(record), index=index))


def everything(place: Place) -> Whole:
    """All that the store holds."""

    async def read() -> Whole:
        async with place.store() as store:
            return await Whole.read(store, CODEC, _deadline())

    return asyncio.run(read())


def _deadline() -> Deadline:
    return Deadline.after(_CLOCK, 60)
