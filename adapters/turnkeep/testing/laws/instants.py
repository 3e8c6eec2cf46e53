"""Laws of time: the store's clock is the only one, and it never goes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import (
    COLLECTION,
    EVERYBODY,
    address,
    addresses,
    draft,
    entry,
    fresh_commit_id,
)
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, Check, Committed, Delete, Late, Put, Write

HOUR = timedelta(hours=1)
SHORT = 0.05
PLACE = address("timed")
EVERYTHING = InScope(collection=COLLECTION, prefix=EVERYBODY)


async def _expect_unwritten(caller: Caller) -> None:
    assert await caller.found(EVERYTHING) == []
    assert await caller.history() == []


class InstantLaws:
    """Time is told by the store, and judged by it."""

    @law
    async def test_now_never_decreases(self, harness: Harness) -> None:
        """P15: `now` never decreases, of loads and scans alike, though the clock is set back."""
        async with calling(harness) as caller:
            seen = []
            for seconds in (0.0, 0.001, -3600.0, 0.001, 0.0, -1.0):
                await harness.advance(seconds)
                seen.append(await caller.now())
                seen.append((await caller.page(EVERYTHING)).now)
                await caller.put(address(f"{len(seen)}"))
            assert seen == sorted(seen)

    @law
    async def test_now_passes(self, harness: Harness) -> None:
        """P15: `now` is a clock: as much later as time has passed."""
        async with calling(harness) as caller:
            before = await caller.now()
            await harness.advance(SHORT)
            passed = await caller.now() - before
            assert passed >= timedelta(seconds=SHORT / 2)
            assert before.utcoffset() == timedelta(0)

    @law
    async def test_a_commit_in_its_time_is_written(self, harness: Harness) -> None:
        """P19: A commit judged before its `valid_until` is like any other."""
        async with calling(harness) as caller:
            until = await caller.now() + HOUR
            put = Put(PLACE, ABSENT, entry(b"1"))
            answer = await caller.committed(put, events=[draft(PLACE, b"1")], valid_until=until)
            assert (await caller.present(PLACE)).revision == answer.revisions[PLACE]
            assert [event.body for event in await caller.history()] == [b"1"]

    @law
    async def test_a_commit_at_its_valid_until_is_late(self, harness: Harness) -> None:
        """P19: A commit judged at or after its `valid_until` writes nothing."""
        async with calling(harness) as caller:
            put = Put(PLACE, ABSENT, entry())
            for until in (await caller.now(), await caller.now() - HOUR):
                answer = await caller.commit(put, events=[draft(PLACE)], valid_until=until)
                assert answer == Late(), "a commit is written after its time"
            await _expect_unwritten(caller)

    @law
    async def test_a_commit_becomes_late_as_time_passes(self, harness: Harness) -> None:
        """P19: What was in time when it was decided is late when its instant has come."""
        async with calling_several(harness, 2) as (caller, other):
            until = await caller.now() + timedelta(seconds=SHORT)
            await harness.advance(SHORT * 1.5)
            assert await other.now() >= until
            put = Put(PLACE, ABSENT, entry())
            answer = await caller.commit(put, events=[draft(PLACE)], valid_until=until)
            assert answer == Late(), "a commit is written after its time"
            await _expect_unwritten(caller)

    @law
    async def test_every_kind_of_write_can_be_late(self, harness: Harness) -> None:
        """P19: Puts, deletes and checks are late alike, and all stay as they were."""
        one, two, three = addresses(3)
        async with calling(harness) as caller:
            held = (
                await caller.committed(*(Put(a, ABSENT, entry()) for a in (one, two)))
            ).revisions
            before = (await caller.load(one, two, three)).cells
            passed = await caller.now()
            commits: list[list[Write]] = [
                [Delete(one, held[one])],
                [Put(one, held[one], entry(b"2")), Check(two, held[two])],
                [Put(three, ABSENT, entry()), Delete(two, held[two])],
            ]
            for writes in commits:
                assert await caller.commit(*writes, valid_until=passed) == Late()
            assert (await caller.load(one, two, three)).cells == before

    @law
    async def test_a_commit_on_its_way_is_judged_once(self, harness: Harness) -> None:
        """P19: However early it was sent, a commit is wholly in time or writes nothing."""
        async with calling(harness) as caller:
            for ticks in range(8):
                place = address(f"{ticks}")
                until = await caller.now() + timedelta(seconds=SHORT)
                sent = asyncio.ensure_future(
                    caller.store.commit(
                        fresh_commit_id(),
                        [Put(place, ABSENT, entry())],
                        [draft(place)],
                        valid_until=until,
                        deadline=caller.deadline(),
                    )
                )
                for _ in range(ticks):
                    await asyncio.sleep(0)
                await harness.advance(SHORT)
                written = isinstance(await sent, Committed)
                assert (await caller.cell(place) is not None) == written
                told = [event for event in await caller.history() if event.address == place]
                assert len(told) == written
