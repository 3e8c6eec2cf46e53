"""Laws of scans: each finds, in its order, the cells that its query asks for, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.population import answer, population, queries
from turnkeep.testing.specimens import (
    COLLECTION,
    EVERYBODY,
    NOON,
    SCOPE,
    address,
    addresses,
    entry,
)
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.scans import Due, InScope, Query, Sorted
from turnkeep_ports.store import ABSENT, Entry, Put

PAGE_SIZES = (1, 2, 7, 500)
EVERYTHING = InScope(collection=COLLECTION, prefix=EVERYBODY)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
TEXTS = (
    *("a", "A", "b", "B", "%", "_", "a%", "a_", "ab", "a b", "a-b", "a.b", "*", "\\", "'", '"'),
    *("10", "9", "z", "Z", "~", "\u00e4", "\u00c4", "\u00e9", "\u00df", "\u0131", "\uffee"),
    *("\U00010000", "\U0001f600"),
)


def due(by: datetime, *states: str) -> Due:
    """A scan of due cells in some states, `open` unless named."""
    return Due(collection=COLLECTION, states=frozenset(states or {"open"}), by=by)


def sorted_in(state: str | None, scope: Scope = SCOPE) -> Sorted:
    """A scan of one exact scope by `sort`."""
    return Sorted(collection=COLLECTION, prefix=ScopePrefix.exactly(scope), state=state)


async def _expect_found(caller: Caller, query: Query, *places: Address) -> None:
    found = [cell.address for cell in await caller.found(query)]
    assert found == list(places), f"{type(query).__name__} finds other cells"


async def _expect_under(caller: Caller, place: Address, held: Entry) -> None:
    """Fails unless scans find a cell under its present index, and with it."""
    at = held.index.due_at
    assert at is not None
    found = await caller.found(due(at, held.index.state))
    assert [(cell.address, cell.entry) for cell in found] == [(place, held)]
    assert await caller.found(due(at - TICK, held.index.state)) == []
    await _expect_found(caller, sorted_in(held.index.state), place)


class ScanLaws:
    """Scans search the index that cells carry now."""

    @law
    async def test_all_page_sizes_concatenate_alike(self, harness: Harness) -> None:
        """S1: Every query finds its cells in its order, whatever the page size."""
        cells = population()
        async with calling(harness) as caller:
            places = list(cells)
            for begin in range(0, len(places), 60):
                some = places[begin : begin + 60]
                await caller.committed(*(Put(at, ABSENT, cells[at]) for at in some))
            for query in queries():
                expected = answer(query, cells)
                for size in PAGE_SIZES:
                    found = await caller.found(query, limit=size)
                    assert [cell.address for cell in found] == expected, f"pages of {size}: {query}"
                    assert all(cell.entry == cells[cell.address] for cell in found)

    @law
    async def test_a_scan_answers_cells_as_a_load_does(self, harness: Harness) -> None:
        """S1: A scanned cell has its entry, revision and writer."""
        (place,) = addresses(1)
        async with calling(harness) as caller:
            await caller.put(place, entry(b"held", due_at=NOON, sort="s"))
            cell = await caller.present(place)
            for query in (due(NOON), sorted_in("open"), sorted_in(None), EVERYTHING):
                assert await caller.found(query) == [cell]

    @law
    async def test_a_scan_sees_earlier_commits_of_every_handle(self, harness: Harness) -> None:
        """S1: A scan sees every earlier commit, whichever handle made it."""
        async with calling_several(harness, 2) as (writer, reader):
            for number, place in enumerate(addresses(10), start=1):
                await writer.put(place, entry(due_at=NOON, sort="s"))
                for query in (due(NOON), sorted_in("open"), EVERYTHING):
                    assert len(await reader.found(query)) == number

    @law
    async def test_a_changed_cell_is_found_under_its_new_index(self, harness: Harness) -> None:
        """S1: A cell whose state, due time or sort changed is found there, and only there."""
        (place,) = addresses(1)
        helds = [
            entry(b"1", state="open", due_at=NOON, sort="m"),
            entry(b"2", state="shut", due_at=NOON, sort="m"),
            entry(b"3", state="shut", due_at=NOON + MINUTE, sort="m"),
            entry(b"4", state="shut", due_at=NOON - MINUTE, sort="z"),
            entry(b"5", state="open", due_at=NOON, sort="a"),
        ]
        async with calling(harness) as caller:
            await caller.put(address("fixed"), entry(state="fixed", due_at=NOON, sort="n"))
            revision = await caller.put(place, helds[0])
            for before, after in pairwise(helds):
                revision = await caller.put(place, after, revision)
                await _expect_under(caller, place, after)
                if before.index.state != after.index.state:
                    await _expect_found(caller, sorted_in(before.index.state))
                    await _expect_found(caller, due(NOON + MINUTE, before.index.state))
                by_sort = [place, address("fixed")]
                by_sort.sort(key=lambda at: after.index.sort if at == place else "n")
                await _expect_found(caller, sorted_in(None), *by_sort)

    @law
    async def test_a_deleted_cell_is_not_found(self, harness: Harness) -> None:
        """S1: A deleted cell is in no scan; made anew, it is found as it is now."""
        (place,) = addresses(1)
        every = (due(NOON), sorted_in("open"), sorted_in(None), EVERYTHING)
        async with calling(harness) as caller:
            await caller.delete(place, await caller.put(place, entry(due_at=NOON, sort="s")))
            for query in every:
                await _expect_found(caller, query)
            await caller.put(place, entry(state="shut"))
            for query in every[:2]:
                await _expect_found(caller, query)
            for query in every[2:]:
                await _expect_found(caller, query, place)

    @law
    async def test_a_prefix_excludes_what_only_begins_alike(self, harness: Harness) -> None:
        """S4: Prefix `a` excludes `ab`, in every component."""
        names = ("tenant", "user", "agent", "project", "mission", "thread")
        exact = dict.fromkeys(names, "a")
        async with calling(harness) as caller:
            for depth in range(1, len(names) + 1):
                longer = {**exact, names[depth - 1]: "ab"}
                await caller.put(address(f"{depth}", scope=_scope(**longer)))
            inside = address("inside", scope=_scope(**exact))
            await caller.put(inside)
            for depth in range(1, len(names) + 1):
                prefix = ScopePrefix(scope=inside.scope, depth=depth)
                found = await caller.found(InScope(collection=COLLECTION, prefix=prefix))
                covered = [cell.address.id for cell in found]
                assert set(covered) == {"inside", *(f"{n}" for n in range(depth + 1, 7))}
            await caller.put(address("x", collection="specimen2", scope=inside.scope))
            await _expect_found(caller, sorted_in("open", inside.scope), inside)

    @law
    async def test_what_is_due_now_is_due(self, harness: Harness) -> None:
        """S5: `due_at` = now is due, and a microsecond later is not."""
        early, now, late = addresses(3)
        async with calling(harness) as caller:
            await caller.put(late, entry(due_at=NOON + TICK))
            await caller.put(now, entry(due_at=NOON))
            await caller.put(early, entry(due_at=NOON - TICK))
            await _expect_found(caller, due(NOON), early, now)
            await _expect_found(caller, due(NOON - TICK), early)
            await _expect_found(caller, due(NOON - 2 * TICK))

    @law
    async def test_what_has_no_due_time_is_never_due(self, harness: Harness) -> None:
        """S5: A cell without `due_at` is never due."""
        never, always = addresses(2)
        async with calling(harness) as caller:
            await caller.put(never, entry())
            await caller.put(always, entry(due_at=NOON.replace(year=1)))
            await _expect_found(caller, due(NOON.replace(year=9999)), always)

    @law
    async def test_neither_collation_nor_wildcards_matter(self, harness: Harness) -> None:
        """S6: Neither collation nor `%` matters: states, sorts and ids are bytes."""
        in_bytes = sorted(TEXTS, key=str.encode)
        ids = {text: address(text) for text in TEXTS}
        numbered = {text: f"{n:02d}" for n, text in enumerate(reversed(TEXTS))}
        async with calling(harness) as caller:
            for text in TEXTS:
                await caller.put(ids[text])
                place = address(numbered[text], scope=Scope.of("acme", "sorts"))
                await caller.put(place, entry(sort=text))
                place = address(numbered[text], scope=Scope.of("acme", "states"))
                await caller.put(place, entry(state=text, due_at=NOON))
            prefix = ScopePrefix.exactly(SCOPE)
            by_id = await caller.found(InScope(collection=COLLECTION, prefix=prefix), limit=5)
            assert [cell.address.id for cell in by_id] == in_bytes
            by_sort = await caller.found(sorted_in(None, Scope.of("acme", "sorts")), limit=5)
            assert [cell.entry.index.sort for cell in by_sort] == in_bytes
            for text in TEXTS:
                for query in (due(NOON, text), sorted_in(text, Scope.of("acme", "states"))):
                    found = await caller.found(query)
                    assert [cell.entry.index.state for cell in found] == [text]


def _scope(*, tenant: str, user: str, **rest: str) -> Scope:
    return Scope.of(tenant, user, **rest)
