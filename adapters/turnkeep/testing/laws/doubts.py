"""Laws of what a failed commit proves: `Unavailable` says that nothing was and will be written."""

from __future__ import annotations

from turnkeep.testing.caller import calling, calling_several
from turnkeep.testing.countdown import deadline_at_look
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.laws.handles import CALLS, PLACE
from turnkeep.testing.refusal import refusal
from turnkeep.testing.trial import Trial, expect_events
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import Committed, RecordStore

LOOKS = 24


async def _outcome(trial: Trial, store: RecordStore, deadline: Deadline) -> object:
    try:
        return await trial.commit(store, deadline)
    except (Unavailable, OutcomeUnknown) as error:
        return error


class DoubtLaws:
    """An answer is given only where it is known."""

    @law
    async def test_an_unavailable_commit_writes_no_cell_and_no_event(
        self, harness: Harness
    ) -> None:
        """P1: An `Unavailable` commit writes no cell, no event, whenever its deadline comes."""
        landed, lost = list[Trial](), list[Trial]()
        async with calling_several(harness, 2) as (caller, other):
            for look in range(LOOKS):
                trial = await Trial.prepare(caller)
                outcome = await _outcome(trial, caller.store, deadline_at_look(look))
                has_landed = await trial.landed(other)
                if isinstance(outcome, Committed):
                    assert has_landed, "a commit was answered and is not there"
                elif isinstance(outcome, Unavailable):
                    assert not has_landed, "`Unavailable` was raised, and the commit is there"
                else:
                    assert isinstance(outcome, OutcomeUnknown), "a fresh commit is refused"
                (landed if has_landed else lost).append(trial)
            await expect_events(other, landed=landed, lost=lost)

    @law
    async def test_a_deadline_that_has_come_is_unavailable(self, harness: Harness) -> None:
        """P1: What is called after its deadline is `Unavailable`, and not done."""
        async with calling(harness) as caller:
            for name, call in CALLS.items():
                late = call(caller.store, deadline_at_look(0))
                await refusal(Unavailable, late, f"{name} after its deadline")
            assert await caller.cell(PLACE) is None
            assert await caller.history() == []

    @law
    async def test_a_store_goes_on_after_a_deadline(self, harness: Harness) -> None:
        """P1: A call that gave up leaves nothing behind that others wait for."""
        async with calling(harness) as caller:
            for look in range(LOOKS):
                trial = await Trial.prepare(caller)
                await _outcome(trial, caller.store, deadline_at_look(look))
            revision = await caller.put(PLACE)
            assert (await caller.present(PLACE)).revision == revision
