"""A keep: turns over one store, with everything that is stored to be read."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, TypeVar

from attrs import define, evolve, field, frozen

from tests.application.turns.invariants import EVERYBODY, Whole, require_invariants
from tests.application.turns.worlds import World
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.system.admission import OpenAdmission
from turnkeep_adapters.system.no_archive import NoArchive
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approvals import Approvals
from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_application.turns.cells import bucket_key, lane_key
from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Key, ReadKey
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket import Bucket
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.claims import Claim, RunStanding, Token
from turnkeep_domain.turns.effect import Done, Mode, NotDone, Unclear
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.run_states import Blocked
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    CommitId,
    Committed,
    Entry,
    Put,
    RecordStore,
)

T = TypeVar("T")

# Composing its shapes takes longer than most tests.
CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)

ADA: Final = Principal.person("ada")
OPERATOR: Final = Actor.operator(Principal.person("olga"))
INTERACTIVE: Final = TurnClass.INTERACTIVE
BACKGROUND: Final = TurnClass.BACKGROUND
SUBMITTER: Final = Actor.submitter(ADA)
LEASE_SECONDS: Final = 90.0
DONE: Final = Done(output=b"output", disposition=None)


def thread(name: str = "t1", *, user: str = "ada", tenant: str = "acme") -> Scope:
    return Scope.of(tenant, user, agent="scout", thread=name)


def lane_of(user: str = "ada", turn_class: TurnClass = INTERACTIVE) -> LaneId:
    return LaneId.of(Scope.of("acme", user), turn_class)


class SeededRandom:
    """Seeded, or always at the beginning."""

    def __init__(self, *, first: bool = False) -> None:
        self._random = random.Random(7)
        self._first = first

    def below(self, bound: float) -> float:
        return 0.0 if self._first else self._random.random() * bound


class CountedIds:
    def __init__(self) -> None:
        self._minted = 0

    def commit_id(self) -> CommitId:
        self._minted += 1
        return CommitId(self._minted.to_bytes(16, "big"))


def step(name: str, ordinal: int = 0) -> EffectId:
    return EffectId(name, ordinal)


@frozen
class Parked:
    """A run that waits for an approval, under the claim that has ended with that."""

    claim: Claim
    approval: str

    @property
    def run(self) -> RunAddress:
        return self.claim.run


@define
class Keep:
    """One store with two hosts: `turns` and, in another process, `rival`.

    Attributes:
        first: Whether claims begin at the first lane of a page, so that a test can foretell them.
    """

    world: World
    settings: TurnSettings = field(factory=TurnSettings)
    first: bool = True
    codec: JsonCodec = CODEC
    store: RecordStore = field(init=False)
    turns: Turns = field(init=False)
    rival: Turns = field(init=False)
    _ids: CountedIds = field(factory=CountedIds)
    _tokens: itertools.count[int] = field(factory=lambda: itertools.count(1))
    _beside: RecordStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store, self._beside = self.world.handles(), self.world.handles()
        self.turns, self.rival = self.host(self.store), self.host(self._beside)

    def host(
        self,
        store: RecordStore,
        *,
        settings: TurnSettings | None = None,
        admission: Admission | None = None,
        archive: Archive | None = None,
    ) -> Turns:
        """A host's turns over a handle."""
        clock, randomness = self.world.clock, SeededRandom(first=self.first)
        loop = UpdateLoop(
            store=store,
            codec=self.codec,
            clock=clock,
            random=SeededRandom(),
            ids=self._ids,
            telemetry=SilentTelemetry(),
        )
        return Turns(
            updates=loop,
            reading=Reading(store=store, codec=self.codec, clock=clock, deadline_seconds=15.0),
            store=store,
            clock=clock,
            random=randomness,
            ids=self._ids,
            admission=OpenAdmission() if admission is None else admission,
            archive=NoArchive() if archive is None else archive,
            settings=self.settings if settings is None else settings,
            approvals=ApprovalSettings(),
        )

    def governed(self, admission: Admission) -> Turns:
        """The first host, with a policy of its own."""
        return self.host(self.store, admission=admission)

    def run(self, scenario: Callable[[], Awaitable[None]], *, sound: bool = True) -> None:
        """Runs a scenario over open stores, and then checks every invariant of what is stored.

        Args:
            scenario: The law.
            sound: False where the scenario has damaged records itself.
        """

        async def main() -> None:
            async with self.store, self._beside:
                await scenario()
                if sound:
                    await self.require_invariants()

        self.world.run(main)

    @asynccontextmanager
    async def suffering(
        self, script: str, *, settings: TurnSettings | None = None
    ) -> AsyncIterator[tuple[Turns, FaultyRecordStore]]:
        """A third host, whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(
            self.world.handles(), script=Script.parse(script), clock=self.world.clock
        )
        async with faulty:
            yield self.host(faulty, settings=settings), faulty

    # ---- time -----------------------------------------------------------------------------------

    async def let_pass(self, seconds: float) -> None:
        """Lets virtual time pass."""
        assert self.world.virtual is not None, "time passes by itself here"
        await self.world.virtual.advance(seconds)

    async def now(self, store: RecordStore | None = None) -> datetime:
        """The store's now."""
        address = Address("run", thread(), "none")
        return (await (store or self.store).load([address], deadline=self._deadline())).now

    # ---- what tests do --------------------------------------------------------------------------

    def token(self) -> Token:
        """A token that no pass has used."""
        return Token(next(self._tokens).to_bytes(16, "big"))

    async def submit(
        self,
        scope: Scope | None = None,
        *,
        on: Turns | None = None,
        request: str = "r1",
        actor: Principal = ADA,
        payload: bytes = b"what is asked",
        turn_class: TurnClass = INTERACTIVE,
        policy: TurnPolicy | None = None,
    ) -> object:
        """Submits a turn, whatever comes of it."""
        usual = evolve(TurnPolicy.interactive(), turn_class=turn_class)
        return await (on or self.turns).submit(
            thread() if scope is None else scope,
            actor=actor,
            request_id=RequestId(request),
            payload=payload,
            policy=usual if policy is None else policy,
        )

    async def submitted(
        self,
        scope: Scope | None = None,
        *,
        request: str = "r1",
        turn_class: TurnClass = INTERACTIVE,
        policy: TurnPolicy | None = None,
    ) -> RunView:
        """A turn that was accepted."""
        view = await self.submit(scope, request=request, turn_class=turn_class, policy=policy)
        assert isinstance(view, RunView), view
        return view

    async def queue(
        self, *names: str, user: str = "ada", turn_class: TurnClass = INTERACTIVE
    ) -> list[RunAddress]:
        """Turns of a user that were accepted, one a thread, in this order."""
        views = [
            await self.submitted(thread(name, user=user), turn_class=turn_class) for name in names
        ]
        return [view.address for view in views]

    async def claim(
        self,
        *,
        on: Turns | None = None,
        count: int = 1,
        token: Token | None = None,
        classes: Sequence[TurnClass] = (INTERACTIVE, BACKGROUND),
        lanes: Sequence[LaneId] | None = None,
    ) -> ClaimPass:
        """One pass, by a token of its own unless one is given."""
        return await (on or self.turns).claim(
            holder="worker-1",
            token=self.token() if token is None else token,
            classes=classes,
            count=count,
            lanes=lanes,
        )

    async def claimed(self, count: int = 1, *, on: Turns | None = None) -> list[ClaimedRun]:
        """Runs that one pass has granted."""
        found = await self.claim(on=on, count=count)
        assert len(found.granted) == count, found
        return list(found.granted)

    async def completed(self, claimed: ClaimedRun) -> RunStanding:
        """A run that was carried out."""
        standing = await self.turns.complete(claimed.claim)
        assert isinstance(standing, RunStanding), standing
        return standing

    async def cancel(self, run: RunAddress, *, on: Turns | None = None) -> RunStanding:
        """An operator calls a run off."""
        standing = await (on or self.turns).request_cancel(
            run, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId(f"cancel {run.id}")
        )
        assert isinstance(standing, RunStanding), standing
        return standing

    async def limit(
        self, of: BucketId, *, held: int | None = None, running: int | None = None
    ) -> None:
        """A bucket's limits, in force at once where the test makes time pass."""
        limits = BucketLimits(held=held, running=running)
        assert await self.turns.set_limit(of, limits=limits, by=OPERATOR) == limits
        bucket = await self.record(bucket_key(of))
        assert bucket is not None
        if bucket.counting_since is not None:
            await self.let_pass(15)
            await self.turns.sweep()

    # ---- what a worker does ---------------------------------------------------------------------

    async def running(
        self,
        scope: Scope | None = None,
        *,
        request: str = "r1",
        policy: TurnPolicy | None = None,
        on: Turns | None = None,
    ) -> Claim:
        """The claim of a run that was submitted just now."""
        view = await self.submitted(scope, request=request, policy=policy)
        (granted,) = await self.claimed(on=on)
        assert granted.claim.run == view.address
        return granted.claim

    async def intend(
        self, claim: Claim, name: str = "step", *, arguments: str = "a", on: Turns | None = None
    ) -> object:
        return await (on or self.turns).intend(claim, step(name), arguments=digest_of(arguments))

    async def settle(
        self,
        claim: Claim,
        name: str = "step",
        *,
        outcome: Done | NotDone | Unclear | None = None,
        mode: Mode = Mode.ONCE,
        arguments: str = "a",
        on: Turns | None = None,
    ) -> object:
        return await (on or self.turns).settle(
            claim,
            step(name),
            mode=mode,
            arguments=digest_of(arguments),
            outcome=DONE if outcome is None else outcome,
        )

    async def ask(
        self,
        claim: Claim,
        name: str = "gate",
        *,
        invocation: str = "i1",
        lifetime_seconds: int = 3_600,
        attempt: int = 1,
        on: Turns | None = None,
    ) -> object:
        """Requires an approval that Ada may give."""
        return await (on or self.turns).require_approval(
            claim,
            step(name),
            invocation=InvocationId(invocation),
            action=Dispatch(capability=CapabilityId("pay"), estimate=Estimate.nothing()),
            effects=frozenset({Effect.FINANCIAL}),
            requester=Principal.agent("scout"),
            input={"amount": 12},
            reason="s3cret-reason",
            display="s3cret-display",
            lifetime_seconds=lifetime_seconds,
            attempt=attempt,
        )

    async def parked(self, scope: Scope | None = None, *, lifetime_seconds: int = 3_600) -> Parked:
        """A run that waits for an approval."""
        claim = await self.running(scope)
        standing = await self.ask(claim, lifetime_seconds=lifetime_seconds)
        assert isinstance(standing, RunStanding), standing
        view = await self.view(claim.run)
        assert isinstance(view.state, Blocked)
        return Parked(claim, str(view.state.gate.ref))

    async def view(self, run: RunAddress) -> RunView:
        """A run that is there."""
        view = await self.turns.get(run)
        assert view is not None
        return view

    def approvals(self, store: RecordStore | None = None) -> Approvals:
        """The approvals of a host, the first one's unless a store is given."""
        store = self.store if store is None else store
        turns = self.turns if store is self.store else self.host(store)
        return Approvals(
            updates=turns.updates, reading=turns.reading, store=store, clock=self.world.clock
        )

    # ---- what tests read ------------------------------------------------------------------------

    async def whole(self) -> Whole:
        """Everything that is stored."""
        return await Whole.read(self.store, self.codec, self._deadline())

    async def require_invariants(self) -> None:
        require_invariants(await self.whole())

    async def snapshot(self) -> tuple[object, ...]:
        """Everything that is stored, bytes and revisions: equal if nothing was written."""
        whole = await self.whole()
        return (whole.cells, whole.stored_events)

    async def record(self, key: ReadKey[T]) -> T | None:
        """One record as it is stored."""
        return (await self.turns.reading.record(key)).record

    async def count(self, of: Collection[T]) -> int:
        """How many cells of a kind are stored."""
        query = InScope(collection=of.name, prefix=EVERYBODY)
        page = await self.store.scan(query, after=None, limit=500, deadline=self._deadline())
        assert page.next is None
        return len(page.cells)

    async def lane(self, user: str = "ada", turn_class: TurnClass = INTERACTIVE) -> Lane:
        """A lane as it is stored; an empty one where there is none."""
        id = lane_of(user, turn_class)
        return await self.record(lane_key(id)) or Lane.empty(id)

    async def bucket(self, of: BucketId) -> Bucket:
        """A bucket as it is stored."""
        found = await self.record(bucket_key(of))
        assert found is not None
        return found

    async def events(self) -> list[Event]:
        return list((await self.whole()).events)

    async def kinds(self) -> list[str]:
        """The kinds of all events, `run.` left out."""
        return [event.kind.removeprefix("run.") for event in await self.events()]

    async def cell(self, address: Address) -> Cell | None:
        return (await self.store.load([address], deadline=self._deadline())).cells.get(address)

    async def put(self, key: Key[T], record: T) -> None:
        """Makes a record be as its own commands would have made it, in one step."""

        def decide(records: Records, _: datetime) -> Changed[Records, None]:
            return Changed(records.put(key, record), None, ())

        await self.turns.updates.update([key], decide)

    async def damage(self, of: Collection[T], scope: Scope, id: str) -> None:
        """Overwrites a record with bytes that no codec reads; its index stays."""
        address = Address(of.name, scope, id)
        cell = await self.cell(address)
        assert cell is not None
        entry = Entry(body=b"damaged", index=cell.entry.index)
        answer = await self.store.commit(
            self._ids.commit_id(),
            [Put(address, cell.revision, entry)],
            (),
            valid_until=None,
            deadline=self._deadline(),
        )
        assert isinstance(answer, Committed)

    async def overwrite(self, key: Key[T], record: T) -> None:
        """Puts a record in place of whatever is there, past every rule."""
        cell = await self.cell(key.address)
        entry = Entry(body=self.codec.encode(record), index=key.collection.index_of(record))
        expect = ABSENT if cell is None else cell.revision
        answer = await self.store.commit(
            self._ids.commit_id(),
            [Put(key.address, expect, entry)],
            (),
            valid_until=None,
            deadline=self._deadline(),
        )
        assert isinstance(answer, Committed)

    def _deadline(self) -> Deadline:
        return Deadline.after(self.world.clock, 15)


async def all_of(*calls: Awaitable[T]) -> list[T]:
    """What several calls answer that are made at once."""
    return list(await asyncio.gather(*calls))
