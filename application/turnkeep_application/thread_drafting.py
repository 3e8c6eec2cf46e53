"""Drafting: what an assistant writes for a run, from its first word to its end."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.thread_appending import AppendingCases, valid_until
from turnkeep_application.thread_desk import judged, rights
from turnkeep_application.thread_keys import header_key, message_key
from turnkeep_application.thread_runs import RunWrite
from turnkeep_domain.decisions import Decision, Refused, Unchanged
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import admitted
from turnkeep_domain.threads.limits import VERSION_MAX, require_whole_number
from turnkeep_domain.threads.message_id import assistant_message_id
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.names import require_code, require_name
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.refusals import (
    DraftEndRefusal,
    DraftRefusal,
    GateRefusal,
    MessageNotFound,
    ThreadFull,
)
from turnkeep_domain.turns.names import RunId

R = TypeVar("R")

UpdateRefusal: TypeAlias = GateRefusal | MessageNotFound | DraftRefusal
InterruptRefusal: TypeAlias = GateRefusal | MessageNotFound | DraftEndRefusal


@frozen(kw_only=True)
class DraftingCases(AppendingCases):
    """The use cases of assistants' messages."""

    async def open_draft(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | R]:
        """Appends a message that a run is about to write, once for each run and slot.

        Repeated, it answers the message as it stands, in any state: the run goes on from the
        draft's version, or adopts what it had ended before.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages, from 0.
            content: What it says so far; nothing unless it is given.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write; None where nobody keeps such rights.
        """
        given = _by_assistant(run_id, slot, content or Content.nothing(), draft=True)

        def again(message: Message, now: datetime) -> Unchanged[MessageReceipt]:  # noqa: ARG001
            return Unchanged(message.receipt(new=False))

        return await self._append(scope, thread_id, given, again, epoch=epoch, write=write)

    async def update_draft(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        version: int,
        content: Content,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[UpdateRefusal | R]:
        """Lets a draft say something else: all of it, under a higher version.

        A version that is not higher stores nothing: updates that arrive late overwrite nothing.
        Nothing but the draft's own cell is written or checked, and no event is told.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            version: From 1; each update has a higher one.
            content: All that it says from now on.
            write: The run's right to write; it bounds the write, and is not checked in it.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `MessageNotFound`, `MessageIsRedacted`;
            `DraftConflict`: this version says something else; `AlreadyFinalized` with the message
            as it was ended, `AlreadyInterrupted`.
        """
        require_whole_number("version", version, least=1, most=VERSION_MAX)
        given = _by_assistant(run_id, slot, content, draft=True)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        self._require_storable(given, thread)
        at = message_key(thread, given.message_id)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, UpdateRefusal | R] | Need:
            header = admitted(records[header_key(thread)], thread.thread_id)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused | Need):
                return until
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(given.message_id))
            seconds = self.settings.draft_seconds
            decision = message.updated(
                version=version, content=content, now=now, due_seconds=seconds
            )
            return valid_until(records.adopt(at, decision), until)

        hints = [header_key(thread), *rights(write)]
        return await self.updates.update([at], decide, hints=hints)

    async def finalize(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | DraftEndRefusal | R]:
        """Ends a run's message: its draft, or, where there is none, a message that it appends.

        The same content again stores nothing.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            content: All that it will ever say.
            provider: Private data of the provider, at most 32 KiB.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `ThreadFull`, `MessageIsRedacted`;
            `AlreadyFinalized` with the message as it was ended, `AlreadyInterrupted`.
        """
        given = _by_assistant(run_id, slot, content, draft=False, provider=provider)

        def again(
            message: Message, now: datetime
        ) -> Decision[Message, MessageReceipt, DraftEndRefusal]:
            return message.finalized(content=content, provider=provider, now=now)

        return await self._append(scope, thread_id, given, again, epoch=epoch, write=write)

    async def append_assistant(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | DraftEndRefusal | R]:
        """Appends a run's message that was never a draft; where it is one, `finalize` it is."""
        return await self.finalize(
            scope,
            thread_id,
            run_id=run_id,
            slot=slot,
            content=content,
            provider=provider,
            epoch=epoch,
            write=write,
        )

    async def interrupt(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        code: str,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[InterruptRefusal | R]:
        """Gives a draft up: what it says so far stands, and nobody goes on with it.

        The same code again stores nothing.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            code: Why, as a word of the host's.
            write: The run's right to write.
        """
        require_code("code", code)
        require_name("run_id", run_id)
        message_id = assistant_message_id(RunId(run_id), slot)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        at = message_key(thread, message_id)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, InterruptRefusal | R] | Need:
            header = admitted(records[header_key(thread)], thread.thread_id)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused | Need):
                return until
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(message_id))
            return valid_until(records.adopt(at, message.interrupted(code=code, now=now)), until)

        hints = [header_key(thread)]
        return await self.updates.update([at, *rights(write)], decide, hints=hints)


def _by_assistant(
    run_id: str, slot: int, content: Content, *, draft: bool, provider: bytes | None = None
) -> NewMessage:
    require_name("run_id", run_id)
    require_kind("content", content, Content)
    return NewMessage.by_assistant(RunId(run_id), slot, content, draft=draft, provider=provider)
