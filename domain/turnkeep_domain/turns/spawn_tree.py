"""A spawn tree: the live runs below one root, bounded in number, and called off together."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.limits import TREE_LIVE_MAX, TREE_SPAWNED_MAX
from turnkeep_domain.turns.names import RunId


@frozen(kw_only=True)
class Member:
    """A run below the root that has not ended."""

    run: RunAddress = field(validator=of_kind(RunAddress))
    parent: RunId = field(validator=identifier)


@frozen(kw_only=True)
class SpawnTree:
    """The runs that descend from one root.

    Attributes:
        live: Those that have not ended, at most 64; the root is none of them.
        spawned: How many there ever were, at most 1,000.
        cancelling: Runs that were called off and whose descendants are to follow.
    """

    root: RunAddress = field(validator=of_kind(RunAddress))
    live: tuple[Member, ...] = field(validator=deep_iterable(of_kind(Member), of_kind(tuple)))
    spawned: int = field(validator=count)
    cancelling: tuple[RunId, ...] = field(validator=deep_iterable(identifier, of_kind(tuple)))
    updated_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        if len({member.run for member in self.live}) != len(self.live):
            raise InvalidValue("live", "must name each run once")
        if len(self.live) > TREE_LIVE_MAX or self.spawned > TREE_SPAWNED_MAX:
            raise InvalidValue("live", f"must be at most {TREE_LIVE_MAX} of {TREE_SPAWNED_MAX}")


def _index(tree: SpawnTree) -> Index:
    if tree.cancelling and tree.live:
        # Due at once: a sweep goes on with what its canceller has not finished.
        return Index(state="cancelling", due_at=tree.updated_at, sort=tree.root.id)
    return Index(state="live" if tree.live else "empty", due_at=None, sort=tree.root.id)


SPAWN_TREES: Final[Collection[SpawnTree]] = Collection(
    name="spawn_tree",
    members=(SpawnTree,),
    permanent=True,
    index=_index,
    identity=lambda tree: Identity(tree.root.scope, tree.root.id),
    marks=lambda _: None,
)
