"""Summarising: ranges of a thread get fewer words, which a redaction takes away again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeVar

from attrs import evolve, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.thread_desk import ThreadDesk, judged, rights
from turnkeep_application.thread_keys import family_key, header_key, summaries_key
from turnkeep_application.thread_messages import first_draft
from turnkeep_application.thread_runs import RunWrite
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.families import redactions_of
from turnkeep_domain.threads.headers import ThreadHeader, admitted
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.message_id import summary_id
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.refusals import SummariseRefusal, SummaryRange
from turnkeep_domain.threads.summaries import Summary, SummaryPolicy, require_summary_text
from turnkeep_domain.threads.summary_set import (
    Standing,
    Summarised,
    SummaryRequest,
    SummarySet,
)
from turnkeep_domain.turns.names import RunId

R = TypeVar("R")

_UNDATED: Final = datetime(2000, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class SummarisingCases(ThreadDesk):
    """The use cases of summaries."""

    async def summarise(
        self,
        scope: Scope,
        thread_id: str,
        *,
        start: int,
        end: int,
        kind: str,
        text: str,
        policy: SummaryPolicy,
        basis: int,
        request_id: RequestId,
        absorbs: Iterable[SummaryId] = (),
        run_id: str | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> Summarised | Refused[SummariseRefusal | R]:
        """Lets a text stand for the messages `start` to `end`, or beside them as a note.

        Repeated with the same request id it answers what it answered first, also after the summary
        was absorbed. After a redaction in the range it is refused: read again, summarise again.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            start: The first message.
            end: The last message.
            kind: What sort of summary it is, as a word of the host's.
            text: At most 16 KiB of UTF-8.
            policy: Whether it replaces the messages in windows, or is a note on them.
            basis: As the window or the history answered it from which the text was made.
            request_id: The idempotency key.
            absorbs: The replacing summaries within the range, all of them; they give way.
            run_id: The run that wrote it; None for none.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            What was added, and how many gave way.
            A refusal of the gate or of the right; `RequestIdReused`, `SummaryRange`, `BasisMoved`,
            `RangeUnsettled` (a draft is in the range), `SummaryOverlap`, `SummarySetFull`.
        """
        require_identifier("request_id", request_id)
        require_whole_number("basis", basis, least=0, most=(1 << 62))
        require_kind("start", start, int)
        require_kind("end", end, int)
        require_summary_text(text, bytes_max=self.settings.limits.summary_bytes_max)
        possible = 1 <= start <= end <= MESSAGES_MAX
        span = (start, end) if possible else (1, 1)
        run = None if run_id is None else RunId(run_id)
        summary = _undated(request_id, span, kind=kind, text=text, policy=policy, run_id=run)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        seen = await self._header(thread, epoch)
        if isinstance(seen, Refused):
            return seen
        if not possible:
            return Refused(SummaryRange(seen.committed))
        # All messages of the range were there when the header was read, or it is refused below.
        draft = await first_draft(self.reading, thread, start, end, self.reading.deadline())
        request = SummaryRequest(
            request_id=request_id, summary=summary, absorbs=frozenset(absorbs), basis=basis
        )
        return await self._summarise(thread, request, seen, draft, epoch, write)

    async def summaries(self, scope: Scope, thread_id: str) -> tuple[Summary, ...]:
        """The summaries of a thread, as they were added; none where the thread is gone."""
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return ()
        keys: list[ReadKey[object]] = [header_key(thread), summaries_key(thread)]
        records = (await self.reading.moment(keys)).records
        if isinstance(admitted(records[header_key(thread)], thread_id), Refused):
            return ()
        kept = records[summaries_key(thread)]
        return () if kept is None else kept.summaries

    async def _summarise(
        self,
        thread: ThreadAddress,
        request: SummaryRequest,
        seen: ThreadHeader,
        draft: int | None,
        epoch: int | None,
        write: RunWrite[R] | None,
    ) -> Summarised | Refused[SummariseRefusal | R]:
        family, kept = family_key(thread, seen.family), summaries_key(thread)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, Summarised, SummariseRefusal | R] | Need:
            header = admitted(records[header_key(thread)], thread.thread_id, epoch=epoch)
            if isinstance(header, Refused):
                return header
            until = judged(write, records, now)
            if isinstance(until, Refused | Need):
                return until
            before = records[kept] or SummarySet.empty(thread)
            standing = Standing(
                committed=seen.committed, redactions=redactions_of(records[family]), draft=draft
            )
            dated = evolve(request, summary=evolve(request.summary, created_at=now))
            decision = before.summarised(dated, standing, self.settings.limits)
            lifted = records.adopt(kept, decision)
            return evolve(lifted, valid_until=until) if isinstance(lifted, Changed) else lifted

        # An append moves the header and takes nothing from a summary; a deletion moves the set.
        keys: list[ReadKey[object]] = [kept, family, *rights(write)]
        return await self.updates.update(keys, decide, hints=[header_key(thread)])


def _undated(
    request_id: RequestId,
    span: tuple[int, int],
    *,
    kind: str,
    text: str,
    policy: SummaryPolicy,
    run_id: RunId | None,
) -> Summary:
    """The summary that is asked for, before the store's clock has dated it."""
    return Summary(
        id=summary_id(request_id),
        start=span[0],
        end=span[1],
        kind=kind,
        text=text,
        policy=policy,
        run_id=run_id,
        created_at=_UNDATED,
    )
