"""A summary set: all summaries of one thread. Those that replace messages never overlap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.limits import (
    SUMMARIES_MAX,
    SUMMARY_SET_BYTES_MAX,
    ThreadLimits,
    require_at_most,
)
from turnkeep_domain.threads.names import SummaryId, name
from turnkeep_domain.threads.refusals import (
    BasisMoved,
    RangeUnsettled,
    SetRefusal,
    SummaryOverlap,
    SummaryRange,
    SummarySetFull,
)
from turnkeep_domain.threads.summaries import Summary
from turnkeep_domain.threads.texts import bytes_of
from turnkeep_domain.threads.thread_events import SummaryAdded, SummaryDropped

_NAME: Final = "summaries"


@frozen(kw_only=True)
class Summarised:
    """What a request to summarise led to, small enough to be kept in a mark.

    Attributes:
        absorbed: How many replacing summaries have given way.
    """

    summary_id: SummaryId = field(validator=name)
    start: int
    end: int
    absorbed: int


@frozen(kw_only=True)
class SummaryRequest:
    """A request for a summary, with what its author has read.

    Attributes:
        absorbs: The replacing summaries within the range, all of them, which give way.
        basis: The count of redactions that came with what was read.
    """

    request_id: RequestId
    summary: Summary
    absorbs: frozenset[SummaryId]
    basis: int

    @property
    def arguments(self) -> Digest:
        """The digest of all that was asked for, the time apart."""
        asked = self.summary
        return digest_of(
            "summarise",
            asked.start,
            asked.end,
            asked.kind,
            asked.text,
            asked.policy.value,
            asked.run_id,
            tuple(sorted(self.absorbs)),
            self.basis,
        )


@frozen(kw_only=True)
class Standing:
    """What a request is judged by, beside the set itself.

    Attributes:
        committed: The last message of the thread.
        redactions: The basis now.
        draft: The first draft in the range; None where there is none.
    """

    committed: int
    redactions: int
    draft: int | None


@frozen(kw_only=True)
class SummarySet:
    """The summaries of a thread, in the order in which they were added."""

    scope: Scope = field(validator=of_kind(Scope))
    thread_id: ThreadId = field(validator=name)
    summaries: tuple[Summary, ...] = field(
        validator=deep_iterable(of_kind(Summary), of_kind(tuple))
    )
    requests: Marks[Summarised] = field(validator=of_kind(Marks))

    @summaries.validator
    def _fit(self, _: object, summaries: tuple[Summary, ...]) -> None:
        require_at_most("summaries", len(summaries), SUMMARIES_MAX, "summaries")
        require_at_most("summaries", _bytes(summaries), SUMMARY_SET_BYTES_MAX, "bytes")
        if len({each.id for each in summaries}) != len(summaries):
            raise InvalidValue("summaries", "must have distinct ids")

    @summaries.validator
    def _never_overlap(self, _: object, summaries: tuple[Summary, ...]) -> None:
        ranges = sorted((each.start, each.end) for each in summaries if each.replaces)
        for (_, end), (start, _) in pairwise(ranges):
            if start <= end:
                raise InvalidValue("summaries", "must not overlap where they replace")

    @classmethod
    def empty(cls, thread: ThreadAddress) -> SummarySet:
        """The set of a thread that was never summarised, or is deleted."""
        return cls(
            scope=thread.scope, thread_id=thread.thread_id, summaries=(), requests=Marks.none()
        )

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.thread_id)

    def summarised(
        self, request: SummaryRequest, standing: Standing, limits: ThreadLimits
    ) -> Decision[SummarySet, Summarised, SetRefusal]:
        """One summary more. In this order: repeat, range, basis, drafts, overlap, room."""
        recalled = self.requests.recall(request.request_id, request.arguments)
        if isinstance(recalled, Mark):
            return Unchanged(recalled.outcome)
        if isinstance(recalled, RequestIdReused):
            return Refused(recalled)
        refusal = self._refusal(request, standing)
        if refusal is not None:
            return Refused(refusal)
        kept = tuple(each for each in self.summaries if each.id not in request.absorbs)
        after = (*kept, request.summary)
        too_many = len(after) > limits.summaries_max
        if too_many or _bytes(after) > limits.summary_set_bytes_max:
            return Refused(SummarySetFull())
        return self._with(request, after)

    def without(self, sequence: int, *, now: datetime) -> Changed[SummarySet, int] | None:
        """The set after a message was redacted: nothing is left of what covers it.

        The requests for what covers it are forgotten as well, for their digests tell of its text;
        those for what was absorbed since among them. None where nothing does.
        """
        kept = tuple(each for each in self.summaries if not each.covers(sequence))
        entries = self.requests.entries
        marks = tuple(
            mark for mark in entries if not mark.outcome.start <= sequence <= mark.outcome.end
        )
        dropped = len(self.summaries) - len(kept)
        forgotten = len(entries) - len(marks)
        if not dropped and not forgotten:
            return None
        requests = Marks(marks, self.requests.dropped + forgotten)
        after = evolve(self, summaries=kept, requests=requests)
        return Changed(after, dropped, self._told_dropped(dropped, now))

    def emptied(self) -> SummarySet:
        """The set after its thread was deleted."""
        return evolve(self, summaries=(), requests=Marks((), self.requests.total))

    def _refusal(self, request: SummaryRequest, standing: Standing) -> SetRefusal | None:
        asked = request.summary
        if asked.end > standing.committed:
            return SummaryRange(standing.committed)
        if request.basis != standing.redactions:
            return BasisMoved(standing.redactions)
        if standing.draft is not None:
            return RangeUnsettled(standing.draft)
        if any(each.id == asked.id for each in self.summaries):
            return RequestIdReused(request.request_id)
        met = [each for each in self.summaries if each.replaces and asked.meets(each)]
        if not asked.replaces:
            return SummaryOverlap(_ids(met)) if request.absorbs else None
        enclosed = all(asked.encloses(each) for each in met)
        if not enclosed or {each.id for each in met} != request.absorbs:
            return SummaryOverlap(_ids(met))
        return None

    def _with(
        self, request: SummaryRequest, after: tuple[Summary, ...]
    ) -> Changed[SummarySet, Summarised]:
        asked = request.summary
        outcome = Summarised(
            summary_id=asked.id, start=asked.start, end=asked.end, absorbed=len(request.absorbs)
        )
        mark = Mark(request.request_id, request.arguments, outcome)
        added = SummaryAdded(
            address=self.address,
            at=asked.created_at,
            summary_id=asked.id,
            start=asked.start,
            end=asked.end,
        )
        return Changed(
            evolve(
                self,
                summaries=after,
                requests=remember(self.requests, mark, bound=MARKS_MAX),
            ),
            outcome,
            (added, *self._told_dropped(len(request.absorbs), asked.created_at)),
        )

    def _told_dropped(self, count: int, now: datetime) -> tuple[Event, ...]:
        return (SummaryDropped(address=self.address, at=now, dropped=count),) if count else ()


def _bytes(summaries: Iterable[Summary]) -> int:
    return sum(bytes_of(each.text) for each in summaries)


def _ids(summaries: Iterable[Summary]) -> tuple[SummaryId, ...]:
    return tuple(each.id for each in summaries)


SUMMARIES: Final[Collection[SummarySet]] = Collection(
    name=_NAME,
    members=(SummarySet,),
    permanent=True,
    index=lambda kept: Index(state="kept", due_at=None, sort=kept.thread_id),
    identity=lambda kept: Identity(kept.scope, kept.thread_id),
    marks=lambda kept: kept.requests,
)
