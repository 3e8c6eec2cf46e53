"""A name: an identifier with a type of its own, so that none is taken for another."""

from __future__ import annotations

from typing import NewType

InvocationId = NewType("InvocationId", str)
"""The host's name for one intended execution; another execution has another."""
CapabilityId = NewType("CapabilityId", str)
"""What would be used: the name of a tool, or of a kind of agent."""
CorrelationId = NewType("CorrelationId", str)
"""The host's name for the work that a call belongs to; carried along, never compared."""
