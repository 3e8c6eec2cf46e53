"""An actor: one process that has a store open, as far as a test lets it come.

Its requests are served in the caller's own thread, so that a test decides what happens between any
two system calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, TypeVar, cast

from attrs import define, field

from tests.files.scripted_disk import Killed, Script, ScriptedDisk, no_script
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_adapters.files.checkpoint import Checkpoint
from turnkeep_adapters.files.desk import Committing, Moving, Reading, Request, Trimming
from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.session import Session
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.view import View
from turnkeep_adapters.memory.commits import Commit
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.store import (
    ABSENT,
    START,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Expectation,
    Late,
    Put,
    Stale,
    StoredEvent,
)

A = TypeVar("A")

PATH: Final = "/store"
NOON: Final = datetime(2031, 5, 1, 12, tzinfo=UTC)
SCOPE: Final = Scope.of("acme", "ann")
EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
ALL_EVENTS: Final = EventQuery(collections=None, prefix=EVERYBODY)
SMALL: Final = FilesSettings(bucket_segments=3, compaction_bytes=1 << 40)
"""Buckets of three, and no compaction but those that a test asks for."""

_ids = count(1)


def fresh_commit_id() -> CommitId:
    return CommitId(next(_ids).to_bytes(8, "big") + bytes(8))


def address(id: str = "one") -> Address:
    return Address("note", SCOPE, id)


def commit_of(
    at: Address,
    body: bytes = b"body",
    expect: Expectation = ABSENT,
    *,
    valid_until: datetime | None = None,
) -> Commit:
    """A put with an event; events tell later which commits have landed."""
    entry = Entry(body=body, index=Index(state="open", due_at=None, sort=at.id))
    draft = EventDraft(address=at, kind="note.written", at=NOON, body=body)
    return Commit(
        commit_id=fresh_commit_id(),
        writes=(Put(at, expect, entry),),
        events=(draft,),
        valid_until=valid_until,
    )


class InlineLoop:
    """An event loop that does at once what it is told, for whoever has none or runs in one."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=cast("asyncio.AbstractEventLoop", self))

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Any:
        callback(*args)

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Any:
        callback(*args)

    def call_exception_handler(self, context: Any) -> None:
        """An answer that nobody reads is none of its business."""


@define
class Ledger:
    """What processes were told of their commits."""

    landed: list[CommitId] = field(factory=list)
    refused: list[CommitId] = field(factory=list)
    doubtful: list[CommitId] = field(factory=list)


