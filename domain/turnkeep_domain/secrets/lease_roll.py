"""A lease roll: what one scope has borrowed that is still live, so that a quota is exact.

Each issue and each end commits it, so concurrent issues see each other. Entries whose deadline has
come do not count, swept or not: a quota cannot leak.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index, Key, key
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId, remember
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.lease_ref import LeaseRef, work_scope
from turnkeep_domain.secrets.limits import REQUESTS_MAX, TOMBSTONE_KEPT

_NAME: Final = "lease_roll"
_ID: Final = "roll"


@frozen(kw_only=True)
class RollEntry:
    """Something live, and until when."""

    id: str = field(validator=identifier)
    deadline: datetime = field(validator=instant)


Entries = tuple[RollEntry, ...]


@frozen(kw_only=True)
class LeaseRoll:
    """The live secret leases and credential sessions of one scope.

    Attributes:
        issues: The last 64 issues of leases, each with the reference that it was answered.
        updated_at: When it was stored last.
    """

    scope: Scope = field(validator=work_scope)
    leases: Entries = field(validator=deep_iterable(of_kind(RollEntry), of_kind(tuple)))
    sessions: Entries = field(validator=deep_iterable(of_kind(RollEntry), of_kind(tuple)))
    issues: Marks[LeaseRef] = field(validator=of_kind(Marks))
    updated_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        for entries in (self.leases, self.sessions):
            if len({entry.id for entry in entries}) != len(entries):
                raise InvalidValue("entries", "must have distinct ids")

    @classmethod
    def empty(cls, scope: Scope, *, now: datetime) -> Self:
        """The roll of a scope that has borrowed nothing yet."""
        return cls(scope=scope, leases=(), sessions=(), issues=Marks.none(), updated_at=now)

    def live_leases(self, now: datetime) -> int:
        """How many leases are live."""
        return len(_live(self.leases, now))

    def live_sessions(self, now: datetime) -> int:
        """How many sessions are live."""
        return len(_live(self.sessions, now))

    def with_lease(
        self,
        ref: LeaseRef,
        *,
        deadline: datetime,
        request_id: RequestId,
        arguments: Digest,
        now: datetime,
    ) -> Self:
        """The roll after an issue; what is over goes."""
        entry = RollEntry(id=ref.id, deadline=deadline)
        mark = Mark(request_id, arguments, ref)
        return evolve(
            self,
            leases=(*_live(self.leases, now), entry),
            issues=remember(self.issues, mark, bound=REQUESTS_MAX),
            updated_at=now,
        )

    def with_session(self, id: str, *, deadline: datetime, now: datetime) -> Self:
        """The roll after a session was opened; what is over goes."""
        entry = RollEntry(id=id, deadline=deadline)
        return evolve(self, sessions=(*_live(self.sessions, now), entry), updated_at=now)

    def without(self, *ids: str, now: datetime) -> Self:
        """The roll after these have ended; the same roll where none of them is on it."""
        leases = tuple(entry for entry in self.leases if entry.id not in ids)
        sessions = tuple(entry for entry in self.sessions if entry.id not in ids)
        if (leases, sessions) == (self.leases, self.sessions):
            return self
        return evolve(self, leases=leases, sessions=sessions, updated_at=now)

    def may_go(self, now: datetime) -> bool:
        """Whether it is empty and was not used for a while."""
        return not (self.leases or self.sessions) and self.updated_at + TOMBSTONE_KEPT <= now


def _live(entries: Entries, now: datetime) -> Entries:
    return tuple(entry for entry in entries if entry.deadline > now)


def _index(roll: LeaseRoll) -> Index:
    if roll.leases or roll.sessions:
        return Index(state="used", due_at=None, sort=_ID)
    return Index(state="empty", due_at=roll.updated_at + TOMBSTONE_KEPT, sort=_ID)


LEASE_ROLLS: Final[Collection[LeaseRoll]] = Collection(
    name=_NAME,
    members=(LeaseRoll,),
    permanent=False,
    index=_index,
    identity=lambda roll: Identity(roll.scope, _ID),
    marks=lambda roll: roll.issues,
)


def roll_key(scope: Scope) -> Key[LeaseRoll]:
    """Where the roll of a scope is kept."""
    return key(LEASE_ROLLS, scope, _ID)
