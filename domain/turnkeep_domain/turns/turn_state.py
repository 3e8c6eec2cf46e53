"""A turn state: the one place of a thread where its active run stands, under one fence."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.approval import sorted_from
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Marks
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import ClaimEnd, RunStanding
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.limits import ENDS_MAX
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked, Queued


@frozen(kw_only=True)
class TurnState:
    """A thread's active run, if it has one, and how the claims before ended.

    A threadless run has a turn state of its own, in a collection of its own, which its ending
    deletes.

    Attributes:
        id: The thread's id; of a threadless run, the run's.
        fence: Rises at each claim, which takes it as its epoch, and at each claim's end.
        closed: Whether the thread was deleted: nothing is submitted or claimed any more.
        active: The run that has not ended.
        ends: How the last 8 claims ended.
        requests: The last 32 request ids of resumes, retries and cancels.
    """

    scope: Scope = field(validator=of_kind(Scope))
    id: str = field(validator=identifier)
    fence: int = field(validator=count)
    closed: bool = field(validator=of_kind(bool))
    active: Run | None = field(validator=of_kind(Run, type(None)))
    ends: tuple[ClaimEnd, ...] = field(validator=deep_iterable(of_kind(ClaimEnd), of_kind(tuple)))
    requests: Marks[RunStanding] = field(validator=of_kind(Marks))
    updated_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        if len(self.ends) > ENDS_MAX:
            raise InvalidValue("ends", f"must be at most {ENDS_MAX}")
        if self.active is not None:
            self._require_agreement(self.active)

    def _require_agreement(self, run: Run) -> None:
        if run.status.final or run.scope != self.scope:
            raise InvalidValue("active", "must be a run of the same scope that has not ended")
        if run.lease is not None and run.epoch != self.fence:
            raise InvalidValue("fence", "must be the epoch of the active claim")
        if run.epoch > self.fence:
            raise InvalidValue("fence", "must never be below an epoch")


def _index(state: TurnState) -> Index:
    run = state.active
    sort = f"{sorted_from(state.updated_at)}{state.id}"
    if run is None:
        return Index(state="closed" if state.closed else "free", due_at=None, sort=sort)
    # Fixed while the run lives, so that a listing repeats none.
    sort = f"{sorted_from(run.turn.created_at)}{run.id}"
    if run.lease is not None:
        return Index(state="held", due_at=run.lease.tenure.until, sort=sort)
    match run.state:
        case Blocked(gate=gate, until=until):
            return Index(state=f"blocked.{gate.kind.value}", due_at=until, sort=sort)
        case Queued(outside=True, due_at=due_at):
            return Index(state="outside", due_at=due_at, sort=sort)
        case _:
            return Index(state=run.status.value, due_at=None, sort=sort)


def _collection(name: str, *, permanent: bool) -> Collection[TurnState]:
    return Collection(
        name=name,
        members=(TurnState,),
        permanent=permanent,
        index=_index,
        identity=lambda state: Identity(state.scope, state.id),
        marks=lambda state: state.requests,
    )


TURN_STATES: Final[Collection[TurnState]] = _collection("turn_state", permanent=True)
THREADLESS: Final[Collection[TurnState]] = _collection("threadless_turn_state", permanent=False)
