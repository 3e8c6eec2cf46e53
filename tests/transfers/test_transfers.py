"""A store comes out of an export as it went in, whatever it is kept in."""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import cast

import pytest
from attrs import evolve

from tests.transfers.places import KINDS, Everything, Pipe, Places, filled, run
from turnkeep import (
    ExportDamaged,
    ImportUnfinished,
    SchemaTooNew,
    TransferRefused,
    Unsupported,
    composite_store,
    export_store,
    import_store,
    roll_back_import,
)
from turnkeep.testing import Harness
from turnkeep.testing.caller import Caller
from turnkeep.testing.specimens import address, draft, entry, fresh_commit_id
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.transfers.lines import Trailer, content_of, trailer_line
from turnkeep_application.transfers.wholeness import require_whole
from turnkeep_domain.keys import Address
from turnkeep_domain.transfers.import_mark import IMPORT
from turnkeep_ports.limits import BODY_BYTES_MAX, EVENTS_MAX, WRITES_MAX
from turnkeep_ports.snapshots import Snapshots
from turnkeep_ports.store import ABSENT, Delete, Put, RecordStore


async def exported(store: RecordStore) -> bytes:
    to = io.BytesIO()
    await export_store(store, to)
    return to.getvalue()


async def export_of(harness: Harness, commits: int = 40) -> bytes:
    async with filled(harness, commits) as store:
        return await exported(store)


