"""X1: with an empty script the wrapper answers as the inner store does, call by call."""

from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.faulty.world import EVERYBODY, SCOPE, World, at, commit_id, opened, put
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope, Sorted
from turnkeep_ports.store import (
    ABSENT,
    START,
    Check,
    CommitId,
    Cursor,
    Delete,
    EventDraft,
    EventPage,
    EventQuery,
    Loaded,
    RecordStore,
    Revision,
)

Asked = tuple[str, str, bytes]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["put", "delete", "check", "load", "scan", "sorted", "events", "trim", "nothing"]
        ),
        st.sampled_from(["a", "b", "c"]),
        st.binary(max_size=3),
    ),
    max_size=25,
)


async def told(asking: Awaitable[object]) -> object:
    try:
        return await asking
    except TurnkeepError as error:
        return type(error), str(error)


class Asker:
    """Asks one store, and keeps what it needs to go on."""

    def __init__(self, store: RecordStore, clock: VirtualClock) -> None:
        self.store = store
        self.clock = clock
        self.seen: dict[str, Revision] = {}
        self.cursor: Cursor = START
        self.commits = 0

    def next_id(self) -> CommitId:
        self.commits += 1
        return commit_id(self.commits)

    async def ask(self, step: Asked) -> object:
        what, id, body = step
        deadline = Deadline.after(self.clock, 15.0)
        exactly = ScopePrefix.exactly(SCOPE)
        match what:
            case "put":
                write = put(id, body, self.seen.get(id, ABSENT))
                event = EventDraft(
                    address=at(id), kind="note.written", at=self.clock.utc_now(), body=body
                )
                return await self.store.commit(
                    self.next_id(), [write], [event], valid_until=None, deadline=deadline
                )
            case "delete" | "check":
                expected = self.seen.get(id, Revision(bytes(16)))
                kind: Callable[..., Delete | Check] = Delete if what == "delete" else Check
                return await self.store.commit(
                    self.next_id(),
                    [kind(at(id), expected)],
                    [],
                    valid_until=None,
                    deadline=deadline,
                )
            case "load":
                loaded = await self.store.load([at(id), at("a", "list")], deadline=deadline)
                assert isinstance(loaded, Loaded)
                self.seen = {key.id: cell.revision for key, cell in loaded.cells.items()}
                return loaded
            case "scan":
                query = InScope(collection="note", prefix=EVERYBODY)
                return await self.store.scan(query, after=None, limit=2, deadline=deadline)
            case "sorted":
                ordered = Sorted(collection="note", prefix=exactly, state="live")
                return await self.store.scan(ordered, after=None, limit=2, deadline=deadline)
            case "events":
                page = await self.store.events(
                    EventQuery(collections=None, prefix=EVERYBODY),
                    after=START,
                    limit=3,
                    deadline=deadline,
                )
                assert isinstance(page, EventPage)
                self.cursor = page.next
                return page
            case "trim":
                return await self.store.trim(self.cursor, deadline=deadline)
            case _:
                return await self.store.load([], deadline=deadline)


@given(STEPS)
def test_an_empty_script_changes_no_answer(steps: list[Asked]) -> None:
    clock = VirtualClock()

    def store() -> MemoryRecordStore:
        core = MemoryCore(store_id=bytes(16), wall_clock=clock.utc_now)
        return MemoryRecordStore(core=core, clock=clock)

    async def scenario() -> None:
        plain = store()
        wrapped = FaultyRecordStore(store(), script=Script.parse(""), clock=clock)
        async with plain, wrapped:
            first, second = Asker(plain, clock), Asker(wrapped, clock)
            for step in steps:
                assert await told(first.ask(step)) == await told(second.ask(step))
                await clock.advance(1.0)

    clock.run(scenario())


def test_an_empty_script_suspends_nobody() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        async with opened(clock) as world:
            for call in (world.load(), world.commit(1, put("a", b"1")), world.scan()):
                coroutine: Awaitable[object] = call
                assert ran_through(coroutine)

    clock.run(scenario())


def ran_through(awaited: Awaitable[object]) -> bool:
    """Whether a coroutine ends without ever waiting."""
    try:
        next(iter(awaited.__await__()))
    except StopIteration:
        return True
    return False


FAULTS = st.lists(
    st.sampled_from(
        [
            "fail-before",
            "lose-before",
            "lose-after",
            "land-late 1",
            "land-late 3",
            "land-late 9",
            "delay 5",
            "stale",
            "busy",
        ]
    ),
    max_size=12,
)


@given(FAULTS, st.integers(0, 12))
def test_whatever_happens_to_commits_each_lands_whole_at_most_once_and_on_what_it_expected(
    faults: list[str], calm: int
) -> None:
    clock = VirtualClock()
    script = "\n".join(f"commit: {fault}" for fault in faults)

    async def increment(world: World, number: int) -> None:
        cell = await world.load("n")
        value = 0 if cell is None else int(cell.entry.body)
        write = put("n", b"%d" % (value + 1), ABSENT if cell is None else cell.revision)
        await told(world.commit(number, write, events=(world.event("n"),)))

    async def scenario() -> None:
        async with opened(clock, script) as world:
            for number in range(1, len(faults) + calm + 1):
                await increment(world, number)
            await world.faulty.__aexit__(None, None, None)
            await world.faulty.__aenter__()
            cell = await world.stored("n")
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            landed = [event.commit_id for event in page.events]
            assert len(set(landed)) == len(landed)
            assert (0 if cell is None else int(cell.entry.body)) == len(landed)
            never = {"fail-before", "lose-before", "stale", "busy"}
            lost = {commit_id(n) for n, fault in enumerate(faults, 1) if fault in never}
            assert lost.isdisjoint(landed)

    clock.run(scenario())
