"""A bucket id: whom a limit counts together, and whether by class."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, assert_never

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.policy import TurnClass

_REMEMBERED: Final = 1_024
"""For how many users and classes; a submit asks thrice, and the ids are seven values each."""


class Axis(Enum):
    """By what runs are counted together."""

    TENANT = "tenant"
    USER = "user"
    PROJECT = "project"
    AGENT = "agent"


@frozen(kw_only=True)
class BucketId:
    """A bucket's place: the partial scope of its level, its axis and its class.

    A user's runs of one class are counted by their lane. Runs without a project, or without an
    agent, have a bucket of their own on that axis.

    Attributes:
        turn_class: None where both classes are counted together.
    """

    scope: Scope = field(validator=of_kind(Scope))
    axis: Axis = field(validator=of_kind(Axis))
    turn_class: TurnClass | None = field(validator=of_kind(TurnClass, type(None)))

    def __attrs_post_init__(self) -> None:
        if self.scope != _level(self.scope, self.axis):
            raise InvalidValue("scope", "must be that of the axis, and nothing below it")
        if self.axis is Axis.USER and self.turn_class is not None:
            raise InvalidValue("turn_class", "must be absent: a user's class is its lane")

    @property
    def cell_id(self) -> str:
        """The id of its cell."""
        return f"{self.axis.value}.{'total' if self.turn_class is None else self.turn_class.value}"

    @property
    def counts_running(self) -> bool:
        """Whether it counts claimed runs, too: a tenant's, so that all of a lane wait alike."""
        return self.axis is Axis.TENANT

    def concerns(self, scope: Scope, turn_class: TurnClass) -> bool:
        """Whether it counts runs of this scope and class."""
        if self.turn_class not in (None, turn_class):
            return False
        return _level(scope, self.axis) == self.scope


@lru_cache(_REMEMBERED)
def buckets_of(scope: Scope, turn_class: TurnClass) -> tuple[BucketId, ...]:
    """The seven buckets that may count a run, in the order in which their limits are judged."""
    return tuple(
        BucketId(scope=_level(scope, axis), axis=axis, turn_class=of_class)
        for axis in Axis
        for of_class in (None, turn_class)
        if axis is not Axis.USER or of_class is None
    )


@lru_cache(_REMEMBERED)
def tenant_buckets_of(scope: Scope, turn_class: TurnClass) -> tuple[BucketId, BucketId]:
    """Those of them that may bound how many runs are claimed, in that order."""
    tenant = _level(scope, Axis.TENANT)
    return (
        BucketId(scope=tenant, axis=Axis.TENANT, turn_class=None),
        BucketId(scope=tenant, axis=Axis.TENANT, turn_class=turn_class),
    )


def _level(scope: Scope, axis: Axis) -> Scope:
    match axis:
        case Axis.TENANT:
            return Scope.of(scope.tenant, None)
        case Axis.USER:
            return Scope.of(scope.tenant, scope.user)
        case Axis.PROJECT:
            return Scope.of(scope.tenant, scope.user, project=scope.project)
        case Axis.AGENT:
            return Scope.of(scope.tenant, scope.user, agent=scope.agent)
        case _:
            assert_never(axis)
