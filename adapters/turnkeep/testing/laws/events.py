"""Laws of events: they are told with their commit, in order, to those who ask for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.population import SCOPES
from turnkeep.testing.specimens import (
    EVERYBODY,
    NOON,
    SCOPE,
    address,
    addresses,
    draft,
    entry,
    fresh_commit_id,
    told,
)
from turnkeep_domain.scope import DEPTH_MAX, ScopePrefix
from turnkeep_ports.limits import EVENTS_MAX
from turnkeep_ports.store import ABSENT, START, Committed, EventDraft, EventQuery, Put

COLLECTIONS = ("alpha", "beta", "gamma")


async def _increment(caller: Caller, place_number: int) -> None:
    """Adds one to a shared cell, and tells the sum in the same commit."""
    place = addresses(place_number + 1)[-1]
    answer: object = None
    while not isinstance(answer, Committed):
        cell = await caller.cell(place)
        value = b"%d" % (0 if cell is None else int(cell.entry.body) + 1)
        expect = ABSENT if cell is None else cell.revision
        put = Put(place, expect, entry(value))
        answer = await caller.commit(put, events=[draft(place, value)])


class EventLaws:
    """The log tells what was committed."""

    @law
    async def test_events_appear_exactly_with_their_commit(self, harness: Harness) -> None:
        """E1: Events appear exactly with their commit: each once, as it was given."""
        one, two = addresses(2)
        mine = fresh_commit_id()
        events = [
            draft(one, b"\x00\xff" * 8),
            draft(two, kind="specimen.noted", at=NOON + timedelta(microseconds=1)),
            draft(address("not written", collection="other"), b"{}", at=NOON.replace(year=1)),
            draft(one, b"\x00\xff" * 8),
        ]
        async with calling(harness) as caller:
            await caller.put(two)
            await caller.committed(Put(one, ABSENT, entry()), events=events, commit_id=mine)
            history = await caller.history()
            assert [told(event) for event in history] == events
            assert {event.commit_id for event in history} == {mine}

    @law
    async def test_a_commit_that_fails_tells_nothing(self, harness: Harness) -> None:
        """E1: No event of a stale or late commit appears, neither then nor later."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            revision = await caller.put(place, events=[draft(place, b"1")])
            lost = [draft(place, b"lost")]
            await caller.commit(Put(place, ABSENT, entry()), events=lost)
            passed = await caller.now()
            await caller.commit(Put(place, revision, entry()), events=lost, valid_until=passed)
            await caller.put(place, b"2", revision, events=[draft(place, b"2")])
            assert [event.body for event in await caller.history()] == [b"1", b"2"]

    @law
    async def test_no_event_shows_before_its_cell(self, harness: Harness) -> None:
        """E1: Who sees an event finds the cell that its commit put."""
        places = addresses(20)
        async with calling_several(harness, 2) as (writer, reader):

            async def write() -> None:
                for place in places:
                    await writer.put(place, events=[draft(place)])

            async def read() -> None:
                after, shown = START, 0
                while shown < len(places):
                    page = await reader.events(after=after)
                    after, shown = page.next, shown + len(page.events)
                    for event in page.events:
                        assert await reader.cell(event.address), "an event shows before its cell"

            await asyncio.gather(read(), write())

    @law
    async def test_order_within_a_commit_is_kept(self, harness: Harness) -> None:
        """E4: Events of one commit stay in the order in which it gave them."""
        places = addresses(7)
        events = [draft(places[n * 5 % 7], b"%d" % (n * 7919 % 1009)) for n in range(EVENTS_MAX)]
        async with calling(harness) as caller:
            await caller.put(places[0], events=events)
            history = await caller.history()
            assert len(history) == len(events)
            # One by one: a comparison of so many at once is explained for minutes where it fails.
            for event, given in zip(history, events, strict=True):
                assert told(event) == given, "the log tells a commit's events out of order"

    @law
    async def test_order_along_a_record_is_kept(self, harness: Harness) -> None:
        """E4: A commit's events come after those of every commit that it could see."""
        async with calling_several(harness, 3) as callers:
            work = [_increment(callers[n % 3], n % 2) for n in range(48)]
            await asyncio.gather(*work)
            history = await callers[0].history()
            for place in addresses(2):
                sums = [int(event.body) for event in history if event.address == place]
                assert sums == list(range(24)), "the log tells a record's changes out of order"

    @law
    async def test_cursors_order_as_their_events(self, harness: Harness) -> None:
        """E4: Cursors order totally, as bytes: the later event has the greater one."""
        async with calling(harness) as caller:
            for place in addresses(300):
                await caller.put(place, events=[draft(place), draft(place)])
            cursors = [event.cursor for event in await caller.history()]
            for earlier, later in pairwise(cursors):
                assert earlier < later, "a later event has no greater cursor"

    @law
    async def test_reading_continues_behind_any_event(self, harness: Harness) -> None:
        """E4: An event's cursor continues behind it, in the middle of a commit too."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            await caller.put(place, events=[draft(place, b"%d" % n) for n in range(5)])
            history = await caller.history()
            for number, event in enumerate(history, start=1):
                assert await caller.history(after=event.cursor) == history[number:]

    @law
    async def test_filtered_pages_advance_past_foreign_events(self, harness: Harness) -> None:
        """E5: Filtered pages advance past foreign events, so that none is examined again."""
        wanted, foreign = address("wanted", collection="wanted"), address("foreign")
        query = EventQuery(collections=frozenset({"wanted"}), prefix=EVERYBODY)
        async with calling(harness) as caller:
            await caller.put(wanted, events=[draft(wanted, b"1")])
            await caller.put(foreign, events=[draft(foreign, b"%d" % n) for n in range(60)])
            end = await caller.close_history()
            bodies: list[bytes] = []
            after = START
            while after < end:
                page = await caller.events(query, after=after, limit=1)
                bodies += [event.body for event in page.events]
                assert page.next > after, "a filtered reader is stuck before foreign events"
                after = page.next
            assert bodies == [b"1"]
            assert await caller.log(after=after) == []

    @law
    async def test_pages_never_leak_another_scope(self, harness: Harness) -> None:
        """E7: Pages never leak another scope, nor another collection."""
        drafts = [draft(address("x", collection=c, scope=s)) for c in COLLECTIONS for s in SCOPES]
        async with calling(harness) as caller:
            await caller.put(address("writer"), events=drafts)
            await caller.close_history()
            for scope in SCOPES:
                for depth in range(DEPTH_MAX + 1):
                    prefix = ScopePrefix(scope=scope, depth=depth)
                    await _expect_only(caller, drafts, frozenset({"alpha", "gamma"}), prefix)
                    await _expect_only(caller, drafts, frozenset({"beta"}), prefix)
            for depth in range(1, DEPTH_MAX + 1):
                prefix = ScopePrefix(scope=SCOPE, depth=depth)
                await _expect_only(caller, drafts, None, prefix)


async def _expect_only(
    caller: Caller,
    drafts: list[EventDraft],
    collections: frozenset[str] | None,
    prefix: ScopePrefix,
) -> None:
    """Fails unless a query is answered all events that it asks for, and no other."""
    wanted = [
        event
        for event in drafts
        if (collections is None or event.address.collection in collections)
        and event.address.scope.components()[: prefix.depth] == prefix.components()
    ]
    query = EventQuery(collections=collections, prefix=prefix)
    for limit in (2, 500):
        found = [told(event) for event in await caller.log(query, limit=limit)]
        assert [event for event in found if event.address.collection != "closing"] == wanted
