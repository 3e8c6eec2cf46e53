"""A lane: the queue of one user and class, by due time and then by arrival."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.counts import count, optional_count
from turnkeep_domain.turns.limits import LANE_MAX, LANE_TOKENS_MAX
from turnkeep_domain.turns.policy import TurnClass


@frozen(kw_only=True)
class LaneId:
    """A lane's place: a tenant and user, and a class."""

    scope: Scope = field(validator=of_kind(Scope))
    turn_class: TurnClass = field(validator=of_kind(TurnClass))

    @scope.validator
    def _is_of_a_user(self, _: object, scope: Scope) -> None:
        if scope != Scope.of(scope.tenant, scope.user):
            raise InvalidValue("scope", "must be that of a tenant and user, and nothing below")
        scope.require_work()

    @classmethod
    def of(cls, scope: Scope, turn_class: TurnClass) -> LaneId:
        """The lane of a run in this scope."""
        return cls(scope=Scope.of(scope.tenant, scope.user), turn_class=turn_class)


@frozen(kw_only=True)
class LaneEntry:
    """A queued run.

    Attributes:
        sequence: Its arrival in the lane, which breaks ties.
        root: The root of its tree, where it has one above it.
    """

    due_at: datetime = field(validator=instant)
    sequence: int = field(validator=count)
    run: RunAddress = field(validator=of_kind(RunAddress))
    root: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))


@frozen(kw_only=True)
class Granted:
    """A run that a claim was given, under the fence that it took."""

    run: RunAddress = field(validator=of_kind(RunAddress))
    epoch: int = field(validator=count)


@frozen(kw_only=True)
class LaneGrants:
    """What one token was given here, so that its repeat is given the same."""

    token: Digest = field(validator=of_kind(bytes), repr=False)
    grants: tuple[Granted, ...] = field(validator=deep_iterable(of_kind(Granted), of_kind(tuple)))


@frozen(kw_only=True)
class Lane:
    """The queued runs of one user and class, and how many of them are claimed.

    Attributes:
        entries: At most 256, by due time and sequence.
        tokens: The last 16.
        running: How many runs of the lane are claimed.
        limit: How many may be; None for any number.
        not_before: When it was last served, so that users take turns.
        parked_at: The full bucket in whose `parked` it stands.
    """

    id: LaneId = field(validator=of_kind(LaneId))
    entries: tuple[LaneEntry, ...] = field(
        validator=deep_iterable(of_kind(LaneEntry), of_kind(tuple))
    )
    next_sequence: int = field(validator=count)
    tokens: tuple[LaneGrants, ...] = field(
        validator=deep_iterable(of_kind(LaneGrants), of_kind(tuple))
    )
    running: int = field(validator=count)
    limit: int | None = field(validator=optional_count)
    not_before: datetime | None = field(validator=optional_instant)
    parked_at: BucketId | None = field(validator=of_kind(BucketId, type(None)))

    def __attrs_post_init__(self) -> None:
        order = [(entry.due_at, entry.sequence) for entry in self.entries]
        if len(order) > LANE_MAX or order != sorted(order):
            raise InvalidValue("entries", f"must be at most {LANE_MAX}, in order")
        if len(self.tokens) > LANE_TOKENS_MAX:
            raise InvalidValue("tokens", f"must be at most {LANE_TOKENS_MAX}")


def ready(turn_class: TurnClass) -> str:
    """The state of lanes of a class that a claim may serve."""
    return f"ready.{turn_class.value}"


def _index(lane: Lane) -> Index:
    state, due_at = "idle", None
    if lane.parked_at is not None:
        state = "parked"
    elif lane.limit is not None and lane.running >= lane.limit:
        state = "full"
    elif lane.entries:
        state, first = ready(lane.id.turn_class), lane.entries[0].due_at
        due_at = first if lane.not_before is None else max(first, lane.not_before)
    return Index(state=state, due_at=due_at, sort=lane.id.turn_class.value)


LANES: Final[Collection[Lane]] = Collection(
    name="lane",
    members=(Lane,),
    permanent=True,
    index=_index,
    identity=lambda lane: Identity(lane.id.scope, lane.id.turn_class.value),
    marks=lambda _: None,
)
