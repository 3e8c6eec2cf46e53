"""A run: one attempt to carry out a turn."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.claims import RunLease, RunStanding
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.limits import (
    APPROVALS_MAX,
    APPROVALS_OPEN_MAX,
    HOLDS_MAX,
    OPEN_MAX,
)
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    NeedsOperator,
    Queued,
    Running,
    RunState,
    RunStatus,
    status_of,
)
from turnkeep_domain.turns.turn import Turn


@frozen(kw_only=True)
class RunCounters:
    """What is counted of a run.

    Attributes:
        lost: Claims in a row that expired or ended in an error; a resume or a retry zeroes it.
        returned: Claims in a row that a draining worker gave back; zeroed likewise.
        effects: Journal entries, at most 1,000.
        checkpoint: The sequence of the newest checkpoint; 0 where there is none.
    """

    lost: int = field(validator=count)
    returned: int = field(validator=count)
    effects: int = field(validator=count)
    checkpoint: int = field(validator=count)


@frozen(kw_only=True)
class RunApproval:
    """An approval that a run has raised and not yet done with.

    Attributes:
        open: Whether it is still to be decided; else it was approved and not yet used.
    """

    id: str = field(validator=identifier)
    open: bool = field(validator=of_kind(bool))


@frozen(kw_only=True)
class Run:
    """One attempt at a turn, as it stands in its thread's `TurnState`, or as it ended.

    Attributes:
        version: How often it was stored anew, heartbeats aside.
        epoch: The fence that its newest claim took; 0 before the first.
        lease: There exactly while it is running or asked to cancel.
        journal: The run whose journal it continues: its own, or that of the first one that it
            repeats.
        open: Its `once` steps and spends that are intended or uncertain, at most 16.
        approvals: At most 8, of which at most 4 are open.
        holds: The buckets that count it, at most 7.
    """

    id: RunId = field(validator=identifier)
    turn: Turn = field(validator=of_kind(Turn))
    policy: TurnPolicy = field(validator=of_kind(TurnPolicy))
    state: RunState = field(
        validator=of_kind(
            Queued,
            Running,
            Blocked,
            CancelRequested,
            NeedsOperator,
            Completed,
            Failed,
            Cancelled,
        )
    )
    version: int = field(validator=count)
    epoch: int = field(validator=count)
    lease: RunLease | None = field(validator=of_kind(RunLease, type(None)))
    journal: RunId = field(validator=identifier)
    open: tuple[EffectId, ...] = field(validator=deep_iterable(of_kind(EffectId), of_kind(tuple)))
    approvals: tuple[RunApproval, ...] = field(
        validator=deep_iterable(of_kind(RunApproval), of_kind(tuple))
    )
    holds: tuple[BucketId, ...] = field(validator=deep_iterable(of_kind(BucketId), of_kind(tuple)))
    counters: RunCounters = field(validator=of_kind(RunCounters))
    route: Route | None = field(validator=of_kind(Route, type(None)))
    lineage: Lineage = field(validator=of_kind(Lineage))
    updated_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        leased = isinstance(self.state, Running | CancelRequested)
        if leased != (self.lease is not None):
            raise InvalidValue("lease", "must be there exactly while the run is claimed")
        _require_at_most("open", self.open, OPEN_MAX)
        _require_at_most("holds", self.holds, HOLDS_MAX)
        _require_at_most("approvals", [entry.id for entry in self.approvals], APPROVALS_MAX)
        _require_at_most(
            "approvals", [entry.id for entry in self.approvals if entry.open], APPROVALS_OPEN_MAX
        )

    @property
    def scope(self) -> Scope:
        """The full scope of its thread."""
        return self.turn.scope

    @property
    def address(self) -> RunAddress:
        """Where it is found."""
        return RunAddress(self.turn.scope, self.id)

    @property
    def root(self) -> RunAddress:
        """The first of its tree, itself perhaps."""
        return self.lineage.root or self.address

    @property
    def status(self) -> RunStatus:
        """Its state in one word."""
        return status_of(self.state)

    @property
    def standing(self) -> RunStanding:
        """Where it stands, as a command answers it."""
        return RunStanding(run=self.id, status=self.status, version=self.version)


def _require_at_most(what: str, entries: tuple[object, ...] | list[str], most: int) -> None:
    if len(set(entries)) != len(entries) or len(entries) > most:
        raise InvalidValue(what, f"must be at most {most}, each named once")
