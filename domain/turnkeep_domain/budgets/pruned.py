"""A pruned record: the tombstone of what is long over, whose id is spent for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.gate import (
    GATE_COLLECTION,
    BudgetGate,
    GateApproved,
    GateCancelled,
    GateExpired,
    GateOpen,
)
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.phases import Active, Expired, Reconciled, Released, status_of
from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.reservation import RESERVATION_COLLECTION, Reservation
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, sorted_from
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class PrunedReservation:
    """What is left of a reservation: no amounts, no owner.

    Attributes:
        was: How it had ended.
        ended_at: When it had.
    """

    id: RequestId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    was: ReservationStatus = field(validator=of_kind(ReservationStatus))
    ended_at: datetime = field(validator=instant)
    pruned_at: datetime = field(validator=instant)


@frozen(kw_only=True)
class PrunedGate:
    """What is left of a gate: no figures, no principal.

    Attributes:
        was: How it had ended.
        ended_at: When it had.
    """

    id: BudgetGateId = field(validator=identifier)
    account: AccountRef = field(validator=of_kind(AccountRef))
    was: GateStatus = field(validator=of_kind(GateStatus))
    ended_at: datetime = field(validator=instant)
    pruned_at: datetime = field(validator=instant)


ReservationRecord: TypeAlias = Reservation | PrunedReservation
GateRecord: TypeAlias = BudgetGate | PrunedGate


def ended_at(reservation: Reservation) -> datetime | None:
    """When a reservation ended; None while it has not, or nobody has noted it."""
    match reservation.phase:
        case Active():
            return None
        case Reconciled(at=at) | Released(at=at) | Expired(at=at):
            return at
        case _:
            assert_never(reservation.phase)


def gate_ended_at(gate: BudgetGate) -> datetime | None:
    """When a gate ended; None while it has not, or nobody has noted it."""
    match gate.phase:
        case GateOpen():
            return None
        case GateApproved(at=at) | GateCancelled(at=at) | GateExpired(at=at):
            return at
        case _:
            assert_never(gate.phase)


def pruned(
    reservation: Reservation, *, before: datetime, now: datetime
) -> PrunedReservation | None:
    """The tombstone of a reservation that ended before a moment; None of every other."""
    at = ended_at(reservation)
    if at is None or at > before:
        return None
    return PrunedReservation(
        id=reservation.id,
        scope=reservation.scope,
        was=status_of(reservation.phase),
        ended_at=at,
        pruned_at=now,
    )


def pruned_gate(gate: BudgetGate, *, before: datetime, now: datetime) -> PrunedGate | None:
    """The tombstone of a gate that ended before a moment; None of every other."""
    at = gate_ended_at(gate)
    if at is None or at > before:
        return None
    return PrunedGate(
        id=gate.id, account=gate.account, was=gate.status_at(now), ended_at=at, pruned_at=now
    )


PRUNED: Final = "pruned"


def _index(record: ReservationRecord) -> Index:
    match record:
        case Reservation():
            over_at = ended_at(record)
            return Index(
                state=status_of(record.phase).value,
                due_at=record.deadline if over_at is None else over_at,
                sort=f"{sorted_from(record.reserved_at)}{record.id}",
            )
        case PrunedReservation():
            return Index(state=PRUNED, due_at=None, sort=record.id)
        case _:
            assert_never(record)


def _gate_index(record: GateRecord) -> Index:
    match record:
        case BudgetGate():
            over_at = gate_ended_at(record)
            return Index(
                state=record.status_at(record.opened_at).value,
                due_at=record.expires_at if over_at is None else over_at,
                sort=f"{sorted_from(record.opened_at)}{record.id}",
            )
        case PrunedGate():
            return Index(state=PRUNED, due_at=None, sort=record.id)
        case _:
            assert_never(record)


def _gate_identity(record: GateRecord) -> Identity:
    return Identity(record.account.scope, record.id)


RESERVATIONS: Final[Collection[ReservationRecord]] = Collection(
    name=RESERVATION_COLLECTION,
    members=(Reservation, PrunedReservation),
    permanent=True,
    index=_index,
    identity=lambda record: Identity(record.scope, record.id),
    marks=lambda record: record.marks if isinstance(record, Reservation) else None,
    remembered=True,
)
GATES: Final[Collection[GateRecord]] = Collection(
    name=GATE_COLLECTION,
    members=(BudgetGate, PrunedGate),
    permanent=True,
    index=_gate_index,
    identity=_gate_identity,
    marks=lambda _: None,
)
