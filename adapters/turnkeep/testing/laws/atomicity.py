"""Laws of commits of many writes: all of them happen, or none."""

from __future__ import annotations

from collections.abc import Mapping

from turnkeep.testing.caller import calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import addresses, draft, entry
from turnkeep_domain.keys import Address
from turnkeep_ports.limits import COMMAND_EVENTS_MAX, COMMAND_WRITES_MAX
from turnkeep_ports.store import (
    ABSENT,
    COMMIT_ID_BYTES,
    Cell,
    Check,
    Delete,
    Put,
    Revision,
    Stale,
    Write,
)

PLACES = addresses(COMMAND_WRITES_MAX)
KINDS = 4
NEVER_GIVEN = Revision(bytes(COMMIT_ID_BYTES))
SPOILED = (*range(KINDS), *range(30, 34), *range(len(PLACES) - KINDS, len(PLACES)))
"""Which of the writes is stale: the first, middle and last ones, of each kind."""


def _first_puts() -> list[Put]:
    """Makes all cells but those that the writes below make."""
    return [Put(at, ABSENT, entry(b"1")) for n, at in enumerate(PLACES) if n % KINDS != KINDS - 1]


def _writes(held: Mapping[Address, Cell], *, spoiled: Address | None) -> list[Write]:
    """64 writes of all kinds in turn, all as expected but the spoiled one."""
    writes: list[Write] = []
    for number, at in enumerate(PLACES):
        revision = NEVER_GIVEN if at == spoiled or at not in held else held[at].revision
        kinds: tuple[Write, ...] = (
            Put(at, revision, entry(b"2")),
            Delete(at, revision),
            Check(at, revision),
            Put(at, revision if at == spoiled else ABSENT, entry(b"2")),
        )
        writes.append(kinds[number % KINDS])
    return writes


class AtomicityLaws:
    """What is committed together happens together."""

    @law
    async def test_one_stale_key_among_sixty_four_stops_all(self, harness: Harness) -> None:
        """P2: One stale key among 64 stops all, wherever it stands and whatever it writes."""
        async with calling(harness) as caller:
            await caller.committed(*_first_puts())
            before = (await caller.load(*PLACES)).cells
            for number in SPOILED:
                place = PLACES[number]
                writes = _writes(before, spoiled=place)
                answer = await caller.commit(*writes, events=[draft(place, b"lost")])
                after = (await caller.load(*PLACES)).cells
                assert after == before, f"write {number} was stale, and others happened"
                assert answer == Stale(frozenset({place}), busy=False)
            assert await caller.history() == []

    @law
    async def test_sixty_four_writes_happen_together(self, harness: Harness) -> None:
        """P2: Puts, deletes, checks and events of one commit happen in whole."""
        bodies = [b"%d" % number for number in range(COMMAND_EVENTS_MAX)]
        async with calling(harness) as caller:
            await caller.committed(*_first_puts())
            before = (await caller.load(*PLACES)).cells
            events = [draft(PLACES[0], body) for body in bodies]
            await caller.committed(*_writes(before, spoiled=None), events=events)
            after = (await caller.load(*PLACES)).cells
            put, deleted, checked, made = (PLACES[kind::KINDS] for kind in range(KINDS))
            assert set(after) == {*put, *checked, *made}, "a part of a commit is missing"
            assert not set(deleted) & set(after)
            assert {after[at].entry.body for at in (*put, *made)} == {b"2"}
            assert [after[at] for at in checked] == [before[at] for at in checked]
            assert [event.body for event in await caller.history()] == bodies
