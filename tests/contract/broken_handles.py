"""Broken stores that declare, close or refuse wrongly."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import CAPABILITIES, ReferenceStore
from tests.contract.shelf import Shelf
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import (
    Atomicity,
    Capabilities,
    Loaded,
)


@breaks("W2", "a_store_declares_its_capabilities")
class DeclaresNothing(ReferenceStore):
    """Leaves it open what it promises."""

    @property
    def capabilities(self) -> Capabilities:
        raise AttributeError("capabilities")


@breaks("W2", "a_store_is_atomic_over_several_cells")
class DeclaresSingle(ReferenceStore):
    """Declares less than a record store needs."""

    declared = evolve(CAPABILITIES, atomicity=Atomicity.SINGLE)


@breaks("W2", "the_declared_writes_fit_one_command")
class DeclaresFewWrites(ReferenceStore):
    """Declares fewer writes than one command may have."""

    declared = evolve(CAPABILITIES, writes_max=32)


@breaks("W2", "capabilities_never_change")
class DeclaresLessWhenClosed(ReferenceStore):
    """Declares one thing while it is open, and another afterwards."""

    @property
    def capabilities(self) -> Capabilities:
        return self.declared if self.opened else evolve(self.declared, writes_max=64)


@breaks("Port", "a_closed_store_refuses_every_operation")
class NeverCloses(ReferenceStore):
    """Works on after it was closed."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.opened = True


@breaks("Port", "closing_one_handle_leaves_the_others_open")
class ClosesTheData(ReferenceStore):
    """Takes the data from all handles when one is closed."""

    def require_open(self, deadline: Deadline | None) -> None:
        super().require_open(deadline)
        assert self.shelf.head >= 0, "the data is closed"

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.shelf.head = -1


@breaks("Port", "data_stays_when_the_last_handle_is_closed")
class ForgetsWhenClosed(ReferenceStore):
    """Empties itself when it is closed."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.shelf.rows.clear()


@breaks("Port", "other_data_is_not_seen")
class OneForAll(ReferenceStore):
    """Has the same data wherever it is opened."""

    only: ClassVar[Shelf] = Shelf()

    @classmethod
    def new_shelf(cls) -> Shelf:
        return cls.only


@breaks("Port", "a_scrub_loses_nothing_that_is_there")
class ScrubsEvents(ReferenceStore):
    """Takes the events of an overwritten cell for overwritten."""

    async def scrub(self, *, deadline: Deadline) -> None:
        await super().scrub(deadline=deadline)
        del self.shelf.log[0]


@breaks("P1", "a_deadline_that_has_come_is_unavailable")
class IgnoresDeadlines(ReferenceStore):
    """Serves whoever calls, however late."""

    def require_open(self, deadline: Deadline | None) -> None:
        super().require_open(None)


@breaks("P18", "errors_that_a_store_raises_survive_a_pickle")
class RaisesDriverErrors(ReferenceStore):
    """Lets the error of its driver through."""

    def require_open(self, deadline: Deadline | None) -> None:
        try:
            super().require_open(deadline)
        except Unavailable:
            raise TimeoutError("the driver gave up") from None


@breaks("P18", "errors_that_a_store_raises_leak_nothing")
class TellsTheKey(ReferenceStore):
    """Says in its error which record was asked for."""

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        try:
            return await super().load(keys, deadline=deadline)
        except ValueError as error:
            raise Unavailable(f"{error}: {keys[0]}") from None
