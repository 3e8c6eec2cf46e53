"""A spawn tree: the live runs below one root, bounded in number, and called off together."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.limits import TREE_DEPTH_MAX, TREE_LIVE_MAX, TREE_SPAWNED_MAX
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.refusals import TreeCancelling, TreeFull

_RETRY_SECONDS: Final = 5


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

    @classmethod
    def of(cls, root: RunAddress, *, now: datetime) -> SpawnTree:
        """The tree of a root that has spawned nothing yet."""
        return cls(root=root, live=(), spawned=0, cancelling=(), updated_at=now)

    def is_called_off(self, run: RunId, *, parent: RunId) -> bool:
        """Whether a member is to end: the root, its parent or itself was called off."""
        return not {self.root.id, parent, run}.isdisjoint(self.cancelling)

    def children_of(self, run: RunId) -> tuple[RunAddress, ...]:
        """The live runs that this one spawned."""
        return tuple(member.run for member in self.live if member.parent == run)

    def called_off(self) -> tuple[Member, ...]:
        """The live members that are to end, because the root or their parent was called off."""
        return tuple(
            member
            for member in self.live
            if not {self.root.id, member.parent}.isdisjoint(self.cancelling)
        )

    def spawn(
        self, run: RunAddress, *, parent: RunId, depth: int, now: datetime
    ) -> Decision[SpawnTree, RunAddress, TreeCancelling | TreeFull]:
        """Adds a run below the root. Idempotent while it lives.

        Args:
            run: The child.
            parent: Who spawns it, the root perhaps.
            depth: The child's: 1 below the root.
            now: The store's.

        Returns:
            `TreeCancelling`, before anything else: the root or the parent was called off.
            `TreeFull`: 64 members live, there were 1,000 ever, or it would be of the ninth level.
        """
        if any(member.run == run for member in self.live):
            return Unchanged(run)
        if self.is_called_off(run.id, parent=parent):
            return Refused(TreeCancelling())
        full = self._full(depth)
        if full is not None:
            return Refused(full)
        live = (*self.live, Member(run=run, parent=parent))
        tree = evolve(self, live=live, spawned=self.spawned + 1, updated_at=now)
        return Changed(tree, run, ())

    def leave(self, run: RunId, *, now: datetime) -> SpawnTree:
        """A member has ended; a run that is none changes nothing."""
        live = tuple(member for member in self.live if member.run.id != run)
        if len(live) == len(self.live):
            return self
        parents = {self.root.id, *(member.parent for member in live)}
        return evolve(
            self,
            live=live,
            cancelling=tuple(id for id in self.cancelling if id in parents),
            updated_at=now,
        )

    def call_off(self, run: RunId, *, now: datetime) -> SpawnTree:
        """Whatever descends from this run is to end, and spawns no more.

        It is remembered while there is something to end: a run that is itself to end spawns
        nothing, so where nothing descends from it nothing is to be done.
        """
        ends_any = bool(self.live) if run == self.root.id else bool(self.children_of(run))
        if run in self.cancelling or not ends_any:
            return self
        return evolve(self, cancelling=(*self.cancelling, run), updated_at=now)

    def _full(self, depth: int) -> TreeFull | None:
        if depth > TREE_DEPTH_MAX:
            return TreeFull("depth", None)
        if self.spawned >= TREE_SPAWNED_MAX:
            return TreeFull("spawned", None)
        if len(self.live) >= TREE_LIVE_MAX:
            return TreeFull("live", _RETRY_SECONDS)
        return None


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
