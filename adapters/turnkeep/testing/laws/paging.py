"""Laws of pages: what does not change is met once, however much changes around it."""

from __future__ import annotations

from datetime import timedelta

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.refusal import refusal
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
from turnkeep_ports.scans import Due, InScope, Position, Query, Sorted
from turnkeep_ports.store import ABSENT, Entry, Put

OPEN = frozenset({"open"})
EXACTLY = ScopePrefix.exactly(SCOPE)
DUE = Due(collection=COLLECTION, states=OPEN, by=NOON + timedelta(days=1))
SORTED = Sorted(collection=COLLECTION, prefix=EXACTLY, state="open")
SORTED_ANY = Sorted(collection=COLLECTION, prefix=EXACTLY, state=None)
IN_SCOPE = InScope(collection=COLLECTION, prefix=EXACTLY)
QUERIES: tuple[Query, ...] = (DUE, SORTED, SORTED_ANY, IN_SCOPE)
FIXED = 40
"""How many cells do not change; they have even numbers."""


def _placed(number: int) -> tuple[Address, Entry]:
    """A cell that stands at its number in the order of each of the queries."""
    value = entry(due_at=NOON + timedelta(seconds=number), sort=f"{number:06d}")
    return address(f"{number:06d}"), value


def _put(number: int) -> Put:
    place, value = _placed(number)
    return Put(place, ABSENT, value)


async def _stir(caller: Caller, at: int) -> None:
    """Makes, moves and ends volatile cells, which have odd numbers, on both sides of a place."""
    for number in (at - 6, at - 2, at + 2, at + 6):
        odd = number | 1
        if not 0 < odd < FIXED * 2:
            continue
        place, value = _placed(odd)
        cell = await caller.cell(place)
        if cell is None:
            await caller.put(place, value)
        elif cell.entry == value:
            _, moved = _placed((odd + FIXED) % (FIXED * 2))
            await caller.put(place, moved, cell.revision)
        else:
            await caller.delete(place, cell.revision)


class PagingLaws:
    """A page continues behind the cell that the one before ended with."""

    @law
    async def test_ties_across_pages_lose_nothing(self, harness: Harness) -> None:
        """S2: Cells that are sorted alike are each found once, in key order."""
        places = addresses(12)
        async with calling(harness) as caller:
            puts = [Put(at, ABSENT, entry(due_at=NOON, sort="tie")) for at in reversed(places)]
            await caller.committed(*puts)
            for query in QUERIES:
                for size in (1, 5, 6, 11, 12, 13):
                    found = [cell.address for cell in await caller.found(query, limit=size)]
                    assert found == places, f"pages of {size}: {query}"

    @law
    async def test_ties_of_several_scopes_lose_nothing(self, harness: Harness) -> None:
        """S2: Where the id ties too, the rest of the key decides."""
        scopes = [Scope.of(tenant, "ada") for tenant in ("a", "ab", "b", "c", "d")]
        places = [address("same", scope=scope) for scope in scopes]
        every = InScope(collection=COLLECTION, prefix=EVERYBODY)
        async with calling(harness) as caller:
            tie = entry(due_at=NOON, sort="tie")
            await caller.committed(*(Put(at, ABSENT, tie) for at in reversed(places)))
            for query in (DUE, every):
                for size in (1, 2, 3):
                    found = [cell.address for cell in await caller.found(query, limit=size)]
                    assert found == places, f"pages of {size}: {query}"

    @law
    async def test_unchanged_cells_appear_once_under_writes(self, harness: Harness) -> None:
        """S3: Unchanged cells appear once under writes, in order."""
        places = [_placed(number * 2)[0] for number in range(FIXED)]
        async with calling(harness) as caller:
            await caller.committed(*(_put(number * 2) for number in range(FIXED)))
            for query in QUERIES:
                seen: list[Address] = []
                page = await caller.page(query, limit=3)
                while True:
                    seen += [cell.address for cell in page.cells]
                    if page.next is None:
                        break
                    await _stir(caller, int(page.cells[-1].entry.index.sort))
                    page = await caller.page(query, after=page.next, limit=3)
                unchanged = [place for place in seen if place in set(places)]
                assert unchanged == places, f"under writes, {type(query).__name__} errs"

    @law
    async def test_a_page_ends_behind_a_cell_that_is_gone(self, harness: Harness) -> None:
        """S3: A page continues although the cell that it ended with was deleted."""
        async with calling(harness) as caller:
            for query in QUERIES:
                fixed = [_placed(number) for number in range(6)]
                for place, value in fixed:
                    cell = await caller.cell(place)
                    await caller.put(place, value, ABSENT if cell is None else cell.revision)
                page = await caller.page(query, limit=2)
                assert page.next is not None
                last = page.cells[-1]
                await caller.delete(last.address, last.revision)
                rest = await caller.found(query, after=page.next, limit=2)
                met = len(page.cells)
                assert [cell.address for cell in rest] == [at for at, _ in fixed[met:]]

    @law
    async def test_the_last_page_says_so(self, harness: Harness) -> None:
        """Port: `next` is None when there is no other page, also where the cells fill the last."""
        async with calling(harness) as caller:
            for query in QUERIES:
                empty = await caller.page(query, limit=3)
                assert (empty.cells, empty.next) == ((), None)
            await caller.committed(*(_put(number) for number in range(6)))
            for query in QUERIES:
                for limit in (1, 3, 6):
                    page = await caller.page(query, limit=limit)
                    while page.next is not None:
                        page = await caller.page(query, after=page.next, limit=limit)
                        assert page.cells, "a page is followed by an empty one"

    @law
    async def test_a_position_of_another_query_is_refused(self, harness: Harness) -> None:
        """Port: `after` is a page's `next` of the same query; any other is a `ValueError`."""
        others: tuple[Query, ...] = (
            *QUERIES,
            Due(collection=COLLECTION, states=frozenset({"shut"}), by=DUE.by),
            Due(collection="another", states=OPEN, by=DUE.by),
            Sorted(collection=COLLECTION, prefix=EXACTLY, state="shut"),
            Sorted(collection=COLLECTION, prefix=ScopePrefix.owner(SCOPE), state="open"),
            InScope(collection=COLLECTION, prefix=EVERYBODY),
        )
        async with calling(harness) as caller:
            await caller.committed(*(_put(number) for number in range(4)))
            for query in QUERIES:
                position = (await caller.page(query, limit=1)).next
                assert position is not None
                for other in others:
                    if other != query:
                        await refusal(
                            ValueError, caller.page(other, after=position), "another query's next"
                        )
                await refusal(ValueError, caller.page(query, after=Position(b"")), "no position")
                cut = Position(position[:4])
                await refusal(ValueError, caller.page(query, after=cut), "half a position")
