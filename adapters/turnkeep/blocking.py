"""A blocking keep: the services of a keep for synchronous hosts, which any thread may call.

The keep stands open in one thread with an event loop of its own, the portal; callers wait for what
runs there. A call costs some tens of microseconds more than awaiting it would.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

from attrs import frozen

from turnkeep.blocking_services import BlockingServices
from turnkeep.opening import open_keep
from turnkeep.portal import Portal
from turnkeep.settings import Settings
from turnkeep_application.keep import Keep
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.telemetry import Telemetry

T = TypeVar("T")


@frozen(kw_only=True, eq=False)
class BlockingKeep(BlockingServices):
    """An open keep for threads: its services have the same methods, answers and errors.

    Close it, or use it as a context manager. Ctrl-C in a caller cancels its call. A call is refused
    with `KeepClosed` once the keep is closed, with `KeepForked` in a process that was forked after
    it was opened, and with `CalledFromPortal` in the portal's own thread, where a worker's handlers
    run. A call that is under way when the keep closes gets `KeepClosed`, or what the closed store
    tells it.
    """

    @classmethod
    def opened(cls, opening: Callable[[], AbstractAsyncContextManager[Keep]]) -> Self:
        """The keep that an async context manager gives, entered and left in the portal.

        For a host that opens more than a keep there, such as its own connections.

        Raises:
            Exception: What entering raised.
        """
        portal = Portal(opening)
        return cls.over(portal.open(), portal)

    def run(self, work: Callable[[Keep], Coroutine[object, object, T]]) -> T:
        """Calls an async function of the host's with the async keep, in the portal, and waits.

        For what takes several steps that belong together, or what only the async keep has. Whatever
        blocks there blocks every caller.
        """
        return self.portal.call(work(self.async_keep))

    def close(self) -> None:
        """Closes the store, and ends the calls that are still under way.

        Closed again, by whichever thread, it does nothing. In a forked process nothing is done.

        Raises:
            CalledFromPortal: The portal's own thread cannot wait for its end.
        """
        self.portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes it."""
        self.close()


def open_blocking_keep(
    url: str,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    ids: Ids | None = None,
    telemetry: Telemetry | None = None,
    cipher: Cipher | None = None,
    admission: Admission | None = None,
    archive: Archive | None = None,
) -> BlockingKeep:
    """Opens a store for synchronous callers; the arguments and errors are those of `open_keep`.

        with open_blocking_keep("memory:") as keep:
            view = keep.turns.submit(...)

    The parts are used in the portal's thread. A pool of connections belongs to the loop that opened
    it: see `BlockingKeep.opened`.
    """
    return BlockingKeep.opened(
        lambda: open_keep(
            url,
            settings=settings,
            clock=clock,
            random=random,
            ids=ids,
            telemetry=telemetry,
            cipher=cipher,
            admission=admission,
            archive=archive,
        )
    )
