"""A course: one update from its first attempt to its end.

The module is long because the steps of one attempt are read together; doubts, verdicts, pacing,
rounds, what is last seen and what a commit is composed of have modules of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar, assert_never

from attrs import define, field, frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.commands import Answer, Command, Concluded, Decided
from turnkeep_application.composition import Composition, compose
from turnkeep_application.doubts import Doubt, permanent_of, traces_of
from turnkeep_application.errors import Contended
from turnkeep_application.last_seen import LastSeen, Recalled
from turnkeep_application.observing import tell_update
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.rounds import Rounds
from turnkeep_application.seats import Alone, Mistake, Seat
from turnkeep_application.store_parts import require_together
from turnkeep_application.verdicts import Failed, Lost, Stored, Unknown, Verdict, commit
from turnkeep_domain.decisions import Changed, Refused, Settled, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.clock import Clock
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.ids import Ids
from turnkeep_ports.observer import Observer, Outcome
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import Check, CommitId, EventDraft, Loaded, RecordStore, Write
from turnkeep_ports.telemetry import Counter

O = TypeVar("O")
R = TypeVar("R")

NEEDS_MAX: Final = 4


@frozen(kw_only=True)
class Means:
    """What the updates of one event loop share.

    Attributes:
        rounds: None where each command goes by itself.
        seen: None where nothing is remembered.
        observer: Is told how each update ends; None for nobody.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    random: Random
    ids: Ids
    pacing: Pacing
    rounds: Rounds | None
    seen: LastSeen | None
    observer: Observer | None = field(default=None)


