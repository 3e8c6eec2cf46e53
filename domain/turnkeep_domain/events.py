"""An event: an immutable fact, appended in the same commit as the change that it tells of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address


@frozen(kw_only=True)
class Event:
    """A fact about one record; subclasses add ids and actors, never payload.

    Attributes:
        kind: ``<aggregate>.<past participle>``, fixed by the subclass.
        address: The record that the event tells of.
        at: The decision's now.
    """

    kind: ClassVar[str]
    address: Address = field()
    at: datetime = field(validator=instant)
