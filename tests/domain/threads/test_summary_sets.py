"""A summary set: whatever is asked for and redacted, what replaces never overlaps nor outlives."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.message_id import summary_id
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.summaries import Summary, SummaryPolicy
from turnkeep_domain.threads.summary_set import Standing, SummaryRequest, SummarySet

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
THREAD: Final = ThreadAddress(owner=Scope.of("acme", "ada"), thread_id=ThreadId("t1"))
COMMITTED: Final = 12
STANDING: Final = Standing(committed=COMMITTED, redactions=0, draft=None)


def asked(
    name: str,
    start: int,
    end: int,
    policy: SummaryPolicy = SummaryPolicy.REPLACE,
    absorbs: frozenset[SummaryId] = frozenset(),
    basis: int = 0,
) -> SummaryRequest:
    summary = Summary(
        id=summary_id(RequestId(name)),
        start=start,
        end=end,
        kind="recap",
        text=name,
        policy=policy,
        run_id=None,
        created_at=NOW,
    )
    return SummaryRequest(request_id=RequestId(name), summary=summary, absorbs=absorbs, basis=basis)


requests = st.tuples(
    st.integers(1, COMMITTED),
    st.integers(0, 6),
    st.sampled_from(SummaryPolicy),
    st.booleans(),
)


@given(
    steps=st.lists(requests | st.integers(1, COMMITTED), max_size=30),
)
def test_replacements_never_overlap_and_never_outlive_a_redaction(
    steps: list[tuple[int, int, SummaryPolicy, bool] | int],
) -> None:
    kept, redactions = SummarySet.empty(THREAD), 0
    redacted: set[int] = set()
    for number, step in enumerate(steps):
        if isinstance(step, int):
            redacted.add(step)
            redactions += 1
            change = kept.without(step, now=NOW)
            kept = kept if change is None else change.state
            assert not any(each.covers(step) for each in kept.summaries)
            continue
        start, length, policy, names = step
        end = min(COMMITTED, start + length)
        met = frozenset(
            each.id
            for each in kept.summaries
            if each.replaces and start <= each.start <= each.end <= end
        )
        absorbs = met if names and policy is SummaryPolicy.REPLACE else frozenset()
        request = asked(f"q{number}", start, end, policy, absorbs, redactions)
        standing = evolve(STANDING, redactions=redactions)
        decision = kept.summarised(request, standing, ThreadLimits())
        if isinstance(decision, Changed):
            before = {each.id for each in kept.summaries}
            kept = decision.state
            after = {each.id for each in kept.summaries}
            assert after == (before - absorbs) | {request.summary.id}
            again = kept.summarised(request, standing, ThreadLimits())
            assert isinstance(again, Unchanged)
        else:
            assert isinstance(decision, Refused)
    replacing = [each for each in kept.summaries if each.replaces]
    assert not any(one.meets(other) for one, other in combinations(replacing, 2))


def test_the_checks_come_in_order() -> None:
    first = SummarySet.empty(THREAD).summarised(asked("a", 1, 3), STANDING, ThreadLimits())
    assert isinstance(first, Changed)
    kept = first.state
    bad = Standing(committed=2, redactions=5, draft=1)
    few = ThreadLimits(summaries_max=1)

    def code(request: SummaryRequest, standing: Standing, limits: ThreadLimits = few) -> str:
        decision = kept.summarised(request, standing, limits)
        assert isinstance(decision, Refused)
        return decision.reason.code

    assert isinstance(kept.summarised(asked("a", 1, 3), bad, few), Unchanged)
    assert code(asked("a", 1, 2), bad) == "request_id_reused"
    wrong = asked("b", 2, 4)
    assert code(wrong, bad) == "summary_range"
    assert code(wrong, evolve(bad, committed=9)) == "basis_moved"
    assert code(wrong, evolve(bad, committed=9, redactions=0)) == "range_unsettled"
    assert code(wrong, STANDING) == "summary_overlap"
    assert code(asked("c", 5, 6), STANDING) == "summary_set_full"


def test_what_overlaps_cannot_even_be_read() -> None:
    one, two = asked("a", 1, 3).summary, asked("b", 3, 4).summary
    with pytest.raises(InvalidValue):
        evolve(SummarySet.empty(THREAD), summaries=(one, two))
    note = evolve(two, policy=SummaryPolicy.NOTE)
    evolve(SummarySet.empty(THREAD), summaries=(one, note))
    with pytest.raises(InvalidValue):
        evolve(SummarySet.empty(THREAD), summaries=(one, one))


def test_a_summary_has_a_range_and_a_text() -> None:
    summary = asked("a", 1, 3).summary
    for wrong in ({"end": 0}, {"start": 0}, {"start": 4}, {"text": " "}, {"kind": "Not One"}):
        with pytest.raises(InvalidValue):
            evolve(summary, **wrong)
    assert "a text" not in repr(evolve(summary, text="a text"))
