"""Inbound messages: what users send, accepted once however often it is delivered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import evolve, frozen

from turnkeep_application.records import Records
from turnkeep_application.thread_desk import ThreadDesk
from turnkeep_application.thread_keys import claim_key, header_key, message_key
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import Key, ReadKey, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.claims import INBOUND, InboundClaim
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import admitted
from turnkeep_domain.threads.message_id import Inbound, InboundEvent, InboundRequest
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.names import MessageId, require_name
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.refusals import (
    AcceptRefusal,
    EventThreadMismatch,
    GateRefusal,
    MarkRefusal,
    MessageNotFound,
    ThreadIsArchived,
)
from turnkeep_domain.threads.thread_states import Archived
from turnkeep_domain.turns.names import RunId, TurnId
from turnkeep_ports.errors import Corrupt


@frozen(kw_only=True)
class InboundCases(ThreadDesk):
    """The use cases of users' messages."""

    async def accept_inbound(
        self,
        scope: Scope,
        thread_id: str,
        identity: Inbound,
        content: Content,
        *,
        actor: str | None,
        reply_binding: str | None = None,
        epoch: int | None = None,
    ) -> MessageReceipt | Refused[AcceptRefusal]:
        """Appends what a user sends, once.

        The event or the request is the idempotency key: delivered again, by any process, whatever
        happened since, it answers the one message as it stands, and stores nothing. An event is
        one message of one thread for all threads of its owner.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            identity: The event, or the client's request.
            content: What was sent.
            actor: Who sent it, as the host has established; None where nobody knows.
            reply_binding: Where an answer goes to.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            The message's receipt.
            A refusal of the gate; `EventThreadMismatch`, `EventActorMismatch`,
            `EventPayloadMismatch`, `MessageConflict`: it was delivered otherwise before;
            `ThreadIsArchived`, `ThreadFull`.

        Raises:
            InvalidValue, ThreadLimitExceeded: The content is none that a message may have.
        """
        require_kind("identity", identity, InboundEvent, InboundRequest)
        require_kind("content", content, Content)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        given = NewMessage.inbound(identity, content, actor=actor, reply_binding=reply_binding)
        self._require_storable(given, thread)
        claim = None if given.claim_id is None else claim_key(thread, given.claim_id)
        keys: list[ReadKey[object]] = [
            header_key(thread),
            message_key(thread, given.message_id),
            *([] if claim is None else [claim]),
        ]

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, AcceptRefusal]:
            return self._accepted(records, thread, given, claim, epoch, now)

        return await self.updates.update(keys, decide)

    async def mark_submitted(
        self, scope: Scope, thread_id: str, message_id: str, *, turn_id: str, run_id: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | MarkRefusal]:
        """Notes that a turn and a run were made of a message; for schedulers of the host's own.

        Idempotent: the same ids again change nothing.

        Returns:
            The message's receipt.
            A refusal of the gate; `MessageNotFound`, `MessageIsRedacted`; `AlreadySubmitted` with
            the ids that it was submitted as, `AlreadyRejected`, `WrongMessageState`.
        """
        require_name("turn_id", turn_id)
        require_name("run_id", run_id)

        def submitted(
            message: Message, now: datetime
        ) -> Decision[Message, MessageReceipt, MarkRefusal]:
            return message.submit(turn_id=TurnId(turn_id), run_id=RunId(run_id), now=now)

        return await self._mark(scope, thread_id, message_id, submitted)

    async def mark_rejected_busy(
        self, scope: Scope, thread_id: str, message_id: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | MarkRefusal]:
        """Notes that a message was turned away for good, because the thread was busy.

        Idempotent by state; it answers as `mark_submitted` does.
        """

        def rejected(
            message: Message, now: datetime
        ) -> Decision[Message, MessageReceipt, MarkRefusal]:
            return message.reject_busy(now=now)

        return await self._mark(scope, thread_id, message_id, rejected)

    async def lookup(
        self, scope: Scope, *, source_binding: str, event_id: str, actor: str | None
    ) -> InboundClaim | None:
        """What was claimed for an event: one load of one cell, however long the thread is.

        Returns:
            The claim, which names thread and message; None where nothing was claimed in this
            owner's scope, or for another actor.
        """
        require_kind("scope", scope, Scope)
        event = InboundEvent(source_binding=source_binding, event_id=event_id)
        if actor is not None:
            require_identifier("actor", actor)
        scope.require_work()
        where = key(INBOUND, evolve(scope, thread=None), event.claim_id)
        claim = (await self.reading.record(where)).record
        return claim if claim is not None and claim.actor == actor else None

    # ---- steps ----------------------------------------------------------------------------------

    def _accepted(
        self,
        records: Records,
        thread: ThreadAddress,
        given: NewMessage,
        claim_at: Key[InboundClaim] | None,
        epoch: int | None,
        now: datetime,
    ) -> Decision[Records, MessageReceipt, AcceptRefusal]:
        claim = None if claim_at is None else records[claim_at]
        if claim is not None and claim.thread_id != thread.thread_id:
            return Refused(EventThreadMismatch())
        header = admitted(records[header_key(thread)], thread.thread_id, epoch=epoch)
        if isinstance(header, Refused):
            return header
        if claim is not None and given.payload_digest is not None:
            other = claim.mismatch(given.actor, given.payload_digest)
            if other is not None:
                return other
        at = message_key(thread, given.message_id)
        message = records[at]
        if message is not None:
            return message.delivered_again(given)
        if claim is not None:
            raise Corrupt("it names a message that is not there", at.address)
        if isinstance(header.state, Archived):
            return Refused(ThreadIsArchived(thread.thread_id))
        appended = header.append(
            given,
            now=now,
            messages_max=self.settings.limits.messages_max,
            due_seconds=self.settings.unsubmitted_seconds,
        )
        if isinstance(appended, Refused):
            return appended
        after = records.put(header_key(thread), appended.state.header)
        after = after.put(at, appended.state.message)
        if claim_at is not None:
            after = after.put(claim_at, _claimed(thread, given, now))
        return Changed(after, appended.outcome, appended.events)

    async def _mark(
        self,
        scope: Scope,
        thread_id: str,
        message_id: str,
        command: Callable[[Message, datetime], Decision[Message, MessageReceipt, MarkRefusal]],
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | MarkRefusal]:
        require_name("message_id", message_id)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        at = message_key(thread, MessageId(message_id))

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, GateRefusal | MessageNotFound | MarkRefusal]:
            header = admitted(records[header_key(thread)], thread.thread_id)
            if isinstance(header, Refused):
                return header
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(MessageId(message_id)))
            return records.adopt(at, command(message, now))

        # The message's own cell orders its marks; that appends move the header must not matter.
        return await self.updates.update([at], decide, hints=[header_key(thread)])


def _claimed(thread: ThreadAddress, given: NewMessage, now: datetime) -> InboundClaim:
    if given.claim_id is None:
        raise TypeError("only an event is claimed")
    return InboundClaim(
        scope=thread.owner,
        claim_id=given.claim_id,
        thread_id=thread.thread_id,
        message_id=given.message_id,
        actor=given.actor,
        payload_digest=given.payload_digest,
        claimed_at=now,
        due_at=None,
    )
