"""What a store of two keeps, and what it does not pretend to keep."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import wraps

import pytest
from attrs import evolve

from tests.composite.two_mounts import FAR, Pair, Side, beside, far, near
from tests.contract.memory_harness import MemoryHarness
from turnkeep.testing.caller import Caller
from turnkeep.testing.specimens import ALL_EVENTS, EVERYBODY, NOON, draft, entry, told
from turnkeep_adapters.composite.mounts import Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    ABSENT,
    START,
    Atomicity,
    Capabilities,
    Check,
    Committed,
    CursorLost,
    Durability,
    EventQuery,
    Interest,
    Late,
    Mark,
    Notification,
    Put,
    StoredEvent,
)


def law(judge: Callable[[], Coroutine[object, object, None]]) -> Callable[[], None]:
    @wraps(judge)
    def test() -> None:
        asyncio.run(asyncio.wait_for(judge(), 30))

    return test


def bodies(events: list[StoredEvent]) -> list[bytes]:
    return [event.body for event in events]


# ---- commits -----------------------------------------------------------------------------------


@law
async def test_a_commit_over_two_mounts_is_refused_and_reaches_neither() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        for writes in (
            [Put(near("x"), ABSENT, entry()), Put(far("x"), ABSENT, entry())],
            [Put(near("x"), ABSENT, entry()), Check(far("x"), ABSENT)],
        ):
            with pytest.raises(Unsupported, match="rest, away"):
                await caller.commit(*writes)
        assert pair.rest_store.calls == pair.mount_store.calls == ()
        assert await caller.cell(near("x")) is None


@law
async def test_an_event_stays_with_its_records() -> None:
    async with Pair().calling() as caller:
        with pytest.raises(Unsupported):
            await caller.commit(Put(near("x"), ABSENT, entry()), events=[draft(far("x"))])
        assert await caller.cell(near("x")) is None
        await caller.put(far("x"), events=[draft(far("x"), b"told")])
        assert bodies(await caller.history()) == [b"told"]


@law
async def test_each_record_is_kept_by_its_own_mount_and_by_no_other() -> None:
    pair = Pair()
    async with pair.calling() as caller, beside(pair.rest) as rest, beside(pair.mount) as mount:
        await caller.put(near("x"), b"near")
        await caller.put(far("x"), b"far")
        assert (await rest.present(near("x"))).entry.body == b"near"
        assert (await mount.present(far("x"))).entry.body == b"far"
        assert await rest.cell(far("x")) is None
        assert await mount.cell(near("x")) is None


@law
async def test_a_record_of_a_mounted_collection_in_the_rest_is_absent() -> None:
    pair = Pair()
    query = InScope(collection="far", prefix=EVERYBODY)
    async with pair.calling() as caller, beside(pair.rest) as rest:
        await rest.put(far("x"), events=[draft(far("x"))])
        assert await caller.cell(far("x")) is None
        assert await caller.found(query) == []
        assert await caller.log() == []


@law
async def test_a_commit_is_late_by_the_clock_of_its_own_mount() -> None:
    pair = Pair()
    pair.mount.pass_seconds(60)
    until = NOON + timedelta(seconds=30)
    async with pair.calling() as caller:
        early = await caller.commit(Put(near("x"), ABSENT, entry()), valid_until=until)
        assert isinstance(early, Committed)
        assert await caller.commit(Put(far("x"), ABSENT, entry()), valid_until=until) == Late()


# ---- reads -------------------------------------------------------------------------------------


@law
async def test_a_load_over_two_mounts_has_the_cells_of_both_and_the_earlier_clock() -> None:
    pair = Pair()
    pair.mount.pass_seconds(60)
    async with pair.calling() as caller:
        await caller.put(near("x"), b"near")
        await caller.put(far("x"), b"far")
        both = await caller.load(near("x"), far("x"), near("y"))
        assert {at: cell.entry.body for at, cell in both.cells.items()} == {
            near("x"): b"near",
            far("x"): b"far",
        }
        assert both.now == NOON
        assert (await caller.load(far("x"))).now == NOON + timedelta(seconds=60)
        assert (await caller.load(near("x"))).now == NOON


@law
async def test_a_load_over_two_mounts_asks_them_at_once() -> None:
    pair = Pair()
    hold = "load#1: hold there"
    async with pair.calling() as caller:
        for store in (pair.rest_store, pair.mount_store):
            store.follow(type(store.script).parse(hold))
        loading = asyncio.create_task(caller.load(near("x"), far("x")))
        await pair.rest_store.reached("there")
        await pair.mount_store.reached("there")
        pair.mount_store.release("there")
        pair.rest_store.release("there")
        assert (await loading).cells == {}


@law
async def test_the_cells_of_one_mount_are_of_one_moment_though_the_other_answers_later() -> None:
    pair = Pair()
    async with pair.calling() as caller, beside(pair.rest) as rest:
        first = await caller.committed(
            Put(near("x"), ABSENT, entry(b"1")), Put(near("y"), ABSENT, entry(b"1"))
        )
        pair.mount_store.follow(type(pair.mount_store.script).parse("load#1: hold there"))
        loading = asyncio.create_task(caller.load(near("x"), far("z"), near("y")))
        await pair.mount_store.reached("there")
        await rest.committed(
            *(Put(at, revision, entry(b"2")) for at, revision in first.revisions.items())
        )
        await caller.put(far("z"), b"2")
        pair.mount_store.release("there")
        cells = (await loading).cells
        assert {cells[near("x")].entry.body, cells[near("y")].entry.body} == {b"1"}
        # Of two mounts it shows two moments, and says so nowhere but in what it promises.
        assert cells[far("z")].entry.body == b"2"


# ---- events ------------------------------------------------------------------------------------


async def tell(caller: Caller, at: Address, *numbers: int) -> None:
    for number in numbers:
        moment = NOON + timedelta(seconds=number)
        body = b"%d" % number
        place = evolve(at, id=f"{at.id}-{number}")
        await caller.put(place, events=[draft(place, body, at=moment)])


@law
async def test_logs_are_merged_by_time_and_each_mounts_order_is_kept() -> None:
    async with Pair().calling() as caller:
        await tell(caller, near("x"), 1, 5, 3)
        await tell(caller, far("x"), 2, 4, 6)
        assert bodies(await caller.log()) == [b"1", b"2", b"4", b"5", b"3", b"6"]


@law
async def test_every_page_size_tells_the_same_events_in_the_same_order() -> None:
    async with Pair().calling() as caller:
        await tell(caller, near("x"), *range(0, 40, 3))
        await tell(caller, far("x"), *range(1, 60, 2))
        whole = await caller.log()
        assert len(whole) == 14 + 30
        for limit in (1, 2, 3, 7, 500):
            assert await caller.log(limit=limit) == whole
        for number, event in enumerate(whole, start=1):
            rest = bodies(await caller.log(after=event.cursor))
            assert rest == bodies(whole[number:])


@law
async def test_what_one_mount_tells_late_is_not_lost_behind_a_cursor() -> None:
    async with Pair().calling() as caller:
        await tell(caller, near("x"), 100)
        page = await caller.events()
        await tell(caller, far("x"), 1)
        assert bodies(await caller.log(after=page.next)) == [b"1"]
        assert bodies(await caller.log(after=page.events[-1].cursor)) == [b"1"]


@law
async def test_a_tailing_reader_of_two_mounts_misses_nothing() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        writing = asyncio.gather(
            *(tell(caller, near(f"{n}"), *range(20)) for n in range(3)),
            *(tell(caller, far(f"{n}"), *range(20)) for n in range(3)),
        )
        seen: list[StoredEvent] = []
        after = START
        while not writing.done():
            page = await caller.events(after=after, limit=2)
            assert page.next >= after
            seen += page.events
            after = page.next
        await writing
        seen += await caller.log(after=after)
        assert len(seen) == 120
        for side in (pair.rest, pair.mount):
            async with beside(side) as alone:
                mine = {event.address.collection for event in await alone.log()}
                kept = [told(event) for event in seen if event.address.collection in mine]
                assert kept == [told(event) for event in await alone.log()]


@law
async def test_a_mount_of_which_nothing_is_asked_is_not_asked() -> None:
    pair = Pair()
    query = EventQuery(collections=frozenset({"far"}), prefix=EVERYBODY)
    async with pair.calling() as caller:
        await tell(caller, far("x"), 1, 2)
        await tell(caller, near("x"), 3)
        first = await caller.events(query, limit=1)
        before = len(pair.rest_store.calls)
        (second,) = (await caller.events(query, after=first.next)).events
        assert second.body == b"2"
        assert len(pair.rest_store.calls) == before
        # It stays where it was: nothing that it has told is passed over.
        assert bodies(await caller.log(after=second.cursor)) == [b"3"]


@law
async def test_trimming_keeps_what_is_behind_the_cursor_in_both_mounts() -> None:
    async with Pair().calling() as caller:
        await tell(caller, near("x"), 1, 3, 5)
        await tell(caller, far("x"), 2, 4, 6)
        whole = await caller.log()
        floor = await caller.trim(whole[3].cursor)
        assert floor == whole[3].cursor
        assert bodies(await caller.log()) == [b"5", b"6"]
        lost = await caller.store.events(
            ALL_EVENTS, after=whole[0].cursor, limit=1, deadline=caller.deadline()
        )
        assert lost == CursorLost(floor)


@law
async def test_a_cursor_is_lost_where_collections_are_kept_otherwise() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        await tell(caller, near("x"), 1)
        await tell(caller, far("x"), 2)
        cursor = (await caller.log())[0].cursor
    async with pair.store(named=FAR | {"moved"}) as moved:
        other = Caller(moved)
        answer = await moved.events(ALL_EVENTS, after=cursor, limit=5, deadline=other.deadline())
        assert isinstance(answer, CursorLost)
        assert bodies(await other.log(after=answer.floor)) == [b"1", b"2"]
        assert await moved.trim(cursor, deadline=other.deadline()) == answer


@law
async def test_a_cursor_of_one_of_the_mounts_is_none_of_the_whole() -> None:
    pair = Pair()
    async with pair.calling() as caller, beside(pair.rest) as rest:
        await tell(caller, near("x"), 1)
        (event,) = await rest.log()
        answer = await caller.store.events(
            ALL_EVENTS, after=event.cursor, limit=1, deadline=caller.deadline()
        )
        assert isinstance(answer, CursorLost)


# ---- changes -----------------------------------------------------------------------------------


async def mark(caller: Caller, interest: Interest | None = None) -> Mark:
    return await caller.store.changed(None, interest=interest, timeout_seconds=0)


@law
async def test_a_commit_to_either_mount_wakes_who_waits_for_anything() -> None:
    async with Pair().calling() as caller:
        for at in (near("x"), far("x")):
            since = await mark(caller)
            waiting = asyncio.create_task(
                caller.store.changed(since, interest=None, timeout_seconds=3600)
            )
            await asyncio.sleep(0.01)
            assert not waiting.done()
            await caller.put(at)
            since = await waiting
            still = asyncio.create_task(
                caller.store.changed(since, interest=None, timeout_seconds=3600)
            )
            await asyncio.sleep(0.01)
            assert not still.done()
            still.cancel()


@law
async def test_an_interest_is_waited_for_where_it_is_kept() -> None:
    pair = Pair()
    interest = Interest(collection="far", prefix=EVERYBODY)
    async with pair.calling() as caller:
        since = await mark(caller, interest)
        assert pair.rest_store.calls == ()
        waiting = asyncio.create_task(
            caller.store.changed(since, interest=interest, timeout_seconds=3600)
        )
        await caller.put(near("x"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await caller.put(far("x"))
        await waiting


@law
async def test_a_mark_of_one_mount_alone_never_hides_a_change_of_the_other() -> None:
    interest = Interest(collection="far", prefix=EVERYBODY)
    async with Pair().calling() as caller:
        since = await mark(caller, interest)
        await caller.put(near("x"))
        # Nobody knows what was missed there, so nobody waits.
        await caller.store.changed(since, interest=None, timeout_seconds=3600)


@law
async def test_a_mark_of_something_else_is_a_mistake() -> None:
    async with Pair().calling() as caller:
        with pytest.raises(InvalidValue):
            await caller.store.changed(Mark(b"12345678"), interest=None, timeout_seconds=0)


# ---- what is declared --------------------------------------------------------------------------

STRONG = Capabilities(
    atomicity=Atomicity.MULTI,
    durability=Durability.POWER,
    notification=Notification.PUSH,
    writes_max=100,
)


class Declaring(MemoryRecordStore):
    """A store that declares what it is told to."""

    def __init__(self, declared: Capabilities) -> None:
        super().__init__(core=Side(b"d").core, clock=SystemClock())
        self.declared = declared

    @property
    def capabilities(self) -> Capabilities:
        return self.declared


@pytest.mark.parametrize(
    "weaker",
    [
        evolve(STRONG, atomicity=Atomicity.SINGLE),
        evolve(STRONG, durability=Durability.PROCESS),
        evolve(STRONG, durability=Durability.VOLATILE),
        evolve(STRONG, notification=Notification.POLL),
        evolve(STRONG, writes_max=7),
    ],
    ids=str,
)
def test_the_weakest_of_each_capability_is_declared(weaker: Capabilities) -> None:
    for rest, mount in ((STRONG, weaker), (weaker, STRONG)):
        away = Mount(name="away", store=Declaring(mount), collections=FAR)
        store = CompositeRecordStore(Declaring(rest), [away])
        assert store.capabilities == evolve(weaker, apart=(FAR,))


def test_what_a_mount_keeps_apart_itself_stays_apart() -> None:
    inner = Declaring(evolve(STRONG, apart=(frozenset({"far"}), frozenset({"near"}))))
    as_mount = CompositeRecordStore(
        Declaring(STRONG), [Mount(name="away", store=inner, collections=FAR)]
    )
    assert set(as_mount.capabilities.apart) == {frozenset({"far"}), frozenset({"farther"})}
    away = Mount(name="away", store=Declaring(STRONG), collections=FAR)
    as_rest = CompositeRecordStore(inner, [away])
    assert set(as_rest.capabilities.apart) == {frozenset({"near"}), FAR}


def test_mounts_that_contradict_each_other_are_refused() -> None:
    one, other = Declaring(STRONG), Declaring(STRONG)
    mount = Mount(name="away", store=other, collections=FAR)
    wrong: list[list[Mount]] = [
        [mount, Mount(name="again", store=Declaring(STRONG), collections=frozenset({"far"}))],
        [Mount(name="away", store=other, collections=frozenset())],
        [Mount(name="rest", store=other, collections=FAR)],
        [Mount(name="away", store=one, collections=FAR)],
    ]
    for mounts in wrong:
        with pytest.raises(InvalidValue):
            CompositeRecordStore(one, mounts)
    for name in ("", "/data", "postgresql://ann:sesame@host/db"):
        with pytest.raises(InvalidValue) as refused:
            Mount(name=name, store=other, collections=FAR)
        assert "sesame" not in str(refused.value)


def test_sets_of_what_is_apart_are_disjoint() -> None:
    for apart in ((FAR, frozenset({"far"})), (frozenset[str](),)):
        with pytest.raises(InvalidValue):
            evolve(STRONG, apart=apart)


def test_a_store_that_is_made_of_no_others_keeps_everything_together() -> None:
    declared = MemoryHarness().capabilities
    assert declared.together({"far", "near"})
    assert {declared.part_of("far"), declared.part_of("near")} == {0}
