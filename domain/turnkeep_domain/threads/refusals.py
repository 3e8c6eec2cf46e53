"""A refusal: why a command on a thread was not done. A closed set, each with a stable code.

The module is long because hosts look codes up in one place.
"""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from attrs import field, frozen

from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageView
from turnkeep_domain.threads.names import MessageId, SummaryId
from turnkeep_domain.turns.names import RunId, TurnId

# ---- the gate of every thread -------------------------------------------------------------------


@frozen
class ScopeMismatch:
    """The scope names another thread than the command."""

    code: ClassVar[str] = "scope_mismatch"

    thread_id: str


@frozen
class ThreadNotFound:
    """There is no such thread in this scope."""

    code: ClassVar[str] = "thread_not_found"

    thread_id: str


@frozen
class ThreadImporting:
    """The thread is still being imported: repeat the import."""

    code: ClassVar[str] = "thread_importing"

    thread_id: str


@frozen
class ThreadIsDeleted:
    """The thread was deleted; its id is spent for ever."""

    code: ClassVar[str] = "thread_deleted"

    thread_id: str


@frozen
class EpochStale:
    """The caller knows the thread from before; `epoch` is the present one."""

    code: ClassVar[str] = "epoch_stale"

    epoch: int


GateRefusal: TypeAlias = (
    ScopeMismatch | ThreadNotFound | ThreadImporting | ThreadIsDeleted | EpochStale
)

# ---- headers ------------------------------------------------------------------------------------


@frozen
class ThreadIsArchived:
    """The thread takes no inbound message: unarchive it first."""

    code: ClassVar[str] = "thread_archived"

    thread_id: str


@frozen
class ThreadFull:
    """The thread has as many messages as it may have."""

    code: ClassVar[str] = "thread_full"

    messages_max: int


@frozen
class ThreadHasRun:
    """A run is active in the thread; end it first, or force the deletion."""

    code: ClassVar[str] = "thread_busy"

    run_id: str


@frozen
class GoalMoved:
    """The goal was refined meanwhile; `refinement_count` is the present count."""

    code: ClassVar[str] = "goal_moved"

    refinement_count: int


HeaderRefusal: TypeAlias = GateRefusal | RequestIdReused
GoalRefusal: TypeAlias = HeaderRefusal | GoalMoved
DeleteRefusal: TypeAlias = ScopeMismatch | ThreadNotFound | ThreadHasRun

# ---- messages -----------------------------------------------------------------------------------


@frozen
class MessageNotFound:
    """There is no such message in the thread."""

    code: ClassVar[str] = "message_not_found"

    message_id: MessageId


@frozen
class MessageIsRedacted:
    """The message was redacted, which nothing undoes."""

    code: ClassVar[str] = "message_redacted"

    message_id: MessageId


@frozen
class WrongMessageState:
    """A message in this state takes no such command.

    Attributes:
        was: Where the message stands.
        attempted: The command.
    """

    code: ClassVar[str] = "message_state"

    was: MessageState
    attempted: str


@frozen(kw_only=True)
class AlreadySubmitted:
    """The message became another turn or run: report that one."""

    code: ClassVar[str] = "already_submitted"

    turn_id: TurnId
    run_id: RunId


@frozen
class AlreadyRejected:
    """The message was turned away: repeat that answer."""

    code: ClassVar[str] = "already_rejected"

    message_id: MessageId


@frozen
class DraftConflict:
    """This version of the draft says something else already."""

    code: ClassVar[str] = "draft_conflict"

    version: int


@frozen
class AlreadyFinalized:
    """The message says something else already: adopt it as it is stored."""

    code: ClassVar[str] = "message_finalized"

    message: MessageView = field(repr=False)


@frozen
class AlreadyInterrupted:
    """The draft was given up."""

    code: ClassVar[str] = "message_interrupted"

    interrupted: str


@frozen
class EventThreadMismatch:
    """The event was delivered to another thread before."""

    code: ClassVar[str] = "event_thread_mismatch"


@frozen
class EventActorMismatch:
    """The event or request was delivered for another actor before."""

    code: ClassVar[str] = "event_actor_mismatch"


