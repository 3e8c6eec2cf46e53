"""Compaction: a checkpoint, and then the leaving of what it makes superfluous.

Any process may compact at any time, also several at once or one that slept for a day: each step is
idempotent, and nothing is removed on what a process remembers, only on what the files say.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from attrs import define

from turnkeep_adapters.files.checkpoint import (
    Checkpoint,
    CheckpointHead,
    checkpoint_bytes,
    read_checkpoint_head,
)
from turnkeep_adapters.files.disk import NotRegular
from turnkeep_adapters.files.framing import Damaged
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.layout import first_of, is_temp, number_name
from turnkeep_ports.errors import SchemaTooNew

CHECKPOINTS_KEPT: Final = 2
TEMP_SECONDS_MAX: Final = 3_600.0
_GONE: Final = (errno.ENOENT, errno.ENOTDIR)


@define(kw_only=True)
class Compaction:
    """What is done to a home beside its log. Needs no view; any thread may do it.

    Attributes:
        store_id: Whose checkpoints are believed.
        stops: Asked between steps; True ends a compaction where it stands.
    """

    home: Home
    store_id: bytes
    stops: Callable[[], bool]

    def compact(self, checkpoint: Checkpoint) -> int:
        """Writes a checkpoint and removes what nobody needs any more; answers its length.

        Raises:
            Unavailable: The home must not be written to.
            OSError: A step failed; those before it stay done, and any process may do the rest.
        """
        size_bytes = self.write(checkpoint)
        self.clear()
        return size_bytes

    def write(self, checkpoint: Checkpoint) -> int:
        """Writes a checkpoint of a view that is durable; answers its length."""
        home = self.home
        raw = checkpoint_bytes(checkpoint)
        temp = home.write_temp(raw)
        try:
            home.require_place()
            # Another's checkpoint of this number has the same bytes.
            with suppress(FileExistsError):
                home.link_checkpoint(temp, checkpoint.head.number)
        finally:
            home.drop_temp(temp)
        home.sync(home.checkpoints)
        return len(raw)

    def clear(self) -> None:
        """Keeps the newest two checkpoints, and of the log what is not in the older of them."""
        home = self.home
        home.require_place()
        numbers = home.checkpoint_numbers()
        for number in numbers[:-CHECKPOINTS_KEPT]:
            with suppress(FileNotFoundError):
                home.disk.unlink(home.checkpoints, number_name(number))
        home.sync(home.checkpoints)
        kept = numbers[-CHECKPOINTS_KEPT:]
        older = self._whole(kept[0]) if len(kept) == CHECKPOINTS_KEPT else None
        if older is not None and not self.stops():
            self._retire(older)
        self.empty_trash()

    def empty_trash(self) -> None:
        """Removes the buckets that have left the log."""
        home = self.home
        home.sync(home.log)
        home.sync(home.trash)
        for bucket in home.disk.names(home.trash):
            if first_of(bucket) is not None and not self.stops():
                self._remove(bucket)

    def sweep(self, *, before_seconds: float) -> None:
        """Removes files in `tmp` that were left; a late owner finds out and writes anew.

        Args:
            before_seconds: Those that were last changed before this moment, since 1970.
        """
        home = self.home
        for name in home.disk.names(home.tmp):
            if not is_temp(name):
                continue
            with suppress(FileNotFoundError):
                status = home.disk.status(home.tmp, name)
                if status.modified_seconds < before_seconds:
                    home.disk.unlink(home.tmp, name)

    def _whole(self, number: int) -> CheckpointHead | None:
        """A checkpoint that may be relied upon; None for a damaged or vanished one."""
        try:
            raw = self.home.read_checkpoint(number)
            head = None if raw is None else read_checkpoint_head(raw)
        except (Damaged, SchemaTooNew, NotRegular):
            return None
        if head is None or (head.store_id, head.number) != (self.store_id, number):
            return None
        return head

    def _retire(self, checkpoint: CheckpointHead) -> None:
        """Takes the buckets out of the log that a checkpoint covers wholly.

        The bucket that goes on behind the checkpoint stays. Any other that holds a number up to the
        checkpoint's was closed by one of them. One that holds nothing may become another's yet.
        """
        home = self.home
        for bucket in home.buckets():
            if bucket == checkpoint.bucket or (first_of(bucket) or 0) > checkpoint.number:
                continue
            if not home.bucket_numbers(bucket):
                continue
            with suppress(FileNotFoundError):
                home.disk.rename(home.log, bucket, home.trash, bucket)

    def _remove(self, bucket: str) -> None:
        home = self.home
        try:
            handle = home.disk.open_directory(home.trash, bucket)
        except OSError as error:
            if error.errno in _GONE:
                return
            raise
        try:
            for name in home.disk.names(handle):
                with suppress(FileNotFoundError):
                    home.disk.unlink(handle, name)
        finally:
            home.disk.close(handle)
        # A writer that slept in the middle of a link may have put its segment here meanwhile.
        with suppress(OSError):
            home.disk.remove_directory(home.trash, bucket)
