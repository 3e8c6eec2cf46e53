"""Several real processes write to one thread: numbers without gaps, each event one message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.postgres.databases import shared
from tests.processes.thread_senders import SendBrief, read_back, senders

PROCESSES: Final = 8
DELIVERIES: Final = 1_000


@pytest.fixture(params=["files", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "files":
        yield (tmp_path / "store").as_uri()
    else:
        yield shared()[1].clone(for_good=True)


def test_four_processes_number_their_messages_without_a_gap(url: str) -> None:
    """Law 5, and law 1 across processes."""
    briefs = [
        SendBrief(
            url=url,
            thread="t1",
            events=tuple(f"{name} {number}" for number in range(16)),
            at_once=4,
        )
        for name in ("a", "b", "c", "d")
    ]
    with senders(*briefs) as running:
        told = [answer for sender in running for answer in sender.finish()]
        assert sum(sender.made for sender in running) == 1
    assert sorted(sequence for _, sequence, _ in told) == list(range(1, 65))
    stored = read_back(url, "t1")
    assert [sequence for _, sequence, _ in stored] == list(range(1, 65))
    assert {(id, sequence) for id, sequence, _ in told} == {
        (id, sequence) for id, sequence, _ in stored
    }


def test_a_thousand_deliveries_by_eight_processes_are_one_message(url: str) -> None:
    """Law 10."""
    brief = SendBrief(url=url, thread="t1", events=("e1",) * (DELIVERIES // PROCESSES), at_once=5)
    with senders(*[brief] * PROCESSES) as running:
        told = [answer for sender in running for answer in sender.finish()]
    assert len(told) == DELIVERIES
    assert sum(new for _, _, new in told) == 1
    assert len({(id, sequence) for id, sequence, _ in told}) == 1
    ((id, sequence, text),) = read_back(url, "t1")
    assert (id, sequence) == told[0][:2]
    assert (sequence, text) == (1, "text of e1")


def test_processes_that_are_killed_leave_no_gap_and_lose_nothing(url: str) -> None:
    """Laws 7 and 12: what was acknowledged is there; the repeat finds it."""
    events = {name: tuple(f"{name} {number}" for number in range(60)) for name in "abc"}
    briefs = [SendBrief(url=url, thread="t1", events=names, at_once=3) for names in events.values()]
    with senders(*briefs) as running:
        told = [
            answer
            for number, sender in enumerate(running)
            for answer in sender.killed_after(5 + 5 * number)
        ]
    stored = read_back(url, "t1")
    assert [sequence for _, sequence, _ in stored] == list(range(1, len(stored) + 1))
    there = {id: sequence for id, sequence, _ in stored}
    assert all(there[id] == sequence for id, sequence, _ in told)
    with senders(*briefs) as running:
        again = [answer for sender in running for answer in sender.finish()]
    known = {id: sequence for id, sequence, _ in again}
    assert all(known[id] == sequence for id, sequence in there.items())
    assert sorted(known.values()) == list(range(1, 181))
