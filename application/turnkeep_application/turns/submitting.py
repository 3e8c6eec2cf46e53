"""Submitting: how a turn is accepted, from outside or by a run that spawns another."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.capacity import at_capacity, holds_of, limits_of
from turnkeep_application.turns.cells import (
    effect_key,
    journal_of,
    run_key,
    state_of,
    tree_key,
    turn_state_key,
)
from turnkeep_application.turns.child_orders import child_call, child_order
from turnkeep_application.turns.following import carry_out, companions
from turnkeep_application.turns.message_marks import MessageRefusal
from turnkeep_application.turns.order import Order
from turnkeep_application.turns.views import RunView, ended_view, run_view
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import EffectState
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    ClaimRefusal,
    NotFound,
    NotPermitted,
    SpawnRefusal,
    SubmitRefusal,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.spawn_tree import SpawnTree
from turnkeep_domain.turns.turn import turn_id
from turnkeep_ports.admission import Admission

S = TypeVar("S")

PolicySays: TypeAlias = bool | Exception
"""What the host's policy answered, or how it failed."""


@frozen(kw_only=True)
class Submitting:
    """The use cases that admit a run."""

    updates: Updates
    admission: Admission

    async def submit(
        self,
        scope: Scope,
        *,
        actor: Principal,
        request_id: RequestId,
        payload: bytes,
        message_ref: Ref | None,
        source_ref: Ref | None,
        reply_ref: Ref | None,
        origin: Ref,
        policy: TurnPolicy | None,
    ) -> RunView | Refused[SubmitRefusal | MessageRefusal]:
        """As `Turns.submit` promises."""
        order = Order(
            operation="submit",
            scope=scope,
            actor=actor,
            request_id=request_id,
            payload=payload,
            message_ref=message_ref,
            source_ref=source_ref,
            reply_ref=reply_ref,
            origin=origin,
            policy=TurnPolicy.interactive() if policy is None else policy,
            lineage=Lineage.of_root(),
        )
        says = await self._policy_says(order)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, RunView, SubmitRefusal | MessageRefusal] | Need:
            return _admitted(records, order, says, now)

        return await self.updates.update(_keys(order), decide, hints=_hints(order))

    async def submit_child(
        self,
        claim: Claim,
        effect: EffectId,
        *,
        scope: Scope,
        payload: bytes,
        message_ref: Ref | None,
        source_ref: Ref | None,
        reply_ref: Ref | None,
        policy: TurnPolicy | None,
        arguments: Digest,
    ) -> RunView | Refused[SpawnRefusal | MessageRefusal]:
        """As `Turns.submit_child` promises.

        The parent is read first: the journal by which the child is named, the actor whom the
        host's policy is asked about, and the class are known from it alone.
        """
        parent = await self._parent(claim)
        if isinstance(parent, Refused):
            return parent
        order = child_order(
            parent,
            effect,
            scope=scope,
            payload=payload,
            message_ref=message_ref,
            source_ref=source_ref,
            reply_ref=reply_ref,
            policy=policy,
        )
        if (scope.tenant, scope.user) != (parent.scope.tenant, parent.scope.user):
            return Refused(NotFound(order.run.id))
        says = await self._policy_says(order)
        spawning = _Spawning(
            claim=claim, parent=parent, effect=effect, arguments=arguments, order=order, says=says
        )
        return await self.updates.update(
            spawning.keys(), spawning.decide, hints=(*_hints(order), *companions(claim.run))
        )

    async def _policy_says(self, order: Order) -> PolicySays:
        try:
            return await self.admission.admits(order.submission())
        except Exception as error:  # noqa: BLE001 - a recorded request is answered all the same
            return error

    async def _parent(self, claim: Claim) -> Run | Refused[ClaimRefusal]:
        state, ended = turn_state_key(claim.run), run_key(claim.run)

        def decide(records: Records, now: datetime) -> Unchanged[Run] | Refused[ClaimRefusal]:
            parent = state_of(records, claim.run, now)
            held = parent.held(claim=claim, ended=records[ended], now=now)
            return held if isinstance(held, Refused) else Unchanged(held)

        return await self.updates.update([state], decide, hints=[ended])


