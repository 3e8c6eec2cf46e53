"""A telling: gates and what became of them, as a table for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import click
from attrs import asdict

from turnkeep import (
    ApprovalExplanation,
    ApprovalPayload,
    ApprovalView,
    Event,
    GrantView,
    Principal,
    Vote,
)
from turnkeep_adapters.cli.doctor.place import shown
from turnkeep_adapters.cli.ending import Ending


def gate_object(view: ApprovalView, payload: ApprovalPayload | None = None) -> dict[str, object]:
    """A gate; with what people read where that is given."""
    told: dict[str, object] = {
        "ref": str(view.ref),
        "scope": asdict(view.scope),
        "state": view.state.value,
        "attempt": view.attempt,
        "invocation": view.invocation,
        "kind": view.action.kind,
        "capability": view.action.capability,
        "estimate": view.action.estimate.as_mapping(),
        "effects": sorted(effect.value for effect in view.effects),
        "requester": name(view.requester),
        "cause": view.cause.value,
        "offers": sorted(offer.value for offer in view.offers),
        "threshold": view.quorum.threshold,
        "eligible": sorted(map(name, view.quorum.eligible)),
        "missing": view.missing,
        "votes": [_vote_object(vote) for vote in view.votes],
        "created_at": time(view.created_at),
        "expires_at": time(view.expires_at),
        "ended_at": time(view.ended_at),
    }
    if payload is not None:
        told |= {"reason": payload.reason, "display": payload.display}
    return told


def grant_object(grant: GrantView) -> dict[str, object]:
    """What became of a yes."""
    return {
        "state": grant.state.value,
        "grantee": name(grant.grantee),
        "issued_by": name(grant.issued_by),
        "issued_at": time(grant.issued_at),
        "expires_at": time(grant.expires_at),
        "held_by": None if grant.held_by is None else name(grant.held_by),
        "until": time(grant.until),
        "ended_at": time(grant.ended_at),
        "cause": None if grant.cause is None else grant.cause.value,
    }


def explanation_object(told: ApprovalExplanation) -> dict[str, object]:
    """Why a gate was asked, what was said to it, and what became of the yes."""
    return {
        **gate_object(told.approval),
        "grant": None if told.grant is None else grant_object(told.grant),
        "history": [{"kind": event.kind, "at": time(event.at)} for event in told.history],
        "complete": told.complete,
    }


def table(views: Sequence[ApprovalView]) -> Iterator[str]:
    """Gates, one a line under a heading."""
    rows = [("GATE", "CALL", "BY", "MISSING", "THREAD", "UNTIL (UTC)")]
    rows += [
        (
            str(view.ref),
            shown(f"{view.action.kind} {view.action.capability}"),
            shown(view.requester.id),
            str(view.missing),
            shown(view.scope.thread or "-"),
            f"{view.expires_at:%Y-%m-%d %H:%M:%S}",
        )
        for view in views
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def gate_text(view: ApprovalView, payload: ApprovalPayload | None) -> Iterator[str]:
    """A gate with what people read before they decide."""
    yield from _head(view)
    if payload is None:
        yield "  What people read of it is erased."
    else:
        yield f"  why:   {shown(payload.reason)}"
        yield f"  what:  {shown(payload.display)}"
    yield from _votes(view)


def explanation_text(told: ApprovalExplanation) -> Iterator[str]:
    """Why a gate was asked, what was said to it, and what became of the yes."""
    view = told.approval
    yield from _head(view)
    yield f"  asked by the rule {view.cause.value}, at {_moment(view.created_at)}"
    yield from _votes(view)
    if told.grant is not None:
        yield f"  grant: {told.grant.state.value}, of {shown(name(told.grant.grantee))}"
    for event in told.history:
        yield f"  {_told(event)}"
    if not told.complete:
        yield "  and more, which was not read"


def tell(told: object) -> None:
    """Prints one JSON object."""
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def warn_of(unreadable: int) -> int:
    """Says how many records were passed over; how a command that met them ends."""
    if not unreadable:
        return Ending.FINE
    click.echo(f"{unreadable:,} records cannot be read.", err=True)
    return Ending.FAILED


def name(principal: Principal) -> str:
    """Somebody, as they are typed."""
    return f"{principal.kind.value}:{principal.id}"


def time(moment: datetime | None) -> str | None:
    """An instant in ISO 8601."""
    return None if moment is None else moment.isoformat()


def _head(view: ApprovalView) -> Iterator[str]:
    call = shown(f"{view.action.kind} {view.action.capability}")
    yield f"{view.ref} is {view.state.value}: {call}, asked by {shown(name(view.requester))}."
    effects = ", ".join(sorted(effect.value for effect in view.effects)) or "nothing"
    yield f"  does:  {effects}"
    deciders = ", ".join(shown(each) for each in sorted(map(name, view.quorum.eligible)))
    yield f"  needs: {view.quorum.threshold} of {deciders}, until {_moment(view.expires_at)}"


def _votes(view: ApprovalView) -> Iterator[str]:
    for vote in view.votes:
        offer = "" if vote.offer is None else f" ({vote.offer.value})"
        decider = shown(name(vote.decider))
        yield f"  {decider}: {vote.verdict.value}{offer} at {_moment(vote.at)}"


def _vote_object(vote: Vote) -> dict[str, object]:
    return {
        "decider": name(vote.decider),
        "verdict": vote.verdict.value,
        "offer": None if vote.offer is None else vote.offer.value,
        "at": time(vote.at),
    }


def _told(event: Event) -> str:
    return f"{_moment(event.at)}  {event.kind}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
