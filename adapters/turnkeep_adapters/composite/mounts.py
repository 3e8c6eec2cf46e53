"""A mount: one of the stores that a composite store is made of, and what is kept in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Self

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_collection
from turnkeep_domain.kinds import of_kind
from turnkeep_ports.store import (
    Atomicity,
    Capabilities,
    Durability,
    Notification,
    RecordStore,
)

REST: Final = "rest"
"""The name of the mount that keeps every collection which no other mount names."""
LAYOUT_BYTES: Final = 8

_WEAKEST: Final[tuple[tuple[Atomicity, ...], tuple[Durability, ...]]] = (
    (Atomicity.NONE, Atomicity.SINGLE, Atomicity.MULTI),
    (Durability.VOLATILE, Durability.PROCESS, Durability.POWER),
)


@frozen(kw_only=True)
class Mount:
    """A store in a composite store.

    Attributes:
        name: What errors call it: of the grammar of collection names, and never a path or a URL.
        store: Closed; the composite opens and closes it.
        collections: The names of what is kept in it; of the rest, none.
    """

    name: str = field()
    store: RecordStore = field(eq=False, repr=False)
    collections: frozenset[str] = field(validator=of_kind(frozenset))

    @name.validator
    def _is_a_name(self, _: object, name: str) -> None:
        require_collection("mount", name)

    @collections.validator
    def _are_collections(self, _: object, collections: frozenset[str]) -> None:
        for name in collections:
            require_collection("collections", name)


@frozen
class Mounts:
    """All mounts of a composite store, the rest first, the others by name."""

    all: tuple[Mount, ...] = field()
    _by_collection: dict[str, int] = field(repr=False)

    @classmethod
    def of(cls, rest: RecordStore, mounts: Iterable[Mount]) -> Self:
        """The mounts of a composite store.

        Raises:
            InvalidValue: A collection is kept in two of them, one keeps nothing, a name or a store
                comes twice.
        """
        others = sorted(mounts, key=lambda mount: mount.name)
        every = (Mount(name=REST, store=rest, collections=frozenset()), *others)
        by_collection = {name: n for n, one in enumerate(every) for name in one.collections}
        if len(by_collection) != sum(len(mount.collections) for mount in every):
            raise InvalidValue("mounts", "must not keep one collection twice")
        if not all(mount.collections for mount in others):
            raise InvalidValue("mounts", "must keep one collection at least")
        if len({mount.name for mount in every}) != len(every):
            raise InvalidValue("mounts", f"must have distinct names, none of them {REST}")
        if len({id(mount.store) for mount in every}) != len(every):
            raise InvalidValue("mounts", "must not name one store twice")
        return cls(every, by_collection)

    def number_of(self, collection: str) -> int:
        """The number of the mount in which a collection is kept."""
        return self._by_collection.get(collection, 0)

    def numbers_of(self, collections: Iterable[str] | None) -> tuple[int, ...]:
        """The numbers of the mounts in which collections are kept, ascending; None for all."""
        if collections is None:
            return tuple(range(len(self.all)))
        return tuple(sorted({self.number_of(name) for name in collections}))

    def layout(self) -> bytes:
        """Names this way to keep collections apart: what is kept elsewhere later, has another."""
        told = [f"{mount.name}={','.join(sorted(mount.collections))}" for mount in self.all]
        return hashlib.sha256("\n".join(told).encode()).digest()[:LAYOUT_BYTES]

    def capabilities(self) -> Capabilities:
        """Of everything the weakest; and what is apart."""
        declared = [mount.store.capabilities for mount in self.all]
        atomicities, durabilities = _WEAKEST
        pushes = all(one.notification is Notification.PUSH for one in declared)
        return Capabilities(
            atomicity=min((one.atomicity for one in declared), key=atomicities.index),
            durability=min((one.durability for one in declared), key=durabilities.index),
            notification=Notification.PUSH if pushes else Notification.POLL,
            writes_max=min(one.writes_max for one in declared),
            apart=tuple(self._apart(declared)),
        )

    def _apart(self, declared: Sequence[Capabilities]) -> Iterable[frozenset[str]]:
        """The mounts' collections, and within them what a mount itself keeps apart."""
        mounted = frozenset(self._by_collection)
        for mount, capabilities in zip(self.all, declared, strict=True):
            left = mount.collections
            for names in capabilities.apart:
                within = names - mounted if mount is self.all[0] else names & mount.collections
                if within:
                    yield within
                left -= names
            if left:
                yield left
