"""A lane: the queue of one user and class, by due time and then by arrival.

```text
    idle    no run is queued
    ready   some are, due from max(the first one's due time, not_before) on; of each shard apart
    full    as many are claimed as its own limit allows
    parked  it waits for a place in a tenant's bucket
```

A claim finds ready lanes alone. The module is above the comfortable length because all that a
queue does stands together.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zlib import crc32

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor, Role
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.counts import count, optional_count
from turnkeep_domain.turns.events import LaneLimitChanged
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import (
    LANE_MAX,
    LANE_SHARDS,
    LANE_SUBMITS_MAX,
    LANE_TOKENS_MAX,
)
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.refusals import NotPermitted

_NAME: Final = "lane"


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

    @property
    def order(self) -> tuple[datetime, int]:
        """What entries are ordered by."""
        return (self.due_at, self.sequence)


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
        tokens: The last 16 that were given something.
        tokens_dropped: How many there were before them.
        running: How many runs of the lane are claimed.
        limit: How many may be; None for any number.
        not_before: When it was last served, so that users take turns; or until when it was put
            back.
        parked_at: The full bucket in whose `parked` it stands.
    """

    id: LaneId = field(validator=of_kind(LaneId))
    # Shallow: every claim reads up to 256 entries, and whoever reads them has checked each one.
    entries: tuple[LaneEntry, ...] = field(validator=of_kind(tuple))
    next_sequence: int = field(validator=count)
    tokens: tuple[LaneGrants, ...] = field(
        validator=deep_iterable(of_kind(LaneGrants), of_kind(tuple))
    )
    tokens_dropped: int = field(validator=count)
    running: int = field(validator=count)
    limit: int | None = field(validator=optional_count)
    not_before: datetime | None = field(validator=optional_instant)
    parked_at: BucketId | None = field(validator=of_kind(BucketId, type(None)))

    def __attrs_post_init__(self) -> None:
        order = [entry.order for entry in self.entries]
        if len(order) > LANE_MAX or order != sorted(order):
            raise InvalidValue("entries", f"must be at most {LANE_MAX}, in order")
        if len(self.tokens) > LANE_TOKENS_MAX:
            raise InvalidValue("tokens", f"must be at most {LANE_TOKENS_MAX}")

    @classmethod
    def empty(cls, id: LaneId) -> Lane:
        """A lane that nothing has ever been queued in."""
        return cls(
            id=id,
            entries=(),
            next_sequence=0,
            tokens=(),
            tokens_dropped=0,
            running=0,
            limit=None,
            not_before=None,
            parked_at=None,
        )

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.id.scope, self.id.turn_class.value)

    @property
    def room_to_run(self) -> int:
        """How many more runs its own limit and length let be claimed."""
        if self.limit is None:
            return len(self.entries)
        return max(0, min(len(self.entries), self.limit - self.running))

    @property
    def has_room(self) -> bool:
        """Whether one more run may enter."""
        return len(self.entries) < LANE_MAX

    @property
    def has_room_for_submits(self) -> bool:
        """Whether a submit may fill one more place; the rest is for runs that come back."""
        return len(self.entries) < LANE_SUBMITS_MAX

    # ---- the queue ------------------------------------------------------------------------------

    def enter(self, *, run: RunAddress, due_at: datetime, root: RunAddress | None) -> Lane | None:
        """Queues a run; None where all 256 places are filled, so that it stays outside.

        A run is queued once: entered again it takes another place.
        """
        entries = [entry for entry in self.entries if entry.run != run]
        if len(entries) >= LANE_MAX:
            return None
        entry = LaneEntry(due_at=due_at, sequence=self.next_sequence, run=run, root=root)
        insort(entries, entry, key=lambda entry: entry.order)
        return evolve(self, entries=tuple(entries), next_sequence=self.next_sequence + 1)

    def leave(self, run: RunAddress) -> Lane:
        """Takes a run out, for a claim or for its end; one that is not queued changes nothing."""
        entries = tuple(entry for entry in self.entries if entry.run != run)
        return self if len(entries) == len(self.entries) else evolve(self, entries=entries)

    def put_back(self, run: RunAddress, *, until: datetime) -> Lane:
        """Lets a run wait that could not be read, so that it holds nobody up.

        It keeps its sequence, and never comes earlier than it would have.
        """
        entries = [
            evolve(entry, due_at=max(entry.due_at, until)) if entry.run == run else entry
            for entry in self.entries
        ]
        return evolve(self, entries=tuple(sorted(entries, key=lambda entry: entry.order)))

    # ---- claims ---------------------------------------------------------------------------------

    def due(self, *, now: datetime) -> tuple[LaneEntry, ...]:
        """The runs that may be claimed now, in the order in which they are.

        There are none while the lane is parked, full by its own limit, or put back.
        """
        if self.parked_at is not None or not self.room_to_run:
            return ()
        if self.not_before is not None and self.not_before > now:
            return ()
        return tuple(entry for entry in self.entries if entry.due_at <= now)

    def granted(self, token: Digest) -> tuple[Granted, ...] | None:
        """What this token was given; None where it was given nothing, or that is forgotten."""
        for grants in self.tokens:
            if grants.token == token:
                return grants.grants
        return None

    def served(self, *, token: Digest, grants: Sequence[Granted], now: datetime) -> Lane:
        """Notes what a token was given, and lets other users go first from now on.

        Raises:
            InvalidValue: It was given nothing.
        """
        if not grants:
            raise InvalidValue("grants", "must be one at least")
        tokens = (*self.tokens, LaneGrants(token=token, grants=tuple(grants)))
        surplus = max(0, len(tokens) - LANE_TOKENS_MAX)
        return evolve(
            self,
            tokens=tokens[surplus:],
            tokens_dropped=self.tokens_dropped + surplus,
            not_before=now,
        )

    def counted(self, *, running: int) -> Lane:
        """So many more of its runs are claimed; fewer, where negative.

        Raises:
            InvalidValue: Fewer than none would be.
        """
        return evolve(self, running=self.running + running)

    # ---- waiting for a place --------------------------------------------------------------------

    def parked(self, at: BucketId) -> Lane:
        """It stands in that bucket's `parked`, and no claim finds it."""
        return evolve(self, parked_at=at)

    def readied(self) -> Lane:
        """It stands in no bucket's `parked`."""
        return evolve(self, parked_at=None)

    def put_off(self, *, until: datetime) -> Lane:
        """No claim finds it before `until`: it could be neither served nor parked."""
        return evolve(self, not_before=until)

    # ---- its own limit --------------------------------------------------------------------------

    def limited(
        self, limit: int | None, *, by: Actor, now: datetime
    ) -> Decision[Lane, Lane, NotPermitted]:
        """Changes how many of its runs may be claimed at once. It ends none that is."""
        if by.role is not Role.OPERATOR:
            return Refused(NotPermitted())
        if limit == self.limit:
            return Unchanged(self)
        lane = evolve(self, limit=limit)
        event = LaneLimitChanged(address=self.address, at=now, actor=by, limit=limit)
        return Changed(lane, lane, (event,))


