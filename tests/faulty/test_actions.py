"""What each action does to a call, and what it leaves in the store."""

import asyncio
from datetime import timedelta

import pytest

from tests.faulty.world import EVERYBODY, World, at, commit_id, opened, put
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_adapters.virtual.deadlock import Deadlock
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import OutcomeUnknown, PayloadTooLarge, Unavailable
from turnkeep_ports.limits import BODY_BYTES_MAX
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    START,
    Check,
    Committed,
    CursorLost,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    RecordStore,
    Revision,
    Stale,
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def call(world: World, operation: Operation) -> object:
    """Calls any operation."""
    match operation:
        case Operation.LOAD:
            return await world.load()
        case Operation.COMMIT:
            return await world.commit(99, put("any", b"any"))
        case Operation.SCAN:
            return await world.scan()
        case Operation.EVENTS:
            return await world.events()
        case Operation.TRIM:
            return await world.faulty.trim(START, deadline=world.deadline())
        case Operation.SCRUB:
            await world.faulty.scrub(deadline=world.deadline())
            return None
        case Operation.CHANGED:
            return await world.faulty.changed(None, interest=None, timeout_seconds=0.0)


@pytest.mark.parametrize("operation", Operation)
def test_fail_before_is_unavailable_once_and_asks_nobody(
    clock: VirtualClock, operation: Operation
) -> None:
    async def scenario() -> None:
        async with opened(clock, f"{operation.value}: fail-before") as world:
            with pytest.raises(Unavailable) as caught:
                await call(world, operation)
            assert caught.value.retryable
            assert await world.stored("any") is None
            await call(world, operation)

    clock.run(scenario())


@pytest.mark.parametrize("operation", Operation)
def test_a_stall_never_answers_and_is_never_handed_over(
    clock: VirtualClock, operation: Operation
) -> None:
    async def scenario() -> None:
        async with opened(clock, f"{operation.value}: stall") as world:
            stalled = asyncio.create_task(call(world, operation))
            await clock.advance(1_000_000.0)
            assert not stalled.done()
            stalled.cancel()
            await asyncio.wait([stalled])
            assert stalled.cancelled()
            assert await world.stored("any") is None
            await call(world, operation)

    clock.run(scenario())


@pytest.mark.parametrize("operation", Operation)
def test_a_delay_takes_its_time_of_the_injected_clock(
    clock: VirtualClock, operation: Operation
) -> None:
    async def scenario() -> None:
        async with opened(clock, f"{operation.value}: delay 250") as world:
            await call(world, operation)
            assert clock.monotonic() == 0.25
            await call(world, operation)
            assert clock.monotonic() == 0.25

    clock.run(scenario())


