"""A view of a run: what a host may show of it; never a token, an output or a checkpoint."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.events import Event
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.effect import EffectKind, Mode
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run, RunApproval, RunCounters
from turnkeep_domain.turns.run_states import RunState, RunStatus, status_of
from turnkeep_domain.turns.turn import Turn
from turnkeep_ports.store import Cursor


@frozen(kw_only=True)
class RunView:
    """A run as it stood at one moment.

    Attributes:
        turn: What it is to carry out.
        state: Where it stands, with what only that state knows.
        version: How often it has been stored, heartbeats aside. What `wait` takes as
            `after_version`.
        epoch: The fence that its newest claim took; 0 before the first.
        holder: Which worker holds it; None where none does.
        held_until: Until when, unless a heartbeat extends it. A claim whose time is up is over,
            whether or not a sweep has noted it.
        journal: The run whose journal it continues: its own, or that of the first that it repeats.
        open: Its `once` steps and spends that are intended or uncertain.
        approvals: Those that it has raised and not yet done with.
        updated_at: When it was stored last, heartbeats aside.
        ended_at: None while it has not ended.
    """

    id: RunId
    scope: Scope
    turn: Turn
    policy: TurnPolicy
    state: RunState
    version: int
    epoch: int
    holder: str | None
    held_until: datetime | None
    journal: RunId
    open: tuple[EffectId, ...]
    approvals: tuple[RunApproval, ...]
    counters: RunCounters
    route: Route | None
    lineage: Lineage
    updated_at: datetime
    ended_at: datetime | None

    @property
    def address(self) -> RunAddress:
        """Where it is found, for every other use case."""
        return RunAddress(self.scope, self.id)

    @property
    def status(self) -> RunStatus:
        """Its state in one word."""
        return status_of(self.state)


@frozen(kw_only=True)
class RunPage:
    """Some runs: those that have not ended, then those that have.

    Attributes:
        unreadable: What lay among them and could not be read.
        next: Where the next page begins, opaque; None when there is none, and only then. A page
            may hold fewer runs than were asked for, or none, and not be the last.
    """

    runs: tuple[RunView, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class JournalEntry:
    """What may be shown of one call in a journal: never its output.

    Attributes:
        run: The run that entered it.
        state: `intended`, `done`, `not_done` or `uncertain`.
    """

    id: EffectId
    run: RunId
    kind: EffectKind
    mode: Mode
    state: str
    entered_at: datetime


@frozen(kw_only=True)
class CheckpointHeader:
    """What may be shown of a checkpoint: never its payload."""

    sequence: int
    kind: CheckpointKind
    schema: int
    payload_bytes: int
    saved_at: datetime


@frozen(kw_only=True)
class RunHistory:
    """What became of a run, step by step.

    Attributes:
        events: A page of its events, in order.
        next: The cursor of the next page of events; it equals the one given only at the end.
        journal: All calls that it and the runs that it repeats have journaled, in the order of
            the times at which they were entered.
        checkpoints: Those that are kept, oldest first.
        children: The runs that it spawned and that have not ended; those that have are told of
            by the journal.
    """

    run: RunView
    events: tuple[Event, ...]
    next: Cursor
    journal: tuple[JournalEntry, ...]
    checkpoints: tuple[CheckpointHeader, ...]
    children: tuple[RunAddress, ...]


def run_view(run: Run, *, ended_at: datetime | None = None) -> RunView:
    """What may be shown of a run.

    Args:
        run: As it stands in its thread's turn state, or as it ended.
        ended_at: When it ended; None where it has not.
    """
    lease = run.lease
    return RunView(
        id=run.id,
        scope=run.scope,
        turn=run.turn,
        policy=run.policy,
        state=run.state,
        version=run.version,
        epoch=run.epoch,
        holder=None if lease is None else lease.tenure.holder,
        held_until=None if lease is None else lease.tenure.until,
        journal=run.journal,
        open=run.open,
        approvals=run.approvals,
        counters=run.counters,
        route=run.route,
        lineage=run.lineage,
        updated_at=run.updated_at,
        ended_at=ended_at,
    )


def ended_view(ended: EndedRun) -> RunView:
    """What may be shown of a run that has ended."""
    return run_view(ended.run, ended_at=ended.ended_at)
