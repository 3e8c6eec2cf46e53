"""A play, performed whole: it satisfies its checks on an honest store, whatever befalls the store,
and fails them on a store that breaks a promise."""

import asyncio
from collections.abc import Awaitable
from importlib import resources
from typing import Final

import pytest
from attrs import evolve

from tests.cli.plays import Watcher, core, failed, memory_store, numbers, performed
from tests.cli.recordings import line, lines
from tests.cli.tampering import (
    DoublesEvents,
    ForgetsAccounts,
    ForgetsRuns,
    LosesOutcomes,
    RemembersTheFirst,
    SkipsEvents,
    TamperedStore,
)
from turnkeep import Unavailable
from turnkeep_adapters.cli.demo import agent, director, people, stamina
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.people import Fate
from turnkeep_adapters.cli.demo.world import Deed, World
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock

SAMPLE: Final = (
    resources.files("turnkeep_adapters.cli.demo").joinpath("sample.jsonl").read_bytes().splitlines()
)
GRAVE: Final = line(calls=[{"tool": "send_money", "args": {}}])


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody dawdles, and everybody answers: what time does is looked at elsewhere."""
    monkeypatch.setattr(agent, "_HALF_STEP_SECONDS_MAX", 0.005)
    monkeypatch.setattr(people, "_ROUND_SECONDS", 0.02)
    monkeypatch.setattr(people, "_FATES", {Fate.GRANTED: 7, Fate.DENIED: 2, Fate.OPPOSED: 2})
    monkeypatch.setattr(stamina, "_PAUSE_SECONDS", 0.001)


async def test_the_sample_satisfies_every_check() -> None:
    watcher = Watcher()
    report = await performed(*SAMPLE, watcher=watcher)
    assert failed(report) == set()
    assert report.ok
    assert report.turns == watcher.turns == 12
    assert report.ends == {"completed": 12}
    assert numbers(report, Check.ONCE)["calls"] == 38
    assert 0 < numbers(report, Check.ONCE)["made"] < 38
    assert watcher.left_out == []


@pytest.mark.parametrize("seed", range(4))
async def test_every_seed_satisfies_every_check(seed: int) -> None:
    report = await performed(*lines(12, seed), seed=seed)
    assert failed(report) == set()
    assert report.ends == {"completed": 12}


async def test_people_are_asked_and_not_all_agree() -> None:
    report = await performed(*lines(40))
    assert failed(report) == set()
    assert set(report.requests) == {"granted", "denied", "raced by opposite verdicts"}
    asked = numbers(report, Check.DECIDED)
    assert 0 < asked["approved"] < asked["requests"] == sum(report.requests.values())


async def test_the_same_line_twice_is_one_turn() -> None:
    report = await performed(*[line()] * 5, line("another"))
    assert failed(report) == set()
    assert (report.turns, report.repeats) == (2, 4)


async def test_lines_of_one_task_wait_for_each_other() -> None:
    calls = ([{"tool": "set_price", "args": {"n": n}}] for n in range(5))
    report = await performed(*(line(calls=one) for one in calls))
    assert failed(report) == set()
    assert report.ends == {"completed": 5}
    assert report.claims == 5


async def test_playing_again_on_the_same_store_changes_nothing() -> None:
    shared = core()
    stores = (MemoryRecordStore(core=shared, clock=SystemClock()) for _ in range(2))
    first, second = [await performed(*lines(8), on=store) for store in stores]
    assert failed(first) == failed(second) == set()
    assert (first.earlier, second.earlier) == (0, 8)
    events = [numbers(report, Check.ORDERED)["events"] for report in (first, second)]
    assert events[0] == events[1] > 0


# ---- bad input ----------------------------------------------------------------------------------

NESTED: Final = b'{"a":' * 70 + b"1" + b"}" * 70


async def test_what_cannot_be_used_is_named_and_does_not_stop_the_rest() -> None:
    watcher = Watcher()
    report = await performed(
        b"{",
        line(task=" padded "),
        line(calls=[{"tool": "", "args": {}}]),
        b"",
        line("good"),
        watcher=watcher,
    )
    assert watcher.left_out == [
        "line 1: it is not JSON (column 2: Expecting property name enclosed in double quotes)",
        "line 2: its task must have no white space at its edges",
        "line 3: its tool must have 1 to 200 bytes",
    ]
    assert report.lines_left_out == 3
    assert report.ok
    assert report.turns == 1


@pytest.mark.parametrize(
    "args",
    [b'{"x": NaN}', NESTED, b'{"x": 18446744073709551616}', b'{"x": "' + b"y" * (1 << 20) + b'"}'],
    ids=["no number", "too deep", "too large a number", "too long"],
)
async def test_a_call_that_cannot_be_put_before_people_is_not_made(args: bytes) -> None:
    content = b'{"task": "t", "prompt": "", "calls": [{"tool": "deploy", "args": ' + args + b"}]}"
    report = await performed(content)
    assert failed(report) == set()
    assert report.ends == {"completed": 1}
    assert numbers(report, Check.ONCE) == {"calls": 1, "made": 0}


async def test_a_play_in_which_nothing_can_be_used_says_so() -> None:
    assert (await performed(b"{")).is_empty
    assert (await performed()).is_empty


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


async def test_a_worker_that_cannot_go_on_leaves_calls_to_operators(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if the process had been cut off in the middle of a call, before or after it was made."""

    def cut_off(world: World, deed: Deed, *, keyed: bool) -> bool:
        if deed.epoch <= 3:
            if deed.epoch == 3:
                honest(world, deed, keyed=keyed)
            raise ConnectionError
        return honest(world, deed, keyed=keyed)

    honest = World.do
    monkeypatch.setattr(World, "do", cut_off)
    monkeypatch.setattr(people, "_FATES", {Fate.GRANTED: 1})
    report = await performed(GRAVE)
    assert failed(report) == set()
    assert report.settled > 0
    assert numbers(report, Check.ONCE)["made"] == 1


