"""Events fold to runs, and what is wrong with their order is noticed."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

import pytest
from attrs import evolve

from turnkeep_adapters.cli.demo.chronicle import Chronicle, Fact, Gap, Told

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SECONDS: Final = count(1)


def fact(
    kind: str, status: str, version: int, *, run: str = "r-1", epoch: int | None = None
) -> Fact:
    moment = next(_SECONDS)
    return Fact(
        run=run,
        thread="t-1",
        kind=f"run.{kind}",
        at=NOON + timedelta(seconds=moment),
        version=version,
        status=status,
        epoch=epoch,
        cursor=moment.to_bytes(8, "big"),
    )


def life(run: str = "r-1", fence: int = 0) -> list[Fact]:
    """A run from its submit to its end, with all that may happen in between."""
    return [
        fact("submitted", "queued", 1, run=run),
        fact("claimed", "running", 2, run=run, epoch=fence + 1),
        fact("blocked", "blocked", 3, run=run),
        fact("resumed", "queued", 4, run=run),
        fact("claimed", "running", 5, run=run, epoch=fence + 3),
        fact("effect_settled", "running", 7, run=run),
        fact("requeued", "queued", 8, run=run),
        fact("claimed", "running", 9, run=run, epoch=fence + 5),
        fact("needs_operator", "needs_operator", 10, run=run),
        fact("effect_uncertain", "needs_operator", 10, run=run),
        fact("effect_settled", "queued", 11, run=run),
        fact("requeued", "queued", 11, run=run),
        fact("claimed", "running", 12, run=run, epoch=fence + 7),
        fact("completed", "completed", 13, run=run),
    ]


def folded(*facts: Fact | Gap) -> Chronicle:
    chronicle = Chronicle()
    for one in facts:
        chronicle.take(one)
    return chronicle


def told(*facts: Fact) -> Told:
    return folded(*facts).runs["r-1"]


def test_a_life_is_followed_to_its_end() -> None:
    chronicle = folded(*life())
    assert chronicle.events == 14
    assert (chronicle.disorder, chronicle.overlaps) == (None, [])
    run = chronicle.runs["r-1"]
    assert (run.status, run.claims, run.requeued, run.disorder) == ("completed", 4, 2, None)


def test_one_run_after_another_is_no_overlap() -> None:
    assert folded(*life("r-1"), *life("r-2", fence=10)).overlaps == []


@pytest.mark.parametrize("left_out", [0, 1, 2, 3, 6, 7, 11, 12])
def test_an_event_that_is_missing_is_noticed(left_out: int) -> None:
    facts = life()
    del facts[left_out]
    assert told(*facts).disorder is not None


@pytest.mark.parametrize("number", [0, 1, 2, 3, 6, 8, 11, 13])
def test_an_event_that_is_told_twice_is_noticed(number: int) -> None:
    facts = life()
    facts.insert(number, facts[number])
    chronicle = folded(*facts)
    assert chronicle.disorder == "two events have one cursor"
    assert chronicle.runs["r-1"].disorder is not None


def test_an_event_that_is_older_than_the_one_before_is_noticed() -> None:
    facts = life()
    facts[3] = evolve(facts[3], at=NOON)
    assert told(*facts).disorder == "run.resumed is older than the event before"


def test_a_version_that_falls_is_noticed() -> None:
    facts = life()
    facts[3] = evolve(facts[3], version=2)
    assert told(*facts).disorder == "run.resumed at version 2 after 3"


def test_an_event_that_cannot_be_read_is_noticed() -> None:
    corrupt = evolve(life()[1], kind="corrupt", at=None, version=2, status="unknown")
    assert told(life()[0], corrupt).disorder == "an event that says nothing (corrupt)"


def test_events_that_were_trimmed_are_noticed() -> None:
    assert folded(Gap()).disorder == "events were trimmed before they were read"


def test_a_run_that_begins_before_the_one_before_has_ended_is_noticed() -> None:
    (first, claimed, *_), (second, *_) = life("r-1"), life("r-2")
    assert folded(first, claimed, second).overlaps == ["run.submitted of r-2 while r-1 was active"]


def test_a_fence_that_is_taken_twice_is_noticed() -> None:
    again = [*life("r-1"), *life("r-2", fence=6)]
    assert folded(*again).overlaps == ["r-2 was claimed under an old fence"]
