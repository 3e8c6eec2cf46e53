"""A state of a message: where it stands on its way from written to settled, or cut.

```text
  user        Accepted --a--> Submitted        a  a scheduler has taken it
                 '------b--> RejectedBusy      b  the thread was busy, and it will never be taken
  assistant   Draft ---c--> Finalized          c  the run has ended its text
                 '------d--> Interrupted       d  the run ended without
  others      Finalized
  all         any ------e--> Redacted          e  what it said is gone
```
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import VERSION_MAX, require_whole_number
from turnkeep_domain.threads.names import code, ref


class MessageKind(Enum):
    """Who or what a message is from."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL_RESULT = "tool_result"
    PREVIEW = "preview"
    CHECKPOINT = "checkpoint"


class MessageState(Enum):
    """Where a message stands, in one word."""

    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    REJECTED_BUSY = "rejected_busy"
    DRAFT = "draft"
    FINALIZED = "finalized"
    INTERRUPTED = "interrupted"
    REDACTED = "redacted"


AWAITS_HOST: Final = "redacted_files"
"""What a redacted message is searched by as long as the host has files of it."""


@frozen(kw_only=True)
class Accepted:
    """A user's message that waits for a scheduler.

    Attributes:
        due_at: From when on it counts as forgotten; None for what was imported.
    """

    due_at: datetime | None = field(validator=optional_instant)


@frozen
class Submitted:
    """A user's message that a turn has been made of."""


@frozen
class RejectedBusy:
    """A user's message that came while the thread was busy, and was turned away."""


@frozen(kw_only=True)
class Draft:
    """An assistant's message that is still being written.

    Attributes:
        version: 0 as it was opened; each update has a higher one.
        due_at: From when on it counts as left behind.
    """

    version: int = field()
    due_at: datetime = field(validator=instant)

    @version.validator
    def _counts(self, _: object, version: int) -> None:
        require_whole_number("version", version, least=0, most=VERSION_MAX)


@frozen
class Finalized:
    """A message that says what it will always say."""


@frozen
class Interrupted:
    """An assistant's message that nobody will end; `code` says why."""

    code: str = field(validator=code)


@frozen(kw_only=True)
class ErasureDue:
    """The message is cut, and traces of it may be left elsewhere.

    Attributes:
        storage_keys: Files that the host has not said to have deleted; once there are none, the
            next scrub of the store completes the erasure.
    """

    storage_keys: tuple[str, ...] = field(validator=deep_iterable(ref, of_kind(tuple)), repr=False)


@frozen
class ErasureDone:
    """The host's files are deleted, and the store was scrubbed after the message was cut."""


Erasure: TypeAlias = ErasureDue | ErasureDone


@frozen(kw_only=True)
class Redacted:
    """A message of which only its identity is left.

    Attributes:
        code: Why, in the host's word.
        by: Who did it.
    """

    code: str = field(validator=code)
    by: str = field(validator=identifier)
    at: datetime = field(validator=instant)
    erasure: Erasure = field(validator=of_kind(ErasureDue, ErasureDone))


MessagePhase: TypeAlias = (
    Accepted | Submitted | RejectedBusy | Draft | Finalized | Interrupted | Redacted
)


def message_state(phase: MessagePhase) -> MessageState:
    """A phase in one word."""
    match phase:
        case Accepted():
            return MessageState.ACCEPTED
        case Submitted():
            return MessageState.SUBMITTED
        case RejectedBusy():
            return MessageState.REJECTED_BUSY
        case Draft():
            return MessageState.DRAFT
        case Finalized():
            return MessageState.FINALIZED
        case Interrupted():
            return MessageState.INTERRUPTED
        case Redacted():
            return MessageState.REDACTED
        case _:
            assert_never(phase)


def indexed_as(phase: MessagePhase) -> str:
    """What a message in a phase is searched by; what waits for the host is apart from the rest."""
    match phase:
        case Redacted(erasure=ErasureDue(storage_keys=keys)) if keys:
            return AWAITS_HOST
        case _:
            return message_state(phase).value


def phase_due_at(phase: MessagePhase) -> datetime | None:
    """When somebody has to look after the message; None: never."""
    match phase:
        case Accepted(due_at=due_at):
            return due_at
        case Draft(due_at=due_at):
            return due_at
        case Redacted(at=at, erasure=ErasureDue()):
            return at
        case _:
            return None


def allowed(kind: MessageKind, phase: MessagePhase) -> bool:
    """Whether messages of a kind can be in a phase."""
    match phase:
        case Accepted() | Submitted() | RejectedBusy():
            return kind is MessageKind.USER
        case Draft() | Interrupted():
            return kind is MessageKind.ASSISTANT
        case Finalized():
            return kind is not MessageKind.USER
        case Redacted():
            return True
        case _:
            assert_never(phase)
