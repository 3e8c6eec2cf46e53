"""Facts: budgets as JSON, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from turnkeep import (
    AccountView,
    BudgetGate,
    Calendar,
    DimensionView,
    GateStatus,
    Lifetime,
    Period,
    Rolling,
)


def of_account(view: AccountView) -> dict[str, object]:
    """One account; times in ISO 8601, amounts in the units of their dimensions."""
    return {
        "account": view.account.path,
        "level": view.account.level.value,
        "metered_since": _time(view.metered_since),
        "period": None if view.period is None else of_period(view.period),
        "window_start": None if view.window is None else view.window.start.isoformat(),
        "resets_at": _time(view.resets_at),
        "zone_is_known": view.is_resolvable,
        "limit_revision": view.limit_revision,
        "holds": view.holds,
        "dimensions": {each.dimension.value: _of_dimension(each) for each in view.dimensions},
        "gates": [
            {
                "gate": pointer.gate,
                "dimension": pointer.dimension.value,
                "expires_at": pointer.expires_at.isoformat(),
                "declined": pointer.declined,
            }
            for pointer in view.gates
        ],
    }


def of_gate(gate: BudgetGate, status: GateStatus) -> dict[str, object]:
    """One gate, with the figures that raised it."""
    figures = gate.figures
    return {
        "gate": gate.id,
        "account": gate.account.path,
        "dimension": gate.dimension.value,
        "status": status.value,
        "limit": figures.limit,
        "spent": figures.spent,
        "reserved": figures.reserved,
        "requested": figures.requested,
        "least_max": gate.least_max,
        "opened_at": gate.opened_at.isoformat(),
        "expires_at": gate.expires_at.isoformat(),
    }


def of_period(period: Period) -> str:
    """A period, as it is typed."""
    match period:
        case Lifetime():
            return "lifetime"
        case Rolling(length_ms):
            return f"rolling:{length_ms // 60_000}m"
        case Calendar(tz, unit):
            return f"{unit.value}:{tz}"
        case _:
            assert_never(period)


def _of_dimension(view: DimensionView) -> dict[str, object]:
    ceiling = view.ceiling
    return {
        "limit": None if ceiling is None else ceiling.max,
        "warn_bp": None if ceiling is None else ceiling.warn_bp,
        "pause_bp": None if ceiling is None else ceiling.pause_bp,
        "spent": view.spent,
        "reserved": view.reserved,
        "remaining": view.remaining,
        "utilisation_bp": view.utilisation_bp,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
