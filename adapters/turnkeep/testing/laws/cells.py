"""Laws of cells: what is written reads back, as a snapshot that shares nothing with the store."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import timedelta

from turnkeep.testing.caller import calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import (
    COLLECTION,
    EVERYBODY,
    NOON,
    address,
    addresses,
    draft,
    entry,
    fresh_commit_id,
)
from turnkeep_domain.keys import Address
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, Cell, Check, Delete, EventDraft, Put, Write


def _empty(mapping: Mapping[Address, object]) -> None:
    """Empties a mapping that was returned, where it lets itself be emptied."""
    if isinstance(mapping, MutableMapping):
        mapping.clear()


def _overwrite(cell: Cell) -> None:
    """Changes a returned cell behind the back of its class, which only looks immutable."""
    object.__setattr__(cell.entry.index, "state", "forged")
    object.__setattr__(cell.entry, "body", b"forged")
    object.__setattr__(cell, "revision", b"forged")


class CellLaws:
    """A cell keeps exactly what was put into it."""

    @law
    async def test_a_cell_reads_back_as_it_was_written(self, harness: Harness) -> None:
        """Port: Bytes and index are kept as they are, whatever they are."""
        values = [
            entry(),
            entry(bytes(range(256))),
            entry(b"\x00", state="ä", due_at=NOON, sort="%_\\'\"\U0001f510"),
            entry(b"{}", state="shut", due_at=NOON + timedelta(microseconds=1), sort=" "),
            entry(b"\xff\xfe", due_at=NOON.replace(year=1)),
            entry(b"\r\n", due_at=NOON.replace(year=9999)),
        ]
        places = addresses(len(values))
        async with calling(harness) as caller:
            puts = [Put(at, ABSENT, value) for at, value in zip(places, values, strict=True)]
            told = (await caller.committed(*puts)).revisions
            cells = (await caller.load(*places)).cells
            assert [cells[at].entry for at in places] == values
            assert [cells[at].address for at in places] == places
            assert {at: cells[at].revision for at in places} == told

    @law
    async def test_an_absent_cell_is_missing(self, harness: Harness) -> None:
        """Port: A load answers the cells that are present, and only those asked for."""
        one, two, three = addresses(3)
        async with calling(harness) as caller:
            assert (await caller.load(one, two)).cells == {}
            await caller.committed(Put(two, ABSENT, entry()), Put(three, ABSENT, entry()))
            assert set((await caller.load(one, two)).cells) == {two}

    @law
    async def test_a_deleted_cell_is_absent(self, harness: Harness) -> None:
        """Port: After its delete a cell is missing, and can be made anew."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            await caller.delete(place, await caller.put(place, b"1"))
            assert await caller.cell(place) is None
            await caller.committed(Check(place, ABSENT), Put(address("other"), ABSENT, entry()))
            await caller.put(place, b"2")
            assert (await caller.present(place)).entry.body == b"2"

    @law
    async def test_a_commit_tells_the_revisions_of_its_puts(self, harness: Harness) -> None:
        """Port: `Committed` has the new revision of every put cell, and of no other."""
        put, made, deleted, checked = addresses(4)
        async with calling(harness) as caller:
            held = {place: await caller.put(place) for place in (put, deleted, checked)}
            answer = await caller.committed(
                Put(put, held[put], entry(b"2")),
                Put(made, ABSENT, entry(b"2")),
                Delete(deleted, held[deleted]),
                Check(checked, held[checked]),
            )
            cells = (await caller.load(put, made)).cells
            assert dict(answer.revisions) == {at: cell.revision for at, cell in cells.items()}

    @law
    async def test_a_check_writes_nothing(self, harness: Harness) -> None:
        """Port: A checked cell keeps its revision; an absent one stays absent."""
        present, absent, put = addresses(3)
        async with calling(harness) as caller:
            await caller.put(present, b"kept")
            before = await caller.present(present)
            await caller.committed(
                Check(present, before.revision), Check(absent, ABSENT), Put(put, ABSENT, entry())
            )
            assert await caller.present(present) == before
            assert await caller.cell(absent) is None

    @law
    async def test_a_cell_keeps_its_writers_commit_id(self, harness: Harness) -> None:
        """P16: Cells keep the id of the commit that put them last, and of no other."""
        one, two = addresses(2)
        first, second, third = (fresh_commit_id() for _ in range(3))
        async with calling(harness) as caller:
            writes = [Put(one, ABSENT, entry()), Put(two, ABSENT, entry())]
            held = (await caller.committed(*writes, commit_id=first)).revisions
            again: list[Write] = [Put(one, held[one], entry(b"2")), Check(two, held[two])]
            await caller.committed(*again, commit_id=second)
            await caller.commit(Put(one, ABSENT, entry(b"3")), commit_id=third)
            cells = (await caller.load(one, two)).cells
            assert (cells[one].written_by, cells[two].written_by) == (second, first)

    @law
    async def test_what_was_returned_can_alter_nothing(self, harness: Harness) -> None:
        """P10: Mutating what was returned changes nothing stored."""
        (place,) = addresses(1)
        value = entry(b"kept", due_at=NOON, sort="s")
        query = InScope(collection=COLLECTION, prefix=EVERYBODY)
        async with calling(harness) as caller:
            answer = await caller.committed(Put(place, ABSENT, value))
            revision = answer.revisions[place]
            loaded = await caller.load(place)
            _overwrite(loaded.cells[place])
            _overwrite((await caller.found(query))[0])
            _empty(loaded.cells)
            _empty(answer.revisions)
            cell = await caller.present(place)
            assert (cell.entry, cell.revision) == (entry(b"kept", due_at=NOON, sort="s"), revision)
            await caller.put(place, b"2", revision)

    @law
    async def test_what_was_handed_in_can_alter_nothing(self, harness: Harness) -> None:
        """P10: Mutating what was handed in, once it is committed, changes nothing stored."""
        one, two = addresses(2)
        value = entry(b"kept", sort="s")
        writes: list[Write] = [Put(one, ABSENT, value)]
        events: list[EventDraft] = [draft(one, b"kept")]
        async with calling(harness) as caller:
            await caller.store.commit(
                fresh_commit_id(), writes, events, valid_until=None, deadline=caller.deadline()
            )
            object.__setattr__(value, "body", b"forged")
            object.__setattr__(events[0], "body", b"forged")
            writes[:] = [Put(two, ABSENT, entry())]
            events.clear()
            assert (await caller.present(one)).entry == entry(b"kept", sort="s")
            assert await caller.cell(two) is None
            assert [event.body for event in await caller.history()] == [b"kept"]

    @law
    async def test_what_was_loaded_stays_as_it_was(self, harness: Harness) -> None:
        """P10: A load is a snapshot: later commits do not show in it."""
        one, two = addresses(2)
        async with calling(harness) as caller:
            revision = await caller.put(one, b"1")
            loaded = await caller.load(one, two)
            await caller.committed(Put(one, revision, entry(b"2")), Put(two, ABSENT, entry()))
            assert set(loaded.cells) == {one}
            assert loaded.cells[one].entry.body == b"1"