@pytest.mark.parametrize("into", KINDS)
@pytest.mark.parametrize("of", KINDS)
def test_everything_is_there_in_its_order_and_in_its_commits(
    places: Places, of: str, into: str
) -> None:
    async def scenario() -> None:
        async with filled(places.of(of, "source")) as source:
            before = await Everything.of(source)
            export = await exported(source)
            assert await Everything.of(source) == before
        async with places.of(into, "target").open() as target:
            done = await import_store(target, io.BytesIO(export))
            assert await Everything.of(target) == before
            assert (done.cells, done.events) == (len(before.cells), len(before.events))
            assert await Caller(target).cell(IMPORT.address) is None
            again = await exported(target)
            # But for its id and its time, the copy's export is the same.
            assert again.splitlines()[1:-1] == export.splitlines()[1:-1]

    run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_trimmed_is_not_there(places: Places, kind: str) -> None:
    async def scenario() -> None:
        async with filled(places.of(kind, "source")) as source:
            caller = Caller(source)
            history = await caller.history()
            await caller.trim(history[len(history) // 2].cursor)
            before = await Everything.of(source)
            assert 0 < len(before.events) < len(history)
            export = await exported(source)
        async with places.of(kind, "target").open() as target:
            await import_store(target, io.BytesIO(export))
            assert await Everything.of(target) == before

    run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_store_is_a_store(places: Places, kind: str) -> None:
    async def scenario() -> None:
        export = await export_of(places.of(kind, "source"), commits=0)
        async with places.of(kind, "target").open() as target:
            done = await import_store(target, io.BytesIO(export))
            assert (done.chapters, done.cells, done.events) == (0, 0, 0)
            await Caller(target).put(address("x"))

    run(scenario())


# ---- one moment --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_shows_its_moment_whatever_is_written_while_it_is_read(
    places: Places, kind: str
) -> None:
    async def scenario() -> None:
        harness = places.of(kind, "source")
        async with filled(harness) as source, harness.open() as other:
            before = await Everything.of(source)
            assert isinstance(source, Snapshots)
            caller = Caller(other)
            async with source.snapshot(deadline=caller.deadline()) as snapshot:
                cells = snapshot.cells()
                seen = [(await anext(cells)).cell]
                for at, _, _ in before.cells[::3]:
                    held = await caller.present(at)
                    await caller.committed(Delete(at, held.revision), events=[draft(at)])
                for at, _, _ in before.cells[1::3]:
                    held = await caller.present(at)
                    await caller.put(at, b"later", held.revision, events=[draft(at)])
                await caller.put(address("made later"))
                seen += [kept.cell async for kept in cells]
                events = [(one.commit_id, one.event) async for one in snapshot.events()]
            assert tuple((c.address, c.entry, c.written_by) for c in seen) == before.cells
            assert tuple(events) == before.events

    run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_under_load_is_of_one_moment(places: Places, kind: str) -> None:
    """Each commit raises two cells and tells the sum: whatever is exported must agree."""
    left, right = address("left"), address("right")

    async def write(caller: Caller, stop: asyncio.Event) -> None:
        number = 0
        revisions = {left: ABSENT, right: ABSENT}
        while not stop.is_set():
            number += 1
            body = b"%d" % number
            puts = [Put(at, expect, entry(body)) for at, expect in revisions.items()]
            answer = await caller.committed(*puts, events=[draft(left, body)])
            revisions = dict(answer.revisions)  # type: ignore[arg-type] # never absent again

    async def scenario() -> None:
        harness = places.of(kind, "source")
        exports: list[bytes] = []
        async with filled(harness, 200) as source, harness.open() as other:
            stop = asyncio.Event()
            writing = asyncio.create_task(write(Caller(other), stop))
            while len(exports) < 8:
                await asyncio.sleep(0.005)
                exports.append(await exported(source))
            stop.set()
            await writing
            sums = [
                await agreed(places.of("memory", ""), export, left, right) for export in exports
            ]
        assert len(set(sums)) > 1, "nothing was written meanwhile"

    run(scenario())


async def agreed(target: Harness, export: bytes, left: Address, right: Address) -> bytes | None:
    """The sum that an export shows, if all of it shows the same."""
    async with target.open() as store:
        await import_store(store, io.BytesIO(export))
        caller = Caller(store)
        found = (await caller.load(left, right)).cells
        told = [event.body for event in await caller.history() if event.address == left]
    if not found:
        assert told == []
        return None
    assert found[left].entry.body == found[right].entry.body == told[-1]
    assert told == [b"%d" % n for n in range(1, len(told) + 1)]
    return told[-1]


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_not_empty_is_refused_untouched(places: Places, kind: str) -> None:
    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"))
        async with places.of(kind, "target").open() as target:
            caller = Caller(target)
            revision = await caller.put(address("x"), b"mine")
            before = await Everything.of(target)
            with pytest.raises(TransferRefused, match="not empty"):
                await import_store(target, io.BytesIO(export))
            assert await Everything.of(target) == before
            # Events alone are something, too.
            await caller.committed(Delete(address("x"), revision), events=[draft(address("x"))])
            with pytest.raises(TransferRefused, match="not empty"):
                await import_store(target, io.BytesIO(export))
            assert len((await Everything.of(target)).events) == 1

    run(scenario())


def test_a_composite_store_is_copied_store_by_store(places: Places) -> None:
    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"))
        one, other = places.of("memory", "one").open(), places.of("memory", "other").open()
        both = composite_store(
            {"rest": cast("RecordStore", one), "secrets": cast("RecordStore", other)}
        )
        async with both as store:
            with pytest.raises(Unsupported):
                await exported(store)
            with pytest.raises(Unsupported):
                await import_store(store, io.BytesIO(export))

    run(scenario())


def test_another_export_does_not_go_on_with_an_unfinished_import(places: Places) -> None:
    async def scenario() -> None:
        first = await export_of(places.of("memory", "one"))
        second = await export_of(places.of("memory", "two"))
        async with places.of("memory", "target").open() as target:
            await half(target, first)
            with pytest.raises(TransferRefused, match="another export"):
                await import_store(target, io.BytesIO(second))
            with pytest.raises(TransferRefused, match="another file"):
                await import_store(target, io.BytesIO(forged(first, second)))
            await import_store(target, io.BytesIO(first))

    run(scenario())


def forged(head: bytes, rest: bytes) -> bytes:
    """An export that is sound, and has the id of another one."""
    lines = [head.splitlines(True)[0], *rest.splitlines(True)[1:-1]]
    trailer = content_of(rest.splitlines(True)[-1])
    assert isinstance(trailer, Trailer)
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    return b"".join([*lines, trailer_line(evolve(trailer, sha256=digest))])


async def half(target: RecordStore, export: bytes) -> None:
    """Brings the first half of an export, from a pipe that breaks."""
    lines = export.splitlines(True)
    broken = Pipe(b"".join(lines[: len(lines) // 2]))
    with pytest.raises(ExportDamaged, match="cut off"):
        await import_store(target, cast("io.BytesIO", broken))


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_store_is_no_store_until_it_is_whole_or_empty(places: Places, kind: str) -> None:
    async def scenario() -> None:
        source = places.of("memory", "source")
        export = await export_of(source)
        async with source.open() as store:
            before = await Everything.of(store)
        async with places.of(kind, "target").open() as target:
            caller = Caller(target)
            for _ in range(2):
                await half(target, export)
                with pytest.raises(ImportUnfinished):
                    await require_whole(target, deadline=caller.deadline())
                with pytest.raises(ImportUnfinished):
                    await exported(target)
            done = await import_store(target, io.BytesIO(export))
            assert done.resumed_after > 0
            assert await Everything.of(target) == before
            await require_whole(target, deadline=caller.deadline())
            with pytest.raises(TransferRefused, match="no unfinished import"):
                await roll_back_import(target)
            assert await Everything.of(target) == before

    run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_a_rolled_back_import_leaves_an_empty_store(
    places: Places, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnkeep_application.transfers.contents._BATCH", 10)

    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"), 80)
        async with places.of(kind, "target").open() as target:
            await half(target, export)
            found = len((await Everything.of(target)).cells) - 1
            cleared = await roll_back_import(target)
            assert cleared.cells == found > 30
            left = await Everything.of(target)
            assert (left.cells, left.events) == ((), ())
            await import_store(target, io.BytesIO(export))

    run(scenario())


def test_who_writes_to_a_store_that_is_being_filled_stops_the_import(places: Places) -> None:
    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"))
        async with places.of("memory", "target").open() as target:
            await half(target, export)
            async with places.of("memory", "whole").open() as whole:
                await import_store(whole, io.BytesIO(export))
                (missing, *_) = {at for at, _, _ in (await Everything.of(whole)).cells} - {
                    at for at, _, _ in (await Everything.of(target)).cells
                }
            await Caller(target).put(missing, b"mine")
            with pytest.raises(TransferRefused, match="somebody else"):
                await import_store(target, io.BytesIO(export))
            assert (await Caller(target).present(missing)).entry.body == b"mine"
            with pytest.raises(ImportUnfinished):
                await exported(target)

    run(scenario())


# ---- damage ------------------------------------------------------------------------------------


def test_no_changed_byte_is_brought_into_a_store(places: Places) -> None:
    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"), 6)
        async with places.of("memory", "target").open() as target:
            for at in range(0, len(export), 7):
                changed = export[:at] + bytes([export[at] ^ 4]) + export[at + 1 :]
                with pytest.raises((ExportDamaged, SchemaTooNew)):
                    await import_store(target, io.BytesIO(changed))
            for length in range(0, len(export), 11):
                with pytest.raises(ExportDamaged):
                    await import_store(target, io.BytesIO(export[:length]))
            for more in (b"\n", b"{}\n", export):
                with pytest.raises(ExportDamaged):
                    await import_store(target, io.BytesIO(export + more))
            assert (await Everything.of(target)).cells == ()
            await import_store(target, io.BytesIO(export))

    run(scenario())


def test_damage_that_a_pipe_shows_at_its_end_leaves_the_import_unfinished(places: Places) -> None:
    async def scenario() -> None:
        export = await export_of(places.of("memory", "source"))
        lines = export.splitlines(True)
        del lines[len(lines) // 2]
        async with places.of("memory", "target").open() as target:
            with pytest.raises(ExportDamaged, match="checksum"):
                await import_store(target, cast("io.BytesIO", Pipe(b"".join(lines))))
            with pytest.raises(ImportUnfinished):
                await exported(target)

    run(scenario())


# ---- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_commit_is_brought_whole_in_pieces(places: Places, kind: str) -> None:
    async def scenario() -> None:
        async with places.of("memory", "source").open() as source:
            caller = Caller(source)
            wide = [Put(address(f"{n}"), ABSENT, entry()) for n in range(WRITES_MAX)]
            notes = [draft(address("0"), b"%d" % n) for n in range(EVENTS_MAX)]
            await caller.committed(*wide, events=notes, commit_id=fresh_commit_id())
            heavy = [Put(address(f"h{n}"), ABSENT, entry(b"x" * BODY_BYTES_MAX)) for n in range(8)]
            await caller.committed(*heavy)
            before = await Everything.of(source)
            export = await exported(source)
        async with places.of(kind, "target").open() as target:
            lines = export.splitlines(True)
            with pytest.raises(ExportDamaged):
                await import_store(target, cast("io.BytesIO", Pipe(b"".join(lines[:2]))))
            await import_store(target, io.BytesIO(export))
            after = await Everything.of(target)
            assert [each[:2] for each in after.cells] == [each[:2] for each in before.cells]
            assert [event for _, event in after.events] == [event for _, event in before.events]

    run(scenario())


def test_records_of_an_unknown_kind_need_a_store_that_can_be_read_as_a_whole(
    places: Places,
) -> None:
    async def scenario() -> None:
        async with places.of("memory", "source").open() as source:
            await Caller(source).put(address("x", collection="unheard"))
            export = await exported(source)
        async with places.of("memory", "target").open() as target:
            alone = FaultyRecordStore(target, script=Script.parse(""), clock=SystemClock())
            with pytest.raises(TransferRefused, match="does not know"):
                await import_store(alone, io.BytesIO(export))
            await import_store(target, io.BytesIO(export))
            assert await Caller(target).cell(address("x", collection="unheard"))

    run(scenario())
