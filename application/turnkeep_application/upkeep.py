"""Upkeep: every sweep and every retention of a keep, one after another, each to its end.

A worker does the same in small doses. Nothing waits for it: what is over is refused, and counts
nowhere, all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs
from attrs import field, frozen

from turnkeep_application.keep import Keep
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.key_errors import MasterKeyMissing

LOOK: Final = 100
"""How many records one look deals with, where a service leaves that to its caller."""
_LOOKS_MAX: Final = 1_000
_LEFT: Final = frozenset({"busy", "failed", "held_by", "left", "spared", "unreadable"})
"""What a sweep tells of what it did not do."""
_MORE: Final = "more"


@frozen(kw_only=True)
class Chore:
    """One thing to tidy.

    Attributes:
        name: In words, for logs and tables.
        look: Tidies once, within the bounds of its service; answers what it came to.
    """

    name: str
    look: Callable[[], Awaitable[object]]


def chores(keep: Keep, *, limit: int) -> tuple[Chore, ...]:
    """What there is to tidy beside runs.

    Args:
        keep: Whose.
        limit: How many leases one look deals with; the others have settings of their own.
    """
    return (
        Chore(name="approvals", look=keep.approvals.sweep),
        Chore(name="old approvals", look=keep.approvals.prune),
        Chore(name="reservations", look=keep.budgets.expire_due),
        Chore(name="budget gates", look=keep.budgets.expire_gates),
        Chore(name="old budget records", look=keep.budgets.prune),
        Chore(name="leases", look=lambda: keep.leases.sweep(limit=limit)),
        Chore(name="secrets", look=keep.secrets.sweep),
        Chore(name="threads", look=keep.threads.sweep),
        Chore(name="old events", look=keep.events.trim),
    )


def run_chores(keep: Keep, *, limit: int) -> tuple[Chore, ...]:
    """What there is to tidy of runs."""
    return (
        Chore(name="runs", look=lambda: keep.turns.sweep(limit=limit)),
        Chore(name="old runs", look=lambda: keep.turns.retire(limit=limit)),
    )


@frozen(kw_only=True)
class ChoreDone:
    """What one chore came to.

    Attributes:
        name: The chore's.
        done: How many of what were dealt with; what came to nothing is missing.
        left: How many of what were passed over, and why, by the last look.
        more: Whether there may be more to do.
        trouble: What cut it short, in a sentence; None where nothing did.
    """

    name: str
    done: Mapping[str, int] = field(factory=dict)
    left: Mapping[str, int] = field(factory=dict)
    more: bool = field(default=False)
    trouble: str | None = field(default=None)


@frozen(kw_only=True)
class Upkeep:
    """All chores of one keep."""

    keep: Keep

    async def run(
        self, on_chore: Callable[[ChoreDone], None] | None = None
    ) -> tuple[ChoreDone, ...]:
        """Does every chore, to its end; one that fails stops none of the others.

        Args:
            on_chore: Is told of each as soon as it is done.
        """
        every = (*run_chores(self.keep, limit=LOOK), *chores(self.keep, limit=LOOK))
        told = []
        for chore in every:
            done = await _done(chore)
            told.append(done)
            if on_chore is not None:
                on_chore(done)
        return tuple(told)


async def _done(chore: Chore) -> ChoreDone:
    done: dict[str, int] = {}
    left: dict[str, int] = {}
    for _ in range(_LOOKS_MAX):
        try:
            answer = await chore.look()
        except MasterKeyMissing:
            # A keep without keys has no secrets of its own to tidy.
            return ChoreDone(name=chore.name)
        except TurnkeepError as error:
            return ChoreDone(name=chore.name, done=done, left=left, trouble=str(error))
        counts = _counts(answer)
        left = {name: count for name, count in counts.items() if name in _LEFT and count}
        now = {name: count for name, count in counts.items() if name not in _LEFT and count}
        for name, count in now.items():
            done[name] = done.get(name, 0) + count
        if not now or not getattr(answer, _MORE, True):
            more = bool(getattr(answer, _MORE, False))
            return ChoreDone(name=chore.name, done=done, left=left, more=more)
    return ChoreDone(name=chore.name, done=done, left=left, more=True)


def _counts(answer: object) -> dict[str, int]:
    """How many of what an answer of a sweep tells."""
    if isinstance(answer, int):
        return {"ended": answer}
    of = type(answer)
    counts: dict[str, int] = {}
    if not attrs.has(of):
        return counts
    for attribute in attrs.fields(of):
        value = getattr(answer, attribute.name)
        if isinstance(value, tuple):
            counts[attribute.name] = len(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            counts[attribute.name] = value
    return counts
