"""An import that is cut off anywhere goes on; what it is in doubt about is brought once."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.transfers.places import Everything, Places, filled, run
from turnkeep import (
    Feature,
    ImportUnfinished,
    Settings,
    export_store,
    import_store,
    open_keep,
    roll_back_import,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.store import RecordStore

APART: Final = Settings(forgone=frozenset({Feature.LEASED_SECRETS}))


async def export_of(places: Places, commits: int) -> tuple[bytes, Everything]:
    async with filled(places.of("memory", "source"), commits) as source:
        to = io.BytesIO()
        await export_store(source, to)
        return to.getvalue(), await Everything.of(source)


def behind(store: RecordStore, script: str) -> FaultyRecordStore:
    return FaultyRecordStore(store, script=Script.parse(script), clock=SystemClock())


@pytest.mark.parametrize("where", ["hold", "hold-after"])
def test_cut_off_before_or_after_any_commit_it_goes_on(places: Places, where: str) -> None:
    async def scenario() -> None:
        export, before = await export_of(places, 12)
        commits = len(export.splitlines())  # the mark, each chapter, and the mark's end
        for number in range(1, commits + 1):
            async with places.of("memory", f"{number}").open() as inner:
                store = behind(inner, f"commit#{number}: {where} there")
                importing = asyncio.create_task(import_store(store, io.BytesIO(export)))
                await store.reached("there")
                importing.cancel()
                await asyncio.gather(importing, return_exceptions=True)
                if (number, where) != (commits, "hold-after"):
                    done = await import_store(inner, io.BytesIO(export))
                    landed = number - (1 if where == "hold-after" else 2)
                    assert done.resumed_after == max(0, landed)
                assert await Everything.of(inner) == before

    run(scenario())


@pytest.mark.parametrize(
    "fault",
    ["lose-before", "lose-after", "land-late 1", "fail-before", "busy", "stale"],
)
def test_whatever_one_commit_suffers_everything_is_brought_once(
    places: Places, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnkeep_application.transfers.marking._PAUSE_SECONDS", 0.0)

    async def scenario() -> None:
        export, before = await export_of(places, 6)
        commits = len(export.splitlines())
        for number in range(1, commits + 1):
            async with places.of("memory", f"{number}").open() as inner:
                store = behind(inner, f"commit#{number}: {fault}")
                if fault == "stale":
                    # A lie: nothing that the mark tells bears it out, so nothing goes on.
                    with pytest.raises(Exception, match="somebody else"):
                        await import_store(store, io.BytesIO(export))
                    await import_store(inner, io.BytesIO(export))
                else:
                    await import_store(store, io.BytesIO(export))
                assert store.unspent == ()
                assert await Everything.of(inner) == before

    run(scenario())


def test_two_imports_of_one_export_help_each_other(places: Places) -> None:
    async def scenario() -> None:
        export, before = await export_of(places, 60)
        async with places.of("memory", "target").open() as inner:
            one = behind(inner, "\n".join(f"commit#{n}: delay 1" for n in range(1, 70, 3)))
            other = behind(inner, "\n".join(f"commit#{n}: delay 2" for n in range(2, 70, 5)))
            done = await asyncio.gather(
                *(import_store(store, io.BytesIO(export)) for store in (one, other)),
                return_exceptions=True,
            )
            # Whoever is second finds it finished, at whatever commit that was.
            others = [str(each) for each in done if isinstance(each, BaseException)]
            assert len(others) < 2
            assert all("another process has finished" in said for said in others)
            assert await Everything.of(inner) == before

    run(scenario())


@pytest.mark.parametrize("where", ["hold", "hold-after"])
def test_a_rolling_back_that_is_cut_off_goes_on(places: Places, where: str) -> None:
    async def scenario() -> None:
        export, _ = await export_of(places, 12)
        for number in range(1, 4):
            async with places.of("memory", f"{number}").open() as inner:
                store = behind(inner, "commit#7: hold here")
                importing = asyncio.create_task(import_store(store, io.BytesIO(export)))
                await store.reached("here")
                importing.cancel()
                await asyncio.gather(importing, return_exceptions=True)
                store = behind(inner, f"commit#{number}: {where} there")
                clearing = asyncio.create_task(roll_back_import(store))
                await store.reached("there")
                clearing.cancel()
                await asyncio.gather(clearing, return_exceptions=True)
                if (number, where) == (3, "hold-after"):
                    assert (await Everything.of(inner)).cells == ()
                    continue
                if (number, where) != (1, "hold"):
                    with pytest.raises(Exception, match="rolled back"):
                        await import_store(inner, io.BytesIO(export))
                await roll_back_import(inner)
                left = await Everything.of(inner)
                assert (left.cells, left.events) == ((), ())

    run(scenario())


def killed(url: str, file: Path, at: int, what: str) -> None:
    command = [sys.executable, "-m", "tests.transfers.filling", url, str(file), str(at), what]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("kind", ["files", "postgres"])
def test_a_killed_import_is_told_by_every_opening_and_goes_on(
    places: Places, kind: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        export, before = await export_of(places, 30)
        file = tmp_path / "export"
        file.write_bytes(export)
        url = (tmp_path / "killed").as_uri() if kind == "files" else places.databases.clone()
        for at in (3, 9):
            await asyncio.to_thread(killed, url, file, at, "fill")
            with pytest.raises(ImportUnfinished):
                async with open_keep(url):
                    pass
        await asyncio.to_thread(killed, url, file, 1, "clear")
        with pytest.raises(ImportUnfinished):
            async with open_keep({"rest": "memory:", "leases": url}, settings=APART):
                pass
        await roll_back_import(url)
        async with open_keep(url):
            pass
        await asyncio.to_thread(killed, url, file, 5, "fill")
        with file.open("rb") as source:
            done = await import_store(url, source)
        assert done.resumed_after == 5
        to = io.BytesIO()
        await export_store(url, to)
        assert to.getvalue().splitlines()[1:-1] == export.splitlines()[1:-1]
        assert before.cells

    run(scenario())
