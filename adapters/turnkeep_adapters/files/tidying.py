"""Tidying: compactions in a thread of their own, so that nobody waits for one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from attrs import define, field

from turnkeep_adapters.files.checkpoint import Checkpoint
from turnkeep_adapters.files.compaction import Compaction
from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.layout import number_name
from turnkeep_adapters.files.trouble import clause
from turnkeep_domain.errors import TurnkeepError

LEFT_AFTER: Final = timedelta(hours=1)
"""How old a file in `tmp` must be before it counts as left."""


@define(eq=False, kw_only=True)
class Tidying:
    """The compactions of one open store; one at a time.

    Attributes:
        thread: Where they run.
        trouble: Why the last one failed, in a clause; None if it did not.
    """

    home: Home
    store_id: bytes
    following: Following
    compaction_bytes: int
    wall_clock: Callable[[], datetime]
    thread: ThreadPoolExecutor = field(init=False)
    compaction: Compaction = field(init=False)
    trouble: str | None = field(default=None, init=False)
    _stopped: Event = field(factory=Event, init=False)
    _busy: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="turnkeep-files-tidying")
        self.compaction = Compaction(
            home=self.home, store_id=self.store_id, stops=self._stopped.is_set
        )

    def consider(self) -> None:
        """Starts a compaction if the log has grown enough; called by the serving thread."""
        following = self.following
        enough = max(self.compaction_bytes, following.checkpoint_bytes)
        if self._busy or following.log_bytes <= enough or self._was_faster():
            return
        checkpoint = following.view.checkpoint()
        # Were it to fail, as much log again is the pause before the next attempt.
        following.compacted(checkpoint.head.number, following.checkpoint_bytes)
        self._busy = True
        self.thread.submit(self._compact, checkpoint)

    def scrub(self, first: Checkpoint, second: Checkpoint) -> None:
        """Makes two checkpoints the only ones, and removes all files before them.

        Raises:
            Unavailable: The home must not be written to.
            OSError: A step failed.
        """
        self.compaction.write(first)
        self.compaction.write(second)
        self.compaction.sweep(before_seconds=float("inf"))
        self.compaction.clear()
        self.home.sync(self.home.tmp)
        self.home.sync(self.home.trash)

    def sweep(self) -> None:
        """Removes what was left in `tmp` an hour ago or earlier, where that is possible."""
        with suppress(OSError):
            before = self.wall_clock() - LEFT_AFTER
            self.compaction.sweep(before_seconds=before.timestamp())

    def close(self) -> None:
        """Ends a running compaction between two steps, and waits for that."""
        self._stopped.set()
        self.thread.shutdown(wait=True)

    def _was_faster(self) -> bool:
        """Whether another process has compacted since; its checkpoint counts as ours."""
        try:
            newest = max(self.home.checkpoint_numbers(), default=0)
            if newest <= self.following.checkpoint_number:
                return False
            status = self.home.disk.status(self.home.checkpoints, number_name(newest))
        except OSError:
            return True
        self.following.compacted(newest, status.size_bytes)
        return True

    def _compact(self, checkpoint: Checkpoint) -> None:
        try:
            self.following.checkpoint_bytes = self.compaction.compact(checkpoint)
            self.sweep()
            self.trouble = None
        except OSError as error:
            self.trouble = clause("compacting the log", error)
        except TurnkeepError as error:
            self.trouble = str(error)
        finally:
            self._busy = False
