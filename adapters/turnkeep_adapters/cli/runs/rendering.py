"""A rendering: runs and what was done to them, as a table for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from attrs import asdict

from turnkeep import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Event,
    Failed,
    NeedsOperator,
    Queued,
    RunHistory,
    Running,
    RunStanding,
    RunView,
)
from turnkeep_adapters.cli.doctor.place import shown


def json_text(value: object) -> str:
    """One JSON object, stable field by field."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def run_object(run: RunView) -> dict[str, object]:
    """A run, with everything that may be shown of it."""
    return {
        "id": run.id,
        "scope": asdict(run.scope),
        "status": run.status.value,
        "about": about(run),
        "class": run.policy.turn_class.value,
        "version": run.version,
        "epoch": run.epoch,
        "holder": run.holder,
        "held_until": _time(run.held_until),
        "turn": run.turn.id,
        "actor": f"{run.turn.actor.kind.value}:{run.turn.actor.id}",
        "origin": run.turn.origin,
        "open": [_place(id.name, id.ordinal) for id in run.open],
        "lost": run.counters.lost,
        "returned": run.counters.returned,
        "effects": run.counters.effects,
        "journal": run.journal,
        "parent": None if run.lineage.parent is None else run.lineage.parent.id,
        "retry_of": run.lineage.retry_of,
        "created_at": _time(run.turn.created_at),
        "updated_at": _time(run.updated_at),
        "ended_at": _time(run.ended_at),
    }


def history_object(history: RunHistory) -> dict[str, object]:
    """A run and what became of it; outputs and payloads are never shown."""
    return {
        **run_object(history.run),
        "journal_entries": [
            {
                "call": _place(entry.id.name, entry.id.ordinal),
                "kind": entry.kind.value,
                "mode": entry.mode.value,
                "state": entry.state,
                "entered_at": _time(entry.entered_at),
            }
            for entry in history.journal
        ],
        "checkpoints": [
            {
                "sequence": saved.sequence,
                "kind": saved.kind.value,
                "schema": saved.schema,
                "bytes": saved.payload_bytes,
                "saved_at": _time(saved.saved_at),
            }
            for saved in history.checkpoints
        ],
        "events": [{"kind": event.kind, "at": _time(event.at)} for event in history.events],
        "children": [child.id for child in history.children],
    }


def standing_object(standing: RunStanding) -> dict[str, object]:
    """Where a command has left a run."""
    return {"id": standing.run, "status": standing.status.value, "version": standing.version}


def table(runs: Sequence[RunView]) -> Iterator[str]:
    """Runs, one a line under a heading."""
    rows = [("RUN", "STATUS", "CLASS", "THREAD", "UPDATED", "ABOUT")]
    rows += [
        (
            run.id,
            run.status.value,
            run.policy.turn_class.value,
            shown(run.scope.thread or "-"),
            f"{run.updated_at:%Y-%m-%d %H:%M:%S}",
            about(run),
        )
        for run in runs
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def history_text(history: RunHistory) -> Iterator[str]:
    """A run and what became of it, for people."""
    run = history.run
    yield f"Run {run.id} is {run.status.value}{_comma(about(run))}."
    yield f"Turn {run.turn.id} of {run.turn.actor.kind.value} {shown(run.turn.actor.id)}."
    yield (
        f"Claimed {run.epoch:,} times, in a row lost {run.counters.lost:,} and "
        f"returned {run.counters.returned:,}; version {run.version:,}."
    )
    for entry in history.journal:
        call = _place(entry.id.name, entry.id.ordinal)
        yield f"  {entry.kind.value} {call} ({entry.mode.value}): {entry.state}"
    for saved in history.checkpoints:
        yield f"  checkpoint {saved.sequence:,} ({saved.kind.value}), {saved.payload_bytes:,} bytes"
    for child in history.children:
        yield f"  child {child.id}"
    for event in history.events:
        yield f"  {_told(event)}"


def about(run: RunView) -> str:
    """What only this state knows, in a few words."""
    match run.state:
        case Queued(due_at=due_at, outside=outside):
            return f"due {due_at:%H:%M:%S}{', outside its lane' if outside else ''}"
        case Running():
            return f"held by {shown(run.holder or '?')}"
        case Blocked(gate=gate):
            return f"waits at {gate.kind.value} {shown(gate.ref)}"
        case CancelRequested(reason=reason, cancel_by=cancel_by):
            return f"{shown(reason)}, by {cancel_by:%H:%M:%S}"
        case NeedsOperator(category=category):
            return shown(category)
        case Completed(result_ref=result_ref):
            return "" if result_ref is None else shown(result_ref)
        case Failed(category=category):
            return shown(category)
        case Cancelled(reason=reason):
            return shown(reason)
        case _:
            assert_never(run.state)


def _told(event: Event) -> str:
    return f"{event.at:%Y-%m-%d %H:%M:%S} {event.kind}"


def _comma(text: str) -> str:
    return f", {text}" if text else ""


def _place(name: str, ordinal: int) -> str:
    return f"{shown(name)}#{ordinal}"


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
