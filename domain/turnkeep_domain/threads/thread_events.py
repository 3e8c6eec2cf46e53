"""An event of a thread: what became of it as a whole. Never a title, a goal or a text."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.scope import ThreadId
from turnkeep_domain.threads.limits import MESSAGES_MAX, SUMMARIES_MAX, require_whole_number
from turnkeep_domain.threads.names import SummaryId, name


@frozen(kw_only=True)
class ThreadEvent(Event):
    """What every event of a thread tells; the address has its id.

    Attributes:
        epoch: 1, or more once it was deleted.
    """

    epoch: int = field()

    @epoch.validator
    def _counts(self, _: object, epoch: int) -> None:
        require_whole_number("epoch", epoch, least=1, most=MESSAGES_MAX)


@frozen(kw_only=True)
class ThreadCreated(ThreadEvent):
    """A thread is there, without a message."""

    kind: ClassVar[str] = "thread.created"


@frozen(kw_only=True)
class ThreadRenamed(ThreadEvent):
    """Somebody has set or cleared the title."""

    kind: ClassVar[str] = "thread.renamed"


@frozen(kw_only=True)
class ThreadMetadataSet(ThreadEvent):
    """Somebody has set the metadata."""

    kind: ClassVar[str] = "thread.metadata_set"


@frozen(kw_only=True)
class ThreadGoalSet(ThreadEvent):
    """The goal was set or refined, for the so many-eth time."""

    kind: ClassVar[str] = "thread.goal_set"

    refinement_count: int = field()

    @refinement_count.validator
    def _counts_refinements(self, _: object, count: int) -> None:
        require_whole_number("refinement_count", count, least=1, most=(1 << 63) - 1)


@frozen(kw_only=True)
class ThreadArchived(ThreadEvent):
    """The thread was put aside."""

    kind: ClassVar[str] = "thread.archived"


@frozen(kw_only=True)
class ThreadUnarchived(ThreadEvent):
    """The thread was taken up again."""

    kind: ClassVar[str] = "thread.unarchived"


@frozen(kw_only=True)
class ThreadForked(ThreadEvent):
    """A thread is there that begins with the messages of another.

    Attributes:
        source: The other thread, of the same owner.
        through: The last message that they share.
    """

    kind: ClassVar[str] = "thread.forked"

    source: ThreadId = field(validator=name)
    through: int = field()

    @through.validator
    def _is_a_message(self, _: object, through: int) -> None:
        require_whole_number("through", through, least=1, most=MESSAGES_MAX)


@frozen(kw_only=True)
class ThreadImported(ThreadEvent):
    """A thread is there whole, from an export.

    Attributes:
        messages: How many it came with.
    """

    kind: ClassVar[str] = "thread.imported"

    messages: int = field()

    @messages.validator
    def _are_counted(self, _: object, messages: int) -> None:
        require_whole_number("messages", messages, least=0, most=MESSAGES_MAX)


@frozen(kw_only=True)
class ThreadDeleted(ThreadEvent):
    """The thread is gone for everybody; its messages are being swept."""

    kind: ClassVar[str] = "thread.deleted"


@frozen(kw_only=True)
class ThreadSwept(ThreadEvent):
    """No message of a deleted thread is left, but for those that living forks share."""

    kind: ClassVar[str] = "thread.swept"


@frozen(kw_only=True)
class SummaryAdded(Event):
    """A range of the thread has a summary."""

    kind: ClassVar[str] = "summary.added"

    summary_id: SummaryId = field(validator=name)
    start: int = field()
    end: int = field()

    @start.validator
    @end.validator
    def _is_a_message(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)


@frozen(kw_only=True)
class SummaryDropped(Event):
    """Summaries of a thread are gone: absorbed by another, or for a redaction inside them."""

    kind: ClassVar[str] = "summary.dropped"

    dropped: int = field()

    @dropped.validator
    def _are_counted(self, _: object, dropped: int) -> None:
        require_whole_number("dropped", dropped, least=1, most=SUMMARIES_MAX)
