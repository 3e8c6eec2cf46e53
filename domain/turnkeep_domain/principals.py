"""A principal: who acts or decides, as the host has established it."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind


class PrincipalKind(Enum):
    """What kind of actor a principal is. Only people and services may decide approvals."""

    PERSON = "person"
    SERVICE = "service"
    AGENT = "agent"
    EXTENSION = "extension"


@frozen(order=True)
class Principal:
    """Who acts: the host stamps it, clients never supply it.

    Raises:
        InvalidValue: The id is no identifier.
    """

    kind: PrincipalKind = field(validator=of_kind(PrincipalKind), order=lambda kind: kind.value)
    id: str = field(validator=identifier)

    @classmethod
    def person(cls, id: str) -> Principal:
        """A human being."""
        return cls(PrincipalKind.PERSON, id)

    @classmethod
    def service(cls, id: str) -> Principal:
        """A named service that acts by rules, not by a model."""
        return cls(PrincipalKind.SERVICE, id)

    @classmethod
    def agent(cls, id: str) -> Principal:
        """A model-driven agent."""
        return cls(PrincipalKind.AGENT, id)

    @classmethod
    def extension(cls, id: str) -> Principal:
        """Code that was added to the host, for example a plug-in."""
        return cls(PrincipalKind.EXTENSION, id)
