"""A telling: what the keep answered an actor, in the ledger's plain values."""

from __future__ import annotations

from typing import TypeAlias

from attrs import evolve

from turnkeep import (
    ApprovalOutcome,
    ApprovalView,
    DiscardRefusal,
    IdSpent,
    NotPending,
    Principal,
    Refused,
    Unknown,
    VoteRefusal,
)
from turnkeep_adapters.cli.demo.chronicle import DISCARDED
from turnkeep_adapters.cli.demo.ledger import UNKNOWN, Told

Refusal: TypeAlias = VoteRefusal | DiscardRefusal | Unknown
"""Why a vote or a discard may be refused."""


def name_of(principal: Principal) -> str:
    """A principal in one word."""
    return f"{principal.kind.value}:{principal.id}"


def told_of_raising(by: Principal, answer: ApprovalView | IdSpent) -> Told:
    """What raising a call was answered."""
    if isinstance(answer, IdSpent):
        return Told(command="raise", by=name_of(by), refused=answer.code)
    return Told(command="raise", by=name_of(by), state=answer.state.value)


def told_of_command(
    command: str, by: Principal, request_id: str, answer: ApprovalOutcome | Refused[Refusal]
) -> Told:
    """What a vote or a discard was answered."""
    told = Told(command=command, by=name_of(by), request_id=request_id)
    if isinstance(answer, ApprovalOutcome):
        return evolve(told, state=answer.state.value, missing=answer.missing)
    match answer.reason:
        case NotPending(state, ruling) as reason:
            by_vote = None if ruling is None else ruling.decision_id
            return evolve(told, refused=reason.code, state=state.value, ruling=by_vote)
        case reason:
            return evolve(told, refused=reason.code)


def told_of_waiting(by: Principal, view: ApprovalView | None) -> Told:
    """How an approval had ended when the wait was over; None is how a discarded one reads."""
    if view is None:
        return Told(command="wait", by=name_of(by), state=DISCARDED)
    return Told(
        command="wait",
        by=name_of(by),
        state=view.state.value,
        ruling=None if view.ruling is None else view.ruling.decision_id,
    )


def told_of_looking(stranger: Principal, view: ApprovalView | None) -> Told:
    """What a stranger saw of an approval."""
    told = Told(command="get", by=name_of(stranger), stranger=True)
    if view is None:
        return evolve(told, refused=UNKNOWN)
    return evolve(told, state=view.state.value)
