"""A family: the living threads that share messages by forks, and how often one was redacted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.limits import FAMILY_MAX, require_at_most, require_whole_number
from turnkeep_domain.threads.names import name
from turnkeep_domain.threads.segments import Base, Segment, require_base


@frozen(kw_only=True)
class Member:
    """A living thread of a family, and which messages of others it stands on."""

    thread_id: ThreadId = field(validator=name)
    base: Base = field(validator=deep_iterable(of_kind(Segment), of_kind(tuple)))

    @base.validator
    def _follows(self, _: object, base: Base) -> None:
        require_base(base)

    def shares(self, thread_id: ThreadId, sequence: int) -> bool:
        """Whether it shows a message that is kept in a thread's scope."""
        if thread_id == self.thread_id:
            return True
        return any(each.thread_id == thread_id and sequence in each for each in self.base)


@frozen(kw_only=True)
class Family:
    """The living members of a family; absent until it was needed first.

    Attributes:
        scope: The owner's.
        root: The thread that is no fork, living or not.
        redactions: How many messages of the family were redacted: the basis of every summary.
    """

    scope: Scope = field(validator=of_kind(Scope))
    root: ThreadId = field(validator=name)
    members: tuple[Member, ...] = field(validator=deep_iterable(of_kind(Member), of_kind(tuple)))
    redactions: int = field()

    @members.validator
    def _are_distinct(self, _: object, members: tuple[Member, ...]) -> None:
        require_at_most("members", len(members), FAMILY_MAX, "threads")
        if len({member.thread_id for member in members}) != len(members):
            raise InvalidValue("members", "must be distinct")

    @redactions.validator
    def _counts(self, _: object, redactions: int) -> None:
        require_whole_number("redactions", redactions, least=0, most=(1 << 63) - 1)

    @classmethod
    def begun(cls, scope: Scope, root: ThreadId) -> Family:
        """The family of a thread that nobody has forked or redacted yet."""
        member = Member(thread_id=root, base=())
        return cls(scope=scope, root=root, members=(member,), redactions=0)

    def joined(self, member: Member) -> Family:
        """The family with one living thread more."""
        return evolve(self, members=(*self.members, member))

    def left(self, thread_id: ThreadId) -> Family:
        """The family without a thread, which was deleted."""
        kept = tuple(each for each in self.members if each.thread_id != thread_id)
        return evolve(self, members=kept)

    def redacted(self) -> Family:
        """The family after one message of it was redacted."""
        return evolve(self, redactions=self.redactions + 1)

    def showing(self, thread_id: ThreadId, sequence: int) -> Iterator[ThreadId]:
        """The living threads that show a message that is kept in a thread's scope."""
        for member in self.members:
            if member.shares(thread_id, sequence):
                yield member.thread_id


def redactions_of(family: Family | None) -> int:
    """How many messages of a family were redacted; none where it was never needed."""
    return 0 if family is None else family.redactions


FAMILIES: Final[Collection[Family]] = Collection(
    name="families",
    members=(Family,),
    permanent=True,
    index=lambda family: Index(state="kept", due_at=None, sort=family.root),
    identity=lambda family: Identity(family.scope, family.root),
    marks=lambda _: None,
)
