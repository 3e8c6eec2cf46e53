"""Samples of what queues are made of: addresses, lanes, buckets and trees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.decisions import Changed
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket import Bucket
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.claims import Token, token_digest
from turnkeep_domain.turns.lane import Granted, Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.spawn_tree import SpawnTree

NOW: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SCOPE: Final = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t1")
LANE: Final = LaneId.of(SCOPE, TurnClass.INTERACTIVE)
OPERATOR: Final = Actor.operator(Principal.person("olga"))
TENANT: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
USER: Final = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.USER, turn_class=None)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def run(name: str) -> RunAddress:
    """A run in a thread of its own."""
    return RunAddress(Scope.of("acme", "ada", thread=f"thread of {name}"), RunId(name))


def digest(number: int) -> Digest:
    return token_digest(Token(number.to_bytes(16, "big")))


def grant(name: str, epoch: int = 1) -> Granted:
    return Granted(run=run(name), epoch=epoch)


def lane_of(user: str) -> LaneId:
    return LaneId.of(Scope.of("acme", user), TurnClass.INTERACTIVE)


def entered(lane: Lane, *names: str, at: float = 0) -> Lane:
    for name in names:
        after = lane.enter(run=run(name), due_at=later(at), root=None)
        assert after is not None
        lane = after
    return lane


def queued(*names: str, at: float = 0) -> Lane:
    """A lane in which these runs are queued, due at the same time."""
    return entered(Lane.empty(LANE), *names, at=at)


def names_in(lane: Lane) -> list[str]:
    return [entry.run.id for entry in lane.entries]


def limits(held: int | None = None, running: int | None = None) -> BucketLimits:
    return BucketLimits(held=held, running=running)


def counting(id: BucketId = TENANT, held: int | None = None, running: int | None = None) -> Bucket:
    """A bucket that was limited just now for the first time."""
    made = Bucket.first_limited(id, limits(held, running), by=OPERATOR, now=NOW)
    assert isinstance(made, Changed)
    return made.state


def bucket(id: BucketId = TENANT, held: int | None = None, running: int | None = None) -> Bucket:
    """A bucket whose limits are in force."""
    made = counting(id, held, running).in_force(now=later(15))
    assert isinstance(made, Changed)
    return made.state


def tree(*names: str, parent: str = "root") -> SpawnTree:
    """The tree of `root` with these members, all spawned by one run."""
    grown = SpawnTree.of(run("root"), now=NOW)
    for name in names:
        grown = spawned(grown, name, parent=parent)
    return grown


def spawned(grown: SpawnTree, name: str, *, parent: str) -> SpawnTree:
    decision = grown.spawn(run(name), parent=RunId(parent), depth=1, now=NOW)
    assert isinstance(decision, Changed)
    return decision.state