@define(kw_only=True)
class Course(Generic[O, R]):
    """One run of the loop: the command, and what its attempts have learned.

    Steps answer None for: again.

    Attributes:
        fresh: Whether decisions rest on loads alone, and no longer on what was last seen.
        misremembered: Whether the last attempt was lost for what was last seen: no race to pause
            after.
        seat: Where it waits for others, or lets others wait.
        stored: Whether what it decided is known to be stored.
    """

    means: Means
    command: Command[O, R]
    attempts: int = 0
    fresh: bool = field(init=False)
    seat: Seat | None = field(init=False)
    tidy: Answer[O, R] | None = None
    cause: Unavailable | None = None
    doubtful: Exception | None = None
    misremembered: bool = False
    closing: bool = False
    stored: bool = False

    def __attrs_post_init__(self) -> None:
        command, rounds = self.command, self.means.rounds
        # Nothing checks a hint, so what it shows must have been loaded.
        remembers = self.means.seen is not None and self.means.pacing.attempts_max > 1
        self.fresh = not remembers or bool(command.hints) or command.prepare is not None
        self.seat = None if rounds is None else Seat(command, rounds.arrives())

    async def run(self) -> O | Refused[R]:
        """As `Updates.update` promises."""
        observer = self.means.observer
        if observer is None:
            return (await self._answered()).value
        outcome = Outcome.FAILED
        events: tuple[Event, ...] = ()
        try:
            answer = await self._answered()
            outcome = self._outcome(answer)
            events = answer.events if self.stored else ()
        except asyncio.CancelledError:
            outcome = Outcome.CANCELLED
            raise
        finally:
            collection = self.command.tally.collection
            tell_update(observer, collection, outcome, attempts=self.attempts, events=events)
        return answer.value

    def _outcome(self, answer: Answer[O, R]) -> Outcome:
        if isinstance(answer.value, Refused):
            return Outcome.REFUSED
        return Outcome.CHANGED if self.stored else Outcome.UNCHANGED

    async def _answered(self) -> Answer[O, R]:
        self.command.tally.count(Counter.UPDATES)
        with self.command.doubts.honest():
            return await self._attempts()

    async def _attempts(self) -> Answer[O, R]:
        attempts_max = self.means.pacing.attempts_max
        while self.attempts < attempts_max and self._may_commit():
            self.attempts += 1
            self.command.tally.count(Counter.ATTEMPTS)
            answer = await self._attempt()
            if answer is not None:
                return answer
            self.fresh = True
            if self.attempts < attempts_max and not self.misremembered:
                await self._pause()
            self.misremembered = False
        return await self._end()

    async def _attempt(self) -> Answer[O, R] | None:
        try:
            return await self._carry_out(await self._decide())
        finally:
            if self.seat is not None and self.means.rounds is not None:
                self.means.rounds.leave(self.seat)

    # ---- load and decide ------------------------------------------------------------------------

    async def _decide(self) -> Decided[O, R] | Concluded[O, R] | Answer[O, R] | None:
        """A decision on fresh records; its conclusion; or the answer of a doubt that landed."""
        keys = self.command.keys
        for _ in range(NEEDS_MAX + 1):
            reply = await self._reply(keys)
            if isinstance(reply, Recalled):
                reply = self._decided_as_recalled(reply, keys) or await self._load(keys)
            if isinstance(reply, Loaded):
                reply = self._decided(reply, keys)
            if not isinstance(reply, Need):
                return reply
            require_together(
                self.means.store.capabilities, [key.collection.name for key in (*keys, *reply.keys)]
            )
            # One that was only hinted at is further, too: it is to be checked from now on.
            further = tuple(dict.fromkeys(key for key in reply.keys if key not in keys))
            keys = (*keys, *further)
            if not further:
                raise RuntimeError("a decision needs keys again that it has")
        # What it rests on moves faster than it can be loaded: that is a race like any other.
        self.command.tally.count(Counter.CONFLICTS)
        return None

    async def _reply(
        self, keys: tuple[ReadKey[object], ...]
    ) -> Loaded | Recalled | Decided[O, R] | Concluded[O, R] | Answer[O, R] | Need | None:
        """How far others have brought the attempt; what it knows by itself where nobody has."""
        rounds, seat = self.means.rounds, self.seat
        if rounds is None or seat is None or self.closing:
            return self._recalled(keys) or await self._load(keys)
        if rounds.begin(seat, keys, first=self.attempts == 1):
            return self._recalled(keys) or await self._load(keys)
        reply = await rounds.reply(seat)
        match reply:
            case Alone.ALONE:
                return await self._load(keys)
            case Mistake(error):
                raise error
            case Lost(counter, cause):
                self.command.tally.count(counter)
                self.cause = cause
                return None
            case _:
                return reply

    def _recalled(self, keys: tuple[ReadKey[object], ...]) -> Recalled | None:
        if self.fresh or self.means.seen is None:
            return None
        return self.means.seen.recall(keys)

    def _decided_as_recalled(
        self, recalled: Recalled, keys: tuple[ReadKey[object], ...]
    ) -> Decided[O, R] | Need | None:
        """A decision that is to be stored; None where only a load can tell."""
        loaded, before = recalled.loaded, recalled.records
        try:
            decision = self.command.decide(before, loaded.now)
        except Exception:  # noqa: BLE001 - records of several moments may fit together badly
            decision = None
        if isinstance(decision, Need):
            return decision
        self.fresh = True
        if not isinstance(decision, Changed):
            return None
        return Decided(loaded=loaded, keys=keys, before=before, decision=decision, recalled=True)

    async def _load(self, keys: Sequence[ReadKey[object]]) -> Loaded | None:
        self.fresh = True
        deadline = self.command.deadline
        try:
            addresses = tuple(self.command.addresses(keys))
            return await bounded(self.means.store.load(addresses, deadline=deadline), deadline)
        except DeadlinePassed:
            self.cause = Unavailable("it did not answer before the deadline")
        except Unavailable as error:
            if not error.retryable:
                raise
            self.cause = error
        self.command.tally.count(Counter.UNAVAILABLE)
        return None

    def _decided(
        self, loaded: Loaded, keys: tuple[ReadKey[object], ...]
    ) -> Decided[O, R] | Answer[O, R] | Need:
        doubts = self.command.doubts
        landed = doubts.resolve(loaded.cells)
        if landed is not None:
            return landed.answer
        before = self._records(keys, loaded)
        decision = self.command.decide(before, loaded.now)
        if isinstance(decision, Need):
            return decision
        doubts.judge(before)
        return Decided(loaded=loaded, keys=keys, before=before, decision=decision)

    def _records(self, keys: Sequence[ReadKey[object]], loaded: Loaded) -> Records:
        held: dict[Address, object | None] = {}
        shown = self.command.shown(keys)
        decode = self.means.codec.decode
        for key in shown:
            cell = loaded.cells.get(key.address)
            held[key.address] = cell and decode(key.collection, key.address, cell.entry.body)
        if self.means.seen is not None:
            self.means.seen.note(loaded, shown, held)
        return Records(held)

    # ---- carry the decision out -----------------------------------------------------------------

    async def _carry_out(
        self, decided: Decided[O, R] | Concluded[O, R] | Answer[O, R] | None
    ) -> Answer[O, R] | None:
        match decided:
            case Decided():
                return await self._store_or_believe(decided)
            case Concluded():
                return self._conclude(decided)
            case Answer():
                self.stored = True  # a doubt that landed
                return decided
            case None:
                return None
        assert_never(decided)

    async def _store_or_believe(self, decided: Decided[O, R]) -> Answer[O, R] | None:
        self.tidy = None
        decision = decided.decision
        match decision:
            case Unchanged(outcome):
                return await self._believe(Answer(outcome), decided)
            case Refused():
                return await self._believe(Answer(decision), decided)
            case Changed(_, outcome, events):
                return await self._store(Answer(outcome, tuple(events)), decided, decision)
            case Settled(_, reason, events):
                answer: Answer[O, R] = Answer(Refused(reason), tuple(events))
                self.tidy = answer if decision.tidy else None
                return await self._store(answer, decided, decision)
        assert_never(decision)

    def _conclude(self, concluded: Concluded[O, R]) -> Answer[O, R] | None:
        """What follows from a commit that was shared with others."""
        answer = concluded.answer
        self.tidy = answer if concluded.tidy else None
        if concluded.doubt is not None:
            self.command.doubts.add(concluded.doubt)
        if isinstance(concluded.verdict, Stored):
            self.stored = concluded.changes
            if not concluded.changes:
                self.command.tally.count(Counter.NO_OPS)
        return self._concluded(answer, concluded.verdict)

    async def _believe(self, answer: Answer[O, R], decided: Decided[O, R]) -> Answer[O, R] | None:
        """The answer of a decision that stores nothing, once no doubt can make it untrue."""
        doubts = self.command.doubts
        if not doubts:
            self.command.tally.count(Counter.NO_OPS)
            return answer
        fences = doubts.fenced((), decided.loaded.cells)
        if fences is None or not self._in_time():
            return None
        self.command.tally.count(Counter.FENCES)
        commit_id = self.means.ids.commit_id()
        verdict = await self._commit(commit_id, fences, ())
        self._learn(decided, commit_id, fences, Records({}), verdict)
        return self._concluded(answer, verdict)

    async def _store(
        self,
        answer: Answer[O, R],
        decided: Decided[O, R],
        decision: Changed[Records, O] | Settled[Records, R],
    ) -> Answer[O, R] | None:
        """The answer of a decision, once its change is stored."""
        if not self._in_time():
            return None
        after = decided.prepared
        if after is None:
            prepare = self.command.prepare
            after = decision.state if prepare is None else prepare(decision.state)
        composition = self._composed(decided, after, decision.events)
        if composition is None or (composition.is_empty and decided.recalled):
            # Only a commit that wins proves what was last seen.
            return await self._carry_out(await self._decide())
        if composition.is_empty:
            return await self._believe(answer, decided)
        writes = self.command.doubts.fenced(composition.writes, decided.loaded.cells)
        if writes is None:
            return None
        commit_id = self.means.ids.commit_id()
        until = decision.valid_until if isinstance(decision, Changed) else None
        verdict = await self._commit(commit_id, writes, composition.events, until)
        self._learn(decided, commit_id, writes, after, verdict)
        self.stored = isinstance(verdict, Stored)
        if isinstance(verdict, Unknown):
            self.command.doubts.add(self._doubt(decided, commit_id, writes, after, answer))
        if isinstance(verdict, Failed) and decided.recalled:
            return None
        return self._concluded(answer, verdict)

    def _composed(
        self, decided: Decided[O, R], after: Records, events: Sequence[Event]
    ) -> Composition | None:
        """The commit of a decision; None where it breaks a limit on what was last seen."""
        try:
            return compose(
                after,
                events,
                cells=decided.loaded.cells,
                checked=[key.address for key in decided.keys],
                codec=self.means.codec,
            )
        except Exception:
            if decided.recalled:
                return None
            raise

    def _doubt(
        self,
        decided: Decided[O, R],
        commit_id: CommitId,
        writes: Sequence[Write],
        after: Records,
        answer: Answer[O, R],
    ) -> Doubt[Answer[O, R]]:
        return Doubt(
            commit_id=commit_id,
            expectations={write.address: write.expect for write in writes},
            written=frozenset(w.address for w in writes if not isinstance(w, Check)),
            permanent=permanent_of(decided.keys),
            traces=traces_of(decided.before, after),
            answer=answer,
            tidy=self.tidy is not None,
        )

    async def _commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        valid_until: datetime | None = None,
    ) -> Verdict:
        deadline = self.command.deadline.earlier(self.means.pacing.reserve_seconds)
        return await commit(
            self.means.store, commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )

    def _learn(
        self,
        decided: Decided[O, R],
        commit_id: CommitId,
        writes: Sequence[Write],
        after: Records,
        verdict: Verdict,
    ) -> None:
        if self.means.seen is not None:
            self.means.seen.learn(commit_id, writes, after.written(), verdict)
        if decided.recalled:
            self.command.tally.count(Counter.RECALLED)
            races = isinstance(verdict, Lost) and verdict.cause is None
            self.misremembered = races or isinstance(verdict, Failed)

    def _concluded(self, answer: Answer[O, R], verdict: Verdict) -> Answer[O, R] | None:
        match verdict:
            case Stored():
                self.command.doubts.end()
                return answer
            case Lost(counter=counter, cause=cause):
                self.command.tally.count(counter)
                self.cause = cause
                return None
            case Unknown(cause=doubtful):
                self.doubtful = doubtful
                self.cause = None
                return None
            case Failed(error=error):
                if self.tidy is not None and not self.command.doubts.more_than_tidy:
                    return self.tidy
                raise error
        assert_never(verdict)

    # ---- pause and end --------------------------------------------------------------------------

    def _may_commit(self) -> bool:
        if self.closing:
            return False
        return self.command.deadline.remaining_seconds() > self.means.pacing.reserve_seconds

    def _in_time(self) -> bool:
        if self._may_commit():
            return True
        if not self.closing:
            self.cause = Unavailable("it answered too late for a commit")
        return False

    async def _pause(self) -> None:
        pacing, clock = self.means.pacing, self.means.clock
        left = self.command.deadline.earlier(pacing.reserve_seconds).remaining_seconds()
        seconds = min(pacing.pause_seconds(self.attempts - 1, self.means.random), left)
        began = clock.monotonic()
        if self.means.rounds is None:
            await clock.sleep(seconds)
        else:
            lightly = self.cause is None and not self.command.doubts
            await self.means.rounds.rest(self.command.keys, seconds, lightly=lightly)
        paused = clock.monotonic() - began
        self.command.tally.count(Counter.PAUSED_MS, round(paused * 1_000))

    async def _end(self) -> Answer[O, R]:
        """The honest end of an update that ran out of attempts or time."""
        self.closing = True
        if self.command.doubts:
            answer = await self._carry_out(await self._decide())
            if answer is not None:
                return answer
        self.command.tally.count(Counter.EXHAUSTED)
        if self.command.doubts.more_than_tidy:
            raise self.command.doubts.unresolved() from self.doubtful
        if self.tidy is not None:
            return self.tidy
        if self.cause is not None:
            raise self.cause
        raise Contended(self.attempts, self.command.keys[0].address)