@frozen(kw_only=True)
class _Spawning:
    """One spawn: the parent's journal entry, the tree's member and the child, in one commit."""

    claim: Claim
    parent: Run
    effect: EffectId
    arguments: Digest
    order: Order
    says: PolicySays

    def keys(self) -> list[ReadKey[object]]:
        """Also what a refusal rests on is loaded in one moment with the rest."""
        journal = journal_of(self.claim.run, self.parent.journal)
        keys = [turn_state_key(self.claim.run), *_keys(self.order)]
        # One thread may be named for both: then it is busy with the parent.
        unique = {key.address: key for key in keys}
        return [*unique.values(), effect_key(journal, self.effect), tree_key(self.parent.root)]

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, RunView, SpawnRefusal | MessageRefusal] | Need:
        """The runner's checks and its journal first, then a submit's, then the tree."""
        before = state_of(records, self.claim.run, now)
        journal = journal_of(self.claim.run, self.parent.journal)
        entered = before.spawn(
            claim=self.claim,
            id=self.effect,
            arguments=child_call(self.order, self.effect, self.arguments).arguments,
            effect=records[effect_key(journal, self.effect)],
            ended=records[run_key(self.claim.run)],
            now=now,
        )
        if isinstance(entered, Refused):
            return entered
        known = _recorded(records, self.order, now)
        if known is not None:
            return known
        journaled = carry_out(records, before=before, decision=entered, now=now)
        match journaled:
            case Changed(state=after):
                child = _admitted(after, self.order, self.says, now)
                if not isinstance(child, Changed):
                    return child
                return self._in_tree(child, journaled, now)
            case Unchanged():
                raise LookupError("a journal names a child that does not exist")
            case _:
                return journaled

    def _in_tree(
        self,
        child: Changed[Records, RunView],
        journaled: Changed[Records, EffectState],
        now: datetime,
    ) -> Decision[Records, RunView, SpawnRefusal | MessageRefusal]:
        key = tree_key(self.parent.root)
        tree = child.state[key] or SpawnTree.of(self.parent.root, now=now)
        spawned = tree.spawn(
            self.order.run, parent=self.parent.id, depth=self.order.lineage.depth, now=now
        )
        if isinstance(spawned, Refused):
            return spawned
        records = child.state
        if isinstance(spawned, Changed):
            records = records.put(key, spawned.state)
        limits = [until for until in (child.valid_until, journaled.valid_until) if until]
        events = (*journaled.events, *child.events)
        return Changed(records, child.outcome, events, min(limits, default=None))


def _keys(order: Order) -> list[ReadKey[object]]:
    keys: list[ReadKey[object]] = [turn_state_key(order.run)]
    if order.scope.thread is None:
        # Its turn state is deleted by the ending: that it has never been is told by its record.
        keys.append(run_key(order.run))
    return keys


def _hints(order: Order) -> tuple[ReadKey[object], ...]:
    # A thread's record of the run is no condition: an ending moves the turn state.
    marked = () if order.mark is None else order.mark.keys
    return (run_key(order.run), *marked, *limits_of(order.scope, order.policy.turn_class))


def _recorded(
    records: Records, order: Order, now: datetime
) -> Unchanged[RunView] | Refused[SubmitRefusal] | None:
    """The answer to an order that was accepted before; None for one that was not."""
    ended = records[run_key(order.run)]
    known = state_of(records, order.run, now).recorded(
        id=order.run.id, payload=order.digest, request_id=order.request_id, ended=ended
    )
    if not isinstance(known, Unchanged):
        return known
    return Unchanged(ended_view(ended) if isinstance(ended, EndedRun) else run_view(known.outcome))


def _admitted(
    records: Records, order: Order, says: PolicySays, now: datetime
) -> Decision[Records, RunView, SubmitRefusal | MessageRefusal] | Need:
    """Known before; policy; thread; message; limits. Nothing is said of a later one first."""
    known = _recorded(records, order, now)
    if known is not None:
        return known
    if isinstance(says, Exception):
        raise says
    if not says:
        return Refused(NotPermitted())
    before = state_of(records, order.run, now)
    scope, turn_class = order.scope, order.policy.turn_class
    submitted = before.submit(
        id=order.run.id,
        turn=order.turn(now),
        policy=order.policy,
        lineage=order.lineage,
        holds=holds_of(records, scope, turn_class),
        actor=order.submitter,
        now=now,
    )
    if isinstance(submitted, Refused):
        return submitted
    marked = _marked(records, order, now)
    if isinstance(marked, Refused):
        return marked
    full = at_capacity(records, scope, turn_class)
    if full is not None:
        return Refused(full)
    after, told = marked
    return _viewed(carry_out(after, before=before, decision=submitted, now=now), told)


def _marked(
    records: Records, order: Order, now: datetime
) -> tuple[Records, tuple[Event, ...]] | Refused[MessageRefusal]:
    """The view in which the message that asks for the turn is marked, and what is told of that."""
    if order.mark is None:
        return records, ()
    turn, run = turn_id(order.scope, order.request_id), order.run.id
    match order.mark.put(records, turn_id=turn, run_id=run, now=now):
        case Changed(after, _, events):
            return after, tuple(events)
        case Refused() as refused:
            return refused
        case _:
            return records, ()


def _viewed(
    decision: Decision[S, Run, SubmitRefusal] | Need, told: tuple[Event, ...]
) -> Decision[S, RunView, SubmitRefusal] | Need:
    match decision:
        case Changed(state, run, events, valid_until):
            return Changed(state, run_view(run), (*events, *told), valid_until)
        case Unchanged(run):
            return Unchanged(run_view(run))
        case _:
            return decision
