"""Laws of expectations: a write happens where its cell is as expected, and nowhere else."""

from __future__ import annotations

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import address, addresses, draft, entry, fresh_commit_id
from turnkeep_domain.keys import Address
from turnkeep_ports.store import (
    ABSENT,
    COMMIT_ID_BYTES,
    Check,
    Committed,
    Delete,
    Entry,
    Put,
    Revision,
    Stale,
    Write,
)

TOMBSTONES: list[Entry] = [
    entry(b"", state="tombstone"),
    entry(b"", state="deleted"),
    entry(b"", state="discarded"),
    entry(b"null", state="absent"),
    entry(b'{"t":"tombstone"}', state="tombstone"),
]


async def _expect_stale(caller: Caller, write: Write) -> None:
    """Fails unless a write is stale; a `Check` travels with a put that nothing stands against."""
    beside = Put(address(fresh_commit_id().hex()), ABSENT, entry())
    writes = (write, beside) if isinstance(write, Check) else (write,)
    expected = Stale(frozenset({write.address}), busy=False)
    assert await caller.commit(*writes) == expected, f"{type(write).__name__} is not compared"
    assert await caller.cell(beside.address) is None


class RevisionLaws:
    """There is no unconditional write."""

    @law
    async def test_a_stale_commit_writes_no_cell_and_no_event(self, harness: Harness) -> None:
        """P1: A stale commit writes no cell, no event."""
        one, two = addresses(2)
        async with calling(harness) as caller:
            await caller.put(one, b"1")
            before = await caller.present(one)
            answer = await caller.commit(
                Put(two, ABSENT, entry(b"2")),
                Put(one, ABSENT, entry(b"2")),
                events=[draft(one, b"lost"), draft(two, b"lost")],
            )
            assert isinstance(answer, Stale)
            assert (await caller.load(one, two)).cells == {one: before}
            assert await caller.history() == []

    @law
    async def test_stale_names_exactly_the_stale_keys(self, harness: Harness) -> None:
        """P3: `Stale` names exactly the stale keys, of puts, deletes and checks alike."""
        places = addresses(9)
        async with calling(harness) as caller:
            old = (await caller.committed(*(Put(at, ABSENT, entry()) for at in places))).revisions
            moved = places[::3]
            await caller.committed(*(Put(at, old[at], entry(b"2")) for at in moved))
            writes: list[Write] = [
                *(Put(at, old[at], entry(b"3")) for at in places[:3]),
                *(Delete(at, old[at]) for at in places[3:6]),
                *(Check(at, old[at]) for at in places[6:]),
                Check(address("absent"), ABSENT),
            ]
            assert await caller.commit(*writes) == Stale(frozenset(moved), busy=False)

    @law
    async def test_an_old_revision_is_stale(self, harness: Harness) -> None:
        """P6: A put, a delete and a check at an overwritten revision are stale."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            old = await caller.put(place, b"1")
            await caller.put(place, b"2", old)
            for write in _all_writes(place, old):
                await _expect_stale(caller, write)
            assert (await caller.present(place)).entry.body == b"2"

    @law
    async def test_a_revision_of_an_absent_cell_is_stale(self, harness: Harness) -> None:
        """P6: A put, a delete and a check of a cell that is gone are stale."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            gone = await caller.put(place)
            await caller.delete(place, gone)
            for write in _all_writes(place, gone):
                await _expect_stale(caller, write)
            assert await caller.cell(place) is None

    @law
    async def test_a_revision_of_another_cell_is_stale(self, harness: Harness) -> None:
        """P6: A revision is compared with that of its own cell."""
        one, two = addresses(2)
        async with calling(harness) as caller:
            await caller.put(one)
            other = await caller.put(two)
            for write in _all_writes(one, other):
                await _expect_stale(caller, write)

    @law
    async def test_absent_is_stale_on_a_present_cell(self, harness: Harness) -> None:
        """P4: `ABSENT` on a present cell is stale: a first write is compared like any other."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            await caller.put(place, b"first")
            await _expect_stale(caller, Put(place, ABSENT, entry(b"second")))
            await _expect_stale(caller, Check(place, ABSENT))
            assert (await caller.present(place)).entry.body == b"first"

    @law
    async def test_absent_is_stale_on_a_tombstone(self, harness: Harness) -> None:
        """P4: A tombstone is a present cell, however empty it is."""
        places = addresses(len(TOMBSTONES))
        async with calling(harness) as caller:
            for place, tombstone in zip(places, TOMBSTONES, strict=True):
                await caller.put(place, tombstone, await caller.put(place, b"alive"))
                assert (await caller.present(place)).entry == tombstone
                await _expect_stale(caller, Put(place, ABSENT, entry(b"again")))
                await _expect_stale(caller, Check(place, ABSENT))

    @law
    async def test_a_recreated_cell_never_repeats_a_revision(self, harness: Harness) -> None:
        """P5: Delete and recreate never repeats a revision: what was deleted stays stale."""
        (place,) = addresses(1)
        seen: list[Revision] = []
        async with calling(harness) as caller:
            for _ in range(8):
                seen.append(await caller.put(place, b"same"))
                seen.append(await caller.put(place, b"same", seen[-1]))
                await caller.delete(place, seen[-1])
            await caller.put(place, b"same")
            assert len(set(seen)) == len(seen), "a revision was repeated"
            for old in seen:
                await _expect_stale(caller, Put(place, old, entry(b"late")))

    @law
    async def test_equal_bytes_are_a_write_too(self, harness: Harness) -> None:
        """P5: Putting back the same bytes takes a new revision, so that it beats what is late."""
        (place,) = addresses(1)
        mine = fresh_commit_id()
        async with calling(harness) as caller:
            old = await caller.put(place, b"same")
            answer = await caller.committed(Put(place, old, entry(b"same")), commit_id=mine)
            cell = await caller.present(place)
            assert cell.written_by == mine
            assert cell.revision == answer.revisions[place] != old
            await _expect_stale(caller, Put(place, old, entry(b"late")))

    @law
    async def test_a_revision_ends_with_its_commits_id(self, harness: Harness) -> None:
        """P5: A revision is 16 bytes, the last 8 of its commit's id: no failover repeats it."""
        one, two = addresses(2)
        mine = fresh_commit_id()
        async with calling(harness) as caller:
            puts = [Put(one, ABSENT, entry()), Put(two, ABSENT, entry())]
            answer = await caller.committed(*puts, commit_id=mine)
            assert isinstance(answer, Committed)
            for revision in answer.revisions.values():
                assert len(revision) == COMMIT_ID_BYTES
                assert revision[8:] == mine[:8]


def _all_writes(place: Address, expect: Revision) -> list[Write]:
    return [Put(place, expect, entry(b"late")), Delete(place, expect), Check(place, expect)]
