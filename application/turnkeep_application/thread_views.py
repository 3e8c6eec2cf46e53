"""A thread view: a thread as those may see it who own it."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from attrs import field, frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.goals import Goal
from turnkeep_domain.threads.headers import ThreadHeader
from turnkeep_domain.threads.message_views import MessageView
from turnkeep_domain.threads.metadata import Metadata
from turnkeep_domain.threads.names import MessageId
from turnkeep_domain.threads.segments import Base
from turnkeep_domain.threads.summaries import Summary
from turnkeep_domain.threads.thread_states import Archived, ThreadState, thread_state


@frozen(kw_only=True)
class ThreadView:
    """A thread as a whole.

    Attributes:
        scope: Its owner's.
        committed: The number of its last message; 0 where there is none.
        epoch: What whoever knows it may name, to be told if it is another one.
        title: As somebody has set it, else as its first message gives it; None for none.
        metadata: As canonical JSON.
        updated_at: Its last activity.
        archived_at: Since when it is put aside; None where it is not.
        base: What it shares with other threads, if it is a fork.
        family: The thread that is no fork, of all that share messages with it.
    """

    scope: Scope
    thread_id: ThreadId
    state: ThreadState
    committed: int
    epoch: int
    title: str | None
    goal: Goal | None
    metadata: Metadata
    created_by: str
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    base: Base
    family: ThreadId

    @classmethod
    def of(cls, header: ThreadHeader) -> Self:
        """A header, as its owner sees it."""
        return cls(
            scope=header.scope,
            thread_id=header.thread_id,
            state=thread_state(header.state),
            committed=header.committed,
            epoch=header.epoch,
            title=header.shown_title,
            goal=header.goal,
            metadata=header.metadata,
            created_by=header.created_by,
            created_at=header.created_at,
            updated_at=header.updated_at,
            archived_at=header.state.at if isinstance(header.state, Archived) else None,
            base=header.base,
            family=header.family,
        )


@frozen(kw_only=True)
class ThreadReceipt:
    """A thread that a command has made, or has found.

    Attributes:
        new: Whether this very command has made it.
    """

    thread: ThreadView
    new: bool


@frozen(kw_only=True)
class ThreadDeletion:
    """A thread that is deleted, now or before.

    Attributes:
        epoch: The one after its end.
        deleted_at: When it was.
        unreadable: What was to be told of it now and could not be read; it was left untouched.
    """

    thread_id: ThreadId
    epoch: int
    deleted_at: datetime
    unreadable: tuple[Unreadable, ...] = field(default=())


@frozen(kw_only=True)
class ThreadPage:
    """Some threads, the latest activity first.

    Attributes:
        unreadable: Headers that were come upon and cannot be read; they hide no other.
        next: Where the next page begins, as text that clients may hold; None at the end.
    """

    threads: tuple[ThreadView, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class HistoryPage:
    """Some messages of a thread, in the order that was asked for.

    Attributes:
        committed: The last message that there was when the page was begun.
        basis: How many messages of the thread's family were redacted then.
        next: Where to go on: `after` of the next page, or its `through` for the newest first;
            None at the end.
    """

    messages: tuple[MessageView, ...]
    committed: int
    basis: int
    next: int | None


@frozen(kw_only=True)
class Window:
    """What a model is shown of a thread: the newest entries, in their order.

    Attributes:
        entries: Messages, and summaries in the places of those that they stand for.
        notes: Summaries beside the messages, wholly within what is shown or before it.
        through: The last message that was looked at for everybody's messages.
        basis: How many messages of the thread's family were redacted, for `summarise`.
        cut: Whether there is more before the first entry.
    """

    entries: tuple[MessageView | Summary, ...]
    notes: tuple[Summary, ...]
    through: int
    basis: int
    cut: bool


@frozen(kw_only=True)
class WaitingMessage:
    """A user's message that nobody has taken in time.

    Attributes:
        scope: The thread's own.
        since: When it was accepted.
    """

    scope: Scope
    message_id: MessageId
    sequence: int
    actor: str | None
    since: datetime


@frozen(kw_only=True)
class WaitingPage:
    """Some messages that wait too long, the longest first.

    Attributes:
        next: Where the next page begins; None at the end.
    """

    messages: tuple[WaitingMessage, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None
