"""An identity: what makes a message the one that it is, so that a repeat finds it.

Everybody who means the same message computes the same id, so of racers one creates it.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

from attrs import field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.limits import SLOT_MAX, require_whole_number
from turnkeep_domain.threads.names import ClaimId, MessageId, SummaryId, optional_ref, ref
from turnkeep_domain.turns.names import RunId

_LENGTH_BYTES: Final = 4
_DIGITS: Final = 32


@frozen(kw_only=True)
class InboundEvent:
    """A message that comes from outside, as the sender's system names it.

    Attributes:
        source_binding: Through which connection of the host it comes.
        event_id: The sender's id of the delivery; kept only as a part of a hash.
    """

    source_binding: str = field(validator=ref)
    event_id: str = field(validator=ref, repr=False)

    @property
    def message_id(self) -> MessageId:
        """The id of the message that the event is."""
        return _message_id("event", self.source_binding, self.event_id)

    @property
    def claim_id(self) -> ClaimId:
        """The id of the claim on the event."""
        return ClaimId(f"c-{_digest('claim', self.source_binding, self.event_id)}")


@frozen(kw_only=True)
class InboundRequest:
    """A message that a client of the host sends, under a request id of its own.

    Attributes:
        source_binding: Through which connection it comes; None where nobody says.
    """

    request_id: RequestId = field(validator=identifier)
    source_binding: str | None = field(default=None, validator=optional_ref)

    @property
    def message_id(self) -> MessageId:
        """The id of the message that the request asks for."""
        return request_message_id(self.request_id)

    @property
    def claim_id(self) -> None:
        """Requests are told apart in their own thread, and need no claim."""
        return


Inbound: TypeAlias = InboundEvent | InboundRequest


def request_message_id(request_id: RequestId) -> MessageId:
    """The id of the message that was asked for under a request id."""
    return _message_id("request", request_id)


def assistant_message_id(run_id: RunId, slot: int) -> MessageId:
    """The id of a run's message by the assistant.

    Args:
        run_id: The run.
        slot: 0 for the run's first such message, 1 for the next, at most 1,000,000.

    Raises:
        InvalidValue: The slot is none.
    """
    require_whole_number("slot", slot, least=0, most=SLOT_MAX)
    return _message_id("assistant", run_id, str(slot))


def tool_message_id(run_id: RunId, result_ref: str) -> MessageId:
    """The id of the message with a tool's result."""
    return _message_id("tool", run_id, result_ref)


def preview_message_id(run_id: RunId, invocation: str) -> MessageId:
    """The id of the message that shows what an invocation would do."""
    return _message_id("preview", run_id, invocation)


def summary_id(request_id: RequestId) -> SummaryId:
    """The id of the summary that was asked for under a request id."""
    return SummaryId(f"s-{_digest('summary', request_id)[:_DIGITS]}")


def _message_id(*parts: str) -> MessageId:
    return MessageId(f"m-{_digest(*parts)[:_DIGITS]}")


def _digest(*parts: str) -> str:
    # Each part has its length before it, so that no two lists of parts run together alike.
    encoded = [part.encode() for part in parts]
    framed = b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in encoded)
    return hashlib.sha256(framed).hexdigest()
