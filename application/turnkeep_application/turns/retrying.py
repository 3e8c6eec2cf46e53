"""Retrying: an operator lets a run go on, gives it up, or has a failed one done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from attrs import Factory, evolve, field, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.capacity import at_capacity, holds_of, limits_of
from turnkeep_application.turns.cells import (
    effect_key,
    journal_of,
    run_key,
    state_of,
    turn_state_key,
)
from turnkeep_application.turns.course import Course
from turnkeep_application.turns.following import carry_out
from turnkeep_application.turns.grants_along import tell_grants
from turnkeep_application.turns.holds import close_settled
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.withdrawing import revoke_unspent
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, NotDone, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun, RunRecord
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, require_ref
from turnkeep_domain.turns.refusals import RetryRefusal, RunIdSpent
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Cancelled, Failed
from turnkeep_domain.turns.turn import retry_ids
from turnkeep_domain.turns.turn_state import TurnState

S = TypeVar("S")

Settlements: TypeAlias = Mapping[EffectId, Done | NotDone]


@frozen(kw_only=True)
class Retrying:
    """The use cases of operators, as `Turns` promises them.

    Attributes:
        retention: For how long after its end a run may be done again; None for ever, where
            nothing is retired.
    """

    updates: Updates
    retention: timedelta | None
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def retry(
        self, run: RunAddress, *, settlements: Settlements, actor: Actor, request_id: RequestId
    ) -> RunStanding | Refused[RetryRefusal]:
        """As `Turns.retry` promises."""
        _require(run, settlements, actor, request_id)

        def answer(found: Found) -> Decision[Records, RunStanding, RetryRefusal] | Need:
            if isinstance(found.ended, EndedRun) and isinstance(found.ended.run.state, Failed):
                retries = _Retries(
                    failed=found.ended,
                    settlements=settlements,
                    actor=actor,
                    request_id=request_id,
                    retention=self.retention,
                )
                return retries.decide(found)
            effects = _uncertain(found, run)
            if isinstance(effects, Need):
                return effects
            decision = found.state.retry(
                run=run.id,
                settlements=settlements,
                effects=effects,
                actor=actor,
                request_id=request_id,
                ended=found.ended,
                now=found.now,
            )
            return _settled(found, effects, decision, by=actor.principal)

        return await self._commands.decide(run, answer, ends=True)

    async def give_up(
        self,
        run: RunAddress,
        *,
        settlements: Settlements,
        category: Category,
        actor: Actor,
        request_id: RequestId,
    ) -> RunStanding | Refused[RetryRefusal]:
        """As `Turns.give_up` promises."""
        _require(run, settlements, actor, request_id)
        require_ref("category", category)

        def answer(found: Found) -> Decision[Records, RunStanding, RetryRefusal] | Need:
            effects = _uncertain(found, run)
            if isinstance(effects, Need):
                return effects
            decision = found.state.give_up(
                run=run.id,
                settlements=settlements,
                effects=effects,
                category=category,
                actor=actor,
                request_id=request_id,
                ended=found.ended,
                now=found.now,
            )
            return _settled(found, effects, decision, by=actor.principal)

        return await self._commands.decide(run, answer, ends=True)


def _require(
    run: RunAddress, settlements: Settlements, actor: Actor, request_id: RequestId
) -> None:
    require_kind("run", run, RunAddress)
    require_kind("settlements", settlements, Mapping)
    for effect, outcome in settlements.items():
        require_kind("settlements", effect, EffectId)
        require_kind("settlements", outcome, Done, NotDone)
    require_kind("actor", actor, Actor)
    require_identifier("request_id", request_id)


def _settled(
    found: Found,
    effects: Sequence[RunEffect],
    decision: Decision[Moved, RunStanding, RetryRefusal],
    *,
    by: Principal,
) -> Decision[Records, RunStanding, RetryRefusal] | Need:
    """What is settled of calls closes their holds, and settles their grants, in the same commit."""
    if not isinstance(decision, Changed):
        return found.carried_out(decision)
    closed = close_settled(found.records, effects, decision.state, now=found.now)
    if isinstance(closed, Need):
        return closed
    course = Course(closed.records)
    if found.state.active is not None:
        run, entries = found.state.active, decision.state.effects
        tell_grants(course, run, entries, by=by, now=found.now)
    if course.need is not None:
        return course.need
    told = (*closed.events, *course.events)
    return closed.bound(found.carried_out(decision, records=course.records, told=told))


def _uncertain(found: Found, run: RunAddress) -> Sequence[RunEffect] | Need:
    """The journal entries of a run's open steps."""
    active = found.state.active
    if active is None or active.id != run.id:
        return ()
    return _entries(found.records, active, active.open)


def _entries(records: Records, run: Run, ids: Sequence[EffectId]) -> Sequence[RunEffect] | Need:
    keys = [effect_key(journal_of(run.address, run.journal), id) for id in ids]
    missing = [key for key in keys if key not in records]
    if missing:
        return Need(missing)
    return [effect for key in keys if (effect := records[key]) is not None]


