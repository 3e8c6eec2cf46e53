"""What is asked of a run from outside: found where the run stands, and answered once a request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from attrs import field, frozen

from turnkeep_domain.replay import replayed
from turnkeep_domain.decisions import Refused, Unchanged
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused, digest_of
from turnkeep_domain.turns.active import Active, Request
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.ended import EndedRun, RunRecord
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.refusals import NotFound

if TYPE_CHECKING:
    from turnkeep_domain.turns.turn_state import TurnState


@frozen(kw_only=True)
class Asked:
    """One request about one run, active or ended.

    Attributes:
        found: The run, active or as it ended.
    """

    found: Active | EndedRun = field()
    state: TurnState = field()
    request: Request = field()

    @classmethod
    def of(
        cls,
        state: TurnState,
        run: RunId,
        *,
        request: Request,
        ended: RunRecord | None,
        now: datetime,
    ) -> Asked | Refused[NotFound]:
        """The request, if there is such a run; of a retired one there is nothing left to ask."""
        active = Active.of(state, run, now)
        if active is not None:
            return cls(found=active, state=state, request=request)
        if isinstance(ended, EndedRun) and ended.run.id == run:
            return cls(found=ended, state=state, request=request)
        return Refused(NotFound(run))

    @property
    def answered(self) -> Unchanged[RunStanding] | Refused[RequestIdReused] | None:
        """What a repeat was answered; the refusal of a reused id; None for a fresh request."""
        marks = self.state.requests
        if isinstance(self.found, EndedRun):
            answer = replayed(self.found.requests, self.request.id, self.request.arguments)
            if answer is not None:
                return answer
        return replayed(marks, self.request.id, self.request.arguments)

    @property
    def standing(self) -> RunStanding:
        """Where the run stands."""
        match self.found:
            case Active(run=run) | EndedRun(run=run):
                return run.standing

    @property
    def submitter(self) -> Principal:
        """Who submitted its turn."""
        match self.found:
            case Active(run=run) | EndedRun(run=run):
                return run.turn.actor


def request_of(
    id: RequestId, command: str, run: RunId, by: Actor, *arguments: str | tuple[str, ...] | None
) -> Request:
    """A request with the digest of all that it was asked with."""
    actor = (by.role.value, by.principal.kind.value, by.principal.id)
    return Request(id=id, arguments=digest_of(command, run, actor, *arguments))
