"""Limits of rounds: what one load or one commit cannot carry goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime

import pytest
from attrs import define, evolve, field

from tests.application.loop.bench import Bench
from tests.application.loop.counting import FIRST, answers, count, counting
from tests.application.loop.ledger import LEDGERS, SCOPE, Added, LedgerCodec, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_domain.decisions import Changed
from turnkeep_domain.keys import Address, Key, key
from turnkeep_ports.errors import PayloadTooLarge
from turnkeep_ports.limits import BODY_BYTES_MAX, COMMIT_BYTES_MAX, EVENTS_MAX, KEYS_MAX, WRITES_MAX
from turnkeep_ports.store import Capabilities, EventDraft, Put, Write
from turnkeep_ports.telemetry import Counter


@pytest.fixture
def bench(last_seen: LastSeenSettings) -> Bench:
    return Bench(last_seen=last_seen)


@define
class Watched:
    """A store that notes how much each call carries."""

    bench: Bench
    writes_max: int = WRITES_MAX
    loads: list[int] = field(factory=list)
    commits: list[tuple[int, int, int]] = field(factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.bench.faulty, name)

    @property
    def capabilities(self) -> Capabilities:
        return evolve(self.bench.faulty.capabilities, writes_max=self.writes_max)

    async def load(self, keys: Sequence[Address], **options: object) -> object:
        self.loads.append(len(keys))
        return await self.bench.faulty.load(keys, **options)  # type: ignore[arg-type]  # handed on

    async def commit(
        self, id: object, writes: Sequence[Write], events: Sequence[EventDraft], **options: object
    ) -> object:
        size = sum(len(write.entry.body) for write in writes if isinstance(write, Put))
        self.commits.append((len(writes), len(events), size))
        return await self.bench.faulty.commit(id, writes, events, **options)  # type: ignore[arg-type]  # handed on


class Padded(LedgerCodec):
    """Bodies of half a mebibyte."""

    # typing.override is not in Python 3.11's library.
    def encode(self, record: object) -> bytes:  # type: ignore[explicit-override]
        body = super().encode(record)
        return body + b" " * (BODY_BYTES_MAX // 2 - len(body))


def watched(bench: Bench, writes_max: int = WRITES_MAX) -> Watched:
    """Lets the bench's loop use a store that is watched."""
    store = Watched(bench, writes_max)
    bench.through = store  # type: ignore[assignment]  # what it lacks, it hands on
    return store


def spread(own: int, number: int) -> list[Key[object]]:
    """A cell that all share, and some of one's own."""
    return [FIRST, *(key(LEDGERS, SCOPE, f"own {number} {n}") for n in range(own))]  # type: ignore[list-item]  # read alone


async def spreading(bench: Bench, own: int, number: int) -> object:
    """Counts on the shared cell and writes the others."""
    keys = spread(own, number)

    def decide(records: Records, now: datetime) -> Changed[Records, int]:
        counted = counting(FIRST)(records, now)
        after = counted.state
        for where in keys[1:]:
            after = after.put(key(LEDGERS, SCOPE, where.address.id), opened(where.address.id))
        return Changed(after, counted.outcome, counted.events)

    return await bench.loop().update(keys, decide)


@pytest.mark.parametrize("writes_max", [WRITES_MAX, 100])
def test_a_fold_of_too_many_cells_becomes_several_commits(bench: Bench, writes_max: int) -> None:
    async def scenario() -> None:
        store = watched(bench, writes_max)
        tasks = await bench.crowd([spreading(bench, 40, number) for number in range(60)])
        assert await answers(tasks) == list(range(1, 61))
        together = (writes_max - 1) // 40
        assert max(writes for writes, _, _ in store.commits) == 1 + 40 * together
        # A load has room for fewer of them than a round.
        assert len(store.commits) <= 60 // together + 1 + 60 * 41 // KEYS_MAX
        assert bench.counted(Counter.CONFLICTS) == 0

    bench.run(scenario)


def test_a_round_loads_no_more_cells_than_one_load_may(bench: Bench) -> None:
    async def scenario() -> None:
        store = watched(bench)
        tasks = await bench.crowd([spreading(bench, 30, number) for number in range(100)])
        assert sorted(await answers(tasks)) == list(range(1, 101))  # type: ignore[type-var]  # numbers
        assert 900 < max(store.loads) <= KEYS_MAX

    bench.run(scenario)


