"""The composite store's harness: what laws write is on one of two mounts, which one as is told."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final, cast

from attrs import evolve

from turnkeep.testing import Harness
from turnkeep_adapters.composite.mounts import Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_ports.store import Capabilities, Durability, Notification, RecordStore

JUDGED: Final = frozenset(
    {
        *("specimen", "another", "other", "wanted", "foreign", "same", "first"),
        *("alpha", "beta", "gamma", "closing", "vault", "unheard", "even", "odd"),
        *("specimen2", "a", "ab", "a_b", "a0", "a" * 32),
    }
)
"""The collections that the laws write and ask for."""
ASIDE: Final = frozenset({"aside"})


_DURABILITIES: Final = tuple(Durability)


class CompositeHarness(Harness):
    """Two bodies of data, of kinds of their own, behind one store.

    It survives pickling where they do.
    """

    def __init__(self, judged: Harness, spare: Harness, *, mounted: bool) -> None:
        """Data that the laws write to, in the mount or in the rest, and data beside it."""
        self._judged, self._spare = judged, spare
        self._mounted = mounted
        self.hang_seconds = judged.hang_seconds
        self.private = (*judged.private, *spare.private)

    @property
    def capabilities(self) -> Capabilities:
        declared = (self._judged.capabilities, self._spare.capabilities)
        pushes = all(one.notification is Notification.PUSH for one in declared)
        return evolve(
            declared[0],
            durability=min((one.durability for one in declared), key=_DURABILITIES.index),
            notification=Notification.PUSH if pushes else Notification.POLL,
            apart=(JUDGED if self._mounted else ASIDE,),
        )

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        judged = cast("RecordStore", self._judged.open())
        spare = cast("RecordStore", self._spare.open())
        if self._mounted:
            mount = Mount(name="judged", store=judged, collections=JUDGED)
            return CompositeRecordStore(spare, [mount])
        return CompositeRecordStore(judged, [Mount(name="aside", store=spare, collections=ASIDE)])

    def elsewhere(self) -> CompositeHarness:
        judged, spare = self._judged.elsewhere(), self._spare.elsewhere()
        return type(self)(judged, spare, mounted=self._mounted)

    async def crash(self) -> None:
        await self._judged.crash()
        await self._spare.crash()

    async def advance(self, seconds: float) -> None:
        await self._judged.advance(seconds)
        await self._spare.advance(seconds)
