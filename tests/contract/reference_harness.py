"""The harness of reference stores, faultless and broken ones: a wall clock that is set by hand."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from tests.contract.reference_store import ReferenceStore
from turnkeep.testing import Harness
from turnkeep.testing.specimens import NOON
from turnkeep_ports.store import Capabilities, RecordStore


class ReferenceHarness(Harness):
    """Data that lives as long as the harness."""

    def __init__(self, store: type[ReferenceStore] = ReferenceStore) -> None:
        self._store = store
        self._shelf = store.new_shelf()
        self._now = NOON
        self.hang_seconds = store.hang_seconds

    @property
    def capabilities(self) -> Capabilities:
        return self._store.declared

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return self._store(self._shelf, lambda: self._now)

    def elsewhere(self) -> ReferenceHarness:
        return ReferenceHarness(self._store)

    async def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
