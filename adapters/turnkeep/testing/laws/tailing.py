"""Laws of tailing: who reads the log while it grows misses nothing."""

from __future__ import annotations

import asyncio

from turnkeep.testing.caller import Caller, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import ALL_EVENTS, EVERYBODY, address, draft
from turnkeep_ports.store import START, EventPage, EventQuery, StoredEvent

WRITERS = 10
COMMITS = 8
FILTERED = EventQuery(collections=frozenset({"even"}), prefix=EVERYBODY)


def _size(writer: int, number: int) -> int:
    """How many events a commit has: other sizes, and so other durations, for each writer."""
    return 1 + (writer * 7 + number * 5) % 23


EVENTS = sum(_size(writer, number) for writer in range(WRITERS) for number in range(COMMITS))


async def _write(caller: Caller, writer: int) -> None:
    """Commits several times; the greater its number, the slower a writer goes on."""
    for number in range(COMMITS):
        collection = "even" if (writer + number) % 2 == 0 else "odd"
        place = address(f"{writer}-{number}", collection=collection)
        events = [draft(place, b"%d" % n) for n in range(_size(writer, number))]
        await caller.put(place, events=events)
        for _ in range(writer):
            await asyncio.sleep(0)


async def _tail_writers(
    reader: Caller, callers: list[Caller], query: EventQuery, limit: int
) -> list[StoredEvent]:
    """Reads behind ten writers while they write, and to the end once they have."""
    writes = asyncio.gather(*(_write(callers[n % len(callers)], n) for n in range(WRITERS)))
    seen: list[StoredEvent] = []
    after = START
    while not writes.done():
        page = await reader.events(query, after=after, limit=limit)
        seen += page.events
        after = page.next
    await writes
    return seen + await reader.history(query, after=after)


class TailingLaws:
    """Whatever order commits end in, a cursor that was handed out has everything before it."""

    @law
    async def test_a_tailing_reader_misses_none_of_ten_slow_writers(self, harness: Harness) -> None:
        """E2: A tailing reader misses none of ten slow writers."""
        async with calling_several(harness, 4) as (reader, *callers):
            seen = await _tail_writers(reader, callers, ALL_EVENTS, 3)
            missed = EVENTS - len(seen)
            assert missed == 0, f"a tailing reader has missed {missed} of {EVENTS} events"
            assert seen == await reader.history(), "a tailing reader has seen another order"

    @law
    async def test_a_filtered_tailing_reader_misses_nothing(self, harness: Harness) -> None:
        """E2: A filtered reader, who passes over others' events, misses none of its own."""
        async with calling_several(harness, 4) as (reader, *callers):
            seen = await _tail_writers(reader, callers, FILTERED, 1)
            history = await reader.history()
            assert seen == [event for event in history if event.address.collection == "even"]

    @law
    async def test_nothing_appears_below_a_returned_cursor(self, harness: Harness) -> None:
        """E3: Nothing appears below a returned cursor, of a page or of an event."""
        pages: list[EventPage] = []
        async with calling_several(harness, 4) as (reader, *callers):
            writes = asyncio.gather(*(_write(callers[n % 3], n) for n in range(WRITERS)))
            while not writes.done():
                pages.append(await reader.events())
            await writes
            history = await reader.history()
            assert history == sorted(history, key=lambda event: event.cursor)
            for page in pages:
                shown = len(page.events)
                assert tuple(history[:shown]) == page.events, "an event has appeared between others"
                rest = history[shown:]
                assert not rest or rest[0].cursor > page.next, "an event has appeared below `next`"
