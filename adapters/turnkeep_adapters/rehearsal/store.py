"""A rehearsal store: a store on which everything seems to be written, and nothing is.

Reads go to the store that is rehearsed on; what is committed stays in memory, on top of it, and is
judged as that store would judge it. So whatever works on it does all that it would do in earnest,
and can be asked afterwards. Nothing here can reach a commit, a trim or a scrub of that store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from attrs import define, field

from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import check_commit
from turnkeep_ports.scans import (
    Due,
    InScope,
    Page,
    Place,
    Position,
    Query,
    Sorted,
    place,
    place_of,
    position,
)
from turnkeep_ports.store import (
    ABSENT,
    START,
    Capabilities,
    Cell,
    Check,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Delete,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    Put,
    RecordStore,
    Revision,
    Stale,
    Write,
)

_NUMBER_BYTES: Final = 8


@define(eq=False)
class RehearsalStore:
    """Implements `turnkeep_ports.store.RecordStore` for one task after another, and forgets it all.

    Events that it was told are not in its log. Entering and leaving opens and closes the store
    that is rehearsed on.

    Attributes:
        inner: Is read, and never written to.
        commits: How many commits would have been made.
    """

    inner: RecordStore
    commits: int = field(default=0, init=False)
    _made: dict[Address, Cell | None] = field(factory=dict, init=False)
    _floor: Cursor = field(default=START, init=False)
    _number: int = field(default=0, init=False)

    @property
    def capabilities(self) -> Capabilities:
        """What the store promises that is rehearsed on."""
        return self.inner.capabilities

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """The cells as they would be."""
        loaded = await self.inner.load(tuple(keys), deadline=deadline)
        return Loaded(now=loaded.now, cells=self._seen(loaded.cells, keys))

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Judges a commit, and keeps it to itself."""
        writes = tuple(writes)
        check_commit(commit_id, writes, events, writes_max=self.capabilities.writes_max)
        addresses = [write.address for write in writes]
        loaded = await self.inner.load(addresses, deadline=deadline)
        # From here on nothing is awaited: what is compared is what is changed.
        seen = self._seen(loaded.cells, addresses)
        if valid_until is not None and valid_until <= loaded.now:
            return Late()
        stale = frozenset(write.address for write in writes if not _holds(write, seen))
        if stale:
            return Stale(stale, busy=False)
        self.commits += 1
        return Committed(self._kept(commit_id, writes))

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Cells by their index, where they would be."""
        page = await self.inner.scan(query, after=after, limit=limit, deadline=deadline)
        begin = None if after is None else place_of(query, after)
        end = None if page.next is None else place_of(query, page.next)
        found = {_place(query, cell): cell for cell in page.cells if cell.address not in self._made}
        for cell in self._made.values():
            if cell is not None and _asks_for(query, cell):
                at = _place(query, cell)
                if (begin is None or at > begin) and (end is None or at <= end):
                    found[at] = deepcopy(cell)
        places = sorted(found)
        following = page.next
        if len(places) > limit:
            places = places[:limit]
            following = position(query, places[-1])
        return Page(now=page.now, cells=tuple(found[at] for at in places), next=following)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """The events that there are, after the floor that there would be."""
        begin = self._floor if after == START else after
        return await self.inner.events(query, after=begin, limit=limit, deadline=deadline)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Raises the floor of the rehearsal."""
        if before != START:
            self._floor = before
        return before

    async def scrub(self, *, deadline: Deadline) -> None:
        """Does nothing: nothing was overwritten."""

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits for what others change in earnest."""
        return await self.inner.changed(since, interest=interest, timeout_seconds=timeout_seconds)

    async def __aenter__(self) -> Self:
        """Opens the store that is rehearsed on."""
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes it."""
        await self.inner.__aexit__(kind, error, trace)

    def _seen(self, cells: Mapping[Address, Cell], keys: Sequence[Address]) -> dict[Address, Cell]:
        # Copies, as of every store: whoever tampers with an answer must not reach what is kept.
        every = {
            key: deepcopy(self._made[key]) if key in self._made else cells.get(key) for key in keys
        }
        return {key: cell for key, cell in every.items() if cell is not None}

    def _kept(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        revisions: dict[Address, Revision] = {}
        for write in writes:
            match write:
                case Put(address, _, entry):
                    self._number += 1
                    number = self._number.to_bytes(_NUMBER_BYTES, "big")
                    revisions[address] = Revision(number + commit_id[:_NUMBER_BYTES])
                    self._made[address] = Cell(
                        address=address,
                        entry=deepcopy(entry),
                        revision=revisions[address],
                        written_by=commit_id,
                    )
                case Delete(address):
                    self._made[address] = None
                case Check():
                    pass
        return revisions


def _holds(write: Write, seen: Mapping[Address, Cell]) -> bool:
    cell = seen.get(write.address)
    return (
        cell is None
        if write.expect is ABSENT
        else cell is not None and (cell.revision == write.expect)
    )


def _place(query: Query, cell: Cell) -> Place:
    return place(query, cell.entry.index, key_bytes(cell.address))


def _asks_for(query: Query, cell: Cell) -> bool:
    index = cell.entry.index
    if cell.address.collection != query.collection:
        return False
    match query:
        case Due(states=states, by=by):
            return index.due_at is not None and index.due_at <= by and index.state in states
        case Sorted(prefix=prefix, state=state):
            return state in (None, index.state) and prefix.covers(cell.address.scope)
        case InScope(prefix=prefix):
            return prefix.covers(cell.address.scope)
