"""A play, performed whole: it satisfies its checks on an honest store, whatever befalls the store,
and fails them on a store that breaks a promise."""

from importlib import resources
from itertools import chain, repeat
from typing import Final

import pytest

from tests.cli.plays import Watcher, core, memory_store, performed
from tests.cli.recordings import line, lines
from tests.cli.tampering import (
    DoublesEvents,
    LosesRulings,
    RemembersTheFirst,
    SkipsEvents,
    TamperedStore,
)
from turnkeep import Unavailable
from turnkeep_adapters.cli.demo import askers, stamina
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock

SAMPLE: Final = (
    resources.files("turnkeep_adapters.cli.demo").joinpath("sample.jsonl").read_bytes().splitlines()
)


def failed(report: Report) -> set[Check]:
    return {verdict.check for verdict in report.verdicts if not verdict.ok}


def number(report: Report, check: Check, name: str) -> int:
    (verdict,) = (verdict for verdict in report.verdicts if verdict.check is check)
    return verdict.numbers[name]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What will never happen is not waited for."""
    monkeypatch.setattr(askers, "_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(askers, "_CROWDED_SECONDS", 0.01)
    monkeypatch.setattr(stamina, "_PAUSE_SECONDS", 0.001)


async def test_the_sample_satisfies_every_check() -> None:
    watcher = Watcher()
    report = await performed(*SAMPLE, watcher=watcher)
    assert failed(report) == set()
    assert report.ok
    assert report.tasks == 12
    assert number(report, Check.DECIDED, "calls") == watcher.calls == 38
    assert number(report, Check.DECIDED, "approvals") == 38
    assert watcher.left_out == []


@pytest.mark.parametrize("seed", range(20))
async def test_every_seed_satisfies_every_check(seed: int) -> None:
    report = await performed(*lines(12, seed), seed=seed)
    assert failed(report) == set()
    assert number(report, Check.DECIDED, "approvals") == sum(report.ends.values()) > 12


@pytest.mark.parametrize(("askers", "deciders"), [(1, 1), (1, 16), (16, 1), (32, 32)])
async def test_any_number_of_actors_satisfies_every_check(askers: int, deciders: int) -> None:
    report = await performed(*lines(20), askers=askers, deciders=deciders)
    assert failed(report) == set()


async def test_races_are_lost_and_tried_again() -> None:
    report = await performed(*lines(60))
    effort = report.effort
    assert effort.conflicts > 0
    assert effort.attempts > effort.updates > number(report, Check.DECIDED, "calls")
    assert effort.pauses == effort.attempts - effort.updates
    assert effort.paused_ms > 0


async def test_repeats_and_strangers_are_among_what_is_checked() -> None:
    report = await performed(*lines(60))
    assert number(report, Check.SINGLE, "repeats") > 0
    assert number(report, Check.ALONE, "attempts") > 0
    assert number(report, Check.ENDED, "pending") == 0


async def test_the_same_task_twice_is_decided_once() -> None:
    some = list(lines(10))
    report = await performed(*chain.from_iterable(zip(some, some, some, strict=True)), askers=6)
    alone = await performed(*some)
    assert failed(report) == set()
    calls = number(alone, Check.DECIDED, "calls")
    assert number(report, Check.DECIDED, "calls") == 3 * calls
    assert number(report, Check.DECIDED, "approvals") == calls


async def test_one_call_that_everybody_asks_at_once_is_one_approval() -> None:
    report = await performed(*repeat(line(), 40), askers=20)
    assert failed(report) == set()
    assert number(report, Check.DECIDED, "approvals") == 1


async def test_a_task_with_other_calls_is_another_matter() -> None:
    calls = ([{"tool": "read_file", "args": {"n": n}}] for n in range(5))
    report = await performed(*(line(calls=one) for one in calls))
    assert number(report, Check.DECIDED, "approvals") == 5


async def test_more_of_one_task_than_may_wait_at_once_is_decided_in_the_end() -> None:
    calls = ([{"tool": "read_file", "args": {"n": n}}] for n in range(30))
    some = (line(calls=one) for one in calls)
    report = await performed(*some, askers=10, deciders=1, pending_max=2)
    assert failed(report) == set()
    assert number(report, Check.DECIDED, "approvals") == 30


async def test_playing_again_on_the_same_store_changes_nothing() -> None:
    shared = core()
    stores = (MemoryRecordStore(core=shared, clock=SystemClock()) for _ in range(2))
    first, second = [await performed(*lines(20), on=store) for store in stores]
    assert failed(first) == failed(second) == set()
    for check, name in [(Check.ORDERED, "events"), (Check.DECIDED, "approvals")]:
        assert number(first, check, name) == number(second, check, name)


async def test_what_earlier_plays_have_left_is_checked_too() -> None:
    shared = core()
    await performed(*lines(5, 1), on=MemoryRecordStore(core=shared, clock=SystemClock()))
    report = await performed(
        line("another/1"), on=MemoryRecordStore(core=shared, clock=SystemClock())
    )
    assert failed(report) == set()
    assert number(report, Check.DECIDED, "calls") == 1
    assert number(report, Check.DECIDED, "approvals") > 5


# ---- bad input ----------------------------------------------------------------------------------

NESTED: Final = b'{"a":' * 70 + b"1" + b"}" * 70


async def test_what_cannot_be_used_is_named_and_does_not_stop_the_rest() -> None:
    watcher = Watcher()
    report = await performed(
        b"{",
        line(task=" padded "),
        b'{"task": "t", "prompt": "", "calls": [{"tool": "a", "args": {"x": NaN}}]}',
        b'{"task": "t", "prompt": "", "calls": [{"tool": "a", "args": ' + NESTED + b"}]}",
        line(calls=[{"tool": "a", "args": {"x": "y" * (1 << 20)}}]),
        line(calls=[{"tool": "", "args": {}}]),
        b"",
        line("good"),
        watcher=watcher,
    )
    assert sorted(watcher.left_out) == [
        "line 1: it is not JSON (column 2: Expecting property name enclosed in double quotes)",
        "line 2: its task must have no white space at its edges",
        "line 3, call 1: its args must have finite numbers",
        "line 4, call 1: its args nest deeper than 64 levels",
        "line 5, call 1: its args have more than 1048576 bytes",
        "line 6: its tool must have 1 to 200 bytes",
    ]
    assert (report.lines_left_out, report.calls_left_out) == (3, 3)
    assert report.ok
    assert number(report, Check.DECIDED, "calls") == 1


async def test_a_call_that_cannot_be_asked_does_not_stop_its_task() -> None:
    calls = [{"tool": "a", "args": {"x": 1 << 64}}, {"tool": "b", "args": {}}]
    report = await performed(line(calls=calls))
    assert number(report, Check.DECIDED, "approvals") == 1
    assert not report.is_empty


@pytest.mark.parametrize("content", [[], [b"{"], [line(calls=[])]], ids=["no", "bad", "callless"])
async def test_a_play_in_which_nothing_can_be_used_says_so(content: list[bytes]) -> None:
    assert (await performed(*content)).is_empty


# ---- misfortune ---------------------------------------------------------------------------------

MISFORTUNES: Final = {
    "lost before": "commit#3: lose-before\ncommit#8: lose-before\ncommit#9: lose-before",
    "lost after": "commit#3: lose-after\ncommit#8: lose-after\ncommit#9: lose-after",
    "late": "commit#4: land-late 3\ncommit#11: land-late 7",
    "away": "load#5: fail-before\ncommit#6: fail-before\nscan#2: fail-before",
    "busy": "commit#5: busy\ncommit#6: stale\ncommit#7: busy",
    "deaf": "changed#*: fail-before",
    "slow": "commit#*: delay 1",
    "torn": "events#1: fail-before\nload#30: fail-before",
}


@pytest.mark.parametrize("script", MISFORTUNES.values(), ids=MISFORTUNES)
async def test_a_store_that_has_misfortunes_satisfies_every_check(script: str) -> None:
    faulty = FaultyRecordStore(memory_store(), script=Script.parse(script), clock=SystemClock())
    report = await performed(*lines(12), on=faulty)
    assert failed(report) == set()
    assert all("#*" in script for _ in faulty.unspent)


# ---- broken promises ----------------------------------------------------------------------------


async def test_a_store_that_loses_rulings_fails() -> None:
    report = await performed(*lines(4), on=LosesRulings.at_once())
    assert {Check.KEPT, Check.DECIDED, Check.ENDED} <= failed(report)


@pytest.mark.parametrize(
    ("store", "checks"),
    [
        (RemembersTheFirst, {Check.KEPT, Check.DECIDED, Check.FOLDED, Check.ORDERED}),
        (DoublesEvents, {Check.ORDERED, Check.FOLDED}),
        (SkipsEvents, {Check.ORDERED, Check.FOLDED}),
    ],
)
async def test_a_store_that_is_tampered_with_afterwards_fails(
    store: type[TamperedStore], checks: set[Check]
) -> None:
    tampered = store()
    report = await performed(
        *lines(12), on=tampered, watcher=Watcher(when_examined=tampered.tamper)
    )
    assert checks <= failed(report)
    assert not report.ok


async def test_a_store_that_cannot_be_read_afterwards_fails() -> None:
    faulty = FaultyRecordStore(memory_store(), script=Script.parse(""), clock=SystemClock())

    def damage() -> None:
        faulty.follow(Script.parse("load#2: corrupt"))

    report = await performed(*lines(3), on=faulty, watcher=Watcher(when_examined=damage))
    assert {Check.DECIDED, Check.FOLDED} <= failed(report)


async def test_a_call_that_cannot_be_raised_fails() -> None:
    away, back = Script.parse("scan#*: fail-before"), Script.parse("")
    faulty = FaultyRecordStore(memory_store(), script=away, clock=SystemClock())
    watcher = Watcher(when_examined=lambda: faulty.follow(back))
    report = await performed(line(), on=faulty, watcher=watcher)
    assert failed(report) == {Check.DECIDED}
    assert not report.is_empty


async def test_a_task_that_stays_crowded_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(askers, "_CROWDED_TIMES_MAX", 3)
    calls = ([{"tool": "read_file", "args": {"n": n}}] for n in range(8))
    some = (line(calls=one) for one in calls)
    report = await performed(*some, askers=1, pending_max=1, on=LosesRulings.at_once())
    decided = report.verdicts[0]
    assert decided.numbers["calls"] == 8
    assert any("gave up (too_many_pending)" in complaint for complaint in decided.complaints)


async def test_a_store_that_is_gone_afterwards_is_an_error() -> None:
    faulty = FaultyRecordStore(memory_store(), script=Script.parse(""), clock=SystemClock())
    gone = Script.parse("events#*: fail-before")
    with pytest.raises(Unavailable):
        await performed(
            line(), on=faulty, watcher=Watcher(when_examined=lambda: faulty.follow(gone))
        )
