"""A snapshot: all that a store keeps at one moment, in the orders in which it was written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import frozen

from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import Cell, CommitId, EventDraft


@frozen(kw_only=True)
class KeptCell:
    """A cell of a snapshot, and what else of its commit there is.

    Attributes:
        siblings: How many cells of the snapshot its commit wrote, itself included.
        told: Whether events of its commit are in the snapshot.
    """

    cell: Cell
    siblings: int
    told: bool


@frozen(kw_only=True)
class KeptEvent:
    """An event of a snapshot, and what else of its commit there is.

    Attributes:
        siblings: How many cells of the snapshot its commit wrote.
    """

    event: EventDraft
    commit_id: CommitId
    siblings: int


class Snapshot(Protocol):
    """Cells and events of one moment. It is read while it is open, and holds up nobody.

    Both readings may be under way at once. Errors: `Unavailable`.
    """

    @property
    def now(self) -> datetime:
        """The store's clock at that moment."""
        ...

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        ...

    @property
    def event_count(self) -> int:
        """How many events there are, after the floor."""
        ...

    def cells(self) -> AsyncIterator[KeptCell]:
        """Every cell, in the order of their revisions."""
        ...

    def events(self) -> AsyncIterator[KeptEvent]:
        """Every event after the floor, in the order of the log."""
        ...


@runtime_checkable
class Snapshots(Protocol):
    """A store that can be read as a whole at one moment, while others write to it.

    No store must be one: this stands beside the port, for those who copy a store.
    """

    def snapshot(self, *, deadline: Deadline) -> AbstractAsyncContextManager[Snapshot]:
        """Everything, at a moment after the call.

        Args:
            deadline: When to give up taking it. Reading it may take longer.

        Raises:
            Unavailable: It could not be taken.
        """
        ...
