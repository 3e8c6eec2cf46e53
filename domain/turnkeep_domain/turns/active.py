"""An active run: a run in its thread's turn state, at the moment of one command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from attrs import evolve, field, frozen

from turnkeep_domain.request_ids import Digest, Mark, RequestId, remember
from turnkeep_domain.turns.claims import ClaimEnd
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.limits import ENDS_MAX, REQUESTS_MAX
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.run import Run

if TYPE_CHECKING:
    from turnkeep_domain.turns.turn_state import TurnState


@frozen(kw_only=True)
class Request:
    """A request id with the digest of what was asked under it."""

    id: RequestId = field()
    arguments: Digest = field(repr=False)


@frozen(kw_only=True)
class Active:
    """What a command works on, and how its result becomes a turn state again."""

    state: TurnState = field()
    run: Run = field()
    now: datetime = field()

    @classmethod
    def of(cls, state: TurnState, run: RunId, now: datetime) -> Self | None:
        """The run, if it is the one that has not ended."""
        active = state.active
        if active is None or active.id != run:
            return None
        return cls(state=state, run=active, now=now)

    def stored(self, run: Run) -> Run:
        """The run as it is stored after a change: its version is one more."""
        return evolve(run, version=self.run.version + 1, updated_at=self.now)

    def moved(
        self,
        run: Run,
        *,
        fence: int | None = None,
        end: ClaimEnd | None = None,
        request: Request | None = None,
        effects: Sequence[RunEffect] = (),
    ) -> Moved:
        """The turn state around a run that `stored` gave.

        Args:
            run: One that has ended leaves the turn state.
            fence: Where it rises.
            end: How the claim ended, where it did.
            request: What is remembered, where the command had a request id.
            effects: The journal entries that go along.
        """
        state = self.state
        ends = state.ends if end is None else (*state.ends, end)[-ENDS_MAX:]
        requests = state.requests
        if request is not None:
            mark = Mark(request.id, request.arguments, run.standing)
            requests = remember(requests, mark, bound=REQUESTS_MAX)
        ended = None
        if run.status.final:
            ended = EndedRun(run=run, ends=ends, requests=requests, ended_at=self.now)
        return Moved(
            state=evolve(
                state,
                fence=state.fence if fence is None else fence,
                active=run if ended is None else None,
                ends=ends,
                requests=requests,
                updated_at=self.now,
            ),
            ended=ended,
            effects=tuple(effects),
        )
