"""A harness: how the contract suite opens a store, breaks it off and moves its time."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from turnkeep_ports.store import Capabilities, RecordStore


class Harness(Protocol):
    """One body of data and the stores that are opened on it; every law gets a fresh one.

    Subclass it: what can be left out then has an answer of its own. A harness holds no open
    resource, and where the data survives its process it survives pickling, because other
    processes open the data too.

    Attributes:
        hang_seconds: How long one law may take before it fails as hanging.
        private: Texts that no error may repeat: a password, a host name, a directory.
    """

    hang_seconds: float = 60.0
    private: tuple[str, ...] = ()

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the store declares. Laws that need more are skipped, and for no other reason."""
        ...

    @abstractmethod
    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        """A store that is opened on the data, and closed at the end.

        It may be called several times, also while earlier ones are open: these are handles as
        several processes would have them, and share nothing but the data. The data is made by the
        first and stays when the last is closed, for as long as the harness does.
        """
        ...

    @abstractmethod
    def elsewhere(self) -> Harness:
        """A harness of the same kind over other data that nothing was written to."""
        ...

    async def crash(self) -> None:
        """Ends, at once, all that the declared durability says the data survives.

        `PROCESS`: every process that has the data open, as a kill would. `POWER`: the machine, so
        that only what was made durable is left. What is opened afterwards finds what is left;
        stores that were open before are only closed, and closing one must not raise. It is never
        called on a `VOLATILE` store.
        """
        raise AssertionError("a store that declares more than VOLATILE needs Harness.crash")

    async def advance(self, seconds: float) -> None:
        """Lets time pass on the store's clock; negative where its wall clock is set back.

        Laws ask for tenths of a second. A store that reads a real clock is content with this one,
        which waits. Where time is injected, it is moved here, and timers that are due fire.
        """
        await asyncio.sleep(max(0.0, seconds))