@frozen
class EventPayloadMismatch:
    """The event or request was delivered with another payload before."""

    code: ClassVar[str] = "event_payload_mismatch"


@frozen
class UnsafeSummary:
    """The summary of a tool's result may not be shown; `rule` says what it must be."""

    code: ClassVar[str] = "unsafe_summary"

    rule: str


@frozen
class ToolResultConflict:
    """Another result is kept under this ref."""

    code: ClassVar[str] = "tool_result_conflict"

    message_id: MessageId


@frozen
class MessageConflict:
    """Another message is kept under this identity."""

    code: ClassVar[str] = "message_conflict"

    message_id: MessageId


MarkRefusal: TypeAlias = MessageIsRedacted | AlreadySubmitted | AlreadyRejected | WrongMessageState
DraftRefusal: TypeAlias = (
    MessageIsRedacted | DraftConflict | AlreadyFinalized | AlreadyInterrupted | WrongMessageState
)
DraftEndRefusal: TypeAlias = (
    MessageIsRedacted | AlreadyFinalized | AlreadyInterrupted | WrongMessageState
)
InboundRefusal: TypeAlias = EventActorMismatch | EventPayloadMismatch | MessageConflict
AcceptRefusal: TypeAlias = (
    GateRefusal | EventThreadMismatch | InboundRefusal | ThreadIsArchived | ThreadFull
)

# ---- summaries ----------------------------------------------------------------------------------


@frozen
class SummaryRange:
    """The range is not within the messages of the thread; `committed` is the last."""

    code: ClassVar[str] = "summary_range"

    committed: int


@frozen
class BasisMoved:
    """Something was redacted since: read again, summarise again. `basis` is the present one."""

    code: ClassVar[str] = "basis_moved"

    basis: int


@frozen
class RangeUnsettled:
    """A draft stands in the range, at `sequence`."""

    code: ClassVar[str] = "range_unsettled"

    sequence: int


@frozen
class SummaryOverlap:
    """The summary would overlap others, or absorb others than it names.

    Attributes:
        standing: The replacing summaries that meet the range.
    """

    code: ClassVar[str] = "summary_overlap"

    standing: tuple[SummaryId, ...]


@frozen
class SummarySetFull:
    """The thread has as many summaries as it may have, or as much text in them."""

    code: ClassVar[str] = "summary_set_full"


SetRefusal: TypeAlias = (
    RequestIdReused | SummaryRange | BasisMoved | RangeUnsettled | SummaryOverlap | SummarySetFull
)
SummariseRefusal: TypeAlias = GateRefusal | SetRefusal

# ---- forks and transfers ------------------------------------------------------------------------


@frozen
class ThreadExists:
    """The id is taken, by a thread that did not come about in this way."""

    code: ClassVar[str] = "thread_exists"

    thread_id: str


@frozen
class ForkRange:
    """The fork is not within the messages of the thread; `committed` is the last."""

    code: ClassVar[str] = "fork_range"

    committed: int


@frozen
class FamilyFull:
    """As many living threads share messages as may."""

    code: ClassVar[str] = "family_full"

    family_max: int


@frozen
class BaseTooDeep:
    """The fork would stand on more segments than it may."""

    code: ClassVar[str] = "base_too_deep"

    segments_max: int


@frozen
class ExportMoved:
    """Something was redacted, or the thread deleted, meanwhile: the export is not closed."""

    code: ClassVar[str] = "export_moved"


@frozen
class ImportInvalid:
    """The file is no whole export; nothing was written.

    Attributes:
        line: The number of the first line that is wrong; None where it is the whole.
        rule: What it must be; nothing of the file is repeated.
    """

    code: ClassVar[str] = "import_invalid"

    line: int | None
    rule: str


ForkRefusal: TypeAlias = (
    GateRefusal | ThreadExists | ForkRange | RangeUnsettled | FamilyFull | BaseTooDeep
)
ImportRefusal: TypeAlias = ScopeMismatch | ImportInvalid | ThreadExists | ThreadIsDeleted
