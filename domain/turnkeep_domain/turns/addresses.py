"""A run's address: the full scope of its thread, and its id."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.names import RunId


@frozen
class RunAddress:
    """Where a run is found, active or ended."""

    scope: Scope = field(validator=of_kind(Scope))
    id: RunId = field(validator=identifier)

    @scope.validator
    def _is_work(self, _: object, scope: Scope) -> None:
        scope.require_work()
