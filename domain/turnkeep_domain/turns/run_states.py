"""A run's state, with what only that state knows."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Gate
from turnkeep_domain.turns.names import Category, Ref, optional_ref, ref


class RunStatus(Enum):
    """A run's state in one word."""

    QUEUED = "queued"
    RUNNING = "running"
    BLOCKED = "blocked"
    CANCEL_REQUESTED = "cancel_requested"
    NEEDS_OPERATOR = "needs_operator"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether it never changes any more."""
        return self in _FINAL


_FINAL: Final = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


@frozen(kw_only=True)
class Queued:
    """It waits for a worker.

    Attributes:
        due_at: From when on it may be claimed.
        outside: Whether its lane was full, so that a sweep has yet to enter it.
    """

    due_at: datetime = field(validator=instant)
    outside: bool = field(validator=of_kind(bool))


@frozen(kw_only=True)
class Running:
    """A worker has claimed it."""

    since: datetime = field(validator=instant)


@frozen(kw_only=True)
class Blocked:
    """It waits at a gate, and no worker holds it.

    Attributes:
        until: When the wait elapses; None for never.
    """

    gate: Gate = field(validator=of_kind(Gate))
    since: datetime = field(validator=instant)
    until: datetime | None = field(validator=optional_instant)


@frozen(kw_only=True)
class CancelRequested:
    """It is to end, and a worker still holds it, until `cancel_by` at most."""

    reason: Ref = field(validator=ref)
    by: Actor = field(validator=of_kind(Actor))
    cancel_by: datetime = field(validator=instant)


@frozen(kw_only=True)
class NeedsOperator:
    """Something may have happened that only a person can find out."""

    category: Category = field(validator=ref)
    since: datetime = field(validator=instant)


@frozen(kw_only=True)
class Completed:
    """It was carried out."""

    result_ref: Ref | None = field(validator=optional_ref)


@frozen(kw_only=True)
class Failed:
    """It was given up.

    Attributes:
        effect: The call whose failure ended it, which a retry does again.
    """

    category: Category = field(validator=ref)
    effect: EffectId | None = field(validator=of_kind(EffectId, type(None)))


@frozen(kw_only=True)
class Cancelled:
    """It was called off.

    Attributes:
        result_ref: What it had nonetheless finished.
        uncertain: How many steps may or may not have happened.
    """

    reason: Ref = field(validator=ref)
    by: Actor = field(validator=of_kind(Actor))
    result_ref: Ref | None = field(validator=optional_ref)
    uncertain: int = field(validator=count)


Ended: TypeAlias = Completed | Failed | Cancelled
RunState: TypeAlias = Queued | Running | Blocked | CancelRequested | NeedsOperator | Ended


def status_of(state: RunState) -> RunStatus:
    """The state in one word."""
    match state:
        case Queued():
            return RunStatus.QUEUED
        case Running():
            return RunStatus.RUNNING
        case Blocked():
            return RunStatus.BLOCKED
        case CancelRequested():
            return RunStatus.CANCEL_REQUESTED
        case NeedsOperator():
            return RunStatus.NEEDS_OPERATOR
        case Completed():
            return RunStatus.COMPLETED
        case Failed():
            return RunStatus.FAILED
        case Cancelled():
            return RunStatus.CANCELLED
        case _:
            assert_never(state)
