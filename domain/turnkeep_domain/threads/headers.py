"""A thread header: what a thread is as a whole, and the next number of its messages.

A message takes its number in the commit that puts header and message together, so numbers have no
gap, and the order of commits is the order of messages. The module is long because the commands of
one aggregate, and what its cells are, stand together.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.goals import Goal
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.metadata import NOTHING_NOTED, Metadata, require_metadata
from turnkeep_domain.threads.names import name
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.refusals import (
    EpochStale,
    GateRefusal,
    GoalMoved,
    ThreadFull,
    ThreadImporting,
    ThreadIsDeleted,
    ThreadNotFound,
)
from turnkeep_domain.threads.segments import Base, Segment, base_end, require_base, whole
from turnkeep_domain.threads.thread_events import (
    ThreadArchived,
    ThreadCreated,
    ThreadDeleted,
    ThreadEvent,
    ThreadForked,
    ThreadGoalSet,
    ThreadImported,
    ThreadMetadataSet,
    ThreadRenamed,
    ThreadSwept,
    ThreadUnarchived,
)
from turnkeep_domain.threads.thread_states import (
    Active,
    Archived,
    Deleted,
    Importing,
    ThreadPhase,
    ThreadState,
    thread_state,
)
from turnkeep_domain.threads.titles import Derived, require_title

_NAME: Final = "threads"
_LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@frozen(kw_only=True)
class ThreadEdit:
    """What a command on a header led to, small enough to be kept in a mark; it holds no text.

    Attributes:
        state: Where the thread stands.
        refinement_count: How often its goal was set or refined.
        at: When the command was carried out.
    """

    state: ThreadState = field(validator=of_kind(ThreadState))
    refinement_count: int
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class Appended:
    """A header, and the message that has taken its next number."""

    header: ThreadHeader
    message: Message


EditDecision: TypeAlias = "Decision[ThreadHeader, ThreadEdit, RequestIdReused]"
GoalDecision: TypeAlias = "Decision[ThreadHeader, ThreadEdit, RequestIdReused | GoalMoved]"


@frozen(kw_only=True)
class ThreadHeader:
    """A thread as a whole; its tombstone once it is deleted.

    Attributes:
        scope: The owner's.
        next_sequence: The number that the next message gets.
        epoch: 1; one more once it is deleted, so that whoever knew it before is told.
        title: As somebody has set it; it wins over what was derived.
        derived: What the first user's message of its own has given it.
        updated_at: Its last activity: an append, an ending of a draft, an edit of the header.
        base: What it shares with other threads, if it is a fork.
        family: The thread that is no fork, of all that share messages.
        origin: The digest of the export that it was imported from.
        requests: The last request ids of edits.
    """

    scope: Scope = field(validator=of_kind(Scope))
    thread_id: ThreadId = field(validator=name)
    state: ThreadPhase = field(validator=of_kind(Importing, Active, Archived, Deleted))
    next_sequence: int = field()
    epoch: int = field()
    title: str | None = field(repr=False)
    derived: Derived | None = field(validator=optional(of_kind(Derived)))
    goal: Goal | None = field(validator=optional(of_kind(Goal)))
    metadata: Metadata = field(repr=False)
    created_by: str = field(validator=identifier)
    created_at: datetime = field(validator=instant)
    updated_at: datetime = field(validator=instant)
    base: Base = field(validator=deep_iterable(of_kind(Segment), of_kind(tuple)))
    family: ThreadId = field(validator=name)
    origin: bytes | None = field(repr=False)
    requests: Marks[ThreadEdit] = field(validator=of_kind(Marks))

    @next_sequence.validator
    def _is_a_number(self, _: object, sequence: int) -> None:
        require_whole_number("next_sequence", sequence, least=1, most=MESSAGES_MAX + 1)

    @epoch.validator
    def _counts(self, _: object, epoch: int) -> None:
        require_whole_number("epoch", epoch, least=1, most=MESSAGES_MAX)

    @title.validator
    def _is_a_title(self, _: object, title: str | None) -> None:
        require_title(title)

    @metadata.validator
    def _is_metadata(self, _: object, metadata: Metadata) -> None:
        require_metadata("metadata", metadata)

    @base.validator
    def _follows(self, _: object, base: Base) -> None:
        require_base(base)

    def __attrs_post_init__(self) -> None:
        self.scope.require_work()
        if self.scope.thread is not None:
            raise InvalidValue("scope", "must be an owner's, without a thread")
        if self.next_sequence <= base_end(self.base):
            raise InvalidValue("next_sequence", "must be after the base")
        said = (self.title, self.derived, self.goal)
        if isinstance(self.state, Deleted) and (any(said) or self.metadata != NOTHING_NOTED):
            raise InvalidValue("state", "must leave nothing of a deleted thread")

    # ---- how it comes about ---------------------------------------------------------------------

    @classmethod
    def created(
        cls,
        thread: ThreadAddress,
        *,
        created_by: str,
        title: str | None,
        metadata: Metadata,
        now: datetime,
    ) -> Changed[ThreadHeader, ThreadHeader]:
        """A thread without a message."""
        header = _begun(
            thread, state=Active(), created_by=created_by, title=title, metadata=metadata, now=now
        )
        event = ThreadCreated(address=header.address, at=now, epoch=1)
        return Changed(header, header, (event,))

    @classmethod
    def importing(
        cls,
        thread: ThreadAddress,
        *,
        created_by: str,
        origin: bytes,
        due_at: datetime,
        now: datetime,
    ) -> ThreadHeader:
        """A thread that is about to be filled from an export."""
        header = _begun(
            thread,
            state=Importing(due_at),
            created_by=created_by,
            title=None,
            metadata=NOTHING_NOTED,
            now=now,
        )
        return evolve(header, origin=origin)

    def forked(
        self, to: ThreadAddress, *, through: int, created_by: str, now: datetime
    ) -> Changed[ThreadHeader, ThreadHeader]:
        """A thread of the same owner that begins with the messages of this one up to `through`."""
        header = evolve(
            _begun(
                to,
                state=Active(),
                created_by=created_by,
                title=None,
                metadata=NOTHING_NOTED,
                now=now,
            ),
            next_sequence=through + 1,
            base=whole(self.base, self.thread_id, through),
            family=self.family,
        )
        event = ThreadForked(
            address=header.address, at=now, epoch=1, source=self.thread_id, through=through
        )
        return Changed(header, header, (event,))

    # ---- what is seen of it ---------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.thread_id)

    @property
    def thread(self) -> ThreadAddress:
        """The thread's address."""
        return ThreadAddress(owner=self.scope, thread_id=self.thread_id)

    @property
    def committed(self) -> int:
        """The number of the last message; 0 where there is none."""
        return self.next_sequence - 1

    @property
    def segments(self) -> Base:
        """Where its messages are kept, its own ones included."""
        return whole(self.base, self.thread_id, self.committed)

    @property
    def shown_title(self) -> str | None:
        """The title that was set, else the derived one."""
        if self.title is not None:
            return self.title
        return None if self.derived is None else self.derived.text

    @property
    def refinement_count(self) -> int:
        """How often the goal was set or refined."""
        return 0 if self.goal is None else self.goal.refinement_count

    def edit_at(self, now: datetime) -> ThreadEdit:
        """How it stands, as a command on it is told."""
        return ThreadEdit(
            state=thread_state(self.state), refinement_count=self.refinement_count, at=now
        )

    # ---- messages -------------------------------------------------------------------------------

    def append(
        self, given: NewMessage, *, now: datetime, messages_max: int, due_seconds: int
    ) -> Changed[Appended, MessageReceipt] | Refused[ThreadFull]:
        """A message takes the next number."""
        if self.committed >= messages_max:
            return Refused(ThreadFull(messages_max))
        sequence = self.next_sequence
        message = Message.numbered(
            given,
            scope=self.thread.scope,
            sequence=sequence,
            now=now,
            due_seconds=due_seconds,
        )
        derived = self.derived
        if derived is None and given.kind is MessageKind.USER:
            derived = Derived.of(sequence, given.content.first_line)
        header = evolve(self.touched(now), next_sequence=sequence + 1, derived=derived)
        appended = Appended(header=header, message=message)
        return Changed(appended, message.receipt(new=True), (message.born(),))

    def touched(self, now: datetime) -> ThreadHeader:
        """The header after an activity, which never goes back."""
        return evolve(self, updated_at=max(self.updated_at, now))

    def forgetting(self, sequence: int) -> ThreadHeader:
        """The header after a message was redacted: nothing derived from it is left."""
        if self.derived is None or self.derived.sequence != sequence:
            return self
        return evolve(self, derived=evolve(self.derived, text=None))

    # ---- edits ----------------------------------------------------------------------------------

    def renamed(self, title: str | None, *, request_id: RequestId, now: datetime) -> EditDecision:
        """Another title, or none, so that the derived one is shown."""
        arguments = digest_of("rename", title)
        event = ThreadRenamed(address=self.address, at=now, epoch=self.epoch)
        return self._edited(request_id, arguments, evolve(self, title=title), event, now)

    def noted(self, metadata: Metadata, *, request_id: RequestId, now: datetime) -> EditDecision:
        """Other metadata, all of it."""
        arguments = digest_of("set_metadata", metadata)
        event = ThreadMetadataSet(address=self.address, at=now, epoch=self.epoch)
        return self._edited(request_id, arguments, evolve(self, metadata=metadata), event, now)

    def archive(self, *, request_id: RequestId, now: datetime) -> EditDecision:
        """Puts it aside."""
        kept = isinstance(self.state, Archived)
        after = self if kept else evolve(self, state=Archived(now))
        event = ThreadArchived(address=self.address, at=now, epoch=self.epoch)
        return self._edited(request_id, digest_of("archive"), after, event, now)

    def unarchive(self, *, request_id: RequestId, now: datetime) -> EditDecision:
        """Takes it up again."""
        after = evolve(self, state=Active())
        event = ThreadUnarchived(address=self.address, at=now, epoch=self.epoch)
        return self._edited(request_id, digest_of("unarchive"), after, event, now)

    def set_goal(
        self, statement: str, *, expected: int, request_id: RequestId, now: datetime
    ) -> GoalDecision:
        """States what it is for, or refines it, where nobody has meanwhile."""
        arguments = digest_of("set_goal", statement, expected)
        recalled = self.requests.recall(request_id, arguments)
        if recalled is None and expected != self.refinement_count:
            return Refused(GoalMoved(self.refinement_count))
        goal = Goal(
            statement=statement,
            refined_at_sequence=self.committed,
            refinement_count=expected + 1,
        )
        event = ThreadGoalSet(
            address=self.address, at=now, epoch=self.epoch, refinement_count=expected + 1
        )
        return self._edited(request_id, arguments, evolve(self, goal=goal), event, now)

    def _edited(
        self,
        request_id: RequestId,
        arguments: Digest,
        after: ThreadHeader,
        event: ThreadEvent,
        now: datetime,
    ) -> EditDecision:
        match self.requests.recall(request_id, arguments):
            case Mark(outcome=outcome):
                return Unchanged(outcome)
            case RequestIdReused() as reused:
                return Refused(reused)
            case None if after == self:
                return Unchanged(self.edit_at(now))
            case None:
                outcome = after.edit_at(now)
                mark = Mark(request_id, arguments, outcome)
                requests = remember(self.requests, mark, bound=MARKS_MAX)
                return Changed(evolve(after.touched(now), requests=requests), outcome, (event,))

    # ---- its ends -------------------------------------------------------------------------------

    def filled(
        self,
        *,
        like: ThreadHeader,
        now: datetime,
    ) -> Changed[ThreadHeader, ThreadHeader]:
        """The import is whole: it is as the exported one was, under its own id."""
        header = evolve(
            like,
            scope=self.scope,
            thread_id=self.thread_id,
            state=like.state,
            next_sequence=self.next_sequence,
            epoch=self.epoch,
            base=(),
            family=self.thread_id,
            origin=self.origin,
            requests=Marks.none(),
        )
        event = ThreadImported(
            address=self.address, at=now, epoch=self.epoch, messages=self.committed
        )
        return Changed(header, header, (event,))

    def deleted(self, *, now: datetime) -> Changed[ThreadHeader, ThreadHeader]:
        """Nothing is left but that the id is spent, and where messages wait to be swept."""
        header = evolve(
            self,
            state=Deleted(at=now, digest=self._digest(), swept=False),
            epoch=self.epoch + 1,
            title=None,
            derived=None,
            goal=None,
            metadata=NOTHING_NOTED,
            updated_at=max(self.updated_at, now),
            requests=Marks((), self.requests.total),
        )
        event = ThreadDeleted(address=self.address, at=now, epoch=header.epoch)
        return Changed(header, header, (event,))

    def swept(self, *, now: datetime) -> Changed[ThreadHeader, None] | Unchanged[None]:
        """No message of its own is left, but for those that living forks share."""
        if not isinstance(self.state, Deleted) or self.state.swept:
            return Unchanged(None)
        after = evolve(self, state=evolve(self.state, swept=True))
        event = ThreadSwept(address=self.address, at=now, epoch=self.epoch)
        return Changed(after, None, (event,))

    def _digest(self) -> bytes:
        was = [self.thread_id, self.created_by, self.created_at.isoformat(), self.committed]
        text = json.dumps(was, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()


def admitted(
    header: ThreadHeader | None, thread_id: str, *, epoch: int | None = None
) -> ThreadHeader | Refused[GateRefusal]:
    """The gate of every use case: the header of a thread that is there, or why it is not.

    In this order: absent, importing, deleted, another epoch than the caller knows.
    """
    if header is None:
        return Refused(ThreadNotFound(thread_id))
    match header.state:
        case Importing():
            return Refused(ThreadImporting(thread_id))
        case Deleted():
            return Refused(ThreadIsDeleted(thread_id))
        case Active() | Archived():
            stale = epoch is not None and epoch != header.epoch
            return Refused(EpochStale(header.epoch)) if stale else header


def newest_first(moment: datetime) -> str:
    """Digits of fixed width that sort later instants before earlier ones."""
    left = _LAST_INSTANT - moment
    return f"{left // _MICROSECOND:020}"


def _begun(
    thread: ThreadAddress,
    *,
    state: ThreadPhase,
    created_by: str,
    title: str | None,
    metadata: Metadata,
    now: datetime,
) -> ThreadHeader:
    return ThreadHeader(
        scope=thread.owner,
        thread_id=thread.thread_id,
        state=state,
        next_sequence=1,
        epoch=1,
        title=title,
        derived=None,
        goal=None,
        metadata=metadata,
        created_by=created_by,
        created_at=now,
        updated_at=now,
        base=(),
        family=thread.thread_id,
        origin=None,
        requests=Marks.none(),
    )


def _due_at(header: ThreadHeader) -> datetime | None:
    match header.state:
        case Importing(due_at):
            return due_at
        case Archived():
            return header.updated_at
        case Deleted(at=at, swept=swept):
            return None if swept else at
        case Active():
            return None


THREADS: Final[Collection[ThreadHeader]] = Collection(
    name=_NAME,
    members=(ThreadHeader,),
    permanent=True,
    index=lambda header: Index(
        state=thread_state(header.state).value,
        due_at=_due_at(header),
        # Ties are broken by the id.
        sort=f"{newest_first(header.updated_at)}{header.thread_id}",
    ),
    identity=lambda header: Identity(header.scope, header.thread_id),
    marks=lambda header: header.requests,
)
