"""A decision: what a transition answers, before anything is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.instants import optional_instant

S = TypeVar("S")
O = TypeVar("O")
R = TypeVar("R")
S_co = TypeVar("S_co", covariant=True)
O_co = TypeVar("O_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


@frozen
class Changed(Generic[S_co, O_co]):
    """New state: it must be stored before the outcome is told to anyone.

    Attributes:
        valid_until: The instant from which the change may no longer be stored, judged by the
            store's clock inside the write; None where no tenure and no deadline carries it.
    """

    state: S_co
    outcome: O_co
    events: tuple[Event, ...]
    valid_until: datetime | None = field(default=None, validator=optional_instant)


@frozen
class Unchanged(Generic[O_co]):
    """The request already took effect, or nothing needs to change; nothing is stored."""

    outcome: O_co


@frozen
class Refused(Generic[R_co]):
    """The rules forbid it; nothing is stored."""

    reason: R_co


@frozen
class Settled(Generic[S_co, R_co]):
    """Refused, and this must still be stored.

    Attributes:
        tidy: Whether the loaded records alone prove the end that is stored (elapsed, guard
            gone): then the refusal stands though storing it fails.
    """

    state: S_co
    reason: R_co
    events: tuple[Event, ...]
    tidy: bool = field(kw_only=True)


Decision: TypeAlias = Changed[S, O] | Unchanged[O] | Refused[R] | Settled[S, R]
