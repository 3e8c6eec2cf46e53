"""Readers with a name, followers and trimming, on every store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from tests.application.worlds import CODEC, SCOPE, STORES, World, rid
from turnkeep import (
    EVERYBODY,
    START,
    Corrupt,
    Cursor,
    CursorLost,
    CursorRefused,
    EventLog,
    EventSettings,
    Feature,
    InvalidValue,
    Keep,
    ReaderName,
    ReaderNotFound,
    ReaderView,
    Recorded,
    Refused,
    ScopePrefix,
    Settings,
    Tenancy,
    TooManyReaders,
    Trimmed,
    Unreadable,
    open_keep,
)
from turnkeep_application.event_reading import READERS_MAX
from turnkeep_domain.event_readers.reader import EVENT_READERS, EVERYWHERE
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import Cell

MIRROR = ReaderName("mirror")
DAY = 86_400


async def happen(keep: Keep, *names: str) -> None:
    for name in names:
        answer = await keep.leases.acquire(SCOPE, name, holder="one", request_id=rid(name))
        assert isinstance(answer, Tenancy)


async def told(log: EventLog, after: Cursor = START) -> list[Recorded]:
    page = await log.read(EVERYBODY, after=after)
    assert not isinstance(page, CursorLost)
    return [entry for entry in page.entries if isinstance(entry, Recorded)]


async def reader_cell(world: World, name: str) -> Cell:
    query = InScope(collection=EVENT_READERS.name, prefix=ScopePrefix.exactly(EVERYWHERE))
    page = await world.store.scan(query, after=None, limit=500, deadline=world.deadline())
    (cell,) = (cell for cell in page.cells if cell.address.id == name)
    return cell


def names(entries: list[Recorded]) -> list[str]:
    return [entry.event.address.id for entry in entries]


async def registered(log: EventLog, name: ReaderName = MIRROR) -> ReaderView:
    view = await log.register(name)
    assert isinstance(view, ReaderView)
    return view


def test_a_reader_continues_where_it_was_in_another_process(world: World) -> None:
    async def scenario() -> None:
        mine, theirs = world.keep.events, world.rival.events
        assert (await registered(mine)).cursor == START
        await happen(world.keep, "a", "b", "c")
        second = (await told(mine))[1]
        moved = await mine.advance(MIRROR, second.cursor)
        assert isinstance(moved, ReaderView)
        again = await registered(theirs)
        assert again == moved
        assert names(await told(theirs, again.cursor)) == ["c"]

    world.run(scenario)


def test_what_a_reader_does_is_told_by_no_event(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a")
        before = await world.stored_events()
        await registered(log)
        await log.advance(MIRROR, (await told(log))[0].cursor)
        assert await log.forget(MIRROR)
        assert await world.stored_events() == before

    world.run(scenario)


def test_commands_on_readers_may_be_repeated(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a")
        view = await registered(log)
        await world.let_pass_until(world.in_seconds(5))
        assert await registered(log) == view
        cursor = (await told(log))[0].cursor
        once = await log.advance(MIRROR, cursor)
        await world.let_pass_until(world.in_seconds(5))
        assert await log.advance(MIRROR, cursor) == once
        assert await log.readers() == (once,)
        assert await log.forget(MIRROR)
        assert not await log.forget(MIRROR)
        assert await log.readers() == ()

    world.run(scenario)


def test_a_reader_that_is_not_there_and_a_cursor_of_elsewhere_are_refused(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        assert await log.advance(MIRROR, START) == Refused(ReaderNotFound(MIRROR))
        foreign = Cursor(b"x" * 24)
        answer = await log.register(MIRROR, after=foreign)
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, CursorRefused)
        await registered(log)
        moved = await log.advance(MIRROR, foreign)
        assert isinstance(moved, Refused)
        assert isinstance(moved.reason, CursorRefused)
        with pytest.raises(InvalidValue, match="name"):
            await log.register(ReaderName(" "))

    world.run(scenario)


def test_there_is_a_bound_on_readers() -> None:
    async def scenario() -> None:
        log = world.keep.events
        for number in range(READERS_MAX):
            await registered(log, ReaderName(f"r{number}"))
        answer = await log.register(MIRROR)
        assert answer == Refused(TooManyReaders(READERS_MAX))
        assert isinstance(await log.register(ReaderName("r7")), ReaderView)
        await log.forget(ReaderName("r7"))
        await registered(log)

    world = World(STORES["memory"])
    world.run(scenario)


def test_a_follower_is_told_what_was_and_then_what_happens(world: World) -> None:
    async def scenario() -> None:
        heard: list[str] = []

        async def listen() -> None:
            async for entry in world.rival.events.follow(ScopePrefix.owner(SCOPE)):
                assert isinstance(entry, Recorded)
                heard.append(entry.event.address.id)
                if len(heard) == 3:
                    return

        await happen(world.keep, "a")
        listener = asyncio.create_task(listen())
        await world.clock.advance(3)
        assert heard == ["a"]
        await happen(world.keep, "b")
        await world.clock.advance(3)
        assert heard == ["a", "b"]
        await happen(world.keep, "c")
        await world.clock.advance(3)
        await listener
        assert heard == ["a", "b", "c"]

    world.run(scenario)


def test_a_follower_hears_of_its_collections_alone(world: World) -> None:
    async def scenario() -> None:
        await happen(world.keep, "a")
        follower = world.keep.events.follow(EVERYBODY, collections=frozenset({"approval"}))
        next_one = asyncio.ensure_future(anext(follower))
        await world.clock.advance(5)
        assert not next_one.done()
        next_one.cancel()
        await asyncio.gather(next_one, return_exceptions=True)

    world.run(scenario)


def test_a_follower_whose_events_were_trimmed_is_told_so_and_ends(world: World) -> None:
    async def scenario() -> None:
        await happen(world.keep, "a", "b")
        first = (await told(world.keep.events))[0].cursor
        await world.let_pass_until(world.in_seconds(1))
        assert await world.keep.events.trim(keep_seconds=0) == Trimmed(
            events=2, held_by=(), more=False
        )
        heard = [entry async for entry in world.keep.events.follow(EVERYBODY, after=first)]
        assert [type(entry) for entry in heard] == [CursorLost]

    world.run(scenario)


def test_old_events_are_trimmed_and_young_ones_stay(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a", "b")
        await world.let_pass_until(world.in_seconds(30 * DAY))
        await happen(world.keep, "c")
        assert names(await told(log)) == ["a", "b", "c"]
        assert await log.trim(dry_run=True) == Trimmed(events=2, held_by=(), more=False)
        assert names(await told(log)) == ["a", "b", "c"]
        assert await log.trim() == Trimmed(events=2, held_by=(), more=False)
        assert names(await told(log)) == ["c"]
        assert await log.trim() == Trimmed(events=0, held_by=(), more=False)

    world.run(scenario)


def test_nothing_is_trimmed_that_a_reader_has_still_to_read(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await registered(log)
        await happen(world.keep, "a", "b", "c")
        first, second, _ = await told(log)
        await world.let_pass_until(world.in_seconds(31 * DAY))
        assert await log.trim() == Trimmed(events=0, held_by=(MIRROR,), more=False)
        await log.advance(MIRROR, first.cursor)
        assert await log.trim() == Trimmed(events=1, held_by=(MIRROR,), more=False)
        assert names(await told(log, first.cursor)) == ["b", "c"]
        await log.register(ReaderName("other"), after=second.cursor)
        await log.advance(MIRROR, second.cursor)
        assert await log.trim() == Trimmed(events=1, held_by=(MIRROR, "other"), more=False)
        await log.forget(MIRROR)
        await log.forget(ReaderName("other"))
        assert await log.trim() == Trimmed(events=1, held_by=(), more=False)
        assert await told(log) == []

    world.run(scenario)


def test_a_trim_walks_a_bounded_way_and_says_that_there_is_more() -> None:
    async def scenario() -> None:
        keep = world.host(world.store, evolve(Settings(), events=EventSettings(trim_pages=1)))
        for number in range(501):
            await happen(keep, f"l{number}")
        await world.let_pass_until(world.in_seconds(31 * DAY))
        assert await keep.events.trim() == Trimmed(events=500, held_by=(), more=True)
        assert names(await told(keep.events)) == ["l500"]
        assert await keep.events.trim() == Trimmed(events=1, held_by=(), more=True)
        patient = world.host(world.store)
        assert await patient.events.trim() == Trimmed(events=0, held_by=(), more=False)

    world = World(STORES["memory"])
    world.run(scenario)


def test_a_keep_may_keep_all(world: World) -> None:
    async def scenario() -> None:
        keep = world.host(world.store, evolve(Settings(), events=EventSettings(keep_seconds=None)))
        await happen(keep, "a")
        await world.let_pass_until(world.in_seconds(400 * DAY))
        assert (await keep.events.trim()).events == 0
        assert (await keep.events.trim(keep_seconds=400 * DAY)).events == 1

    world.run(scenario)


def test_an_unreadable_reader_stops_the_trimming_and_hides_no_other(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a")
        await registered(log)
        await registered(log, ReaderName("other"))
        cell = await reader_cell(world, "mirror")
        await world.write(cell.address, b"{}", cell)
        damaged, other = await log.readers()
        assert isinstance(damaged, Unreadable)
        assert isinstance(other, ReaderView)
        await world.let_pass_until(world.in_seconds(31 * DAY))
        with pytest.raises(Corrupt):
            await log.trim()
        assert names(await told(log)) == ["a"]

    world.run(scenario)


def test_while_there_are_readers_nothing_is_trimmed_that_may_still_be_on_its_way(
    world: World,
) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a")
        await registered(log)
        await log.advance(MIRROR, (await told(log))[0].cursor)
        await world.let_pass_until(world.in_seconds(3_599))
        assert await log.trim(keep_seconds=0) == Trimmed(events=0, held_by=(), more=False)
        await world.let_pass_until(world.in_seconds(1))
        assert await log.trim(keep_seconds=0) == Trimmed(events=1, held_by=(), more=False)

    world.run(scenario)


def test_a_reader_with_a_cursor_of_another_store_has_everything_to_read(world: World) -> None:
    async def scenario() -> None:
        log = world.keep.events
        await happen(world.keep, "a", "b")
        await registered(log)
        cell = await reader_cell(world, MIRROR)
        before = CODEC.decode(EVENT_READERS, cell.address, cell.entry.body)
        body = CODEC.encode(evolve(before, cursor=b"x" * 24))
        await world.write(cell.address, body, cell)
        await world.let_pass_until(world.in_seconds(31 * DAY))
        assert await log.trim() == Trimmed(events=0, held_by=(MIRROR,), more=False)
        view = await log.register(MIRROR)
        assert isinstance(view, ReaderView)
        lost = await log.read(EVERYBODY, after=view.cursor)
        assert isinstance(lost, CursorLost)
        assert names(await told(log, lost.floor)) == ["a", "b"]

    world.run(scenario)


async def test_a_store_of_several_keeps_everything_while_it_has_readers(tmp_path: Path) -> None:
    places = {part: (tmp_path / part).as_uri() for part in ("rest", "leases")}
    apart = Settings(forgone=frozenset({Feature.LEASED_SECRETS}))
    async with open_keep(places, settings=apart) as keep:
        await happen(keep, "a", "b")
        await registered(keep.events)
        assert await keep.events.trim(keep_seconds=0) == Trimmed(
            events=0, held_by=(MIRROR,), more=False
        )
        await keep.events.forget(MIRROR)
        assert (await keep.events.trim(keep_seconds=0)).events == 2