class Actor:
    """One process."""

    def __init__(
        self,
        disk: Disk | SimulatedDisk,
        *,
        path: str = PATH,
        script: Script = no_script,
        settings: FilesSettings = SMALL,
        ledger: Ledger | None = None,
        wall_clock: Callable[[], datetime] = lambda: NOON,
    ) -> None:
        self.disk = ScriptedDisk(disk, script)
        self.ledger = Ledger() if ledger is None else ledger
        self.session = Session.open(
            path,
            disk=self.disk,
            clock=SystemClock(),
            wall_clock=wall_clock,
            settings=settings,
            thread=ThreadPoolExecutor(1),
        )
        self.loop = cast("asyncio.AbstractEventLoop", InlineLoop())

    @property
    def view(self) -> View:
        return self.session.serving.looking.following.view

    # ---- what it does ---------------------------------------------------------------------------

    def commits(self, *commits: Commit) -> list[Committed | Stale | Late | TurnkeepError]:
        """Commits that wait together; their answers, and what was raised."""
        requests = [
            Committing(deadline=None, loop=self.loop, commit=commit, size_bytes=0)
            for commit in commits
        ]
        # Until it is told anything else, a caller knows nothing.
        self.ledger.doubtful += [commit.commit_id for commit in commits]
        self.serve(requests)
        return [self._told(request) for request in requests]

    def commit(self, commit: Commit) -> Committed | Stale | Late | TurnkeepError:
        return self.commits(commit)[0]

    def put(self, id: str, body: bytes = b"body") -> Committed:
        """Writes a cell, whatever is there."""
        at = address(id)
        cell = self.cells(at).get(at)
        answer = self.commit(commit_of(at, body, ABSENT if cell is None else cell.revision))
        assert isinstance(answer, Committed), answer
        return answer

    def cells(self, *places: Address) -> dict:  # type: ignore[type-arg]  # cells by address
        loaded = self.ask(lambda view, now: view.engine.load(places, now))
        return dict(loaded.cells)

    def body(self, id: str) -> bytes | None:
        cell = self.cells(address(id)).get(address(id))
        return None if cell is None else cell.entry.body

    def events(self) -> list[StoredEvent]:
        page = self.ask(
            lambda view, now: view.engine.events(ALL_EVENTS, after=START, limit=100_000)
        )
        assert isinstance(page, EventPage)
        return list(page.events)

    def trim(self, before: Cursor) -> Cursor | CursorLost:
        return self._asked(Trimming(deadline=None, loop=self.loop, before=before))

    def move(self, *, closes: bool = False) -> Checkpoint:
        return self._asked(Moving(deadline=None, loop=self.loop, closes=closes))

    def ask(self, question: Callable[[View, datetime], A]) -> A:
        return self._asked(Reading(deadline=None, loop=self.loop, ask=question))

    def compact(self) -> None:
        """Looks, and compacts what it sees, in this very thread."""
        self.ask(lambda view, now: now)
        self.session.tidying.compaction.compact(self.view.checkpoint())

    def tidied(self) -> None:
        """Waits for a compaction that was started by itself."""
        self.session.tidying.thread.submit(lambda: None).result()

    def scrub(self) -> None:
        first, second = self.move(closes=True), self.move()
        self.session.tidying.scrub(first, second)

    def refusals(self) -> list[TurnkeepError]:
        """What a load, a trim and a move raise, all of which must be refused."""
        refused = []
        for call in (lambda: self.body("any"), lambda: self.trim(START), self.move):
            try:
                call()
            except TurnkeepError as error:
                refused.append(error)
        assert len(refused) == 3, "a call was served that should be refused"
        return refused

    # ---- inside ---------------------------------------------------------------------------------

    def _asked(self, request: Request[A]) -> A:
        self.serve([request])
        return request.answer.result()

    def serve(self, requests: Iterable[Request]) -> None:  # type: ignore[type-arg]  # of any kind
        for request in requests:
            self.session.desk.leave(request)
        try:
            self.session.serving.serve()
        except Killed:
            for request in requests:
                request.answer.cancel()
            raise

    def _told(self, request: Committing) -> Committed | Stale | Late | TurnkeepError:
        own = request.commit.commit_id
        try:
            answer = request.answer.result()
        except OutcomeUnknown as error:
            return error
        except TurnkeepError as error:
            self._move(own, self.ledger.refused)
            return error
        known = isinstance(answer, Committed)
        self._move(own, self.ledger.landed if known else self.ledger.refused)
        return answer

    def _move(self, own: CommitId, to: list[CommitId]) -> None:
        self.ledger.doubtful.remove(own)
        to.append(own)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def audit(disk: Disk | SimulatedDisk, *ledgers: Ledger, path: str = PATH) -> list[StoredEvent]:
    """Fails unless what is stored agrees with all that anybody was told; answers the events."""
    events = Actor(disk, path=path).events()
    stored = [event.commit_id for event in events]
    assert len(set(stored)) == len(stored), "a commit has landed twice"
    for ledger in ledgers:
        lost = [own for own in ledger.landed if own not in stored]
        assert not lost, f"{len(lost)} acknowledged commits are lost"
        told = [own for own in ledger.refused if own in stored]
        assert not told, f"{len(told)} commits are there that were refused"
        order = [own for own in stored if own in ledger.landed]
        assert order == ledger.landed, "acknowledged commits are out of order"
    known = {own for ledger in ledgers for own in (*ledger.landed, *ledger.doubtful)}
    assert not ledgers or set(stored) <= known, "a commit is there that nobody made"
    return events
