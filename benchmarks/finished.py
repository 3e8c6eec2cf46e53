"""Finished runs: as many as wanted, each with the very cells and events that a real one leaves.

One user's first run is carried out through the service on a store of its own. What that leaves (the
thread's turn state, the run's record, the user's lane, all with their index entries, and the
events) is copied for each further run, with names of its own of the same length, straight through
the store's port: many runs a commit, or a hundred thousand of them would take an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve, frozen

from benchmarks.loss import require_count
from tests.application.turns.invariants import Whole
from turnkeep import Container, Principal, RequestId, RunView, Scope, ScopePrefix, Token
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.ended import RUNS, EndedRun
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.turn import run_id, turn_id
from turnkeep_ports.clock import Deadline
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.store import (
    ABSENT,
    START,
    Cell,
    Committed,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Put,
    RecordStore,
    StoredEvent,
)

RUNS_A_USER: Final = 100
"""A user has one lane, however many runs."""
TOGETHER: Final = 100
"""How many go in one commit."""
COMMIT_SECONDS: Final = 60.0
READ_SECONDS: Final = 300.0
_ASK: Final = RequestId("ask")
_ADA: Final = Principal.person("ada")


@frozen
class Name:
    """The names of one run: all of one length, so that its records have one size."""

    number: int

    @property
    def scope(self) -> Scope:
        """Its thread."""
        user = f"past-{self.number // RUNS_A_USER:06}"
        return Scope.of("acme", user, agent="clerk", thread=f"then-{self.number:08}")

    def spelt(self) -> tuple[bytes, ...]:
        """Each name that its records tell."""
        scope = self.scope
        return tuple(
            str(name).encode()
            for name in (
                scope.user,
                scope.thread,
                run_id(scope, "submit", _ASK),
                turn_id(scope, _ASK),
            )
        )


@frozen(kw_only=True)
class Finished:
    """What the first run has left.

    Attributes:
        cells: All but the lane.
    """

    cells: Sequence[Cell]
    lanes: Sequence[Cell]
    events: Sequence[StoredEvent]

    @classmethod
    async def real(cls) -> Finished:
        """Carries it out."""
        container = Container()
        store = container.store()
        async with store:
            turns = container.keep().turns
            asked = await turns.submit(Name(0).scope, actor=_ADA, request_id=_ASK)
            assert isinstance(asked, RunView)
            found = await turns.claim(holder="worker", token=Token(bytes(16)))
            await turns.complete(found.granted[0].claim)
            deadline = Deadline.after(container.clock(), COMMIT_SECONDS)
            whole = await Whole.read(store, container.codec(), deadline)
        lanes = [cell for cell in whole.cells if cell.address.collection == LANES.name]
        cells = [cell for cell in whole.cells if cell.address.collection != LANES.name]
        require_count("cells of a run", acknowledged=2, found=len(cells))
        require_count("events of a run", acknowledged=3, found=len(whole.stored_events))
        return cls(cells=cells, lanes=lanes, events=whole.stored_events)

    async def fill(self, store: RecordStore, runs: int) -> None:
        """Puts so many into a store that has none."""
        container = Container()
        for begin in range(0, runs, TOGETHER):
            names = [Name(number) for number in range(begin, min(runs, begin + TOGETHER))]
            puts = [put for name in names for put in self._puts(name)]
            drafts = [draft for name in names for draft in self._drafts(name)]
            answer = await store.commit(
                container.ids().commit_id(),
                puts,
                drafts,
                valid_until=None,
                deadline=Deadline.after(container.clock(), COMMIT_SECONDS),
            )
            assert isinstance(answer, Committed)

    async def require_all(self, store: RecordStore, runs: int, lived: int) -> None:
        """All that were put are there, and as many that lived since; each was told three times.

        Raises:
            Lost: Some are not.
            AssertionError: One of the first or the last ones is not as a real one.
        """
        container = Container()
        deadline = Deadline.after(container.clock(), READ_SECONDS)
        everywhere = ScopePrefix(scope=Scope.of(None, None), depth=0)
        told = await _told(store, everywhere, deadline)
        require_count("events", acknowledged=3 * (runs + lived), found=told)
        for name in (Name(0), Name(runs - 1)):
            key = Address(RUNS.name, name.scope, run_id(name.scope, "submit", _ASK))
            cell = (await store.load([key], deadline=deadline)).cells[key]
            ended = container.codec().decode(RUNS, key, cell.entry.body)
            assert isinstance(ended, EndedRun)
            assert ended.run.address == RunAddress(name.scope, RunId(key.id))
            assert ended.run.status is RunStatus.COMPLETED
            assert RUNS.index_of(ended) == cell.entry.index

    def _puts(self, name: Name) -> Iterator[Put]:
        first_of_user = name.number % RUNS_A_USER == 0
        for cell in (*self.cells, *(self.lanes if first_of_user else ())):
            index = evolve(cell.entry.index, sort=_renamed_text(cell.entry.index.sort, name))
            entry = Entry(body=_renamed(cell.entry.body, name), index=index)
            yield Put(_placed(cell.address, name), ABSENT, entry)

    def _drafts(self, name: Name) -> Iterator[EventDraft]:
        for event in self.events:
            yield EventDraft(
                address=_placed(event.address, name),
                kind=event.kind,
                at=event.at,
                body=_renamed(event.body, name),
            )


async def _told(store: RecordStore, prefix: ScopePrefix, deadline: Deadline) -> int:
    query = EventQuery(collections=None, prefix=prefix)
    told, after = 0, START
    while True:
        page = await store.events(query, after=after, limit=PAGE_MAX, deadline=deadline)
        assert isinstance(page, EventPage)
        if page.next == after:
            return told
        told, after = told + len(page.events), page.next


def _renamed(body: bytes, name: Name) -> bytes:
    for old, new in zip(Name(0).spelt(), name.spelt(), strict=True):
        body = body.replace(old, new)
    return body


def _renamed_text(text: str, name: Name) -> str:
    return _renamed(text.encode(), name).decode()


def _placed(address: Address, name: Name) -> Address:
    id = _renamed_text(address.id, name)
    own = address.scope.thread is not None
    scope = name.scope
    return Address(address.collection, scope if own else Scope.of(scope.tenant, scope.user), id)
