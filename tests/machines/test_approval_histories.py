"""Law 50 of approvals: one generated history gives equal answers, records and events everywhere."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machines.approval_history import ACTS, Act, played
from tests.machines.stores import EXAMPLES, STORES


@settings(max_examples=EXAMPLES["postgres"], deadline=None)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_one_history_gives_equal_states_and_events_on_every_store(acts: list[Act]) -> None:
    """50."""
    reference, *others = (played(name, acts) for name in STORES)
    for other in others:
        assert other.answers == reference.answers
        assert other.cells == reference.cells
        assert other.events == reference.events