@frozen(kw_only=True)
class _Retries:
    """A failed run and those that may repeat it, one after another.

    There is one that has not been called off: a second retry is answered where that one stands,
    whatever its request id.
    """

    failed: EndedRun
    settlements: Settlements
    actor: Actor
    request_id: RequestId
    retention: timedelta | None

    def decide(self, found: Found) -> Decision[Records, RunStanding, RetryRefusal] | Need:
        """The first retry that was not called off: as it stands, or begun."""
        failed, records = self.failed.run, found.records
        ids = retry_ids(failed.scope, failed.id)
        keys = [run_key(RunAddress(failed.scope, id)) for id in ids]
        missing = [key for key in keys if key not in records]
        if missing:
            # Along with what the first of them needs, which is most often the one.
            first = RunAddress(failed.scope, ids[0])
            effects = (effect_key(_home(failed), id) for id in _unfinished(failed, failed))
            limits = limits_of(failed.scope, failed.policy.turn_class)
            return Need([*missing, turn_state_key(first), *limits, *effects])
        called_off = _called_off([records[key] for key in keys])
        last = called_off[-1] if called_off else self.failed
        due = None if self.retention is None else last.ended_at + self.retention
        again = _Again(
            failed=self.failed,
            called_off=called_off,
            run=RunAddress(failed.scope, ids[len(called_off)]),
            settlements=self.settlements,
            actor=self.actor,
            request_id=self.request_id,
            retired_from=due,
        )
        return again.decide(found)


def _called_off(retries: Sequence[RunRecord | None]) -> tuple[EndedRun, ...]:
    """The retries before the first that was not; the last that there may be is that in any case."""
    called_off: list[EndedRun] = []
    for record in retries[:-1]:
        if not isinstance(record, EndedRun) or not isinstance(record.run.state, Cancelled):
            break
        called_off.append(record)
    return tuple(called_off)


def _home(run: Run) -> RunAddress:
    return journal_of(run.address, run.journal)


@frozen(kw_only=True)
class _Again:
    """The new run of a failed run's turn, on the same journal, admitted as every other.

    Attributes:
        called_off: The retries before it, all of which were.
        run: The new run's address.
        retired_from: From when on the last run on the journal may have been retired; None for
            never.
    """

    failed: EndedRun
    called_off: tuple[EndedRun, ...]
    run: RunAddress
    settlements: Settlements
    actor: Actor
    request_id: RequestId
    retired_from: datetime | None

    def decide(self, found: Found) -> Decision[Records, RunStanding, RetryRefusal] | Need:
        failed, records, now = self.failed.run, found.records, found.now
        last = self.called_off[-1].run if self.called_off else failed
        cells: list[ReadKey[object]] = [turn_state_key(self.run)]
        cells += (effect_key(_home(failed), id) for id in _unfinished(last, failed))
        missing = [key for key in cells if key not in records]
        if missing:
            return Need(missing)
        before = state_of(records, self.run, now)
        effects = _entries(records, failed, _unfinished(last, failed))
        if isinstance(effects, Need):
            return effects
        decision = self._in_time(self._resubmitted(before, found, effects), found)
        if not isinstance(decision, Changed):
            return _standing(carry_out(records, before=before, decision=decision, now=now))
        closed = close_settled(records, effects, decision.state, now=now)
        if isinstance(closed, Need):
            return closed
        course = Course(closed.records)
        # What is open was begun by the last run, and with its grants: of those before, a retry has
        # settled all.
        tell_grants(course, last, decision.state.effects, by=self.actor.principal, now=now)
        # That run is over, so what was not used after all goes as the others went.
        revoke_unspent(course, last, now=now)
        if course.need is not None:
            return course.need
        told = evolve(decision, events=(*closed.events, *course.events, *decision.events))
        carried: Decision[Records, Run, RetryRefusal] | Need = carry_out(
            course.records, before=before, decision=told, now=now
        )
        return _standing(closed.bound(carried))

    def _resubmitted(
        self, before: TurnState, found: Found, effects: Sequence[RunEffect]
    ) -> Decision[Moved, Run, RetryRefusal]:
        failed = self.failed.run
        return before.resubmit(
            failed=self.failed,
            called_off=self.called_off,
            id=self.run.id,
            settlements=self.settlements,
            effects=effects,
            holds=holds_of(found.records, failed.scope, failed.policy.turn_class),
            actor=self.actor,
            request_id=self.request_id,
            ended=found.records[run_key(self.run)],
            now=found.now,
        )

    def _in_time(
        self, decision: Decision[Moved, Run, RetryRefusal], found: Found
    ) -> Decision[Moved, Run, RetryRefusal]:
        """The same, unless its journal may be gone by now, or the limits leave no room."""
        if not isinstance(decision, Changed):
            return decision
        failed = self.failed.run
        if self.retired_from is not None and found.now >= self.retired_from:
            return Refused(RunIdSpent(failed.id))
        full = at_capacity(found.records, failed.scope, failed.policy.turn_class)
        if full is not None:
            return Refused(full)
        bounds = [until for until in (decision.valid_until, self.retired_from) if until]
        return evolve(decision, valid_until=min(bounds, default=None))


def _unfinished(last: Run, failed: Run) -> tuple[EffectId, ...]:
    """The calls that the last run on a journal left open, and the one that failed the first."""
    fatal = failed.state.effect if isinstance(failed.state, Failed) else None
    return last.open if fatal is None or fatal in last.open else (*last.open, fatal)


def _standing(
    decision: Decision[S, Run, RetryRefusal] | Need,
) -> Decision[S, RunStanding, RetryRefusal] | Need:
    match decision:
        case Changed(state, run, events, valid_until):
            return Changed(state, run.standing, events, valid_until)
        case Unchanged(run):
            return Unchanged(run.standing)
        case _:
            return decision
