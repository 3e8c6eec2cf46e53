"""A lineage: which run a run descends from, and which one it repeats."""

from __future__ import annotations

from typing import Self

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.names import RunId


@frozen(kw_only=True)
class Lineage:
    """Where a run stands in the tree of those that spawned each other.

    Attributes:
        parent: The run that spawned it; None for a root.
        root: The first of its tree; None for a root, which is its own.
        depth: 0 for a root, at most 8.
        retry_of: The run of the same turn that it repeats: one that failed, or a retry of such a
            run that was called off.
    """

    parent: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))
    root: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))
    depth: int = field(validator=count)
    retry_of: RunId | None = field(validator=optional_identifier)

    def __attrs_post_init__(self) -> None:
        if (self.parent is None, self.root is None) != (self.depth == 0,) * 2:
            raise InvalidValue("lineage", "must name parent and root exactly below the root")

    @classmethod
    def of_root(cls, *, retry_of: RunId | None = None) -> Self:
        """A run that nobody spawned."""
        return cls(parent=None, root=None, depth=0, retry_of=retry_of)

    def child_of(self, run: RunAddress) -> Lineage:
        """The lineage of a run that this one, at that address, spawns."""
        return Lineage(parent=run, root=self.root or run, depth=self.depth + 1, retry_of=None)
