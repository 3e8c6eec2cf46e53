"""A run's thread: what a handler reads of the conversation that it works in, and adds to it.

A message's id follows from the journal, and from its place among the run's messages or from what
it tells. So a replay, and a retry of the run, find what was said, and nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from attrs import define, field, frozen

from turnkeep_application.thread_views import HistoryPage, Window
from turnkeep_application.threads import Threads
from turnkeep_application.turns.claim_write import ClaimWrite
from turnkeep_application.worker.exits import CallRefused
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.step_values import digest
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import ThreadId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.limits import SLOT_MAX
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.refusals import AlreadyInterrupted
from turnkeep_domain.threads.summaries import SummaryPolicy
from turnkeep_domain.threads.summary_set import Summarised
from turnkeep_domain.turns.effect import EffectKind, JournalCall, Mode

T = TypeVar("T")

MESSAGES_PER_RUN: Final = 10_000
"""How many assistant messages a run may have; what of a slot is beyond counts the attempts at one
message, so that one that was broken off stands in nobody's way."""

_SAID: Final = "thread.message"
_SUMMARISED: Final = "thread.summary"


@frozen(eq=False)
class RunThread:
    """The thread of one run; good as long as the handler runs.

    Reads are no part of the journal: they tell what is there when they are made, in a replay, too.
    A handler that must meet the same window again keeps its `through`, in a checkpoint or as the
    output of a step. What is added is added once: messages of the assistant by their order (calls
    for them are begun in the same order in each replay), results of tools by their refs, previews
    by their invocations. It is refused once the claim is over, also where the store finds that out.

    The methods raise what all of `RunContext` do; `CallRefused` has the codes of threads, for
    example `thread_deleted`, `thread_not_found`, `thread_full`.
    """

    _runner: Runner
    _thread_id: ThreadId

    @classmethod
    def over(cls, runner: Runner) -> RunThread:
        """The thread of a run.

        Raises:
            InvalidValue: The run has none.
        """
        thread_id = runner.run.scope.thread
        if thread_id is None:
            raise InvalidValue("thread", "must be there: the run's scope names none")
        return cls(runner, thread_id)

    # ---- reads ----------------------------------------------------------------------------------

    async def history(
        self,
        *,
        after: int = 0,
        through: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> HistoryPage:
        """The messages after one number through another, by pages; as of `Threads.history`."""
        run = self._runner.run
        return await self._runner.ask(
            lambda: self._threads.history(
                run.scope,
                self._thread_id,
                after=after,
                through=through,
                newest_first=newest_first,
                limit=limit,
            )
        )

    async def window(
        self,
        *,
        through: int | None = None,
        limit: int | None = None,
        bytes_max: int | None = None,
        with_provider: bool = False,
    ) -> Window:
        """What a model is shown; as of `Threads.window`. The run's own messages are always in."""
        run = self._runner.run
        return await self._runner.ask(
            lambda: self._threads.window(
                run.scope,
                self._thread_id,
                through=through,
                run_id=run.journal,
                limit=limit,
                bytes_max=bytes_max,
                with_provider=with_provider,
            )
        )

    # ---- what the assistant says ----------------------------------------------------------------

    async def append(self, content: Content, *, provider: bytes | None = None) -> MessageReceipt:
        """Adds the run's next message, whole.

        Args:
            content: All that it says.
            provider: Private data of the provider, at most 32 KiB.

        Raises:
            CallRefused: `message_finalized`: a replay says something else; `reason.message` is what
                stands, to be adopted. `message_redacted`, `thread_full`.
        """
        runner, slot = self._runner, self._next_slot()
        write = ClaimWrite(runner.claim)
        while True:
            place = slot
            try:
                return await runner.ask(
                    lambda: self._threads.append_assistant(
                        runner.run.scope,
                        self._thread_id,
                        run_id=runner.run.journal,
                        slot=place,  # noqa: B023 - called before the next one
                        content=content,
                        provider=provider,
                        write=write,
                    )
                )
            except CallRefused as error:
                if not isinstance(error.reason, AlreadyInterrupted):
                    raise
                slot = _after(slot, error)

    async def draft(self, content: Content | None = None) -> RunDraft:
        """Begins the run's next message, or finds it as the run has left it.

        A draft is gone on with where it was; one that is finished is found finished (`ended`), so
        that a replay need not say it again. One that was broken off (by a sweep, after the run had
        failed; by the host) stands, and the message is begun anew behind it.

        Args:
            content: What it says so far; nothing unless it is given.
        """
        runner, slot = self._runner, self._next_slot()
        while True:
            place = slot
            receipt = await runner.ask(
                lambda: self._threads.open_draft(
                    runner.run.scope,
                    self._thread_id,
                    run_id=runner.run.journal,
                    slot=place,  # noqa: B023 - called before the next one
                    content=content,
                    write=ClaimWrite(runner.claim),
                )
            )
            if receipt.state is not MessageState.INTERRUPTED:
                return RunDraft(runner, self._thread_id, place, receipt)
            refusal = AlreadyInterrupted("interrupted")
            slot = _after(slot, CallRefused(refusal, refusal.code))

    # ---- everything else ------------------------------------------------------------------------

    async def tool_result(
        self,
        result_ref: str,
        *,
        safe_summary: str,
        observation: Json | JsonText = None,
        content: Content | None = None,
        provider: bytes | None = None,
    ) -> MessageReceipt:
        """Adds what a tool has answered, once for each ref; as of `Threads.append_tool_result`.

        Raises:
            CallRefused: `tool_result_conflict`, `unsafe_summary`, `thread_full`.
        """
        run = self._runner.run
        write = ClaimWrite(self._runner.claim)
        return await self._runner.ask(
            lambda: self._threads.append_tool_result(
                run.scope,
                self._thread_id,
                run_id=run.journal,
                result_ref=result_ref,
                safe_summary=safe_summary,
                observation=observation,
                content=content,
                provider=provider,
                write=write,
            )
        )

    async def preview(self, invocation: str, content: Content) -> MessageReceipt:
        """Shows what the run would do, once for each invocation; it is in no window.

        Raises:
            CallRefused: `message_conflict`, `thread_full`.
        """
        run = self._runner.run
        write = ClaimWrite(self._runner.claim)
        return await self._runner.ask(
            lambda: self._threads.append_preview(
                run.scope,
                self._thread_id,
                content,
                run_id=run.journal,
                invocation=invocation,
                write=write,
            )
        )

    async def summarise(
        self,
        *,
        start: int,
        end: int,
        kind: str,
        text: str,
        policy: SummaryPolicy,
        basis: int,
        absorbs: Iterable[SummaryId] = (),
    ) -> Summarised:
        """Lets a text stand for the messages `start` to `end`; as of `Threads.summarise`.

        Its place among the run's summaries is its idempotency key. It is refused in every replay
        where it was refused once, as a call of the journal is; a summary that stands is none.

        Raises:
            CallRefused: `summary_range`, `basis_moved`, `range_unsettled`, `summary_overlap`,
                `summary_set_full`; `request_id_reused`: a replay summarises something else.
        """
        runner, absorbed = self._runner, tuple(absorbs)
        id = runner.journal.next_call(_SUMMARISED)
        request_id = RequestId(runner.key(id))
        require_kind("policy", policy, SummaryPolicy)
        # Range, text and basis rest on reads, which a replay makes anew; whether they are what they
        # were, the thread judges.
        given = digest("summary", kind, policy.value)
        call = JournalCall(id=id, kind=EffectKind.STEP, mode=Mode.KEYED, arguments=given)
        await runner.entered(call)

        async def summarise() -> Summarised | Refused[object]:
            return await self._threads.summarise(
                runner.run.scope,
                self._thread_id,
                start=start,
                end=end,
                kind=kind,
                text=text,
                policy=policy,
                basis=basis,
                request_id=request_id,
                absorbs=absorbed,
                run_id=runner.run.journal,
                write=ClaimWrite(runner.claim),
            )

        return await runner.make(call, lambda: runner.ask(summarise))

    @property
    def _threads(self) -> Threads:
        return self._runner.keep.threads

    def _next_slot(self) -> int:
        slot = self._runner.journal.next_call(_SAID).ordinal
        if slot >= MESSAGES_PER_RUN:
            raise InvalidValue("thread", f"must have at most {MESSAGES_PER_RUN} messages of a run")
        return slot


@define(eq=False)
class RunDraft:
    """A message that a run is writing.

    Attributes:
        receipt: The message as the last answer has it.
    """

    _runner: Runner
    _thread_id: ThreadId
    _slot: int
    receipt: MessageReceipt
    _version: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._version = self.receipt.version or 0

    @property
    def ended(self) -> bool:
        """Whether it is no draft any more: it was finished before, or redacted."""
        return self.receipt.state is not MessageState.DRAFT

    async def update(self, content: Content) -> MessageReceipt:
        """Lets it say something else, all of it; nothing where it has ended.

        A draft's update is bounded by the claim's deadline, and checks nothing else of it: the last
        one of an earlier claim may still arrive, and the next update replaces it.

        Raises:
            CallRefused: `message_interrupted`, `message_redacted`, `draft_conflict`.
        """
        if self.ended:
            return self.receipt
        self._version += 1
        version, runner = self._version, self._runner
        return await self._told(
            lambda: self._threads.update_draft(
                runner.run.scope,
                self._thread_id,
                run_id=runner.run.journal,
                slot=self._slot,
                version=version,
                content=content,
                write=ClaimWrite(runner.claim),
            )
        )

    async def finalize(self, content: Content, *, provider: bytes | None = None) -> MessageReceipt:
        """Ends it: that is what it says for good. Repeated with the same content, nothing changes.

        Raises:
            CallRefused: `message_finalized`: it was ended otherwise before; `reason.message` is
                what stands, to be adopted. `message_interrupted`, `message_redacted`.
        """
        runner = self._runner
        return await self._told(
            lambda: self._threads.finalize(
                runner.run.scope,
                self._thread_id,
                run_id=runner.run.journal,
                slot=self._slot,
                content=content,
                provider=provider,
                write=ClaimWrite(runner.claim),
            )
        )

    @property
    def _threads(self) -> Threads:
        return self._runner.keep.threads

    async def _told(
        self, request: Callable[[], Awaitable[MessageReceipt | Refused[object]]]
    ) -> MessageReceipt:
        self.receipt = await self._runner.ask(request)
        return self.receipt


def _after(slot: int, refused: CallRefused) -> int:
    """The slot of the next attempt at a message that was broken off.

    Raises:
        CallRefused: There is none.
    """
    if slot + MESSAGES_PER_RUN > SLOT_MAX:
        raise refused
    return slot + MESSAGES_PER_RUN
