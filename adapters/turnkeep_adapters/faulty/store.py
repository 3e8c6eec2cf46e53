"""A faulty store: a store that follows a script of misfortunes.

It wraps any store, is as good a store as that one while its script is empty, and never claims
more. A test places write B between A's load and A's commit so::

    store = FaultyRecordStore(inner, script=Script.parse("commit#1: hold a"), clock=clock)
    async with store:
        a = asyncio.create_task(write_a(store))
        await store.reached("a")  # A has loaded and decided, and is about to commit
        await write_b(inner)  # a handle beside the wrapper, or the wrapper itself: #1 is spent
        store.release("a")
        await a  # sees what B has written

`hold-after` keeps the answer back instead: the write has landed and its caller does not know.
A commit `land-late 2` is sent to the inner store when the second operation that began after it
has ended, and no cancellation stops it; what is still on its way when the wrapper closes is sent
then. To never land is `lose-before`.

Calls that break a limit are refused before the script is asked. The wrapper itself keeps no
deadline (a stall has none): a caller must hold its own. Waits are on the injected clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from attrs import Factory, define, evolve, field

from turnkeep_adapters.faulty.actions import (
    AnswerBusy,
    AnswerStale,
    CommitAction,
    LandLate,
    LoseAfter,
    LoseBefore,
    Operation,
)
from turnkeep_adapters.faulty.calls import Call, CallRecord
from turnkeep_adapters.faulty.damage import damaged_events, damaged_load, damaged_page
from turnkeep_adapters.faulty.holds import Holds
from turnkeep_adapters.faulty.lateness import CommitOrder, Landing, LateCommits
from turnkeep_adapters.faulty.passage import Passage
from turnkeep_adapters.faulty.progress import Progress
from turnkeep_adapters.faulty.script import Rule, Script
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.limits import check_commit, check_load, check_page
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    Capabilities,
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
    Write,
)

A = TypeVar("A")
Outcome: TypeAlias = Committed | Stale | Late


@define(eq=False)
class FaultyRecordStore:
    """A record store that hands calls on to another, as far as its script lets it.

    It implements `turnkeep_ports.store.RecordStore`, which documents every operation; entering
    and leaving it opens and closes the inner store.

    Attributes:
        inner: The store that is wrapped.
        script: What goes wrong at first; `follow` replaces it.
        clock: On which it delays.
    """

    inner: RecordStore = field()
    script: Script = field(kw_only=True)
    clock: Clock = field(kw_only=True)
    _progress: Progress = field(init=False)
    _holds: Holds = field(factory=Holds, init=False)
    _record: CallRecord = field(factory=CallRecord, init=False)
    _late: LateCommits = field(
        default=Factory(lambda self: LateCommits(self.inner, self.clock), takes_self=True),
        init=False,
    )

    def __attrs_post_init__(self) -> None:
        self.follow(self.script)

    def follow(self, script: Script) -> None:
        """Follows another script from its beginning; calls that suffer the old one go on so."""
        self.script = script
        self._progress = Progress(script)
        self._holds.know(script.holds())

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, in the order in which they began."""
        return self._record.all()

    @property
    def landings(self) -> tuple[Landing, ...]:
        """The late commits that were sent and have ended, in that order."""
        return self._late.all()

    @property
    def unspent(self) -> tuple[Rule, ...]:
        """The rules of the script that no call has met yet."""
        return self._progress.unspent()

    async def reached(self, name: str, *, calls: int = 1) -> None:
        """Returns once as many calls wait at the hold.

        Raises:
            InvalidValue: No script that was followed names the hold.
        """
        await self._holds.reached(name, calls)

    def release(self, name: str) -> None:
        """Lets every call go on that waits at the hold now; later ones are held again.

        Raises:
            InvalidValue: No script that was followed names the hold, or no call waits at it.
        """
        self._holds.release(name)

    @property
    def capabilities(self) -> Capabilities:
        """What the inner store promises; nothing is added."""
        return self.inner.capabilities

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, if the script lets it."""
        asked = tuple(keys)
        check_load(asked)
        return await self._perform(
            Call.of(Operation.LOAD, frozenset(key.collection for key in asked)),
            Passage(lambda: self.inner.load(asked, deadline=deadline), damage=damaged_load),
        )

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Outcome:
        """Writes all or nothing, at once or late, and tells the truth or `OutcomeUnknown`."""
        order = CommitOrder(
            commit_id=commit_id,
            writes=tuple(writes),
            events=tuple(events),
            valid_until=valid_until,
        )
        check_commit(commit_id, order.writes, order.events, writes_max=self.capabilities.writes_max)

        def send() -> Awaitable[Outcome]:
            return order.commit(self.inner, deadline)

        return await self._perform(
            Call.of(Operation.COMMIT, order.collections(), commit_id),
            Passage(send, mislead=lambda action: self._mislead(action, order, send)),
        )

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells, if the script lets it."""
        check_page(limit)
        return await self._perform(
            Call.of(Operation.SCAN, frozenset({query.collection})),
            Passage(
                lambda: self.inner.scan(query, after=after, limit=limit, deadline=deadline),
                damage=damaged_page,
            ),
        )

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the event log, if the script lets it."""
        check_page(limit)
        return await self._perform(
            Call.of(Operation.EVENTS, query.collections),
            Passage(
                lambda: self.inner.events(query, after=after, limit=limit, deadline=deadline),
                damage=damaged_events,
            ),
        )

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Forgets events, if the script lets it."""
        return await self._perform(
            Call.of(Operation.TRIM, None),
            Passage(lambda: self.inner.trim(before, deadline=deadline)),
        )

    async def scrub(self, *, deadline: Deadline) -> None:
        """Makes sure that nothing deleted is left, if the script lets it."""
        await self._perform(
            Call.of(Operation.SCRUB, None),
            Passage(lambda: self.inner.scrub(deadline=deadline)),
        )

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits for a commit, if the script lets it."""
        concerned = None if interest is None else frozenset({interest.collection})
        return await self._perform(
            Call.of(Operation.CHANGED, concerned),
            Passage(
                lambda: self.inner.changed(
                    since, interest=interest, timeout_seconds=timeout_seconds
                )
            ),
        )

    async def __aenter__(self) -> Self:
        """Opens the inner store."""
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Sends the commits that are still on their way, then closes the inner store."""
        try:
            await self._late.finish()
        finally:
            await self.inner.__aexit__(kind, error, trace)

    async def _perform(self, call: Call, passage: Passage[A]) -> A:
        rule = self._progress.rule_for(call.operation, call.collections)
        number = self._record.begin(evolve(call, action=None if rule is None else rule.action))
        due = self._late.operation_begins()
        try:
            answer = await passage.past(rule, self._holds, self.clock)
        except Exception as error:
            self._record.end(number, type(error))
            await self._late.send(due)
            raise
        except BaseException as error:
            # Whoever is cancelled must not be kept waiting for what the network does.
            self._record.end(number, type(error))
            self._late.start(due)
            raise
        self._record.end(number, type(answer))
        await self._late.send(due)
        return answer

    async def _mislead(
        self, action: CommitAction, order: CommitOrder, send: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        match action:
            case AnswerStale():
                return Stale(frozenset({order.first_written()}), busy=False)
            case AnswerBusy():
                return Stale(frozenset(), busy=True)
            case LoseBefore():
                pass
            case LoseAfter():
                # A refusal is lost like any other answer.
                with suppress(TurnkeepError):
                    await send()
            case LandLate(operations):
                self._late.add(order, operations)
        raise OutcomeUnknown("the answer to the commit was lost")
