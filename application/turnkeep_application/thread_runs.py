"""The runs of a thread, as far as threads must know of them: another aggregate's records.

Whoever schedules runs keeps records of its own. These protocols let them be read and written in
the very commits of a thread, without threads knowing what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_domain.decisions import Refused
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.turns.names import RunId

R_co = TypeVar("R_co", covariant=True)


class ThreadRuns(Protocol):
    """What whoever schedules runs knows of a thread, and how it ends with the thread.

    All of it is pure: it decides on the records that were loaded, and takes no other way.
    """

    def keys(self, thread: ThreadAddress) -> Sequence[ReadKey[object]]:
        """The records that tell whether a run is active; they are loaded with the thread's own."""
        ...

    def active_run(self, records: Records, thread: ThreadAddress) -> RunId | None:
        """The run that holds the thread; None where none does."""
        ...

    def writes_on(self, records: Records, thread: ThreadAddress, run_id: RunId) -> bool:
        """Whether somebody may still go on with what was written under a run's id."""
        ...

    def may_lack(self, records: Records, thread: ThreadAddress) -> Sequence[Address]:
        """The records without which the thread can be closed, too, where they cannot be read."""
        ...

    def closed(
        self, records: Records, thread: ThreadAddress, now: datetime, *, lacking: bool
    ) -> tuple[Records, Sequence[Event]] | Need:
        """The records after the thread was deleted, with the events that this causes.

        They are stored in the commit of the deletion, so that whatever else is in flight loses.
        What is to be loaded for it first, it may ask for.

        Args:
            records: As they were loaded.
            thread: Which.
            now: The store's.
            lacking: Whether one of those that it may lack was found unreadable: it asks for none.
        """
        ...


@frozen
class NoRuns:
    """Nobody schedules runs: no thread is ever busy, and nothing ends with it."""

    def keys(self, thread: ThreadAddress) -> Sequence[ReadKey[object]]:
        """None."""
        return ()

    def active_run(self, records: Records, thread: ThreadAddress) -> RunId | None:
        """None."""
        return None

    def writes_on(
        self,
        records: Records,
        thread: ThreadAddress,
        run_id: RunId,
    ) -> bool:
        """Nobody."""
        return False

    def may_lack(self, records: Records, thread: ThreadAddress) -> Sequence[Address]:
        """None."""
        return ()

    def closed(
        self,
        records: Records,
        thread: ThreadAddress,
        now: datetime,
        *,
        lacking: bool,
    ) -> tuple[Records, Sequence[Event]]:
        """The records as they are."""
        return records, ()


class RunWrite(Protocol[R_co]):
    """The right of a runner to write for its run: what must hold while it does.

    A write that carries one is refused where the right is gone, is stored only while it lasts, and
    checks in its commit the records that it rests on; a draft's update leaves the check away, for
    its own cell orders it.
    """

    @property
    def keys(self) -> Sequence[ReadKey[object]]:
        """The records that the right rests on."""
        ...

    def judged(self, records: Records, now: datetime) -> datetime | Refused[R_co] | Need:
        """Until when the right lasts, or why it does not; what is to be loaded to tell."""
        ...
