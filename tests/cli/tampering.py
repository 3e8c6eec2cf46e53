"""A tampered store: a memory store that breaks one promise, so that a check can be seen to fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from attrs import evolve

from tests.cli.plays import core
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    Cell,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    EventDraft,
    EventPage,
    EventQuery,
    Late,
    Loaded,
    Stale,
    Write,
)


class TamperedStore(MemoryRecordStore):
    """A memory store of its own; it is honest until `tamper` is called."""

    def __init__(self) -> None:
        super().__init__(core=core(), clock=SystemClock())
        self.tampering = False

    def tamper(self) -> None:
        self.tampering = True

    @classmethod
    def at_once(cls) -> Self:
        store = cls()
        store.tamper()
        return store


class LosesOutcomes(TamperedStore):
    """Acknowledges what became of every step and stores none of it."""

    async def commit(  # type: ignore[explicit-override] # typing.override: 3.12
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        if self.tampering and any(draft.kind == "run.effect_settled" for draft in events):
            return Committed({})
        return await super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )


class RemembersTheFirst(TamperedStore):
    """Answers every load with what a cell held first."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[Address, Cell] = {}

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:  # type: ignore[explicit-override] # typing.override: 3.12
        loaded = await super().load(keys, deadline=deadline)
        for address, cell in loaded.cells.items():
            self._first.setdefault(address, cell)
        if not self.tampering:
            return loaded
        return evolve(loaded, cells={address: self._first[address] for address in loaded.cells})


class ForgetsRuns(TamperedStore):
    """Has no ended run any more, as if the last commits had been lost."""

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:  # type: ignore[explicit-override] # typing.override: 3.12
        loaded = await super().load(keys, deadline=deadline)
        if not self.tampering:
            return loaded
        cells = {
            address: cell for address, cell in loaded.cells.items() if address.collection != "run"
        }
        return evolve(loaded, cells=cells)


class ForgetsAccounts(TamperedStore):
    """Has no account any more, as if nobody had ever spent anything."""

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:  # type: ignore[explicit-override] # typing.override: 3.12
        loaded = await super().load(keys, deadline=deadline)
        if not self.tampering:
            return loaded
        cells = {
            address: cell
            for address, cell in loaded.cells.items()
            if address.collection != "budget_account"
        }
        return evolve(loaded, cells=cells)


class DoublesEvents(TamperedStore):
    """Tells every event twice."""

    async def events(  # type: ignore[explicit-override] # typing.override: 3.12
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        page = await super().events(query, after=after, limit=limit, deadline=deadline)
        if isinstance(page, CursorLost) or not self.tampering:
            return page
        return evolve(page, events=tuple(event for event in page.events for _ in range(2)))


class SkipsEvents(TamperedStore):
    """Leaves out every event of a claim."""

    async def events(  # type: ignore[explicit-override] # typing.override: 3.12
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        page = await super().events(query, after=after, limit=limit, deadline=deadline)
        if isinstance(page, CursorLost) or not self.tampering:
            return page
        told = tuple(event for event in page.events if event.kind != "run.claimed")
        return evolve(page, events=told)
