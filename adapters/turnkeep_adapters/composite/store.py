"""A composite store: collections on several stores, behind the port of one.

*What is promised* is a store's contract within each mount: a commit, a moment, an order and a clock
are of one mount. *What is not* is anything across them, and nothing is pretended:

* A commit that names records, or events, of two mounts is `Unsupported`, before anything is sent.
* A load over two mounts asks both at once. The cells of one mount are of one moment, which lies
  within the call; those of two are of two. Its `now` is the earlier one, so nobody is told that a
  deadline has come before it has come everywhere. The update loop never decides on such a load.
* Otherwise the clock of the mount that keeps a record tells the time of all that concerns it,
  `valid_until` included. So `now` never decreases per mount; from mount to mount it may.
* Events come without gaps, in each mount's order. The orders of two mounts are not compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeVar

from attrs import define, field

from turnkeep_adapters.composite.event_merge import merged
from turnkeep_adapters.composite.mounts import Mount, Mounts
from turnkeep_adapters.composite.places import joined, parted
from turnkeep_adapters.composite.troubles import asked, end, side_by_side
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable, Unsupported
from turnkeep_ports.limits import check_commit, check_load, check_page
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    START,
    Capabilities,
    Cell,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    RecordStore,
    Stale,
    StoredEvent,
    Write,
)

A = TypeVar("A")

_UNKNOWN: Final = b""
_NOWHERE: Final = Cursor(b"nowhere")
_EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
_ALL_EVENTS: Final = EventQuery(collections=None, prefix=_EVERYBODY)


@define(eq=False, init=False)
class CompositeRecordStore:
    """Several stores as one; entering and leaving it opens and closes them.

    It implements `turnkeep_ports.store.RecordStore`, which documents every operation; the module
    says what it does not promise. What a mount raises names the mount, and what it proves stays.
    """

    _mounts: Mounts = field(repr=False)
    _layout: bytes = field(repr=False)
    _capabilities: Capabilities = field()
    _opened: AsyncExitStack | None = field(repr=False)

    def __init__(self, rest: RecordStore, mounts: Iterable[Mount]) -> None:
        """A closed composite store.

        Args:
            rest: Keeps every collection that no mount names.
            mounts: The others, in any order.

        Raises:
            InvalidValue: They contradict each other.
        """
        self._mounts = Mounts.of(rest, mounts)
        self._layout = self._mounts.layout()
        self._capabilities = self._mounts.capabilities()
        self._opened = None

    @property
    def capabilities(self) -> Capabilities:
        """Of everything the weakest; and what is apart."""
        return self._capabilities

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, all of a mount at one moment; of several mounts, at several."""
        self._require_open()
        addresses = tuple(keys)
        check_load(addresses)
        by_mount: dict[int, list[Address]] = {}
        for address in addresses:
            by_mount.setdefault(self._mounts.number_of(address.collection), []).append(address)
        calls = [
            asked(mount, mount.store.load(some, deadline=deadline))
            for mount, some in ((self._mounts.all[n], some) for n, some in by_mount.items())
        ]
        if len(calls) == 1:
            return await calls[0]
        parts = await side_by_side(calls)
        cells: dict[Address, Cell] = {}
        for part in parts:
            cells |= part.cells
        return Loaded(now=min(part.now for part in parts), cells=cells)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Writes all or nothing, to one mount, judged by its clock.

        Raises:
            Unsupported: It names records, or events, of two; nothing was written.
        """
        self._require_open()
        writes, events = tuple(writes), tuple(events)
        check_commit(commit_id, writes, events, writes_max=self._capabilities.writes_max)
        named = {each.address.collection for each in (*writes, *events)}
        number, *others = self._mounts.numbers_of(named)
        if others:
            names = ", ".join(self._mounts.all[n].name for n in (number, *others))
            raise Unsupported(f"a commit over several mounts ({names}); it must stay on one")
        mount = self._mounts.all[number]
        call = mount.store.commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        return await asked(mount, call)

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells by their index, in the mount that keeps them."""
        self._require_open()
        check_page(limit)
        mount = self._mounts.all[self._mounts.number_of(query.collection)]
        call = mount.store.scan(query, after=after, limit=limit, deadline=deadline)
        return await asked(mount, call)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the logs of the mounts that keep what is asked for, merged.

        A mount of which nothing is asked is not asked, and stays where the cursor says; `START`
        alone asks every mount where it begins. Each page reads up to `limit` events of every mount
        that is asked, and tells `limit` of them.
        """
        self._require_open()
        check_page(limit)
        numbers = self._mounts.numbers_of(query.collections)
        # Floors that are told stay where they are, whatever is trimmed meanwhile.
        places = await self._floors(deadline) if after == START else self._places(after)
        if places is None:
            return await self._lost(deadline)
        pages = await side_by_side(
            self._events(self._mounts.all[n], query, Cursor(places[n]), limit, deadline)
            for n in numbers
        )
        read: dict[int, EventPage] = {}
        for number, page in zip(numbers, pages, strict=True):
            if isinstance(page, CursorLost):
                return await self._lost(deadline)
            read[number] = page
        return merged(read, places, limit=limit, keeps=self._keeps, cursor=self._cursor)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Forgets events, mount after mount; repeated, it goes on where it was cut off.

        Raises:
            OutcomeUnknown: Some mounts have forgotten theirs, and another could not be asked.
        """
        self._require_open()
        places = self._places(before)
        if places is None:
            return await self._lost(deadline)
        floors = await self._one_by_one(
            lambda n: self._mounts.all[n].store.trim(Cursor(places[n]), deadline=deadline)
        )
        if any(isinstance(floor, CursorLost) for floor in floors):
            return await self._lost(deadline)
        return self._cursor([b"" if isinstance(each, CursorLost) else each for each in floors])

    async def scrub(self, *, deadline: Deadline) -> None:
        """Scrubs mount after mount; repeated, it begins anew.

        Raises:
            OutcomeUnknown: Some mounts are scrubbed, and another could not be.
        """
        self._require_open()
        await self._one_by_one(lambda n: self._mounts.all[n].store.scrub(deadline=deadline))

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits for a change of any mount that the interest concerns."""
        self._require_open()
        numbers = self._mounts.numbers_of(None if interest is None else {interest.collection})
        marks = self._marks(since)
        # Of a mount that was of no interest so far it is not known what was missed.
        missed = any(marks[number] == _UNKNOWN for number in numbers)
        waits = {
            number: asyncio.ensure_future(
                self._changed(
                    self._mounts.all[number],
                    None if missed else Mark(marks[number]),
                    interest,
                    timeout_seconds,
                )
            )
            for number in numbers
        }
        try:
            until = asyncio.ALL_COMPLETED if missed else asyncio.FIRST_COMPLETED
            await asyncio.wait(waits.values(), return_when=until)
            for number, wait in waits.items():
                if wait.done():
                    marks[number] = wait.result()
        finally:
            await end(waits.values())
        return Mark(joined(self._layout, marks))

    async def __aenter__(self) -> Self:
        """Opens every mount; if one cannot be opened, none stays open.

        Raises:
            RuntimeError: It is open.
        """
        if self._opened is not None:
            raise RuntimeError("the store is open already")
        async with AsyncExitStack() as stack:
            for mount in self._mounts.all:
                await asked(mount, stack.enter_async_context(mount.store))
            self._opened = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes every mount, though another could not be closed."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(kind, error, trace)

    # ---- marks ----------------------------------------------------------------------------------

    def _marks(self, since: Mark | None) -> list[bytes]:
        """The mark of every mount.

        Raises:
            InvalidValue: It is none of this store.
        """
        if since is None:
            return [_UNKNOWN] * len(self._mounts.all)
        marks = parted(self._layout, since, len(self._mounts.all))
        if marks is None:
            raise InvalidValue("since", "must be a mark of this store")
        return marks

    async def _changed(
        self, mount: Mount, since: Mark | None, interest: Interest | None, seconds: float
    ) -> Mark:
        call = mount.store.changed(since, interest=interest, timeout_seconds=seconds)
        return await asked(mount, call)

    # ---- cursors --------------------------------------------------------------------------------

    def _places(self, cursor: Cursor) -> list[bytes] | None:
        """Where a cursor stands in each mount; None if it is none of this store."""
        if cursor == START:
            return [START] * len(self._mounts.all)
        return parted(self._layout, cursor, len(self._mounts.all))

    def _cursor(self, places: Sequence[bytes]) -> Cursor:
        return Cursor(joined(self._layout, places))

    def _keeps(self, number: int, event: StoredEvent) -> bool:
        """Whether an event is of what its mount keeps here, whatever else is in the mount."""
        return self._mounts.number_of(event.address.collection) == number

    async def _events(
        self, mount: Mount, query: EventQuery, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        call = mount.store.events(query, after=after, limit=limit, deadline=deadline)
        return await asked(mount, call)

    async def _lost(self, deadline: Deadline) -> CursorLost:
        """That a cursor is lost, and where every mount's log begins."""
        return CursorLost(self._cursor(await self._floors(deadline)))

    async def _floors(self, deadline: Deadline) -> list[bytes]:
        mounts = self._mounts.all
        return [*await side_by_side(self._floor(mount, deadline) for mount in mounts)]

    async def _floor(self, mount: Mount, deadline: Deadline) -> Cursor:
        """A mount's floor, as it tells it to whoever is nowhere."""
        try:
            page = await self._events(mount, _ALL_EVENTS, _NOWHERE, 1, deadline)
        except ValueError:
            # It may call a cursor that it never handed out a mistake.
            page = CursorLost(START)
        if isinstance(page, CursorLost) and page.floor != START:
            return page.floor
        floor = await asked(mount, mount.store.trim(START, deadline=deadline))
        return floor.floor if isinstance(floor, CursorLost) else floor

    async def _one_by_one(self, call: Callable[[int], Awaitable[A]]) -> list[A]:
        """What each mount answers; no later one is asked once one could not serve."""
        answers: list[A] = []
        for number, mount in enumerate(self._mounts.all):
            try:
                answers.append(await asked(mount, call(number)))
            except TurnkeepError as error:
                if not answers or isinstance(error, OutcomeUnknown):
                    raise
                raise OutcomeUnknown(
                    f"some mounts have done it, and mount {mount.name} could not be asked"
                ) from error
        return answers

    def _require_open(self) -> None:
        if self._opened is None:
            raise Unavailable("the store is not open", retryable=False)
