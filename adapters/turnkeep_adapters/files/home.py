"""A home: the directories of one store, opened by handle, and the steps that are taken in them.

Buckets are the exception: they are resolved by name from the log's handle at every step, because
whether a bucket still stands is the question that the log's safety rests on.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from attrs import define, field

from turnkeep_adapters.files import layout
from turnkeep_adapters.files.disk import Disk, Kind, Status
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_ports.errors import Unavailable

_NOT_THERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class SyncFailed(OSError):
    """A directory could not be synced; what it would have made durable may or may not be."""


@define(kw_only=True)
class Home:
    """The directories of one store.

    Attributes:
        path: Absolute, for asking whether the root still is the one that was opened.
        syncs: Whether anything is synced; False for `PROCESS` durability.
        poisoned: Whether a directory sync has failed, or worse. The kernel may have dropped what
            it could not write, so that a second sync would succeed and prove nothing.
    """

    disk: Disk
    path: str
    process: int
    root: int
    log: int
    checkpoints: int
    tmp: int
    trash: int
    syncs: bool
    poisoned: bool = field(default=False)

    @classmethod
    def open(cls, disk: Disk, path: str, *, root: int, syncs: bool) -> Home:
        """Opens the directories of a root that has them; takes over its handle, if it succeeds.

        Raises:
            OSError: One of them is missing, or is no directory.
        """
        opened: list[int] = []
        try:
            opened.extend(disk.open_directory(root, name) for name in layout.DIRECTORIES)
        except OSError:
            for handle in opened:
                disk.close(handle)
            raise
        log, checkpoints, tmp, trash = opened
        return cls(
            disk=disk,
            path=path,
            process=disk.process_id(),
            root=root,
            log=log,
            checkpoints=checkpoints,
            tmp=tmp,
            trash=trash,
            syncs=syncs,
        )

    def close(self) -> None:
        """Closes all handles; nothing may be called afterwards."""
        self.hand_back()
        with suppress(OSError):
            self.disk.close(self.root)

    def hand_back(self) -> None:
        """Closes all handles but the root's; nothing may be called afterwards."""
        for handle in (self.trash, self.tmp, self.checkpoints, self.log):
            with suppress(OSError):
                self.disk.close(handle)

    # ---- may it be used -------------------------------------------------------------------------

    def require_usable(self) -> None:
        """Refuses to serve anything after a failed sync, or in a forked child.

        Raises:
            Unavailable: It must be opened anew.
        """
        if self.disk.process_id() != self.process:
            raise Unavailable("the store was opened by another process", retryable=False)
        if self.poisoned:
            raise Unavailable("it has failed and must be opened anew", retryable=False)

    def require_place(self) -> None:
        """Refuses to write where the path no longer leads to the directory that was opened.

        Raises:
            Unavailable: It does not, or nobody can tell.
        """
        self.require_usable()
        try:
            there = self.disk.status_of_path(self.path)
            opened = self.disk.status_of_handle(self.root)
        except OSError as error:
            raise unavailable("looking for the store's directory", error) from error
        if not there.is_same(opened):
            raise Unavailable("the store's directory was replaced", retryable=False)

    # ---- reading --------------------------------------------------------------------------------

    def stands(self, bucket: str) -> bool:
        """Whether a bucket is in the log now; if so, it was there all the time before."""
        try:
            return self.disk.status(self.log, bucket).kind is Kind.DIRECTORY
        except OSError as error:
            if error.errno in _NOT_THERE:
                return False
            raise

    def segment_status(self, bucket: str, number: int) -> Status | None:
        """What a segment's name stands for, if it is there."""
        return self._status(self.log, f"{bucket}/{layout.number_name(number)}")

    def is_synced(self, bucket: str, number: int) -> bool:
        """Whether it is told that a segment, and so all before it in its bucket, was synced.

        Whoever links a segment marks it only then. False where it is not known, or the bucket has
        left the log.
        """
        status = self.segment_status(bucket, number)
        return status is not None and status.is_marked

    def read_segment(self, bucket: str, number: int) -> bytes | None:
        """A segment's bytes, or None if it is not there."""
        path = f"{bucket}/{layout.number_name(number)}"
        return self._read(self.log, path, layout.SEGMENT_BYTES_MAX)

    def read_checkpoint(self, number: int) -> bytes | None:
        """A checkpoint's bytes, or None if it is not there."""
        name = layout.number_name(number)
        return self._read(self.checkpoints, name, layout.CHECKPOINT_BYTES_MAX)

    def checkpoint_numbers(self) -> list[int]:
        """The numbers of the checkpoints, ascending."""
        return _numbers(self.disk.names(self.checkpoints))

    def buckets(self) -> list[str]:
        """The names of the buckets, by their first number."""
        names = self.disk.names(self.log)
        return sorted(name for name in names if layout.first_of(name) is not None)

    def bucket_numbers(self, bucket: str) -> list[int]:
        """The numbers of the segments in a bucket, ascending; none where it is gone."""
        return _numbers(self.names_in(self.log, bucket))

    def names_in(self, at: int, name: str) -> Sequence[str]:
        """The names in a directory of a directory; none where it is gone or is none."""
        try:
            handle = self.disk.open_directory(at, name)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return ()
            raise
        try:
            return self.disk.names(handle)
        finally:
            self.disk.close(handle)

    def _status(self, at: int, path: str) -> Status | None:
        try:
            return self.disk.status(at, path)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def _read(self, at: int, path: str, bytes_max: int) -> bytes | None:
        try:
            return self.disk.read(at, path, bytes_max + 1)
        except OSError as error:
            # A bucket that is a link or a file is no bucket, and does not stand.
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise

    # ---- writing --------------------------------------------------------------------------------

    def write_temp(self, data: bytes) -> str:
        """Writes and syncs a file in `tmp`, which waits to be linked; answers its name.

        Raises:
            OSError: It could not be written; its beginning may be left, if even that cannot be
                removed.
        """
        name = layout.fresh_temp()
        handle = self.disk.create(self.tmp, name)
        try:
            self.disk.write(handle, data)
            if self.syncs:
                self.disk.sync(handle)
            return name
        except OSError:
            self.drop_temp(name)
            raise
        finally:
            self.disk.close(handle)

    def drop_temp(self, name: str) -> None:
        """Removes a file in `tmp`; where that fails, it is swept later."""
        with suppress(OSError):
            self.disk.unlink(self.tmp, name)

    def mark_synced(self, temp: str) -> None:
        """Tells others that a segment was synced, by its name in `tmp`, where it was.

        Where that fails, they sync it once more.
        """
        if self.syncs:
            with suppress(OSError):
                self.disk.mark(self.tmp, temp)

    def link_segment(self, temp: str, bucket: str, number: int) -> None:
        """Gives a file its number in a bucket.

        Raises:
            OSError: It has it not, or nobody knows.
        """
        self.disk.link(self.tmp, temp, self.log, f"{bucket}/{layout.number_name(number)}")

    def link_checkpoint(self, temp: str, number: int) -> None:
        """Gives a file its number among the checkpoints.

        Raises:
            OSError: It has it not, or nobody knows.
        """
        self.disk.link(self.tmp, temp, self.checkpoints, layout.number_name(number))

    def make_bucket(self, first: int) -> str:
        """Makes a bucket that nobody knows of yet, and makes it durable.

        Raises:
            SyncFailed: It may not be durable.
            OSError: It is not there.
        """
        bucket = layout.fresh_bucket(first)
        self.disk.make_directory(self.log, bucket)
        self.sync(self.log)
        return bucket

    def drop_bucket(self, bucket: str) -> None:
        """Removes a bucket that was never made known; where that fails, it is left."""
        with suppress(OSError):
            self.disk.remove_directory(self.log, bucket)

    # ---- syncing --------------------------------------------------------------------------------

    def sync(self, handle: int) -> None:
        """Syncs a directory; a failure poisons this home.

        Raises:
            SyncFailed: It may not be durable.
        """
        if not self.syncs:
            return
        try:
            self.disk.sync(handle)
        except OSError as error:
            self.poisoned = True
            raise SyncFailed(error.errno, "a directory sync failed") from error

    def sync_bucket(self, bucket: str) -> bool:
        """Syncs a bucket; False where it has left the log.

        Raises:
            SyncFailed: It may not be durable.
            OSError: It could not be opened.
        """
        try:
            handle = self.disk.open_directory(self.log, bucket)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return False
            raise
        with self._closing(handle):
            self.sync(handle)
        return True

    @contextmanager
    def _closing(self, handle: int) -> Iterator[None]:
        try:
            yield
        finally:
            self.disk.close(handle)


def _numbers(names: Sequence[str]) -> list[int]:
    return sorted(number for name in names if (number := layout.number_of(name)) is not None)