def test_a_commit_that_is_cancelled_in_its_delay_is_not_handed_over(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: delay 250") as world:
            delayed = asyncio.create_task(world.commit(1, put("a", b"1")))
            await clock.advance(0.2)
            delayed.cancel()
            await clock.advance(1.0)
            assert delayed.cancelled()
            assert await world.stored() is None

    clock.run(scenario())


def test_a_commit_whose_delay_outlasts_its_validity_is_late(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: delay 1000") as world:
            until = clock.utc_now() + timedelta(seconds=0.5)
            assert await world.commit(1, put("a", b"1"), valid_until=until) == Late()
            assert await world.stored() is None

    clock.run(scenario())


def test_lose_before_writes_nothing_and_answers_in_doubt(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: lose-before") as world:
            with pytest.raises(OutcomeUnknown):
                await world.commit(1, put("a", b"1"), events=(world.event("a"),))
            assert await world.stored() is None
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            assert page.events == ()

    clock.run(scenario())


def test_lose_after_writes_everything_and_answers_in_doubt(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: lose-after") as world:
            with pytest.raises(OutcomeUnknown):
                await world.commit(1, put("a", b"1"), put("b", b"2"), events=(world.event("a"),))
            for id in ("a", "b"):
                cell = await world.stored(id)
                assert cell is not None
                assert cell.written_by == commit_id(1)
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            assert len(page.events) == 1

    clock.run(scenario())


def test_lose_after_loses_a_refusal_too(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: lose-after") as world:
            await world.commit(1, put("a", b"1"), by=world.plain)
            with pytest.raises(OutcomeUnknown):
                await world.commit(2, put("a", b"2"))
            cell = await world.stored()
            assert cell is not None
            assert cell.entry.body == b"1"

    clock.run(scenario())


def test_lose_after_loses_an_error_of_the_inner_store_too(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: lose-after") as world:
            deadline = world.deadline()
            await clock.advance(60.0)
            with pytest.raises(OutcomeUnknown):
                await world.faulty.commit(
                    commit_id(1), [put("a", b"1")], [], valid_until=None, deadline=deadline
                )
            assert await world.stored() is None

    clock.run(scenario())


def test_stale_names_the_first_written_key_and_writes_nothing(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: stale") as world:
            current = await world.commit(1, put("c", b"1"), by=world.plain)
            assert isinstance(current, Committed)
            checked = Check(at("c"), current.revisions[at("c")])
            answer = await world.faulty.commit(
                commit_id(2),
                [checked, put("b", b"2"), put("a", b"2")],
                [],
                valid_until=None,
                deadline=world.deadline(),
            )
            assert answer == Stale(frozenset({at("b")}), busy=False)
            assert await world.stored("b") is None

    clock.run(scenario())


def test_busy_names_no_key_and_writes_nothing(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: busy") as world:
            assert await world.commit(1, put("a", b"1")) == Stale(frozenset(), busy=True)
            assert await world.stored() is None

    clock.run(scenario())


@pytest.mark.parametrize(("body", "damaged"), [(b"{}", b"{"), (b"", b"\xff"), (b"abcde", b"ab")])
def test_a_corrupt_load_has_damaged_bytes_and_the_store_has_not(
    clock: VirtualClock, body: bytes, damaged: bytes
) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: corrupt") as world:
            await world.commit(1, put("a", body))
            cell = await world.load()
            assert cell is not None
            assert cell.entry.body == damaged
            assert cell.entry.index.sort == "a"
            assert await world.load() == await world.stored()
            whole = await world.stored()
            assert whole is not None
            assert whole.entry.body == body

    clock.run(scenario())


def test_a_corrupt_load_in_a_collection_damages_no_other(clock: VirtualClock) -> None:
    async def scenario() -> Loaded:
        async with opened(clock, "load in note: corrupt") as world:
            await world.commit(1, put("a", b"{}"), put("b", b"{}", collection="list"))
            keys = [at("a"), at("b", "list")]
            return await world.faulty.load(keys, deadline=world.deadline())

    loaded = clock.run(scenario())
    bodies = {address.collection: cell.entry.body for address, cell in loaded.cells.items()}
    assert bodies == {"note": b"{", "list": b"{}"}


def test_a_corrupt_scan_has_damaged_bytes(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "scan in note: corrupt") as world:
            await world.commit(1, put("a", b"{}"), put("b", b"[]"))
            page = await world.scan()
            assert [cell.entry.body for cell in page.cells] == [b"{", b"["]
            assert [cell.entry.body for cell in (await world.scan()).cells] == [b"{}", b"[]"]

    clock.run(scenario())


def test_corrupt_events_have_damaged_bytes_in_the_collection_alone(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "events in note: corrupt\nevents#2: corrupt") as world:
            told = (world.event("a"), world.event("b", "list"))
            await world.commit(1, put("a", b"{}"), events=told)
            first, second, third = [await world.events() for _ in range(3)]
            assert isinstance(first, EventPage)
            assert isinstance(second, EventPage)
            assert isinstance(third, EventPage)
            assert [event.body for event in first.events] == [b"to", b"told"]
            assert [event.body for event in second.events] == [b"to", b"to"]
            assert [event.body for event in third.events] == [b"told", b"told"]
            assert first.next == third.next

    clock.run(scenario())


def test_a_lost_cursor_has_nothing_to_corrupt(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "events: corrupt") as world:
            await world.commit(1, put("a", b"{}"), events=(world.event("a"), world.event("a")))
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            first, head = page.events[0].cursor, page.next
            await world.plain.trim(head, deadline=world.deadline())
            query = EventQuery(collections=None, prefix=EVERYBODY)
            answer = await world.faulty.events(
                query, after=first, limit=1, deadline=world.deadline()
            )
            assert isinstance(answer, CursorLost)

    clock.run(scenario())


def test_the_first_rule_that_matches_is_the_only_one_suffered(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: busy\ncommit: lose-before\ncommit: delay 500") as world:
            assert await world.commit(1, put("a", b"1")) == Stale(frozenset(), busy=True)
            with pytest.raises(OutcomeUnknown):
                await world.commit(2, put("a", b"1"))
            assert clock.monotonic() == 0.0
            assert isinstance(await world.commit(3, put("a", b"1")), Committed)
            assert clock.monotonic() == 0.5
            assert world.faulty.unspent == ()

    clock.run(scenario())


def test_a_numbered_rule_is_for_that_call_alone(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#3: fail-before") as world:
            await world.load()
            await world.load()
            assert [rule.line for rule in world.faulty.unspent] == [1]
            with pytest.raises(Unavailable):
                await world.load()
            await world.load()
            assert world.faulty.unspent == ()

    clock.run(scenario())


def test_a_numbered_rule_counts_the_calls_of_its_collection(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#2 in list: fail-before") as world:
            await world.load(collection="list")
            await world.load(collection="note")
            with pytest.raises(Unavailable):
                await world.load(collection="list")

    clock.run(scenario())


def test_a_numbered_rule_counts_calls_that_suffer_another(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#1: delay 1\nload#2: fail-before") as world:
            await world.load()
            with pytest.raises(Unavailable):
                await world.load()

    clock.run(scenario())


def test_a_rule_for_every_call_is_never_spent(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit#* in note: busy") as world:
            for number in range(10):
                assert isinstance(await world.commit(number, put("a", b"1")), Stale)
            assert isinstance(await world.commit(11, put("a", b"1", collection="list")), Committed)

    clock.run(scenario())


def test_a_commit_concerns_its_checks_and_events_too(clock: VirtualClock) -> None:
    async def scenario() -> None:
        script = "commit in list: busy\ncommit in lane: busy"
        async with opened(clock, script) as world:
            telling = (world.event("b", "list"),)
            assert isinstance(await world.commit(1, put("a", b"1"), events=telling), Stale)
            answer = await world.faulty.commit(
                commit_id(2),
                [put("a", b"1"), Check(at("c", "lane"), await revision_of(world))],
                [],
                valid_until=None,
                deadline=world.deadline(),
            )
            assert answer == Stale(frozenset(), busy=True)

    clock.run(scenario())


async def revision_of(world: World) -> Revision:
    answer = await world.commit(7, put("c", b"1", collection="lane"), by=world.plain)
    assert isinstance(answer, Committed)
    return answer.revisions[at("c", "lane")]


def test_a_reader_of_every_collection_concerns_each(clock: VirtualClock) -> None:
    async def scenario() -> None:
        script = "events in list: fail-before\nchanged in list: fail-before"
        async with opened(clock, script) as world:
            await world.events("note")
            mine = Interest(collection="note", prefix=EVERYBODY)
            await world.faulty.changed(None, interest=mine, timeout_seconds=0.0)
            with pytest.raises(Unavailable):
                await world.events()
            with pytest.raises(Unavailable):
                await world.faulty.changed(None, interest=None, timeout_seconds=0.0)

    clock.run(scenario())


def test_a_call_beyond_a_limit_is_refused_before_the_script_is_asked(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: lose-after\nload: stall\nscan: stall") as world:
            with pytest.raises(PayloadTooLarge):
                await world.commit(1, put("a", bytes(BODY_BYTES_MAX + 1)))
            with pytest.raises(InvalidValue):
                await world.faulty.load([], deadline=world.deadline())
            query = InScope(collection="note", prefix=EVERYBODY)
            with pytest.raises(InvalidValue):
                await world.faulty.scan(query, after=None, limit=0, deadline=world.deadline())
            assert len(world.faulty.unspent) == 3
            assert world.faulty.calls == ()

    clock.run(scenario())


def test_another_script_may_be_followed_from_its_beginning(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#*: fail-before") as world:
            with pytest.raises(Unavailable):
                await world.load()
            world.faulty.follow(Script.parse("load#1: delay 1000"))
            await world.load()
            assert clock.monotonic() == 1.0

    clock.run(scenario())


def test_the_wrapper_claims_what_the_inner_store_does(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock) as world:
            store: RecordStore = world.faulty
            assert store.capabilities is world.plain.capabilities

    clock.run(scenario())


def test_the_wrapper_closes_the_inner_store(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock) as world:
            pass
        with pytest.raises(Unavailable):
            await world.load()

    clock.run(scenario())


def test_a_forgotten_hold_is_reported_by_its_place(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            await world.load()

    with pytest.raises(Deadlock, match=r"faulty\.holds\.Holds\.wait_at"):
        clock.run(scenario())
