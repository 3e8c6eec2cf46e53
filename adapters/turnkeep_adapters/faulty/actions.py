"""An action: what a faulty store does to one call."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from attrs import field, frozen
from attrs.validators import ge, instance_of

from turnkeep_domain.errors import InvalidValue


class Operation(Enum):
    """An operation of the store port."""

    LOAD = "load"
    COMMIT = "commit"
    SCAN = "scan"
    EVENTS = "events"
    TRIM = "trim"
    SCRUB = "scrub"
    CHANGED = "changed"


@frozen
class FailBefore:
    """`Unavailable`; the inner store is not asked."""


@frozen
class Delay:
    """The call is handed over after some time of the injected clock."""

    milliseconds: int = field(validator=[instance_of(int), ge(0)])


@frozen
class Stall:
    """The call is never handed over and never answered; only a cancellation ends it."""


@frozen
class Hold:
    """The call is handed over once the hold is released."""

    name: str


@frozen
class HoldAfter:
    """The call is handed over at once, its answer once the hold is released; errors pass."""

    name: str


@frozen
class LoseBefore:
    """`OutcomeUnknown`; nothing is ever written."""


@frozen
class LoseAfter:
    """The commit is handed over, and whatever it answered becomes `OutcomeUnknown`."""


@frozen
class LandLate:
    """`OutcomeUnknown` now; the commit is handed over after further operations.

    Attributes:
        operations: How many operations that begin later must end first, one at least.
    """

    operations: int = field(validator=[instance_of(int), ge(1)])


@frozen
class AnswerStale:
    """`Stale` that names the first written key; nothing is written."""


@frozen
class AnswerBusy:
    """`Stale` that is busy and names no key; nothing is written."""


@frozen
class CorruptBytes:
    """The answer's bodies are cut in half, so that no codec can read them."""


AnyAction: TypeAlias = FailBefore | Delay | Stall | Hold | HoldAfter
CommitAction: TypeAlias = LoseBefore | LoseAfter | LandLate | AnswerStale | AnswerBusy
Action: TypeAlias = AnyAction | CommitAction | CorruptBytes

# trim and scrub concern every record, whatever its collection.
NAMES_COLLECTIONS: Final = frozenset(Operation) - {Operation.TRIM, Operation.SCRUB}
_ANSWERS_BODIES: Final = frozenset({Operation.LOAD, Operation.SCAN, Operation.EVENTS})


def require_fitting(operation: Operation, action: Action) -> None:
    """Refuses an action that the operation cannot suffer.

    Raises:
        InvalidValue: Only commits can be lost, late, stale or busy; only answers with bodies
            can be corrupt.
    """
    if isinstance(action, CommitAction) and operation is not Operation.COMMIT:
        raise InvalidValue("action", "must be one that any operation may suffer, or of a commit")
    if isinstance(action, CorruptBytes) and operation not in _ANSWERS_BODIES:
        raise InvalidValue("action", "must be on load, scan or events to corrupt what they answer")
