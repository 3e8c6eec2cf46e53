"""An actor: who changes a run from outside, and in which role."""

from __future__ import annotations

from enum import Enum
from typing import Self

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal


class Role(Enum):
    """In which role somebody acts on a run."""

    SUBMITTER = "submitter"
    OPERATOR = "operator"
    SYSTEM = "system"


@frozen
class Actor:
    """Who acts on a run, as the host has established it; clients never supply it."""

    role: Role = field(validator=of_kind(Role))
    principal: Principal = field(validator=of_kind(Principal))

    @classmethod
    def submitter(cls, principal: Principal) -> Self:
        """Whoever submitted the turn; no other principal passes for them."""
        return cls(Role.SUBMITTER, principal)

    @classmethod
    def operator(cls, principal: Principal) -> Self:
        """Somebody who looks after the host."""
        return cls(Role.OPERATOR, principal)

    def may_stand_for(self, submitter: Principal) -> bool:
        """Whether it is the submitter itself, or somebody above."""
        return self.role is not Role.SUBMITTER or self.principal == submitter

    @classmethod
    def system(cls, name: str) -> Self:
        """A part of the host, by rule."""
        return cls(Role.SYSTEM, Principal.service(name))
