"""Laws of handles: opened, used side by side, closed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TypeAlias

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.refusal import refusal
from turnkeep.testing.specimens import (
    ALL_EVENTS,
    COLLECTION,
    EVERYBODY,
    address,
    draft,
    entry,
    fresh_commit_id,
)
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, START, Put, RecordStore

Call: TypeAlias = Callable[[RecordStore, Deadline], Coroutine[object, object, object]]

PLACE = address("called")
CALLS: dict[str, Call] = {
    "load": lambda store, deadline: store.load([PLACE], deadline=deadline),
    "commit": lambda store, deadline: store.commit(
        fresh_commit_id(),
        [Put(PLACE, ABSENT, entry())],
        [draft(PLACE)],
        valid_until=None,
        deadline=deadline,
    ),
    "scan": lambda store, deadline: store.scan(
        InScope(collection=COLLECTION, prefix=EVERYBODY), after=None, limit=1, deadline=deadline
    ),
    "events": lambda store, deadline: store.events(
        ALL_EVENTS, after=START, limit=1, deadline=deadline
    ),
    "trim": lambda store, deadline: store.trim(START, deadline=deadline),
    "scrub": lambda store, deadline: store.scrub(deadline=deadline),
}
"""Each operation that has a deadline, called with good arguments."""


class HandleLaws:
    """Handles share the data and nothing else."""

    @law
    async def test_a_closed_store_refuses_every_operation(self, harness: Harness) -> None:
        """Port: Operations after closing raise `Unavailable`, and nothing is written."""
        async with calling(harness) as closed:
            pass
        for name, call in CALLS.items():
            late = call(closed.store, closed.deadline())
            await refusal(Unavailable, late, f"{name} of a closed store")
        look = closed.store.changed(None, interest=None, timeout_seconds=0)
        await refusal(Unavailable, look, "changed of a closed store")
        async with calling(harness) as caller:
            assert await caller.cell(PLACE) is None

    @law
    async def test_closing_one_handle_leaves_the_others_open(self, harness: Harness) -> None:
        """Port: A handle works until it is closed itself."""
        async with calling(harness) as staying:
            async with calling(harness) as leaving:
                revision = await leaving.put(PLACE)
            assert (await staying.present(PLACE)).revision == revision
            await staying.put(PLACE, b"2", revision)
            assert (await staying.present(PLACE)).entry.body == b"2"

    @law
    async def test_data_stays_when_the_last_handle_is_closed(self, harness: Harness) -> None:
        """Port: Closing a store ends a handle, not the data."""
        async with calling(harness) as first:
            revision = await first.put(PLACE, b"kept", events=[draft(PLACE, b"kept")])
        async with calling(harness) as second:
            cell = await second.present(PLACE)
            assert (cell.revision, cell.entry.body) == (revision, b"kept")
            assert [event.body for event in await second.history()] == [b"kept"]

    @law
    async def test_other_data_is_not_seen(self, harness: Harness) -> None:
        """Port: A store of other data shares nothing."""
        async with calling(harness) as here, calling(harness.elsewhere()) as there:
            await here.put(PLACE, events=[draft(PLACE)])
            assert await there.cell(PLACE) is None
            assert await there.history() == []

    @law
    async def test_a_scrub_loses_nothing_that_is_there(self, harness: Harness) -> None:
        """Port: A scrub ends what was deleted or overwritten, and may be repeated."""
        async with calling(harness) as caller:
            kept, deleted = address("kept"), address("deleted")
            first = await caller.put(kept, b"1", events=[draft(kept, b"1")])
            second = await caller.put(kept, b"2", first, events=[draft(kept, b"2")])
            await caller.delete(deleted, await caller.put(deleted))
            await _scrub_twice(caller)
            cell = await caller.present(kept)
            assert (cell.revision, cell.entry.body) == (second, b"2")
            assert await caller.cell(deleted) is None
            assert [event.body for event in await caller.history()] == [b"1", b"2"]


async def _scrub_twice(caller: Caller) -> None:
    await caller.store.scrub(deadline=caller.deadline())
    await caller.store.scrub(deadline=caller.deadline())
