"""A name: an identifier with a type of its own, so that none is taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType, TypeVar

from turnkeep_domain.identifiers import require_identifier

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

InvocationId = NewType("InvocationId", str)
"""The host's name for one intended execution; another execution has another."""
CapabilityId = NewType("CapabilityId", str)
"""What would be used: the name of a tool, or of a kind of agent."""
CorrelationId = NewType("CorrelationId", str)
"""The host's name for the work that a call belongs to; carried along, never compared."""


def name(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is an identifier, whatever its type is called."""
    require_identifier(attribute.name, text)
