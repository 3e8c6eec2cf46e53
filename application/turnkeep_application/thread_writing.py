"""Writing: what runs, tools and the system append to a thread.

A write of a run may carry the run's right to write (`RunWrite`): it is then refused where the
right is gone, and stored only while it lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias, TypeVar

from attrs import evolve, frozen

from turnkeep_application.records import Records
from turnkeep_application.thread_desk import ThreadDesk, judged, rights
from turnkeep_application.thread_keys import header_key, message_key
from turnkeep_application.thread_runs import RunWrite
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import admitted
from turnkeep_domain.threads.limits import VERSION_MAX, require_whole_number
from turnkeep_domain.threads.message_id import assistant_message_id
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.names import RunId, require_code, require_name
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.observations import observed
from turnkeep_domain.threads.parts import require_texts_fit
from turnkeep_domain.threads.refusals import (
    DraftRefusal,
    EndRefusal,
    GateRefusal,
    MessageConflict,
    MessageNotFound,
    ThreadFull,
    ToolResultConflict,
    UnsafeSummary,
)
from turnkeep_domain.threads.safety import fault_of
from turnkeep_domain.threads.tool_results import (
    ToolResult,
    require_result_ref,
    require_summary,
)

R = TypeVar("R")
Q = TypeVar("Q")

Again: TypeAlias = Callable[[Message, datetime], Decision[Message, MessageReceipt, R]]
"""What becomes of a message that is there already."""


@frozen(kw_only=True)
class WritingCases(ThreadDesk):
    """The use cases of what is written by others than users."""

    # ---- an assistant's messages ----------------------------------------------------------------

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
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | DraftRefusal | R]:
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
        ) -> Decision[Records, MessageReceipt, GateRefusal | MessageNotFound | DraftRefusal | R]:
            header = admitted(records[header_key(thread)], thread.thread_id)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused):
                return until
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(given.message_id))
            seconds = self.settings.draft_seconds
            decision = message.updated(
                version=version, content=content, now=now, due_seconds=seconds
            )
            return _until(records.adopt(at, decision), until)

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
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | EndRefusal | R]:
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

        def again(message: Message, now: datetime) -> Decision[Message, MessageReceipt, EndRefusal]:
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
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | EndRefusal | R]:
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
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | EndRefusal | R]:
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
        ) -> Decision[Records, MessageReceipt, GateRefusal | MessageNotFound | EndRefusal | R]:
            header = admitted(records[header_key(thread)], thread.thread_id)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused):
                return until
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(message_id))
            return _until(records.adopt(at, message.interrupted(code=code, now=now)), until)

        hints = [header_key(thread)]
        return await self.updates.update([at, *rights(write)], decide, hints=hints)

    # ---- results of tools -----------------------------------------------------------------------

    async def append_tool_result(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        result_ref: str,
        safe_summary: str,
        observation: Json | JsonText = None,
        content: Content | None = None,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> (
        MessageReceipt | Refused[GateRefusal | ThreadFull | UnsafeSummary | ToolResultConflict | R]
    ):
        """Appends what a tool has answered to a run, once for each ref.

        Repeated, it stores nothing, also after a redaction; private data or an observation that
        was not there before is filled in, once.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: The run that has called the tool.
            result_ref: `result:` and letters, digits, `_`, `.` or `-`: where the host keeps all.
            safe_summary: 1 to 512 characters that may be shown to models and people.
            observation: `{"version": 1, "status": "succeeded" | "failed" | "partial", "facts":
                [{"name": ..., "value": ...}]}`. One that is something else, too large, or not safe
                is dropped, and the receipt says so.
            content: Parts beside it; none unless they are given.
            provider: Private data of the provider, at most 32 KiB.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `ThreadFull`; `UnsafeSummary` with the rule that
            it breaks; `ToolResultConflict`: another result is kept under this ref.
        """
        require_result_ref("result_ref", result_ref)
        require_name("run_id", run_id)
        fault = fault_of(require_summary(safe_summary))
        if fault is not None:
            return Refused(UnsafeSummary(fault))
        found = None if observation is None else observed(observation)
        dropped = observation is not None and found is None
        tool = ToolResult(result_ref=result_ref, safe_summary=safe_summary, observation=found)
        said = content or Content.nothing()
        given = NewMessage.by_tool(RunId(run_id), tool, said, provider=provider)

        def again(
            message: Message, now: datetime
        ) -> Decision[Message, MessageReceipt, ToolResultConflict]:
            return message.resulted_again(given, now=now, observation_dropped=dropped)

        answer = await self._append(scope, thread_id, given, again, epoch=epoch, write=write)
        return (
            answer if isinstance(answer, Refused) else evolve(answer, observation_dropped=dropped)
        )

    # ---- all others -----------------------------------------------------------------------------

    async def append(
        self,
        scope: Scope,
        thread_id: str,
        kind: MessageKind,
        content: Content,
        *,
        request_id: RequestId,
        actor: str | None = None,
        run_id: str | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | MessageConflict | R]:
        """Appends a message of the system, or a checkpoint, once for each request id.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            kind: `SYSTEM` or `CHECKPOINT`; checkpoints are in no window.
            content: What it says.
            request_id: The idempotency key, among all messages of the thread.
            actor: Who wrote it.
            run_id: The run that it belongs to; None for none.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.
        """
        require_identifier("request_id", request_id)
        require_kind("content", content, Content)
        run = None if run_id is None else RunId(run_id)
        given = NewMessage.noted(kind, request_id, content, actor=actor, run_id=run)
        return await self._append(
            scope, thread_id, given, _noted_again(given), epoch=epoch, write=write
        )

    async def append_preview(
        self,
        scope: Scope,
        thread_id: str,
        content: Content,
        *,
        run_id: str,
        invocation: str,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | MessageConflict | R]:
        """Appends what a run would do, before it is done, once for each invocation.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            content: At most 16 KiB of text; it is in no window.
            run_id: Whose invocation it is.
            invocation: The host's name for the intended execution.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.
        """
        require_kind("content", content, Content)
        require_name("run_id", run_id)
        require_name("invocation", invocation)
        require_texts_fit(content.parts, self.settings.limits.preview_bytes_max)
        given = NewMessage.preview(RunId(run_id), invocation, content)
        return await self._append(
            scope, thread_id, given, _noted_again(given), epoch=epoch, write=write
        )

    # ---- steps ----------------------------------------------------------------------------------

    async def _append(
        self,
        scope: Scope,
        thread_id: str,
        given: NewMessage,
        again: Again[Q],
        *,
        epoch: int | None,
        write: RunWrite[R] | None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | Q | R]:
        """Appends a message, or lets what is there decide."""
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        self._require_storable(given, thread)
        at, head = message_key(thread, given.message_id), header_key(thread)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, GateRefusal | ThreadFull | Q | R]:
            header = admitted(records[head], thread.thread_id, epoch=epoch)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused):
                return until
            message = records[at]
            if message is not None:
                decision = records.adopt(at, again(message, now))
                # An ending, which is told, is an activity; what is filled in is none.
                if isinstance(decision, Changed) and decision.events:
                    after = decision.state.put(head, header.touched(now))
                    decision = evolve(decision, state=after)
                return _until(decision, until)
            appended = header.append(
                given,
                now=now,
                messages_max=self.settings.limits.messages_max,
                due_seconds=self.settings.draft_seconds,
            )
            if isinstance(appended, Refused):
                return appended
            after = records.put(head, appended.state.header).put(at, appended.state.message)
            return Changed(after, appended.outcome, appended.events, until)

        return await self.updates.update([head, at, *rights(write)], decide)


def _until(
    decision: Decision[Records, MessageReceipt, Q], until: datetime | None
) -> Decision[Records, MessageReceipt, Q]:
    """The decision, to be stored only as long as a right lasts."""
    return evolve(decision, valid_until=until) if isinstance(decision, Changed) else decision


def _by_assistant(
    run_id: str, slot: int, content: Content, *, draft: bool, provider: bytes | None = None
) -> NewMessage:
    require_name("run_id", run_id)
    require_kind("content", content, Content)
    return NewMessage.by_assistant(RunId(run_id), slot, content, draft=draft, provider=provider)


def _noted_again(given: NewMessage) -> Again[MessageConflict]:
    def again(
        message: Message,
        now: datetime,  # noqa: ARG001 - a repeat changes nothing
    ) -> Decision[Message, MessageReceipt, MessageConflict]:
        return message.appended_again(given)

    return again
