"""Broken stores that search wrongly."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Shelf
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope
from turnkeep_ports.clock import Deadline
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Due, InScope, Page, Place, Position, Query, Sorted, position
from turnkeep_ports.store import CommitId, Delete, Revision, Write


@breaks("P12", "keys_are_in_component_order")
class OrdersAsText(ReferenceStore):
    """Sorts keys as the texts in which people write them."""

    def place(self, query: Query, index: Index, address: Address) -> Place:
        at = super().place(query, index, address)
        parts = (*address.scope.components(), address.id)
        return evolve(at, key="/".join(part or "" for part in parts).encode())


@breaks("S1", "all_page_sizes_concatenate_alike")
@breaks("S6", "neither_collation_nor_wildcards_matter")
class CollatesSorts(ReferenceStore):
    """Sorts `sort` and ids as a dictionary does."""

    def place(self, query: Query, index: Index, address: Address) -> Place:
        at = super().place(query, index, address)
        return Place(at.order.lower(), address.id.casefold().encode() + at.key)


@breaks("S6", "neither_collation_nor_wildcards_matter")
class TakesWildcards(ReferenceStore):
    """Takes a state that is a percent sign for any state."""

    def asks_for(self, query: Query, address: Address, index: Index) -> bool:
        if isinstance(query, Sorted) and query.state == "%":
            query = evolve(query, state=index.state)
        return super().asks_for(query, address, index)


@breaks("S1", "a_scan_answers_cells_as_a_load_does")
class ScansTheIndexAlone(ReferenceStore):
    """Answers what the index has, which is not the body."""

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        page = await super().scan(query, after=after, limit=limit, deadline=deadline)
        bare = [evolve(cell, entry=evolve(cell.entry, body=b"")) for cell in page.cells]
        return evolve(page, cells=tuple(bare))


@breaks("S1", "a_scan_sees_earlier_commits_of_every_handle")
class ScansWhatItHasRead(ReferenceStore):
    """Searches the cells that were there when its handle searched first."""

    def __init__(self, shelf: Shelf, wall: Callable[[], datetime]) -> None:
        super().__init__(shelf, wall)
        self.read: set[Address] | None = None

    def indexes(self) -> Iterator[tuple[Address, Index]]:
        if self.read is None:
            self.read = set(self.shelf.rows)
        return ((at, index) for at, index in super().indexes() if at in (self.read or ()))


class KeepsAnIndex(ReferenceStore):
    """Searches an index of its own, which a broken store forgets to keep."""

    index: ClassVar[dict[bytes, dict[Address, Index]]] = {}

    def kept(self) -> dict[Address, Index]:
        return self.index.setdefault(self.shelf.name, {})

    def indexes(self) -> Iterator[tuple[Address, Index]]:
        yield from self.kept().items()

    def keep(self, address: Address) -> None:
        self.kept()[address] = self.shelf.rows[address].index

    def forget(self, address: Address) -> None:
        self.kept().pop(address, None)

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        revisions = super().apply(commit_id, writes)
        for address in revisions:
            self.keep(address)
        for write in writes:
            if isinstance(write, Delete):
                self.forget(write.address)
        return revisions


@breaks("S1", "a_changed_cell_is_found_under_its_new_index")
class StaleIndex(KeepsAnIndex):
    """Finds a cell for ever where it was when it was made."""

    def keep(self, address: Address) -> None:
        self.kept().setdefault(address, self.shelf.rows[address].index)


@breaks("S1", "a_changed_cell_is_found_under_its_new_index")
class LostIndexUpdate(KeepsAnIndex):
    """Keeps its index where the state changes, and forgets to where the due time does."""

    def keep(self, address: Address) -> None:
        now, before = self.shelf.rows[address].index, self.kept().get(address)
        if before is None or before.state != now.state:
            super().keep(address)


@breaks("S1", "a_deleted_cell_is_not_found")
class FindsTheDeleted(KeepsAnIndex):
    """Forgets no cell; one that was made anew is found where the old one was."""

    def keep(self, address: Address) -> None:
        self.kept().setdefault(address, self.shelf.rows[address].index)

    def forget(self, address: Address) -> None:
        pass

    def indexes(self) -> Iterator[tuple[Address, Index]]:
        return ((at, index) for at, index in super().indexes() if at in self.shelf.rows)


def _text(scope: Scope) -> str:
    return "/".join(part or "" for part in scope.components())


@breaks("S4", "a_prefix_excludes_what_only_begins_alike")
class TextPrefix(ReferenceStore):
    """Takes a prefix for the beginning of a text."""

    def asks_for(self, query: Query, address: Address, index: Index) -> bool:
        if not isinstance(query, InScope):
            return super().asks_for(query, address, index)
        fixed = "/".join(part or "" for part in query.prefix.components())
        return _text(address.scope).startswith(fixed)


@breaks("S5", "what_is_due_now_is_due")
class DueOneTickLater(ReferenceStore):
    """Takes the instant itself for not due yet."""

    def asks_for(self, query: Query, address: Address, index: Index) -> bool:
        due_at_once = isinstance(query, Due) and index.due_at == query.by
        return not due_at_once and super().asks_for(query, address, index)


@breaks("S5", "what_has_no_due_time_is_never_due")
class NullIsDue(ReferenceStore):
    """Takes a missing due time for the earliest."""

    def asks_for(self, query: Query, address: Address, index: Index) -> bool:
        if isinstance(query, Due) and index.due_at is None:
            return index.state in query.states
        return super().asks_for(query, address, index)

    def place(self, query: Query, index: Index, address: Address) -> Place:
        if isinstance(query, Due) and index.due_at is None:
            return Place(bytes(8), key_bytes(address))
        return super().place(query, index, address)


@breaks("S2", "ties_across_pages_lose_nothing")
class SkipsTies(ReferenceStore):
    """Continues behind what its last cell was sorted by."""

    def place(self, query: Query, index: Index, address: Address) -> Place:
        at = super().place(query, index, address)
        return at if isinstance(query, InScope) else evolve(at, key=b"")


@breaks("S2", "ties_of_several_scopes_lose_nothing")
class TiesById(ReferenceStore):
    """Tells ties apart by their id alone."""

    def place(self, query: Query, index: Index, address: Address) -> Place:
        return evolve(super().place(query, index, address), key=address.id.encode())


@breaks("S3", "unchanged_cells_appear_once_under_writes")
@breaks("S3", "a_page_ends_behind_a_cell_that_is_gone")
class OffsetPaging(ReferenceStore):
    """Continues behind as many cells as it has answered."""

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        self.require_open(deadline)
        skip = 0 if after is None else int(after)
        found = [address for _, address in self.found(query)]
        answered = found[skip : skip + limit]
        cells = tuple(self.shelf.rows[address].cell(address) for address in answered)
        more = len(found) > skip + limit
        following = Position(b"%d" % (skip + limit)) if more else None
        return Page(now=self.time(), cells=cells, next=following)


@breaks("Port", "the_last_page_says_so")
class FullPagesGoOn(ReferenceStore):
    """Takes a page that is full for one that another follows."""

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        page = await super().scan(query, after=after, limit=limit, deadline=deadline)
        if len(page.cells) < limit:
            return page
        last = page.cells[-1]
        at = self.place(query, last.entry.index, last.address)
        return evolve(page, next=position(query, at))


@breaks("Port", "a_position_of_another_query_is_refused")
class TakesAnyPosition(ReferenceStore):
    """Begins anew where it does not know the position."""

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        try:
            return await super().scan(query, after=after, limit=limit, deadline=deadline)
        except ValueError:
            return await super().scan(query, after=None, limit=limit, deadline=deadline)
