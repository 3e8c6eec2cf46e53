"""The event log as hosts read it: decoded, by cursor, one damaged event hiding no other."""

from __future__ import annotations

from tests.application.loop.bench import Bench
from tests.application.loop.ledger import SCOPE, LedgerCodec
from turnkeep_application.event_log import EventLog
from turnkeep_application.event_pages import Recorded, RecordedPage, UnreadableEvent
from turnkeep_application.event_reading import EVERYBODY
from turnkeep_application.reading import Reading
from turnkeep_domain.events import Event
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.store import Cursor, CursorLost, StoredEvent


class PickyCodec(LedgerCodec):
    """Cannot read the event of the total 2."""

    def decode_event(self, stored: StoredEvent) -> Event:  # type: ignore[explicit-override]  # 3.11
        if stored.body == b"2":
            raise Corrupt("it is 2")
        return super().decode_event(stored)


def log(bench: Bench) -> EventLog:
    reading = Reading(store=bench.faulty, codec=PickyCodec(), clock=bench.clock, deadline_seconds=5)
    return EventLog(updates=bench.loop(), reading=reading, store=bench.faulty, clock=bench.clock)


def test_events_are_read_in_order_page_by_page_and_one_damaged_hides_no_other() -> None:
    bench = Bench()

    async def scenario() -> None:
        for number in range(4):
            await bench.add(f"r{number}")
        events = log(bench)
        first = await events.read(ScopePrefix.owner(SCOPE), limit=3)
        assert isinstance(first, RecordedPage)
        one, two, three = first.entries
        assert isinstance(one, Recorded)
        assert isinstance(two, UnreadableEvent)
        assert isinstance(three, Recorded)
        assert (two.kind, two.code, two.address.id) == ("ledger.added", "corrupt", "l1")
        rest = await events.read(ScopePrefix.owner(SCOPE), after=first.next)
        assert isinstance(rest, RecordedPage)
        assert len(rest.entries) == 1
        again = await events.read(EVERYBODY, after=rest.next)
        assert again == RecordedPage((), rest.next)
        after_one = await events.read(EVERYBODY, after=one.cursor)
        assert isinstance(after_one, RecordedPage)
        assert after_one.entries == (two, three, *rest.entries)

    bench.run(scenario)


def test_another_scope_and_another_collection_read_nothing() -> None:
    bench = Bench()

    async def scenario() -> None:
        await bench.add("r1")
        stranger = await log(bench).read(ScopePrefix.owner(Scope.of("acme", "eve")))
        assert isinstance(stranger, RecordedPage)
        assert stranger.entries == ()
        other = await log(bench).read(EVERYBODY, collections=frozenset({"approval"}))
        assert isinstance(other, RecordedPage)
        assert other.entries == ()

    bench.run(scenario)


def test_a_cursor_of_another_store_is_lost_and_told_where_to_continue() -> None:
    bench = Bench()

    async def scenario() -> None:
        await bench.add("r1")
        lost = await log(bench).read(EVERYBODY, after=Cursor(b"x" * 24))
        assert isinstance(lost, CursorLost)
        page = await log(bench).read(EVERYBODY, after=lost.floor)
        assert isinstance(page, RecordedPage)
        assert len(page.entries) == 1

    bench.run(scenario)
