"""A guard: a tenure on whose being live a right or a write depends.

Whatever is held under a fence may be one: a lease, a run. What the guarded command loads beside
its own records, it checks in its own commit, so that a steal and a guarded write cannot both win.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, Self, TypeAlias, runtime_checkable

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Collection, ReadKey
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.leases.tenancy import fence


@runtime_checkable
class Guarding(Protocol):
    """A record that holds tenures under a fence."""

    def guarded_until(self, *, fence: int, now: datetime) -> datetime | None:
        """The deadline of the tenure under this fence; None where it is not live now."""
        ...


@frozen
class Guard:
    """One tenure: where its record is kept, and its fence."""

    address: Address = field(validator=of_kind(Address))
    fence: int = field(validator=fence)

    def live_until(self, record: object | None, now: datetime) -> datetime | None:
        """The tenure's deadline; None where the record is absent or the tenure not live now."""
        if not isinstance(record, Guarding):
            return None
        return record.guarded_until(fence=self.fence, now=now)


GuardCollection: TypeAlias = Collection[Guarding]


@frozen
class Guards:
    """The kinds of record that may guard: one collection for each.

    A further kind (a run's state) joins by its collection alone: its records have the method of
    `Guarding`, and whoever wires the services names it here.
    """

    _by_name: Mapping[str, GuardCollection] = field()

    @classmethod
    def of(cls, *collections: GuardCollection) -> Self:
        """The guards that these collections hold."""
        return cls({collection.name: collection for collection in collections})

    def key(self, address: Address) -> ReadKey[Guarding]:
        """Where a guard is read.

        Raises:
            InvalidValue: Nothing that is kept there can guard.
        """
        require_kind("guard", address, Address)
        collection = self._by_name.get(address.collection)
        if collection is None:
            raise InvalidValue("guard", "must be kept where tenures are")
        return ReadKey(collection, address)
