"""A lane id: the user and class whose queue a lane is."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.policy import TurnClass

_REMEMBERED: Final = 1_024


@frozen(kw_only=True)
class LaneId:
    """A lane's place: a tenant and user, and a class."""

    scope: Scope = field(validator=of_kind(Scope))
    turn_class: TurnClass = field(validator=of_kind(TurnClass))

    @scope.validator
    def _is_of_a_user(self, _: object, scope: Scope) -> None:
        if scope != Scope.of(scope.tenant, scope.user):
            raise InvalidValue("scope", "must be that of a tenant and user, and nothing below")
        scope.require_work()

    @classmethod
    def of(cls, scope: Scope, turn_class: TurnClass) -> LaneId:
        """The lane of a run in this scope."""
        return _of(scope.tenant, scope.user, turn_class)


@lru_cache(_REMEMBERED, typed=True)
def _of(tenant: str | None, user: str | None, turn_class: TurnClass) -> LaneId:
    return LaneId(scope=Scope.of(tenant, user), turn_class=turn_class)