def test_a_fold_of_too_many_events_becomes_several_commits(bench: Bench) -> None:
    def decide(records: Records, now: datetime) -> Changed[Records, int]:
        counted = counting(FIRST)(records, now)
        events = tuple(Added(address=FIRST.address, at=now, total=0) for _ in range(200))
        return Changed(counted.state, counted.outcome, events)

    async def scenario() -> None:
        store = watched(bench)
        updates: list[Coroutine[object, object, object]]
        updates = [bench.loop().update([FIRST], decide) for _ in range(12)]
        tasks = await bench.crowd(updates)
        assert await answers(tasks) == list(range(1, 13))
        assert [events for _, events, _ in store.commits] == [1_000, 1_000, 400]
        assert EVENTS_MAX < 1_200

    bench.run(scenario)


def test_a_fold_of_too_many_bytes_becomes_several_commits(bench: Bench) -> None:
    bench.codec = Padded()

    async def scenario() -> None:
        store = watched(bench)
        tasks = await bench.crowd([spreading(bench, 3, number) for number in range(24)])
        assert await answers(tasks) == list(range(1, 25))
        assert max(size for _, _, size in store.commits) <= COMMIT_BYTES_MAX
        assert len(store.commits) <= 8

    bench.run(scenario)


def test_what_is_too_large_is_one_commands_fault(bench: Bench) -> None:
    async def scenario() -> None:
        commands = [count(bench), spreading(bench, 64, 1), count(bench), count(bench)]
        told = await answers(await bench.crowd(commands))
        assert isinstance(told[1], PayloadTooLarge)
        assert [told[0], *told[2:]] == [1, 2, 3]

    bench.run(scenario)


def test_what_a_store_refuses_for_good_is_found_out_by_each(bench: Bench) -> None:
    """Together they write more than one body may have; the culprit alone is told so."""

    class Growing(LedgerCodec):
        # typing.override is not in Python 3.11's library.
        def encode(self, record: object) -> bytes:  # type: ignore[explicit-override]
            body = super().encode(record)
            return body + b" " * (BODY_BYTES_MAX * (b" 1003," in body))

    async def scenario() -> None:
        commands = [count(bench), count(bench, amount=1_000), count(bench), count(bench)]
        told = await answers(await bench.crowd(commands))
        assert sum(isinstance(error, PayloadTooLarge) for error in told) == 1
        assert await bench.total() == sum(
            1_000 if number == 1 else 1 for number, each in enumerate(told) if isinstance(each, int)
        )

    bench.codec = Growing()
    bench.run(scenario)


def test_what_failed_for_all_costs_nobody_an_attempt(bench: Bench) -> None:
    async def scenario() -> None:
        bench.pacing = Pacing(attempts_max=1)
        commands = [count(bench), spreading(bench, 64, 1)]
        told = await answers(await bench.crowd(commands))
        assert told[0] == 1
        assert isinstance(told[1], PayloadTooLarge)

    bench.run(scenario)


def test_a_round_takes_as_many_commands_as_the_settings_say(bench: Bench) -> None:
    async def scenario() -> None:
        bench.rounds = RoundSettings(commands_max=10)
        tasks = await bench.crowd([count(bench) for _ in range(35)])
        assert await answers(tasks) == list(range(1, 36))
        assert bench.calls(Operation.COMMIT) == 4

    bench.run(scenario)


def test_no_more_rounds_are_in_flight_than_the_settings_say(bench: Bench) -> None:
    async def scenario() -> None:
        bench.rounds = RoundSettings(rounds_max=2, alone_max=1, commands_max=2, patience_seconds=60)
        bench.follow("commit#*: delay 100")
        cells = [key(LEDGERS, SCOPE, f"k{number}") for number in range(9)]
        tasks = [asyncio.create_task(count(bench, where)) for where in cells]
        await bench.clock.settle()
        assert bench.calls(Operation.COMMIT) == 1 + 2 * 2
        assert await answers(tasks) == [1] * 9
        assert bench.clock.monotonic() == pytest.approx(0.2)

    bench.run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"commands_max": 0},
        {"commands_max": 1_025},
        {"rounds_max": 0},
        {"alone_max": 0},
        {"alone_max": 1.5},
        {"patience_seconds": 0},
        {"patience_seconds": 61},
        {"together": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        RoundSettings(**wrong)  # type: ignore[arg-type]  # what a host without a type checker may pass
