"""A blocking worker: one that works in the portal of a blocking keep, beside its callers."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from attrs import define, field

from turnkeep.blocking import BlockingKeep
from turnkeep.blocks import Block
from turnkeep_application.worker.context import Handler
from turnkeep_application.worker.worker import CONCURRENCY, Worker
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.policy import TurnClass


@define(eq=False)
class BlockingWorker:
    """A `Worker` for synchronous hosts: it works while its block runs, and drains at its end.

        with open_blocking_keep(url) as keep, BlockingWorker(keep, handler):
            ...

    Handlers stay async functions. They run in the portal's thread, and must not block it: what
    blocks goes to `asyncio.to_thread`, and there the blocking keep may be called as well.

    Attributes:
        keep: Whose runs.
        handler, concurrency, classes, prefix, holder, settings: As those of a `Worker`.

    Raises:
        InvalidValue: As a `Worker` does.
    """

    keep: BlockingKeep
    handler: Handler
    concurrency: int = field(default=CONCURRENCY, kw_only=True)
    classes: Iterable[TurnClass] = field(
        default=(TurnClass.INTERACTIVE, TurnClass.BACKGROUND), kw_only=True
    )
    prefix: ScopePrefix | None = field(default=None, kw_only=True)
    holder: str = field(default="", kw_only=True)
    settings: WorkerSettings = field(factory=WorkerSettings, kw_only=True)
    _worker: Worker = field(init=False, repr=False)
    _block: Block[Worker, Worker] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._worker = Worker(
            self.keep.async_keep,
            self.handler,
            concurrency=self.concurrency,
            classes=self.classes,
            prefix=self.prefix,
            holder=self.holder,
            settings=self.settings,
        )
        self._block = Block(self.keep.portal, self._worker, lambda worker: worker)

    @property
    def draining(self) -> bool:
        """Whether it was told to end."""
        return self._worker.draining

    def drain(self) -> None:
        """Tells it to end, as `Worker.drain` does, soon; a signal handler may call it."""
        self.keep.portal.soon(self._worker.drain)

    def run(self) -> None:
        """Works until it has drained. Interrupted, it gives its runs back at once, then ends.

        Raises:
            RuntimeError: It was run before.
            KeepClosed, CalledFromPortal, KeepForked: As every blocking call.
        """
        self.keep.portal.call(self._worker.run())

    def __enter__(self) -> Self:
        """Begins to work beside the block."""
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Drains, and returns when it has ended; at once where the block was left by an error."""
        self._block.__exit__(kind, error, trace)