# ---- broken promises ----------------------------------------------------------------------------


async def test_a_store_that_loses_what_became_of_a_call_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(director, "_STALL_SECONDS", 3.0)
    calls = [{"tool": "set_price", "args": {}}]
    report = await performed(line(calls=calls), on=LosesOutcomes.at_once())
    assert Check.ONCE in failed(report)


@pytest.mark.parametrize(
    ("store", "checks"),
    [
        (RemembersTheFirst, {Check.FOLDED, Check.ENDED, Check.DECIDED, Check.EMPTY}),
        (ForgetsRuns, {Check.ENDED}),
        (ForgetsAccounts, {Check.PAID}),
        (DoublesEvents, {Check.ORDERED}),
        (SkipsEvents, {Check.ORDERED}),
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


async def test_a_call_that_the_world_saw_twice_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(world: World, deed: Deed, *, keyed: bool) -> bool:
        honest(world, deed, keyed=keyed)
        return honest(world, evolve(deed, epoch=99), keyed=False)

    honest = World.do
    monkeypatch.setattr(World, "do", twice)
    assert Check.ONCE in failed(await performed(line()))


async def test_a_call_that_no_journal_knows_of_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_another(world: World, deed: Deed, *, keyed: bool) -> bool:
        honest(world, evolve(deed, key="nobody's"), keyed=True)
        return honest(world, deed, keyed=keyed)

    honest = World.do
    monkeypatch.setattr(World, "do", with_another)
    assert failed(await performed(line())) == {Check.ONCE}


async def test_a_call_that_nobody_saw_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "do", lambda *_, **__: True)
    assert failed(await performed(line())) == {Check.ONCE, Check.PAID}


async def test_a_call_that_cost_more_than_was_charged_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dearer(world: World, deed: Deed, *, keyed: bool) -> bool:
        return honest(world, evolve(deed, cost=deed.cost + 1), keyed=keyed)

    honest = World.do
    monkeypatch.setattr(World, "do", dearer)
    assert failed(await performed(line())) == {Check.PAID}


async def test_an_operator_has_an_uncertain_call_cost_what_the_world_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what it had reserved would be charged."""

    def charges_nothing(*_: object) -> Awaitable[None]:
        return asyncio.sleep(0)

    def cut_off(world: World, deed: Deed, *, keyed: bool) -> bool:
        honest(world, deed, keyed=keyed)
        raise ConnectionError

    honest = World.do
    monkeypatch.setattr(World, "do", cut_off)
    monkeypatch.setattr(people, "_FATES", {Fate.GRANTED: 1})
    assert failed(await performed(GRAVE)) == set()
    monkeypatch.setattr(people.Operators, "_charge", charges_nothing)
    assert failed(await performed(GRAVE)) == {Check.PAID}


async def test_a_store_that_is_gone_afterwards_is_an_error() -> None:
    faulty = FaultyRecordStore(memory_store(), script=Script.parse(""), clock=SystemClock())
    gone = Script.parse("events#*: fail-before")
    with pytest.raises(Unavailable):
        await performed(
            line(), on=faulty, watcher=Watcher(when_examined=lambda: faulty.follow(gone))
        )
