"""Writing: what tools, previews and the system append to a thread."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import evolve, frozen

from turnkeep_application.thread_appending import Again, AppendingCases
from turnkeep_application.thread_runs import RunWrite
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.names import require_name
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.observations import observed
from turnkeep_domain.threads.parts import require_texts_fit
from turnkeep_domain.threads.refusals import (
    GateRefusal,
    MessageConflict,
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
from turnkeep_domain.turns.names import RunId

R = TypeVar("R")


@frozen(kw_only=True)
class WritingCases(AppendingCases):
    """The use cases of what neither users nor assistants write."""

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


def _noted_again(given: NewMessage) -> Again[MessageConflict]:
    def again(
        message: Message,
        now: datetime,  # noqa: ARG001 - a repeat changes nothing
    ) -> Decision[Message, MessageReceipt, MessageConflict]:
        return message.appended_again(given)

    return again
