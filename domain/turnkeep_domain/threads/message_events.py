"""An event of a message: what became of it. Never what it says, nor how large or how called."""

from __future__ import annotations

from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.names import code, name, optional_name
from turnkeep_domain.turns.names import RunId, TurnId


@frozen(kw_only=True)
class MessageEvent(Event):
    """What every event of a message tells; the address has thread and message.

    Attributes:
        message_kind: Who or what the message is from.
    """

    sequence: int = field()
    message_kind: MessageKind = field(validator=of_kind(MessageKind))
    run_id: RunId | None = field(validator=optional_name)

    @sequence.validator
    def _counts(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)


@frozen(kw_only=True)
class MessageAccepted(MessageEvent):
    """A user's message is kept, and waits for a scheduler."""

    kind: ClassVar[str] = "message.accepted"


@frozen(kw_only=True)
class MessageSubmitted(MessageEvent):
    """A turn was made of a user's message."""

    kind: ClassVar[str] = "message.submitted"

    turn_id: TurnId = field(validator=name)


@frozen(kw_only=True)
class MessageRejectedBusy(MessageEvent):
    """A user's message was turned away, because the thread was busy."""

    kind: ClassVar[str] = "message.rejected_busy"


@frozen(kw_only=True)
class MessageOpened(MessageEvent):
    """An assistant has begun to write."""

    kind: ClassVar[str] = "message.opened"


@frozen(kw_only=True)
class MessageAppended(MessageEvent):
    """A message of the system, a tool, a preview or a checkpoint is kept."""

    kind: ClassVar[str] = "message.appended"


@frozen(kw_only=True)
class MessageFinalized(MessageEvent):
    """An assistant's message says what it will always say."""

    kind: ClassVar[str] = "message.finalized"


@frozen(kw_only=True)
class MessageInterrupted(MessageEvent):
    """An assistant's draft was given up."""

    kind: ClassVar[str] = "message.interrupted"

    code: str = field(validator=code)


@frozen(kw_only=True)
class MessageRedacted(MessageEvent):
    """A message was cut to its identity."""

    kind: ClassVar[str] = "message.redacted"

    code: str = field(validator=code)


@frozen(kw_only=True)
class MessageErased(MessageEvent):
    """Nothing of a redacted message is left, the host's files and the store's included."""

    kind: ClassVar[str] = "message.erased"
