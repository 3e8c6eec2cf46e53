"""An update: a pure decision on fresh records, driven to a commit or an honest end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from turnkeep_application.records import Need, Records
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.keys import ReadKey

O = TypeVar("O")
R = TypeVar("R")

Decide: TypeAlias = Callable[[Records, datetime], Decision[Records, O, R] | Need]
"""Pure and synchronous: the records of one moment and the store's now to a decision or a need."""

Prepare: TypeAlias = Callable[[Records], Records]
"""Runs between a decision that stores something and its commit; what it raises stops the update."""


class Updates(Protocol):
    """The one way to storage: bounded, fail-closed compare-and-swap, no lock across I/O."""

    async def update(
        self,
        keys: Sequence[ReadKey[object]],
        decide: Decide[O, R],
        *,
        hints: Sequence[ReadKey[object]] = (),
        prepare: Prepare | None = None,
    ) -> O | Refused[R]:
        """Loads, decides and commits, again on fresh records while races are lost.

        Args:
            keys: Cells to load, one at least. What was read and not written is checked in the
                commit, so a decision never rests on what has meanwhile changed.
            decide: Called once an attempt, on fresh records; must be pure.
            hints: Cells to load too, whose change does not disturb the decision.
            prepare: A synchronous step after a decision that stores something and before its
                commit, in each such attempt, for work that must not run for a refusal (sealing a
                secret).

        Returns:
            The outcome (stored, or nothing to store), or the refusal.

        Raises:
            Contended: The last attempt lost its race; nothing was written.
            Unavailable: The store did not serve; nothing was written.
            OutcomeUnknown: A write may have landed; repeat with the same request id.
            Corrupt, SchemaTooNew: A loaded record is unreadable; nothing was written.
            PayloadTooLarge: The decision exceeds a limit; nothing was written.

        What `decide` or `prepare` raises passes unchanged, and nothing is written. Cancellation
        leaves a commit whole or absent.
        """
        ...
