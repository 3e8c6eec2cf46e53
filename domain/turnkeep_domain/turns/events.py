"""An event of a run: what became of it, never what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypedDict

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier, optional_identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.counts import count, optional_count
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.names import Category, Ref, RunId, TurnId, optional_ref, ref
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import RunStatus

if TYPE_CHECKING:
    from turnkeep_domain.turns.run import Run


@frozen(kw_only=True)
class RunEvent(Event):
    """What every event of a run tells.

    Attributes:
        version: The run's, after the change.
        status: Its state, after the change.
    """

    run: RunId = field(validator=identifier)
    turn: TurnId = field(validator=identifier)
    version: int = field(validator=count)
    status: RunStatus = field(validator=of_kind(RunStatus))


class Told(TypedDict):
    """The fields that every event of a run has."""

    address: Address
    at: datetime
    run: RunId
    turn: TurnId
    version: int
    status: RunStatus


def told_of(run: Run, now: datetime) -> Told:
    """What every event tells of a run after a change.

    The address is that of the run's own record, active or ended, so that all events of one run
    are found under one address.
    """
    return Told(
        address=Address("run", run.scope, run.id),
        at=now,
        run=run.id,
        turn=run.turn.id,
        version=run.version,
        status=run.status,
    )


@frozen(kw_only=True)
class RunSubmitted(RunEvent):
    """A turn was accepted, and its run waits for a worker.

    Attributes:
        parent: The run that spawned it.
        retry_of: The failed run that it repeats.
    """

    kind: ClassVar[str] = "run.submitted"

    actor: Actor = field(validator=of_kind(Actor))
    parent: RunId | None = field(validator=optional_identifier)
    retry_of: RunId | None = field(validator=optional_identifier)


@frozen(kw_only=True)
class RunClaimed(RunEvent):
    """A worker took it."""

    kind: ClassVar[str] = "run.claimed"

    holder: str = field(validator=identifier)
    epoch: int = field(validator=count)


@frozen(kw_only=True)
class RunBlocked(RunEvent):
    """It waits at a gate; `until` is when the wait elapses. The gate's ref is not told."""

    kind: ClassVar[str] = "run.blocked"

    gate: GateKind = field(validator=of_kind(GateKind))
    until: datetime | None = field(validator=optional_instant)


@frozen(kw_only=True)
class RunResumed(RunEvent):
    """Its gate let it go, and it waits for a worker again."""

    kind: ClassVar[str] = "run.resumed"

    gate: GateKind = field(validator=of_kind(GateKind))
    disposition: Disposition = field(validator=of_kind(Disposition))
    actor: Actor = field(validator=of_kind(Actor))


@frozen(kw_only=True)
class RunRequeued(RunEvent):
    """Its claim ended early, or an operator let it go on; it waits for a worker again.

    Attributes:
        category: Why: `drain`, `error`, `expired` or `retry`.
    """

    kind: ClassVar[str] = "run.requeued"

    category: Category = field(validator=ref)
    due_at: datetime = field(validator=instant)


@frozen(kw_only=True)
class RunCancelRequested(RunEvent):
    """Somebody called it off while a worker holds it."""

    kind: ClassVar[str] = "run.cancel_requested"

    reason: Ref = field(validator=ref)
    actor: Actor = field(validator=of_kind(Actor))
    cancel_by: datetime = field(validator=instant)


@frozen(kw_only=True)
class RunCancelled(RunEvent):
    """It was called off, and has ended."""

    kind: ClassVar[str] = "run.cancelled"

    reason: Ref = field(validator=ref)
    actor: Actor = field(validator=of_kind(Actor))
    uncertain: int = field(validator=count)


@frozen(kw_only=True)
class RunCompleted(RunEvent):
    """It was carried out, and has ended."""

    kind: ClassVar[str] = "run.completed"

    result_ref: Ref | None = field(validator=optional_ref)


@frozen(kw_only=True)
class RunFailed(RunEvent):
    """It was given up, and has ended."""

    kind: ClassVar[str] = "run.failed"

    category: Category = field(validator=ref)


@frozen(kw_only=True)
class RunNeedsOperator(RunEvent):
    """Something may have happened that only a person can find out."""

    kind: ClassVar[str] = "run.needs_operator"

    category: Category = field(validator=ref)
    uncertain: int = field(validator=count)


@frozen(kw_only=True)
class RunRouted(RunEvent):
    """It was decided which model serves it."""

    kind: ClassVar[str] = "run.routed"

    route: Route = field(validator=of_kind(Route))


@frozen(kw_only=True)
class EffectSettled(RunEvent):
    """It became known what became of a step.

    Attributes:
        state: `done` or `not_done`.
    """

    kind: ClassVar[str] = "run.effect_settled"

    effect: EffectId = field(validator=of_kind(EffectId))
    state: str = field(validator=identifier)


@frozen(kw_only=True)
class EffectUncertain(RunEvent):
    """A step may or may not have happened."""

    kind: ClassVar[str] = "run.effect_uncertain"

    effect: EffectId = field(validator=of_kind(EffectId))


@frozen(kw_only=True)
class RunRetired(Event):
    """Its retention has passed: a tombstone is left of it."""

    kind: ClassVar[str] = "run.retired"

    run: RunId = field(validator=identifier)
    status: RunStatus = field(validator=of_kind(RunStatus))


@frozen(kw_only=True)
class LimitChanged(Event):
    """An operator changed how many runs a bucket admits."""

    kind: ClassVar[str] = "limit.changed"

    actor: Actor = field(validator=of_kind(Actor))
    limits: BucketLimits = field(validator=of_kind(BucketLimits))


@frozen(kw_only=True)
class LaneLimitChanged(Event):
    """An operator changed how many runs of one user and class may be claimed at once."""

    kind: ClassVar[str] = "lane_limit.changed"

    actor: Actor = field(validator=of_kind(Actor))
    limit: int | None = field(validator=optional_count)
