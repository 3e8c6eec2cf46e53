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

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar, assert_never

from attrs import define, field, frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.capable import require_capable
from turnkeep_application.composition import compose
from turnkeep_application.doubts import Doubt, Doubts, permanent_of, traces_of
from turnkeep_application.errors import Contended
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.tally import Tally
from turnkeep_application.updates import Decide, Prepare
from turnkeep_application.verdicts import Failed, Lost, Stored, Unknown, Verdict, commit
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
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
        update = _Update(
            loop=self,
            keys=tuple(keys),
            hints=tuple(hints),
            decide=decide,
            prepare=prepare,
            deadline=Deadline.after(self.clock, self.pacing.deadline_seconds),
            tally=tally,
            doubts=Doubts(tally),
        )
        return await update.run()


@frozen
class _Answer(Generic[O, R]):
    """How an update ends."""

    value: O | Refused[R]


@frozen(kw_only=True)
class _Decided(Generic[O, R]):
    """One decision, with the records of one moment on which it rests."""

    loaded: Loaded
    keys: tuple[ReadKey[object], ...]
    before: Records
    decision: Decision[Records, O, R]


@define(kw_only=True)
class _Update(Generic[O, R]):
    """One run of the loop: the command, and what its attempts have learned.

    Steps answer None for: again.
    """

    loop: UpdateLoop
    keys: tuple[ReadKey[object], ...]
    hints: tuple[ReadKey[object], ...]
    decide: Decide[O, R]
    prepare: Prepare | None
    deadline: Deadline
    tally: Tally
    doubts: Doubts[_Answer[O, R]]
    attempts: int = 0
    tidy: _Answer[O, R] | None = None
    cause: Unavailable | None = None
    doubtful: Exception | None = None
    closing: bool = False

    async def run(self) -> O | Refused[R]:
        self.tally.count(Counter.UPDATES)
        with self.doubts.honest():
            return await self._attempts()

    async def _attempts(self) -> O | Refused[R]:
        attempts_max = self.loop.pacing.attempts_max
        while self.attempts < attempts_max and self._may_commit():
            self.attempts += 1
            self.tally.count(Counter.ATTEMPTS)
            decided = await self._decide_on_fresh_records()
            answer = await self._carry_out(decided)
            if answer is not None:
                return answer.value
            if self.attempts < attempts_max:
                await self._pause()
        return await self._end()

    # ---- load and decide ------------------------------------------------------------------------

    async def _decide_on_fresh_records(self) -> _Decided[O, R] | _Answer[O, R] | None:
        """A decision; or at once the answer of a doubt that landed."""
        keys = self.keys
        for _ in range(NEEDS_MAX + 1):
            loaded = await self._load(keys)
            if loaded is None:
                return None
            landed = self.doubts.resolve(loaded.cells)
            if landed is not None:
                return landed.answer
            before = self._records(keys, loaded)
            decision = self.decide(before, loaded.now)
            if not isinstance(decision, Need):
                self.doubts.judge(before)
                return _Decided(loaded=loaded, keys=keys, before=before, decision=decision)
            # One that was only hinted at is further, too: it is to be checked from now on.
            further = tuple(dict.fromkeys(key for key in decision.keys if key not in keys))
            keys = (*keys, *further)
            if not further:
                break
        raise RuntimeError(f"a decision needs keys again, or more than {NEEDS_MAX} times")

    def _all(self, keys: Sequence[ReadKey[object]]) -> Sequence[ReadKey[object]]:
        return tuple({key.address: key for key in (*self.hints, *keys)}.values())

    async def _load(self, keys: Sequence[ReadKey[object]]) -> Loaded | None:
        addresses = dict.fromkeys(key.address for key in self._all(keys))
        addresses |= dict.fromkeys(self.doubts.addresses())
        try:
            call = self.loop.store.load(tuple(addresses), deadline=self.deadline)
            return await bounded(call, self.deadline)
        except DeadlinePassed:
            self.cause = Unavailable("it did not answer before the deadline")
        except Unavailable as error:
            if not error.retryable:
                raise
            self.cause = error
        self.tally.count(Counter.UNAVAILABLE)
        return None

    def _records(self, keys: Sequence[ReadKey[object]], loaded: Loaded) -> Records:
        held: dict[Address, object | None] = {}
        for key in self._all(keys):
            cell = loaded.cells.get(key.address)
            decode = self.loop.codec.decode
            held[key.address] = cell and decode(key.collection, key.address, cell.entry.body)
        return Records(held)

    # ---- carry the decision out -----------------------------------------------------------------

    async def _carry_out(
        self, decided: _Decided[O, R] | _Answer[O, R] | None
    ) -> _Answer[O, R] | None:
        if not isinstance(decided, _Decided):
            return decided
        self.tidy = None
        decision = decided.decision
        match decision:
            case Unchanged(outcome):
                return await self._believe(_Answer(outcome), decided)
            case Refused():
                return await self._believe(_Answer(decision), decided)
            case Changed(_, outcome):
                return await self._store(_Answer(outcome), decided, decision)
            case Settled(_, reason):
                answer: _Answer[O, R] = _Answer(Refused(reason))
                self.tidy = answer if decision.tidy else None
                return await self._store(answer, decided, decision)
        assert_never(decision)

    async def _believe(
        self, answer: _Answer[O, R], decided: _Decided[O, R]
    ) -> _Answer[O, R] | None:
        """The answer of a decision that stores nothing, once no doubt can make it untrue."""
        if not self.doubts:
            self.tally.count(Counter.NO_OPS)
            return answer
        fences = self.doubts.fenced((), decided.loaded.cells)
        if fences is None or not self._in_time():
            return None
        self.tally.count(Counter.FENCES)
        verdict = await self._commit(self.loop.ids.commit_id(), fences, ())
        return self._concluded(answer, verdict)

    async def _store(
        self,
        answer: _Answer[O, R],
        decided: _Decided[O, R],
        decision: Changed[Records, O] | Settled[Records, R],
    ) -> _Answer[O, R] | None:
        """The answer of a decision, once its change is stored."""
        if not self._in_time():
            return None
        after = decision.state if self.prepare is None else self.prepare(decision.state)
        composition = compose(
            after,
            decision.events,
            cells=decided.loaded.cells,
            checked=[key.address for key in decided.keys],
            codec=self.loop.codec,
        )
        if composition.is_empty:
            return await self._believe(answer, decided)
        writes = self.doubts.fenced(composition.writes, decided.loaded.cells)
        if writes is None:
            return None
        doubt = Doubt(
            commit_id=self.loop.ids.commit_id(),
            expectations={write.address: write.expect for write in writes},
            written=frozenset(w.address for w in writes if not isinstance(w, Check)),
            permanent=permanent_of(decided.keys),
            traces=traces_of(decided.before, after),
            answer=answer,
            tidy=self.tidy is not None,
        )
        until = decision.valid_until if isinstance(decision, Changed) else None
        verdict = await self._commit(doubt.commit_id, writes, composition.events, until)
        if isinstance(verdict, Unknown):
            self.doubts.add(doubt)
        return self._concluded(answer, verdict)

    async def _commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        valid_until: datetime | None = None,
    ) -> Verdict:
        deadline = self.deadline.earlier(self.loop.pacing.reserve_seconds)
        return await commit(
            self.loop.store, commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )

    def _concluded(self, answer: _Answer[O, R], verdict: Verdict) -> _Answer[O, R] | None:
        match verdict:
            case Stored():
                self.doubts.end()
                return answer
            case Lost(counter=counter, cause=cause):
                self.tally.count(counter)
                self.cause = cause
                return None
            case Unknown(cause=doubtful):
                self.doubtful = doubtful
                self.cause = None
                return None
            case Failed(error=error):
                if self.tidy is not None and not self.doubts.more_than_tidy:
                    return self.tidy
                raise error
        assert_never(verdict)

    # ---- pause and end --------------------------------------------------------------------------

    def _may_commit(self) -> bool:
        if self.closing:
            return False
        return self.deadline.remaining_seconds() > self.loop.pacing.reserve_seconds

    def _in_time(self) -> bool:
        if self._may_commit():
            return True
        if not self.closing:
            self.cause = Unavailable("it answered too late for a commit")
        return False

    async def _pause(self) -> None:
        pacing = self.loop.pacing
        left = self.deadline.earlier(pacing.reserve_seconds).remaining_seconds()
        seconds = min(pacing.pause_seconds(self.attempts - 1, self.loop.random), left)
        self.tally.count(Counter.PAUSED_MS, round(seconds * 1_000))
        await self.loop.clock.sleep(seconds)

    async def _end(self) -> O | Refused[R]:
        """The honest end of an update that ran out of attempts or time."""
        self.closing = True
        if self.doubts:
            answer = await self._carry_out(await self._decide_on_fresh_records())
            if answer is not None:
                return answer.value
        self.tally.count(Counter.EXHAUSTED)
        if self.doubts.more_than_tidy:
            raise self.doubts.unresolved() from self.doubtful
        if self.tidy is not None:
            return self.tidy.value
        if self.cause is not None:
            raise self.cause
        raise Contended(self.attempts, self.keys[0].address)
