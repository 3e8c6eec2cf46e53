"""The loop among rivals and misfortunes: what it tells of a command is how often it applied.

Each command adds its own power of four, so the totals tell how often each has landed: once for an
outcome, never for a refusal or an error that says so, at most once for an unknown outcome. Commands
book on one of three ledgers, which one a hint decides that rivals keep changing; some read cells
that they do not write, some ask for keys late.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.application.loop.bench import Bench
from tests.application.loop.ledger import LEDGERS, PERMANENT_LEDGERS, SCOPE, Ledger, opened
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_application.errors import Contended
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.keys import Key, ReadKey, key
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_ports.errors import OutcomeUnknown, Unavailable

KEPT: Final = key(PERMANENT_LEDGERS, SCOPE, "kept")
FIRST: Final = key(LEDGERS, SCOPE, "first")
SECOND: Final = key(LEDGERS, SCOPE, "second")
SWITCH: Final = key(LEDGERS, SCOPE, "switch")
LEDGERS_OF: Final[tuple[Key[Ledger], ...]] = (KEPT, FIRST, SECOND)

Answer = Decision[Records, int, RequestIdReused | str] | Need


@frozen
class Command:
    """One command: what it loads at first, and whether a hint decides where it books."""

    number: int
    keys: tuple[Key[Ledger], ...]
    switched: bool
    may_refuse: bool

    @property
    def request(self) -> RequestId:
        return RequestId(f"c{self.number}")

    @property
    def amount(self) -> int:
        return int(4**self.number)

    @property
    def hints(self) -> list[ReadKey[object]]:
        return [SWITCH] if self.switched else []

    def decide(self, records: Records, now: datetime) -> Answer:
        for where in LEDGERS_OF:
            if where in records and self._is_on(records[where]):
                return self._booked(records, where, now)
        turned = self._turned(records)
        if self.may_refuse and turned % 3 == 2:
            return Refused("switched off")
        where = LEDGERS_OF[turned] if self.switched else self.keys[0]
        if where not in records:
            # All that it may book on: else a booking elsewhere would not be seen.
            return Need(LEDGERS_OF)
        return self._booked(records, where, now)

    def _booked(self, records: Records, where: Key[Ledger], now: datetime) -> Answer:
        ledger = records[where] or opened(where.address.id)
        decision = ledger.add(self.amount, self.request, where.address, now)
        return records.adopt(where, decision)

    def _is_on(self, ledger: Ledger | None) -> bool:
        marks = () if ledger is None else ledger.marks.entries
        return any(mark.request_id == self.request for mark in marks)

    def _turned(self, records: Records) -> int:
        switch = records[SWITCH] if self.switched else None
        return 0 if switch is None else switch.marks.total % 3


actions = st.sampled_from(
    [
        *("lose-before", "lose-after", "fail-before", "stale", "busy"),
        *("land-late 1", "land-late 2", "land-late 3", "land-late 5"),
    ]
)
rules = st.builds("commit#{}: {}".format, st.integers(1, 6), actions) | st.builds(
    "load#{}: {}".format, st.integers(1, 6), st.sampled_from(["fail-before", "delay 1", "delay 3"])
)
scripts = st.lists(rules, max_size=5).map("\n".join)
key_lists = st.lists(st.sampled_from(LEDGERS_OF), min_size=1, max_size=3, unique=True).map(tuple)
rivalries = st.lists(
    st.tuples(st.sampled_from([SWITCH, *LEDGERS_OF, SWITCH]), st.integers(0, 4)), max_size=12
)


@settings(max_examples=400)
@given(
    commands=st.lists(st.tuples(key_lists, st.booleans(), st.booleans()), min_size=1, max_size=8),
    processes=st.integers(1, 3),
    troubles=st.lists(scripts, min_size=3, max_size=3),
    rivals=rivalries,
    attempts_max=st.sampled_from([3, 6, 32]),
    pauses=st.lists(st.sampled_from([0, 0, 0, 1, 3, 9]), min_size=8, max_size=8),
    slowness=st.sampled_from(["", "\nload#*: delay 1\ncommit#*: delay 1"]),
    present=st.booleans(),
    together=st.booleans(),
    remembers=st.booleans(),
)
def test_what_is_told_of_a_command_is_how_often_it_applied(
    *,
    commands: list[tuple[tuple[Key[Ledger], ...], bool, bool]],
    processes: int,
    troubles: list[str],
    rivals: list[tuple[Key[Ledger], int]],
    attempts_max: int,
    pauses: list[int],
    slowness: str,
    present: bool,
    together: bool,
    remembers: bool,
) -> None:
    bench = Bench(
        pacing=Pacing(attempts_max=attempts_max),
        rounds=RoundSettings(together=together),
        last_seen=LastSeenSettings(remembers=remembers),
    )
    told: dict[int, object] = {}

    async def carry_out(command: Command, store: FaultyRecordStore) -> None:
        await bench.clock.sleep(pauses[command.number] / 1_000)
        try:
            told[command.number] = await bench.loop(store).update(
                command.keys, command.decide, hints=command.hints
            )
        except (OutcomeUnknown, Contended, Unavailable) as error:
            told[command.number] = error

    async def rival() -> None:
        for number, (where, pause) in enumerate(rivals):
            await bench.clock.sleep(pause / 1_000)
            await _nudge(bench, where, number)

    async def scenario() -> None:
        if present:
            for where in LEDGERS_OF:
                await _nudge(bench, where, 99)
        async with AsyncExitStack() as stack:
            stores = [
                await stack.enter_async_context(
                    FaultyRecordStore(
                        bench.another(), script=Script.parse(trouble + slowness), clock=bench.clock
                    )
                )
                for trouble in troubles
            ]
            async with asyncio.TaskGroup() as group:
                group.create_task(rival())
                for number, (keys, switched, may_refuse) in enumerate(commands):
                    command = Command(number, keys, switched, may_refuse and switched)
                    group.create_task(carry_out(command, stores[number % processes]))
        await _compare(bench, told)

    bench.run(scenario)


async def _nudge(bench: Bench, where: Key[Ledger], number: int) -> None:
    """A rival's update that adds nothing."""
    of = PERMANENT_LEDGERS if where is KEPT else LEDGERS
    try:
        await bench.rival(f"rival {number}", 0, of=of, id=where.address.id)
    except Contended:
        return


async def _compare(bench: Bench, told: dict[int, object]) -> None:
    total = 0
    for where in LEDGERS_OF:
        of = PERMANENT_LEDGERS if where is KEPT else LEDGERS
        total += await bench.total(of, where.address.id) or 0
    for number, answer in told.items():
        applied = total // 4**number % 4
        assert applied in _allowed(answer), f"{answer!r} was told, and it applied {applied} times"


def _allowed(answer: object) -> tuple[int, ...]:
    match answer:
        case int():
            return (1,)
        case OutcomeUnknown():
            return (0, 1)
        case _:
            return (0,)
