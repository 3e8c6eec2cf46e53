"""An action kind: running a tool or starting an agent, as consent tells them apart."""

from __future__ import annotations

from enum import Enum
from typing import assert_never

from turnkeep_domain.approvals.calls import Action, Dispatch, Spawn


class ActionKind(Enum):
    """What kind of action a call is; the values are those that fingerprints have."""

    DISPATCH = "dispatch"
    SPAWN = "spawn"

    @classmethod
    def of(cls, action: Action) -> ActionKind:
        """The kind of an action."""
        match action:
            case Dispatch():
                return cls.DISPATCH
            case Spawn():
                return cls.SPAWN
            case _:
                assert_never(action)
