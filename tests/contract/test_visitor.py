"""How another process is sent to the data, and how it is told that it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.filed_store import FiledHarness
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address
from turnkeep.testing.visitor import Report, visiting

PLACE = address("visited")


async def fail(caller: Caller, report: Report, number: int) -> None:
    raise LookupError(f"visitor {number} found nothing")


async def chatter(caller: Caller, report: Report, number: int) -> None:
    await caller.put(PLACE)
    print("what a store prints is no report")
    report(("stored", number))


async def test_a_visitor_reports_and_nothing_that_it_prints_is_taken_for_a_report(
    tmp_path: Path,
) -> None:
    async with visiting(FiledHarness(tmp_path), chatter, number=3) as visitor:
        await visitor.ready()
        visitor.start()
        assert await visitor.report() == ("stored", 3)


async def test_a_visitor_that_fails_tells_why(tmp_path: Path) -> None:
    async with visiting(FiledHarness(tmp_path), fail, number=3) as visitor:
        await visitor.ready()
        visitor.start()
        with pytest.raises(AssertionError, match=r"ended early(?s:.*)visitor 3 found nothing"):
            await visitor.report()


async def test_a_killed_visitor_says_nothing_more(tmp_path: Path) -> None:
    async with visiting(FiledHarness(tmp_path), chatter, number=3) as visitor:
        await visitor.ready()
        await visitor.kill()
        with pytest.raises(AssertionError, match="ended early"):
            await visitor.report()


async def test_a_harness_that_cannot_travel_is_told_apart(tmp_path: Path) -> None:
    class Local(FiledHarness):
        """A class that only this function knows."""

    with pytest.raises(AssertionError, match="must survive pickling"):
        async with visiting(Local(tmp_path), chatter, number=0):
            pass
