"""A local disk: the operating system's own calls."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from turnkeep_adapters.files.disk import MARK, Kind, NotRegular, Status

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OWNER_DIRECTORY: Final = 0o700
_OWNER_FILE: Final = 0o600
_KINDS: Final = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY}
# On macOS fsync leaves what it has written in the drive's own cache, which a power cut empties.
_THROUGH: Final[int | None] = getattr(fcntl, "F_FULLFSYNC", None)
_MOUNTS: Final = Path("/proc/self/mountinfo")


@frozen
class LocalDisk:
    """A `turnkeep_adapters.files.disk.Disk` over `os`; holds nothing."""

    def process_id(self) -> int:
        """The caller's process."""
        return os.getpid()

    def file_system(self, path: str) -> str | None:
        """The type of the mount that a directory lies on, where the system tells its mounts."""
        try:
            table = _MOUNTS.read_bytes().decode(errors="surrogateescape")
        except OSError:
            return None
        real = os.path.realpath(path)
        covering = [(point, kind) for point, kind in _mounts(table) if _covers(point, real)]
        # Of mounts over each other the later one is seen; max would answer the first.
        return max(reversed(covering), key=lambda mount: len(mount[0]), default=("", None))[1]

    def status_of_path(self, path: str) -> Status:
        """What a path stands for."""
        return _status(os.stat(path))

    def make_root(self, path: str) -> None:
        """Makes a directory."""
        os.mkdir(path, _OWNER_DIRECTORY)

    def open_root(self, path: str) -> int:
        """Opens a directory by its path."""
        return os.open(path, _DIRECTORY)

    def open_directory(self, at: int, name: str) -> int:
        """Opens a directory in a directory."""
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=at)

    def close(self, handle: int) -> None:
        """Closes a handle."""
        os.close(handle)

    def status_of_handle(self, handle: int) -> Status:
        """What a handle is open on."""
        return _status(os.fstat(handle))

    def status(self, at: int, path: str) -> Status:
        """What a name stands for."""
        return _status(os.stat(path, dir_fd=at, follow_symlinks=False))

    def names(self, handle: int) -> Sequence[str]:
        """The names in a directory."""
        return os.listdir(handle)

    def read(self, at: int, path: str, bytes_max: int) -> bytes:
        """The beginning of a regular file."""
        try:
            handle = os.open(path, _FILE, dir_fd=at)
        except OSError as error:
            # A link (ELOOP) or a socket (ENXIO) at the very name.
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise NotRegular(error.errno, "not a regular file") from None
            raise
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise NotRegular(errno.EINVAL, "not a regular file")
            return _read(handle, min(status.st_size, bytes_max))
        finally:
            os.close(handle)

    def create(self, at: int, name: str) -> int:
        """Makes a file and opens it for writing."""
        return os.open(name, _FRESH, _OWNER_FILE, dir_fd=at)

    def write(self, handle: int, data: bytes) -> None:
        """Appends all of the data."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]

    def sync(self, handle: int) -> None:
        """Makes a file or a directory survive a power cut."""
        if _THROUGH is None:
            os.fsync(handle)
        else:
            fcntl.fcntl(handle, _THROUGH)

    def mark(self, at: int, name: str) -> None:
        """Marks a file of one's own."""
        # By a handle, for os.chmod follows links.
        handle = os.open(name, _FILE, dir_fd=at)
        try:
            os.fchmod(handle, _OWNER_FILE | MARK)
        finally:
            os.close(handle)

    def link(self, at: int, name: str, to: int, path: str) -> None:
        """Gives a file another name."""
        os.link(name, path, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def rename(self, at: int, name: str, to: int, new: str) -> None:
        """Moves a directory."""
        os.rename(name, new, src_dir_fd=at, dst_dir_fd=to)

    def make_directory(self, at: int, name: str) -> None:
        """Makes a directory."""
        os.mkdir(name, _OWNER_DIRECTORY, dir_fd=at)

    def unlink(self, at: int, name: str) -> None:
        """Removes a file's name."""
        os.unlink(name, dir_fd=at)

    def remove_directory(self, at: int, name: str) -> None:
        """Removes an empty directory."""
        os.rmdir(name, dir_fd=at)


def _status(of: os.stat_result) -> Status:
    return Status(
        device=of.st_dev,
        inode=of.st_ino,
        kind=_KINDS.get(stat.S_IFMT(of.st_mode), Kind.OTHER),
        permissions=stat.S_IMODE(of.st_mode),
        links=of.st_nlink,
        size_bytes=of.st_size,
        modified_seconds=of.st_mtime,
    )


def _read(handle: int, size_bytes: int) -> bytes:
    """The beginning of a file that is so long: one call, where the system reads all at once."""
    parts = []
    left = size_bytes
    while left > 0 and (part := os.read(handle, left)):
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _mounts(table: str) -> Iterator[tuple[str, str]]:
    """Mount points and their types, in the order of mounting."""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) > 4 and kinds:
            yield _unescaped(fields[4]), kinds[0]


def _unescaped(point: str) -> str:
    for octal, plain in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(octal, plain)
    return point


def _covers(point: str, path: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")
