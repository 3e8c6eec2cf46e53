"""A mount that fails: what it proves stays, it is named, and the other goes on."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Final, Self

import pytest

from tests.composite.two_mounts import FAR, Pair, Side, far, near
from turnkeep.testing.caller import Caller
from turnkeep.testing.specimens import ALL_EVENTS, EVERYBODY, draft, entry
from turnkeep_adapters.composite.mounts import Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    ABSENT,
    START,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    Loaded,
    Put,
    RecordStore,
    Stale,
)

NEAR_EVENTS: Final = EventQuery(collections=frozenset({"near"}), prefix=EVERYBODY)


def law(judge: Callable[[], Coroutine[object, object, None]]) -> Callable[[], None]:
    @wraps(judge)
    def test() -> None:
        asyncio.run(asyncio.wait_for(judge(), 30))

    return test


@law
async def test_a_mount_that_is_down_is_named_and_the_other_goes_on() -> None:
    pair = Pair()
    pair.mount_store.follow(Script.parse("load#*: fail-before\nscan#*: fail-before"))
    async with pair.calling() as caller:
        await caller.put(near("x"), b"1")
        assert (await caller.present(near("x"))).entry.body == b"1"
        for call in (
            caller.load(far("x")),
            caller.load(near("x"), far("x")),
            caller.page(InScope(collection="far", prefix=EVERYBODY)),
        ):
            with pytest.raises(Unavailable, match="mount away: ") as error:
                await call
            assert error.value.retryable
            assert isinstance(error.value.__cause__, Unavailable)


@law
async def test_a_log_that_cannot_be_read_is_never_passed_over() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        await caller.put(near("x"), events=[draft(near("x"), b"1")])
        begin = (await caller.events(NEAR_EVENTS, limit=1)).next
        pair.mount_store.follow(Script.parse("events#*: fail-before"))
        with pytest.raises(Unavailable, match="mount away: "):
            await caller.events(after=begin)
        page = await caller.events(NEAR_EVENTS, after=begin)
        assert page.events == ()


@law
async def test_a_doubt_of_a_mount_is_a_doubt() -> None:
    for rule, landed in (("commit#1: lose-before", False), ("commit#1: lose-after", True)):
        pair = Pair()
        pair.mount_store.follow(Script.parse(rule))
        async with pair.calling() as caller:
            with pytest.raises(OutcomeUnknown, match="mount away: "):
                await caller.put(far("x"), events=[draft(far("x"))])
            assert (await caller.cell(far("x")) is not None) is landed
            assert len(await caller.log()) == landed
            await caller.put(near("x"))


@law
async def test_a_lost_race_is_a_value_as_ever() -> None:
    async with Pair().calling() as caller:
        await caller.put(far("x"))
        answer = await caller.commit(Put(far("x"), ABSENT, entry()))
        assert answer == Stale(frozenset({far("x")}), busy=False)


@law
async def test_what_is_done_in_one_mount_alone_is_not_called_undone() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        for at in (near("x"), far("x")):
            await caller.put(at, events=[draft(at)])
        (_, last) = await caller.log()
        pair.mount_store.follow(Script.parse("trim#1: fail-before\nscrub#1: fail-before"))
        with pytest.raises(OutcomeUnknown, match="mount away could not be asked"):
            await caller.store.trim(last.cursor, deadline=caller.deadline())
        with pytest.raises(OutcomeUnknown, match="mount away could not be asked"):
            await caller.store.scrub(deadline=caller.deadline())
        # Repeated, it is done.
        assert await caller.trim(last.cursor) == last.cursor
        await caller.store.scrub(deadline=caller.deadline())
        assert await caller.log() == []


@law
async def test_what_the_first_mount_could_not_do_is_undone() -> None:
    pair = Pair()
    async with pair.calling() as caller:
        pair.rest_store.follow(Script.parse("trim#1: fail-before"))
        with pytest.raises(Unavailable, match="mount rest: "):
            await caller.store.trim(START, deadline=caller.deadline())


@law
async def test_a_stalled_mount_holds_up_no_other() -> None:
    pair = Pair()
    pair.mount_store.follow(Script.parse("load#*: stall\ncommit#*: stall\nchanged#*: stall"))
    async with pair.calling() as caller:
        before = asyncio.all_tasks()
        stalled = [
            asyncio.create_task(call)
            for call in (
                caller.load(near("x"), far("x")),
                caller.put(far("x")),
                caller.store.changed(None, interest=None, timeout_seconds=0),
            )
        ]
        await asyncio.sleep(0.01)
        revision = await caller.put(near("x"), b"1")
        await caller.put(near("x"), b"2", revision)
        for task in stalled:
            assert not task.done()
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before


class Failing(MemoryRecordStore):
    """A store that raises at each load, or cannot be opened."""

    def __init__(self, error: Exception, *, at_opening: bool = False) -> None:
        super().__init__(core=Side(b"f").core, clock=SystemClock())
        self.error = error
        self.at_opening = at_opening

    async def load(self, keys: object, *, deadline: Deadline) -> Loaded:
        raise self.error

    async def __aenter__(self) -> Self:
        if self.at_opening:
            raise self.error
        return await super().__aenter__()


class Strict(MemoryRecordStore):
    """A store that calls a cursor which it never handed out a mistake."""

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        if len(after) not in (0, 24):
            raise ValueError("no cursor of mine")
        return await super().events(query, after=after, limit=limit, deadline=deadline)


def over(mount: RecordStore) -> CompositeRecordStore:
    """A sound rest, and this mount."""
    away = Mount(name="away", store=mount, collections=FAR)
    return CompositeRecordStore(Side(b"n").handle(), [away])


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("it is full", retryable=False, code="store.full"),
        OutcomeUnknown("the answer was lost"),
        Corrupt("a segment is cut off", far("x")),
        Unsupported("loads"),
        PayloadTooLarge("keys of a load", 7, 5),
        SchemaTooNew("the schema", 9, 8),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_stays_what_it_is_and_says_whose_it_is(error: TurnkeepError) -> None:
    async def judge() -> None:
        async with over(Failing(error)) as store:
            with pytest.raises(type(error)) as raised:
                await Caller(store).load(far("x"))
            told = raised.value
            assert isinstance(told, TurnkeepError)
            assert "mount away: " in str(told)
            assert (told.code, told.retryable) == (error.code, error.retryable)
            assert getattr(told, "address", None) == getattr(error, "address", None)
            assert told.__cause__ is error

    asyncio.run(judge())


def test_what_is_no_error_of_a_store_passes_unchanged() -> None:
    error = ZeroDivisionError("a bug")

    async def judge() -> None:
        async with over(Failing(error)) as store:
            with pytest.raises(ZeroDivisionError) as raised:
                await Caller(store).load(near("x"), far("x"))
            assert raised.value is error

    asyncio.run(judge())


def test_if_one_mount_cannot_be_opened_none_stays_open() -> None:
    async def judge() -> None:
        rest = Side(b"n").handle()
        broken = Failing(Unavailable("it is locked"), at_opening=True)
        store = CompositeRecordStore(rest, [Mount(name="away", store=broken, collections=FAR)])
        with pytest.raises(Unavailable, match="mount away: it is locked"):
            await store.__aenter__()
        for closed in (rest, store):
            with pytest.raises(Unavailable, match="not open"):
                await Caller(closed).load(near("x"))

    asyncio.run(judge())


@law
async def test_a_floor_is_told_by_a_store_that_calls_foreign_cursors_mistakes() -> None:
    mount = Strict(core=Side(b"s").core, clock=SystemClock())
    async with over(mount) as store:
        caller = Caller(store)
        await caller.put(far("x"), events=[draft(far("x"), b"1")])
        (event,) = await caller.log()
        assert await caller.trim(event.cursor) == event.cursor
        answer = await store.events(
            ALL_EVENTS, after=Cursor(b"other"), limit=1, deadline=caller.deadline()
        )
        assert answer == CursorLost(event.cursor)
