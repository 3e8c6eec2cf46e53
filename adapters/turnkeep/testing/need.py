"""A need: a capability without which a law has nothing to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from attrs import frozen

from turnkeep.testing.harness import Harness
from turnkeep_ports.store import Capabilities, Durability, Notification

L = TypeVar("L")

_NEEDS: Final = "__turnkeep_needs__"


@frozen
class Need:
    """What a law needs, in words, and whether capabilities declare it."""

    words: str
    is_met: Callable[[Capabilities], bool]

    def __call__(self, law: Callable[[L, Harness], None]) -> Callable[[L, Harness], None]:
        """Marks a law as having this need; several may be stacked."""
        setattr(law, _NEEDS, (*needs_of(law), self))
        return law

    def reason(self, declared: Capabilities) -> str:
        """Why a law was not judged."""
        durability, notification = declared.durability.name, declared.notification.name
        return f"needs {self.words}; the store declares {durability} and {notification}"


def _survives_processes(declared: Capabilities) -> bool:
    return declared.durability in (Durability.PROCESS, Durability.POWER)


needs_processes: Final = Need("data that survives its process (PROCESS)", _survives_processes)
needs_power: Final = Need(
    "data that survives a power cut (POWER)",
    lambda declared: declared.durability is Durability.POWER,
)
needs_push: Final = Need(
    "commits that are pushed to waiters (PUSH)",
    lambda declared: declared.notification is Notification.PUSH,
)


def needs_of(law: object) -> tuple[Need, ...]:
    """The needs of a law."""
    needs: tuple[Need, ...] = getattr(law, _NEEDS, ())
    return needs


def unmet(law: object, declared: Capabilities) -> Need | None:
    """The first need that the capabilities do not meet; None where the law can be judged."""
    return next((need for need in needs_of(law) if not need.is_met(declared)), None)
