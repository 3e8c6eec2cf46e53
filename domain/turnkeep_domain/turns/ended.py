"""An ended run: the run as it ended, written once by its ending, and later its tombstone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, sorted_from
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Digest, Marks
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import ClaimEnd, RunStanding
from turnkeep_domain.turns.events import RunRetired
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.refusals import RunNotDue
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import RunStatus

RETIRED: Final = "retired"


@frozen(kw_only=True)
class EndedRun:
    """A run as it ended, with what still answers those who repeat a command of it.

    Attributes:
        ends: How its last claims ended.
        requests: The request ids that were answered for it.
    """

    run: Run = field(validator=of_kind(Run))
    ends: tuple[ClaimEnd, ...] = field(validator=deep_iterable(of_kind(ClaimEnd), of_kind(tuple)))
    requests: Marks[RunStanding] = field(validator=of_kind(Marks))
    ended_at: datetime = field(validator=instant)

    @run.validator
    def _has_ended(self, _: object, run: Run) -> None:
        if not run.status.final:
            raise InvalidValue("run", "must have ended")

    @property
    def standing(self) -> RunStanding:
        """Where it stands, for ever."""
        return self.run.standing

    def retire(
        self, *, retention: timedelta, now: datetime
    ) -> Changed[RunRecord, None] | Refused[RunNotDue]:
        """Its retention has passed: a tombstone takes its place."""
        due_at = self.ended_at + retention
        if now < due_at:
            return Refused(RunNotDue(due_at))
        run = self.run
        tombstone = RetiredRun(
            id=run.id,
            scope=run.scope,
            payload=run.turn.payload,
            was=run.status,
            ended_at=self.ended_at,
            retired_at=now,
        )
        address = Address("run", run.scope, run.id)
        event = RunRetired(address=address, at=now, run=run.id, status=run.status)
        return Changed(tombstone, None, (event,))


@frozen(kw_only=True)
class RetiredRun:
    """What is left of a run after its retention: its id is spent for ever.

    Attributes:
        payload: The digest of what was submitted, so that a reused request id is told.
        was: How it ended.
    """

    id: RunId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    payload: Digest = field(validator=of_kind(bytes), repr=False)
    was: RunStatus = field(validator=of_kind(RunStatus))
    ended_at: datetime = field(validator=instant)
    retired_at: datetime = field(validator=instant)


RunRecord: TypeAlias = EndedRun | RetiredRun


def _index(record: RunRecord) -> Index:
    match record:
        case EndedRun(run=run, ended_at=ended_at):
            return Index(
                state=run.status.value, due_at=ended_at, sort=f"{sorted_from(ended_at)}{run.id}"
            )
        case RetiredRun(id=id, ended_at=ended_at):
            return Index(state=RETIRED, due_at=None, sort=f"{sorted_from(ended_at)}{id}")
        case _:
            assert_never(record)


def _identity(record: RunRecord) -> Identity:
    match record:
        case EndedRun(run=run):
            return Identity(run.scope, run.id)
        case RetiredRun(scope=scope, id=id):
            return Identity(scope, id)
        case _:
            assert_never(record)


RUNS: Final[Collection[RunRecord]] = Collection(
    name="run",
    members=(EndedRun, RetiredRun),
    permanent=True,
    index=_index,
    identity=_identity,
    marks=lambda record: record.requests if isinstance(record, EndedRun) else None,
)
