"""A disk: the few calls of a file system that the files store makes, one system call each.

Everything happens relative to directory handles, and no call follows a symbolic link in the last
component of a name. Failures are `OSError`s. Nothing is retried here, and nothing is cleaned up.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from enum import Enum
from typing import Final, Protocol

from attrs import frozen

MARK: Final = stat.S_ISVTX
"""The bit of a file's mode that marks it: no system gives it a meaning there, nor sets it."""


class Kind(Enum):
    """What a name stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"


@frozen(kw_only=True)
class Status:
    """What a file system says of a file or directory.

    Attributes:
        device: Which file system.
        inode: Which file on it.
        permissions: The lower 12 bits of its mode.
        links: How many names it has.
        modified_seconds: Since 1970, by the file system's clock.
    """

    device: int
    inode: int
    kind: Kind
    permissions: int
    links: int
    size_bytes: int
    modified_seconds: float

    @property
    def is_marked(self) -> bool:
        """Whether somebody has marked it."""
        return bool(self.permissions & MARK)

    def is_same(self, other: Status) -> bool:
        """Whether both are one file or directory, whatever its names."""
        return (self.device, self.inode) == (other.device, other.inode)


class Disk(Protocol):
    """A local POSIX file system, as much of it as the store uses.

    Its calls may come from any thread. A handle is open until it is closed.
    """

    def process_id(self) -> int:
        """The caller's process."""
        ...

    def file_system(self, path: str) -> str | None:
        """The type of the file system that a directory lies on; None where it is not known."""
        ...

    def status_of_path(self, path: str) -> Status:
        """What a path stands for; the one call that follows links."""
        ...

    def make_root(self, path: str) -> None:
        """Makes a directory for the owner alone; its parent must be there."""
        ...

    def open_root(self, path: str) -> int:
        """Opens a directory by its path."""
        ...

    def open_directory(self, at: int, name: str) -> int:
        """Opens a directory in a directory."""
        ...

    def close(self, handle: int) -> None:
        """Closes a handle."""
        ...

    def status_of_handle(self, handle: int) -> Status:
        """What a handle is open on."""
        ...

    def status(self, at: int, path: str) -> Status:
        """What a name, or `directory/name`, stands for; a symbolic link stands for itself."""
        ...

    def names(self, handle: int) -> Sequence[str]:
        """The names in a directory, in no order."""
        ...

    def read(self, at: int, path: str, bytes_max: int) -> bytes:
        """The beginning of a regular file, at most `bytes_max` bytes; waits for no FIFO.

        Raises:
            NotRegular: It is no regular file.
        """
        ...

    def create(self, at: int, name: str) -> int:
        """Makes a file that was not there, for the owner alone, and opens it for writing."""
        ...

    def write(self, handle: int, data: bytes) -> None:
        """Appends all of the data."""
        ...

    def sync(self, handle: int) -> None:
        """Makes a file's bytes, or a directory's names, survive a power cut."""
        ...

    def mark(self, at: int, name: str) -> None:
        """Marks a file of one's own, under all of its names; may be repeated."""
        ...

    def link(self, at: int, name: str, to: int, path: str) -> None:
        """Gives a file another name, or `directory/name`, that is not there yet."""
        ...

    def rename(self, at: int, name: str, to: int, new: str) -> None:
        """Moves a directory."""
        ...

    def make_directory(self, at: int, name: str) -> None:
        """Makes a directory that was not there, for the owner alone."""
        ...

    def unlink(self, at: int, name: str) -> None:
        """Removes a file's name."""
        ...

    def remove_directory(self, at: int, name: str) -> None:
        """Removes an empty directory."""
        ...


class NotRegular(OSError):
    """Something that should be a regular file is none: a link, a FIFO, a directory."""
