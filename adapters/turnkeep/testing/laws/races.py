"""Laws of rivals: many callers of several handles that want the same cells at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from turnkeep.testing.caller import Caller, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import address, addresses, draft, entry
from turnkeep_domain.keys import Address
from turnkeep_ports.store import (
    ABSENT,
    Check,
    Committed,
    Delete,
    Expectation,
    Late,
    Put,
    Revision,
    Stale,
    Write,
)

HANDLES = 4
RACERS = 32
ROUNDS = 20


async def _race(
    callers: Sequence[Caller], writes: Sequence[Sequence[Write]]
) -> list[Committed | Stale | Late]:
    """Commits all at once, each with an event, after every racer has come to the start."""
    start = asyncio.Barrier(len(writes))

    async def racer(number: int) -> Committed | Stale | Late:
        caller = callers[number % len(callers)]
        told = draft(writes[number][0].address, b"%d" % number)
        await start.wait()
        return await caller.commit(*writes[number], events=[told])

    return await asyncio.gather(*(racer(number) for number in range(len(writes))))


async def _expect_one_winner(callers: Sequence[Caller], place: Address, expect: Expectation) -> int:
    """Races for one expectation of one cell; answers who won."""
    puts = [[Put(place, expect, entry(b"%d" % number))] for number in range(RACERS)]
    answers = await _race(callers, puts)
    winners = [n for n, answer in enumerate(answers) if isinstance(answer, Committed)]
    assert len(winners) == 1, f"{len(winners)} of {RACERS} racers won"
    losers = [answer for answer in answers if not isinstance(answer, Committed)]
    assert losers == [Stale(frozenset({place}), busy=False)] * (RACERS - 1)
    cell = await callers[0].present(place)
    assert cell.entry.body == b"%d" % winners[0], "the cell holds what a loser wrote"
    return winners[0]


class RaceLaws:
    """Of those that expect the same, one wins."""

    @law
    async def test_of_racers_on_one_revision_one_wins(self, harness: Harness) -> None:
        """P6: Of 32 racers on one revision, one wins."""
        (place,) = addresses(1)
        async with calling_several(harness, HANDLES) as callers:
            await callers[0].put(place, b"start")
            winners = []
            for _ in range(ROUNDS):
                expect = (await callers[1].present(place)).revision
                winners.append(await _expect_one_winner(callers, place, expect))
            told = [event.body for event in await callers[0].history()]
            assert told == [b"%d" % winner for winner in winners]

    @law
    async def test_of_racers_on_an_absent_cell_one_wins(self, harness: Harness) -> None:
        """P6: Of 32 racers that make one cell, one wins."""
        async with calling_several(harness, HANDLES) as callers:
            for place in addresses(ROUNDS):
                await _expect_one_winner(callers, place, ABSENT)

    @law
    async def test_of_rival_deletes_and_puts_one_wins(self, harness: Harness) -> None:
        """P6: Deletes race like puts: one of them all wins."""
        async with calling_several(harness, HANDLES) as callers:
            for place in addresses(ROUNDS):
                expect = await callers[0].put(place)
                writes: list[list[Write]] = [
                    [Delete(place, expect) if number % 2 else Put(place, expect, entry(b"put"))]
                    for number in range(RACERS)
                ]
                answers = await _race(callers, writes)
                winners = [n for n, answer in enumerate(answers) if isinstance(answer, Committed)]
                assert len(winners) == 1, f"{len(winners)} of {RACERS} racers won"
                deleted = await callers[1].cell(place) is None
                assert deleted == bool(winners[0] % 2)

    @law
    async def test_no_increment_is_lost(self, harness: Harness) -> None:
        """P6: What rivals add one by one is there in the end."""
        (place,) = addresses(1)
        each = 8
        async with calling_several(harness, HANDLES) as callers:
            await callers[0].put(place, b"0")

            async def add(caller: Caller) -> None:
                for _ in range(each):
                    answer: object = None
                    while not isinstance(answer, Committed):
                        cell = await caller.present(place)
                        value = b"%d" % (int(cell.entry.body) + 1)
                        answer = await caller.commit(Put(place, cell.revision, entry(value)))

            await asyncio.gather(*(add(caller) for caller in callers for _ in range(2)))
            value = int((await callers[0].present(place)).entry.body)
            assert value == each * 2 * HANDLES

    @law
    async def test_a_load_sees_commits_of_every_handle(self, harness: Harness) -> None:
        """P7: Loads see commits from every handle, at once."""
        (place,) = addresses(1)
        async with calling_several(harness, HANDLES) as callers:
            revision = await callers[0].put(place)
            for number in range(RACERS):
                writer = callers[number % HANDLES]
                revision = await writer.put(place, b"%d" % number, revision)
                for reader in callers:
                    cell = await reader.present(place)
                    assert (cell.revision, cell.entry.body) == (revision, b"%d" % number)
            await callers[0].delete(place, revision)
            for reader in callers:
                assert await reader.cell(place) is None

    @law
    async def test_a_load_never_mixes_two_commits(self, harness: Harness) -> None:
        """P8: A multi-key load never mixes two commits."""
        places = addresses(16)
        async with calling_several(harness, HANDLES) as (writer, *readers):
            await writer.committed(*(Put(at, ABSENT, entry()) for at in places))
            written = asyncio.Event()

            async def read(reader: Caller) -> None:
                while not written.is_set():
                    cells = (await reader.load(*places)).cells.values()
                    writers = {cell.written_by for cell in cells}
                    assert len(writers) == 1, f"one load shows {len(writers)} commits of 16 cells"

            async def write() -> None:
                for number in range(ROUNDS * 2):
                    cells = (await writer.load(*places)).cells
                    body = entry(b"%d" % number)
                    await writer.committed(*(Put(at, cells[at].revision, body) for at in places))
                written.set()

            await asyncio.gather(write(), *(read(reader) for reader in readers))

    @law
    async def test_a_load_shows_what_moves_in_one_place(self, harness: Harness) -> None:
        """P8: What one commit moves from cell to cell is never seen twice or nowhere."""
        places = addresses(8)
        async with calling_several(harness, HANDLES) as (writer, *readers):
            revision = await writer.put(places[0])
            moved = asyncio.Event()

            async def read(reader: Caller) -> None:
                while not moved.is_set():
                    assert len((await reader.load(*places)).cells) == 1

            async def move(revision: Revision) -> None:
                for number in range(ROUNDS * 2):
                    at, to = places[number % 8], places[(number + 1) % 8]
                    answer = await writer.committed(Delete(at, revision), Put(to, ABSENT, entry()))
                    revision = answer.revisions[to]
                moved.set()

            await asyncio.gather(move(revision), *(read(reader) for reader in readers))

    @law
    async def test_crossed_checks_of_absence_admit_no_skew(self, harness: Harness) -> None:
        """P9: Of two that each make one cell where the other's is absent, one wins at most."""
        async with calling_several(harness, HANDLES) as callers:
            for number in range(ROUNDS * 2):
                one, two = address(f"one{number}"), address(f"two{number}")
                crossed: list[list[Write]] = [
                    [Put(one, ABSENT, entry()), Check(two, ABSENT)],
                    [Put(two, ABSENT, entry()), Check(one, ABSENT)],
                ]
                answers = await _race(callers[number % 3 :], crossed)
                assert sum(isinstance(answer, Committed) for answer in answers) <= 1
                assert len((await callers[0].load(one, two)).cells) <= 1, "write skew"

    @law
    async def test_crossed_checks_of_revisions_admit_no_skew(self, harness: Harness) -> None:
        """P9: Of two that each end one cell while the other's stands, one wins at most."""
        async with calling_several(harness, HANDLES) as callers:
            for number in range(ROUNDS * 2):
                one, two = address(f"one{number}"), address(f"two{number}")
                puts = [Put(one, ABSENT, entry()), Put(two, ABSENT, entry())]
                held = (await callers[0].committed(*puts)).revisions
                crossed: list[list[Write]] = [
                    [Delete(one, held[one]), Check(two, held[two])],
                    [Put(two, held[two], entry(b"ended")), Check(one, held[one])],
                ]
                answers = await _race(callers[number % 3 :], crossed)
                assert sum(isinstance(answer, Committed) for answer in answers) <= 1, "write skew"
