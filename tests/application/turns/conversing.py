"""Conversing: threads beside the turns of a keep, in the same store and by the same hosts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from attrs import evolve, frozen

from tests.application.turns.keep import ADA, CODEC, Keep, thread
from turnkeep_application.thread_keys import message_key
from turnkeep_application.thread_views import HistoryPage
from turnkeep_application.threads import Threads
from turnkeep_application.turns.claim_write import ClaimWrite
from turnkeep_application.turns.scheduled_runs import ScheduledRuns
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import Collection
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.families import FAMILIES
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.message_id import InboundEvent
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.names import MessageId
from turnkeep_domain.threads.summaries import SummaryPolicy
from turnkeep_domain.threads.summary_set import SUMMARIES
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.names import Ref
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope

T = TypeVar("T")

SCOPE: Final = thread("talk")
OWNER: Final = evolve(SCOPE, thread=None)
TALK: Final = ThreadAddress.of_scope(SCOPE)
COLLECTIONS: Final[tuple[Collection[object], ...]] = (THREADS, MESSAGES, SUMMARIES, FAMILIES)


def code(answer: object) -> str:
    """The code of a refusal."""
    assert isinstance(answer, Refused), answer
    return str(answer.reason.code)


@frozen
class Talk:
    """The conversations of a keep."""

    keep: Keep

    def threads(self, on: Turns | None = None) -> Threads:
        """A host's threads, beside its turns."""
        turns = on or self.keep.turns
        return Threads(
            updates=turns.updates,
            reading=turns.reading,
            store=turns.store,
            codec=CODEC,
            clock=turns.clock,
            runs=ScheduledRuns(settings=turns.settings),
        )

    async def said(self, text: str = "Pay the rent.", *, scope: Scope = SCOPE) -> MessageId:
        """A user's message in a thread that is there."""
        name = str(scope.thread)
        await self.threads().ensure_thread(scope, name, created_by="ada")
        event = InboundEvent(source_binding="mail", event_id=text)
        receipt = await self.threads().accept_inbound(
            scope, name, event, Content.of(text), actor="ada"
        )
        assert isinstance(receipt, MessageReceipt), receipt
        return receipt.message_id

    async def submit(
        self,
        message: str | None,
        *,
        on: Turns | None = None,
        scope: Scope = SCOPE,
        request: str = "r1",
    ) -> object:
        """A turn that a message asks for, whatever comes of it."""
        return await (on or self.keep.turns).submit(
            scope,
            actor=ADA,
            request_id=RequestId(request),
            payload=b"what is asked",
            message_ref=None if message is None else Ref(message),
        )

    async def message(self, message_id: MessageId, thread: ThreadAddress = TALK) -> Message:
        """A message as it is stored."""
        message = await self.keep.record(message_key(thread, message_id))
        assert message is not None
        return message

    async def messages(self) -> tuple[MessageView, ...]:
        """All messages of the thread."""
        page = await self.threads().history(SCOPE, "talk", limit=1_000)
        assert isinstance(page, HistoryPage), page
        return page.messages

    async def snapshot(self) -> tuple[object, ...]:
        """Everything that is stored of turns and of threads: equal if nothing was written."""
        deadline = Deadline.after(self.keep.world.clock, 15.0)
        cells: list[object] = []
        for collection in COLLECTIONS:
            query = InScope(collection=collection.name, prefix=ScopePrefix(scope=OWNER, depth=0))
            page = await self.keep.store.scan(query, after=None, limit=500, deadline=deadline)
            cells += page.cells
        return (*await self.keep.snapshot(), *cells)

    async def running(self) -> Claim:
        """The claim of a run in a thread that has one message, which asks for it."""
        message = await self.said()
        await self.submit(message)
        [claimed] = await self.keep.claimed()
        return claimed.claim


def writes(
    talk: Talk, claim: Claim, *, on: Turns | None = None, slot: int = 7
) -> dict[str, Callable[[], Awaitable[object]]]:
    """Every way in which a run writes to its thread; drafts in slot 0 are to be there."""
    threads, write, run = talk.threads(on), ClaimWrite(claim), claim.run.id
    said = Content.of("so it is")
    return {
        "append_assistant": lambda: threads.append_assistant(
            SCOPE, "talk", run_id=run, slot=slot, content=said, write=write
        ),
        "open_draft": lambda: threads.open_draft(SCOPE, "talk", run_id=run, slot=slot, write=write),
        "finalize": lambda: threads.finalize(
            SCOPE, "talk", run_id=run, slot=0, content=said, write=write
        ),
        "interrupt": lambda: threads.interrupt(
            SCOPE, "talk", run_id=run, slot=0, code="stopped", write=write
        ),
        "update_draft": lambda: threads.update_draft(
            SCOPE, "talk", run_id=run, slot=0, version=3, content=said, write=write
        ),
        "append_tool_result": lambda: threads.append_tool_result(
            SCOPE, "talk", run_id=run, result_ref="result:1", safe_summary="Paid", write=write
        ),
        "append_preview": lambda: threads.append_preview(
            SCOPE, "talk", said, run_id=run, invocation="i1", write=write
        ),
        "append": lambda: threads.append(
            SCOPE, "talk", MessageKind.SYSTEM, said, request_id=RequestId("s1"), write=write
        ),
        "summarise": lambda: threads.summarise(
            SCOPE,
            "talk",
            start=1,
            end=1,
            kind="gist",
            text="Rent is asked for.",
            policy=SummaryPolicy.REPLACE,
            basis=0,
            request_id=RequestId("g1"),
            run_id=run,
            write=write,
        ),
    }


WRITES: Final = (
    "append_assistant",
    "open_draft",
    "finalize",
    "interrupt",
    "update_draft",
    "append_tool_result",
    "append_preview",
    "append",
    "summarise",
)
