"""Laws of crashes: what was acknowledged survives whatever the store says that it survives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.need import needs_power, needs_processes
from turnkeep.testing.specimens import COLLECTION, EVERYBODY, address, addresses, draft, entry
from turnkeep.testing.trial import Trial, expect_events
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, Committed, CursorLost, Put, Revision, Stale

FLYING = 8
EVERYTHING = InScope(collection=COLLECTION, prefix=EVERYBODY)


async def _end(flying: Sequence[asyncio.Future[object]]) -> None:
    for call in flying:
        call.cancel()
    await asyncio.gather(*flying, return_exceptions=True)


async def _fly(caller: Caller, trials: Sequence[Trial]) -> list[asyncio.Future[object]]:
    """Commits that are on their way, some further than others."""
    flying: list[asyncio.Future[object]] = []
    for trial in trials:
        commit = trial.commit(caller.store, caller.deadline())
        flying.append(asyncio.ensure_future(commit))
        await asyncio.sleep(0)
    return flying


def _acknowledged(call: asyncio.Future[object]) -> bool:
    return call.done() and not call.exception() and isinstance(call.result(), Committed)


class CrashLaws:
    """An acknowledgement is believed for ever."""

    @needs_processes
    @law
    async def test_what_was_acknowledged_survives_a_crash(self, harness: Harness) -> None:
        """Port: Cells, revisions, writers and events of a `Committed` survive."""
        one, two, gone = addresses(3)
        async with calling(harness) as caller:
            revision = await caller.put(one, b"1", events=[draft(one, b"1")])
            await caller.put(one, b"2", revision, events=[draft(one, b"2")])
            await caller.put(two, entry(b"2", state="shut", sort="s"))
            await caller.delete(gone, await caller.put(gone))
            cells = (await caller.load(one, two, gone)).cells
            history = await caller.history()
            await harness.crash()
        async with calling(harness) as caller:
            assert (await caller.load(one, two, gone)).cells == cells
            found = await caller.found(EVERYTHING)
            assert found == [cells[one], cells[two]]
            assert await caller.history() == history

    @needs_processes
    @law
    async def test_a_crash_leaves_all_or_nothing(self, harness: Harness) -> None:
        """P17: A commit that a crash interrupts is whole or was never made."""
        async with calling(harness) as caller:
            trials = [await Trial.prepare(caller) for _ in range(FLYING)]
            flying = await _fly(caller, trials)
            acknowledged = [_acknowledged(call) for call in flying]
            await harness.crash()
            await _end(flying)
        landed, lost = list[Trial](), list[Trial]()
        async with calling(harness) as caller:
            for trial, answered in zip(trials, acknowledged, strict=True):
                has_landed = await trial.landed(caller)
                assert has_landed or not answered, "an acknowledged commit is lost"
                (landed if has_landed else lost).append(trial)
            await expect_events(caller, landed=landed, lost=lost)

    @needs_processes
    @law
    async def test_a_crash_repeats_no_revision_and_no_cursor(self, harness: Harness) -> None:
        """P5: After a crash no revision and no cursor comes a second time."""
        (place,) = addresses(1)
        seen: list[Revision] = []
        cursors = []
        for _ in range(4):
            async with calling(harness) as caller:
                seen.append(await caller.put(place, events=[draft(place)]))
                await caller.delete(place, seen[-1])
                cursors.append((await caller.history())[-1].cursor)
                await harness.crash()
        assert len(set(seen)) == len(seen), "a revision was repeated"
        assert cursors == sorted(set(cursors)), "a cursor was repeated"
        async with calling(harness) as caller:
            await caller.put(place)
            for old in seen:
                stale = await caller.commit(Put(place, old, entry(b"late")))
                assert isinstance(stale, Stale)

    @needs_processes
    @law
    async def test_a_crash_raises_and_lowers_no_floor(self, harness: Harness) -> None:
        """E8: What was trimmed stays trimmed; a cursor that was handed out still continues."""
        async with calling(harness) as caller:
            for place in addresses(6):
                await caller.put(place, events=[draft(place)])
            history = await caller.history()
            floor = await caller.trim(history[2].cursor)
            await harness.crash()
        async with calling(harness) as caller:
            assert await caller.history() == history[3:]
            assert await caller.history(after=history[4].cursor) == history[5:]
            lost = await caller.store.trim(history[0].cursor, deadline=caller.deadline())
            assert lost in (floor, CursorLost(floor))
            assert await caller.trim(history[3].cursor) == history[3].cursor

    @needs_power
    @law
    async def test_what_a_reader_was_shown_survives_a_power_cut(self, harness: Harness) -> None:
        """P7: What a load has shown was durable, whether or not its writer was answered."""
        place = address("shown")
        async with calling(harness) as writer, calling(harness) as reader:
            await writer.put(place, b"0")
            writing = asyncio.ensure_future(_count_up(writer, 200))
            shown = 0
            while shown < 20 and not writing.done():
                shown = int((await reader.present(place)).entry.body)
            await harness.crash()
            await _end([writing])
        async with calling(harness) as caller:
            left = int((await caller.present(place)).entry.body)
            assert left >= shown, "a reader was shown what did not last"
            await caller.committed(Put(address("after"), ABSENT, entry()))


async def _count_up(writer: Caller, to: int) -> object:
    place = address("shown")
    for number in range(1, to + 1):
        cell = await writer.present(place)
        await writer.put(place, b"%d" % number, cell.revision)
    return to
