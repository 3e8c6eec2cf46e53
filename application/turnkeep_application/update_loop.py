"""The update loop: load, decide, commit; again while races are lost; never a false answer.

One implementation for every service and every store. It holds no lock across I/O, makes at most
`Pacing.attempts_max` attempts under one deadline, and knows what became of each commit:

* A commit of unknown fate stays a *doubt*. Each later load is asked about it: a cell that carries
  its commit id proves that it landed; an expected revision that is gone proves that it never will.
* While a doubt is open, no answer that stores nothing is believed: the doubt is *fenced* first, by
  putting back a cell's own bytes at the revision that the doubt expects.
* A commit that follows a doubt ends it in the same write, so that no command applies twice.

The module is long because the steps of one attempt are read together; doubts, verdicts, pacing and
what a commit is composed of have modules of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar, assert_never
from weakref import WeakKeyDictionary

from attrs import define, field, frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.capable import require_capable
from turnkeep_application.commands import Answer, Command, Concluded, Decided
from turnkeep_application.composition import compose
from turnkeep_application.doubts import Doubt, Doubts, permanent_of, traces_of
from turnkeep_application.errors import Contended
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.rounds import Rounds
from turnkeep_application.seats import Alone, Mistake, Seat
from turnkeep_application.tally import Tally
from turnkeep_application.updates import Decide, Prepare
from turnkeep_application.verdicts import Failed, Lost, Stored, Unknown, Verdict, commit
from turnkeep_domain.decisions import Changed, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import Check, CommitId, EventDraft, Loaded, RecordStore, Write
from turnkeep_ports.telemetry import Counter, Telemetry

O = TypeVar("O")
R = TypeVar("R")

NEEDS_MAX: Final = 4


@frozen(kw_only=True)
class UpdateLoop:
    """The implementation of `Updates` over a record store.

    Raises:
        Unsupported: The store does not commit over several cells, all or nothing.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    random: Random
    ids: Ids
    telemetry: Telemetry
    pacing: Pacing = field(factory=Pacing)
    rounds: RoundSettings = field(factory=RoundSettings)
    _rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, Rounds] = field(
        factory=WeakKeyDictionary, init=False, eq=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        require_capable(self.store)

    async def update(
        self,
        keys: Sequence[ReadKey[object]],
        decide: Decide[O, R],
        *,
        hints: Sequence[ReadKey[object]] = (),
        prepare: Prepare | None = None,
    ) -> O | Refused[R]:
        """As `Updates.update` promises."""
        require_capable(self.store)
        if not keys:
            raise InvalidValue("keys", "must name one cell at least")
        tally = Tally(self.telemetry, keys[0].collection.name)
        command = Command(
            keys=tuple(keys),
            hints=tuple(hints),
            decide=decide,
            prepare=prepare,
            deadline=Deadline.after(self.clock, self.pacing.deadline_seconds),
            tally=tally,
            doubts=Doubts(tally),
        )
        rounds = self._rounds_here() if self.rounds.together else None
        return await _Update(loop=self, command=command, rounds=rounds).run()

    def _rounds_here(self) -> Rounds:
        """The rounds of the running event loop: what waits in one cannot be woken from another."""
        here = asyncio.get_running_loop()
        rounds = self._rounds.get(here)
        if rounds is None:
            rounds = self._rounds[here] = Rounds(
                store=self.store,
                codec=self.codec,
                clock=self.clock,
                ids=self.ids,
                settings=self.rounds,
                reserve_seconds=self.pacing.reserve_seconds,
            )
        return rounds


@define(kw_only=True)
class _Update(Generic[O, R]):
    """One run of the loop: the command, and what its attempts have learned.

    Steps answer None for: again.
    """

    loop: UpdateLoop
    command: Command[O, R]
    rounds: Rounds | None
    attempts: int = 0
    arrival: int = 0
    tidy: Answer[O, R] | None = None
    cause: Unavailable | None = None
    doubtful: Exception | None = None
    closing: bool = False

    async def run(self) -> O | Refused[R]:
        self.command.tally.count(Counter.UPDATES)
        with self.command.doubts.honest():
            return await self._attempts()

    async def _attempts(self) -> O | Refused[R]:
        attempts_max = self.loop.pacing.attempts_max
        while self.attempts < attempts_max and self._may_commit():
            self.attempts += 1
            self.command.tally.count(Counter.ATTEMPTS)
            answer = await self._attempt()
            if answer is not None:
                return answer.value
            if self.attempts < attempts_max:
                await self._pause()
        return await self._end()

    async def _attempt(self) -> Answer[O, R] | None:
        if self.rounds is None:
            return await self._carry_out(await self._decide(None))
        if not self.arrival:
            self.arrival = self.rounds.arrives()
        seat = Seat(self.command, self.arrival)
        try:
            return await self._carry_out(await self._decide(seat))
        finally:
            self.rounds.leave(seat)

    # ---- load and decide ------------------------------------------------------------------------

    async def _decide(
        self, seat: Seat | None
    ) -> Decided[O, R] | Concluded[O, R] | Answer[O, R] | None:
        """A decision on fresh records; its conclusion; or the answer of a doubt that landed."""
        keys = self.command.keys
        for _ in range(NEEDS_MAX + 1):
            reply = await self._reply(seat, keys)
            if isinstance(reply, Loaded):
                reply = self._decided(reply, keys)
            if not isinstance(reply, Need):
                return reply
            # One that was only hinted at is further, too: it is to be checked from now on.
            further = tuple(dict.fromkeys(key for key in reply.keys if key not in keys))
            keys = (*keys, *further)
            if not further:
                break
        raise RuntimeError(f"a decision needs keys again, or more than {NEEDS_MAX} times")

    async def _reply(
        self, seat: Seat | None, keys: tuple[ReadKey[object], ...]
    ) -> Loaded | Decided[O, R] | Concluded[O, R] | Answer[O, R] | Need | None:
        """How far others have brought the attempt; what it loads by itself where nobody has."""
        if (
            seat is None
            or self.rounds is None
            or self.rounds.begin(seat, keys, first=self.attempts == 1)
        ):
            return await self._load(keys)
        reply = await self.rounds.reply(seat)
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

    async def _load(self, keys: Sequence[ReadKey[object]]) -> Loaded | None:
        deadline = self.command.deadline
        try:
            addresses = tuple(self.command.addresses(keys))
            return await bounded(self.loop.store.load(addresses, deadline=deadline), deadline)
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
        for key in self.command.shown(keys):
            cell = loaded.cells.get(key.address)
            decode = self.loop.codec.decode
            held[key.address] = cell and decode(key.collection, key.address, cell.entry.body)
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
            case _:
                return decided

    async def _store_or_believe(self, decided: Decided[O, R]) -> Answer[O, R] | None:
        self.tidy = None
        decision = decided.decision
        match decision:
            case Unchanged(outcome):
                return await self._believe(Answer(outcome), decided)
            case Refused():
                return await self._believe(Answer(decision), decided)
            case Changed(_, outcome):
                return await self._store(Answer(outcome), decided, decision)
            case Settled(_, reason):
                answer: Answer[O, R] = Answer(Refused(reason))
                self.tidy = answer if decision.tidy else None
                return await self._store(answer, decided, decision)
        assert_never(decision)

    def _conclude(self, concluded: Concluded[O, R]) -> Answer[O, R] | None:
        """What follows from a commit that was shared with others."""
        answer = concluded.answer
        self.tidy = answer if concluded.tidy else None
        if concluded.doubt is not None:
            self.command.doubts.add(concluded.doubt)
        if isinstance(concluded.verdict, Stored) and not concluded.changes:
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
        verdict = await self._commit(self.loop.ids.commit_id(), fences, ())
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
        cells = decided.loaded.cells
        composition = compose(
            after,
            decision.events,
            cells=cells,
            checked=[key.address for key in decided.keys],
            codec=self.loop.codec,
        )
        if composition.is_empty:
            return await self._believe(answer, decided)
        writes = self.command.doubts.fenced(composition.writes, cells)
        if writes is None:
            return None
        commit_id = self.loop.ids.commit_id()
        until = decision.valid_until if isinstance(decision, Changed) else None
        verdict = await self._commit(commit_id, writes, composition.events, until)
        if isinstance(verdict, Unknown):
            doubt = Doubt(
                commit_id=commit_id,
                expectations={write.address: write.expect for write in writes},
                written=frozenset(w.address for w in writes if not isinstance(w, Check)),
                permanent=permanent_of(decided.keys),
                traces=traces_of(decided.before, after),
                answer=answer,
                tidy=self.tidy is not None,
            )
            self.command.doubts.add(doubt)
        return self._concluded(answer, verdict)

    async def _commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        valid_until: datetime | None = None,
    ) -> Verdict:
        deadline = self.command.deadline.earlier(self.loop.pacing.reserve_seconds)
        return await commit(
            self.loop.store, commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )

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
        return self.command.deadline.remaining_seconds() > self.loop.pacing.reserve_seconds

    def _in_time(self) -> bool:
        if self._may_commit():
            return True
        if not self.closing:
            self.cause = Unavailable("it answered too late for a commit")
        return False

    async def _pause(self) -> None:
        pacing, clock = self.loop.pacing, self.loop.clock
        left = self.command.deadline.earlier(pacing.reserve_seconds).remaining_seconds()
        seconds = min(pacing.pause_seconds(self.attempts - 1, self.loop.random), left)
        began = clock.monotonic()
        if self.rounds is None:
            await clock.sleep(seconds)
        else:
            lightly = self.cause is None and not self.command.doubts
            await self.rounds.rest(self.command.keys, seconds, lightly=lightly)
        paused = clock.monotonic() - began
        self.command.tally.count(Counter.PAUSED_MS, round(paused * 1_000))

    async def _end(self) -> O | Refused[R]:
        """The honest end of an update that ran out of attempts or time."""
        self.closing = True
        if self.command.doubts:
            answer = await self._carry_out(await self._decide(None))
            if answer is not None:
                return answer.value
        self.command.tally.count(Counter.EXHAUSTED)
        if self.command.doubts.more_than_tidy:
            raise self.command.doubts.unresolved() from self.doubtful
        if self.tidy is not None:
            return self.tidy.value
        if self.cause is not None:
            raise self.cause
        raise Contended(self.attempts, self.command.keys[0].address)
