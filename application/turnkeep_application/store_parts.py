"""A store part: services whose records may be kept in a store of their own, and what is lost by it.

One commit never spans two stores. So whatever commits records of two parts together is a *feature*
that a keep on several stores does not have; whoever wires one says so, or is refused.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterable
from enum import Enum, unique
from typing import Final

from attrs import frozen

from turnkeep_application.registry import BUDGETS, VAULT, WORK
from turnkeep_domain.keys import Collection
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.store import Capabilities


@unique
class StorePart(Enum):
    """What may be kept apart from the rest: a service, or those that share their records."""

    BUDGETS = "budgets"
    LEASES = "leases"
    SECRETS = "secrets"

    @property
    def collections(self) -> frozenset[str]:
        """The names of its collections; those of secrets are the credentials' too."""
        return _COLLECTIONS[self]


@unique
class Feature(Enum):
    """What commits records of two parts together, and cannot be had where they are apart."""

    RUN_SECRETS = "run_secrets"
    """`ctx.secret`, and every secret lease that a run guards."""
    RUN_SPENDS = "run_spends"
    """`ctx.spend`, and runs that wait for a budget."""
    LEASED_SECRETS = "leased_secrets"
    """Secret leases that a lease guards."""


@frozen
class _Bond:
    """Collections that are together in one commit."""

    what: str
    collections: frozenset[str]

    def holds(self, capabilities: Capabilities) -> bool:
        return capabilities.together(self.collections)


def _names(collections: Iterable[Collection[object]]) -> frozenset[str]:
    return frozenset(collection.name for collection in collections)


_COLLECTIONS: Final = {
    StorePart.BUDGETS: _names(BUDGETS),
    StorePart.LEASES: _names([LEASES]),
    StorePart.SECRETS: _names(VAULT),
}
_RUNNING: Final = _names([TURN_STATES, THREADLESS])
_NEEDED: Final = (
    _Bond("budgets", _names(BUDGETS)),
    _Bond("secrets and credentials", _names(VAULT)),
    _Bond("runs, threads and approvals", _names(WORK)),
)
_FEATURES: Final = {
    Feature.RUN_SECRETS: _Bond("ctx.secret", _RUNNING | _names(VAULT)),
    Feature.RUN_SPENDS: _Bond("ctx.spend", _names(WORK) | _names(BUDGETS)),
    Feature.LEASED_SECRETS: _Bond("a secret lease that a lease guards", _names([LEASES, *VAULT])),
}


def require_parts(capabilities: Capabilities, forgone: Some[Feature]) -> None:
    """Refuses a store that keeps apart what must be together, or what was not forgone.

    Raises:
        Unsupported: One clear sentence on what cannot work.
    """
    for bond in _NEEDED:
        if not bond.holds(capabilities):
            raise Unsupported(f"{bond.what} need all their records in one store; mount them whole")
    for feature, bond in _FEATURES.items():
        if feature not in forgone and not bond.holds(capabilities):
            raise Unsupported(
                f"{bond.what} commits what is kept in two stores here; keep it in one, "
                f"or do without: Settings(forgone={{Feature.{feature.name}}})"
            )


def require_together(capabilities: Capabilities, collections: Some[str]) -> None:
    """Refuses to decide on records of two stores: they have no one moment, and no one commit.

    Raises:
        Unsupported: The collections are apart; it tells which feature that is.
    """
    if capabilities.together(collections):
        return
    names = frozenset(collections)
    what = next(
        (bond.what for bond in _FEATURES.values() if names <= bond.collections), "a command"
    )
    raise Unsupported(f"{what}: its records are kept in two stores, and one commit never spans two")