def ready(turn_class: TurnClass, shard: int) -> str:
    """The state of lanes of a class and a shard, 0 to `LANE_SHARDS` - 1, that a claim may serve."""
    return f"ready.{turn_class.value}.{shard}" if shard else f"ready.{turn_class.value}"


def shard_of(lane: Scope) -> int:
    """The shard of a user's lanes, in every process alike: so that claimants can part them."""
    return crc32(f"{lane.tenant}\n{lane.user}".encode()) % LANE_SHARDS


def _index(lane: Lane) -> Index:
    state, due_at = "idle", None
    if lane.parked_at is not None:
        state = "parked"
    elif lane.limit is not None and lane.running >= lane.limit:
        state = "full"
    elif lane.entries:
        state = ready(lane.id.turn_class, shard_of(lane.id.scope))
        first = lane.entries[0].due_at
        due_at = first if lane.not_before is None else max(first, lane.not_before)
    return Index(state=state, due_at=due_at, sort=lane.id.turn_class.value)


# A claim repeats by its token, which a lane remembers as a command's record does a request id: so
# a doubt about one that the lane has forgotten since is told as a doubt.
def _marks(lane: Lane) -> Marks[object]:
    entries = tuple(
        Mark(RequestId(grants.token.hex()), grants.token, grants) for grants in lane.tokens
    )
    return Marks(entries, lane.tokens_dropped)


LANES: Final[Collection[Lane]] = Collection(
    name=_NAME,
    members=(Lane,),
    permanent=True,
    index=_index,
    identity=lambda lane: Identity(lane.id.scope, lane.id.turn_class.value),
    marks=_marks,
)
