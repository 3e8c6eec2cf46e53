"""A simulated disk: a file system in memory that knows what a power cut would leave.

What was written to a file, and each change of a directory's names, is durable once that file or
directory was synced after it. Of what is not, a power cut keeps whatever the test chooses.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from threading import RLock

from attrs import define, field

from turnkeep_adapters.files.disk import MARK, Kind, NotRegular, Status

Keep = Callable[[str], bool]


def nothing(_: str) -> bool:
    """Keeps nothing that was not synced."""
    return False


def everything(_: str) -> bool:
    """Keeps all that was not synced."""
    return True


@define(eq=False)
class Node:
    """A file or directory."""

    inode: int
    kind: Kind
    permissions: int
    modified: float = 0.0
    links: int = 0
    data: bytes = b""
    durable_data: bytes = b""
    names: dict[str, Node] = field(factory=dict)
    durable_names: dict[str, Node] = field(factory=dict)


class SimulatedDisk:
    """A machine's file system; `/` is there. Calls are atomic, from any thread.

    The inode of a file that is gone is the next file's, as on the file systems of daily use.
    """

    def __init__(self) -> None:
        self.type: str | None = "simulated"
        self.process = 1
        self.seconds = 1_935_403_200.0
        """What files are stamped with: noon of 1 May 2031."""
        self._lock = RLock()
        self._inodes = 1
        self._gone: list[int] = []
        self._root = Node(1, Kind.DIRECTORY, 0o755)
        self._open: dict[int, Node] = {}
        self._handles = 2

    # ---- what a test does -----------------------------------------------------------------------

    def power_cut(self, keep: Keep = nothing) -> None:
        """Ends all handles, and of what is not durable all that is not kept."""
        with self._lock:
            self._open.clear()
            self._settle(self._root, "", keep)
            self._place_once(self._root, set())

    def copied(self) -> SimulatedDisk:
        """Another machine with the same files, as from a backup."""
        copy = SimulatedDisk()
        copy._root = deepcopy(self._root)
        copy._inodes = self._inodes
        return copy

    @property
    def open_handles(self) -> int:
        """How many handles nobody has closed."""
        with self._lock:
            return len(self._open)

    def node(self, path: str) -> Node:
        """What a path stands for."""
        node = self._root
        for part in path.strip("/").split("/"):
            if part:
                node = _entry(node, part)
        return node

    def _settle(self, folder: Node, path: str, keep: Keep) -> None:
        for name in sorted({*folder.names, *folder.durable_names}):
            now, durable = folder.names.get(name), folder.durable_names.get(name)
            if now is durable or keep(f"{path}/{name}"):
                continue
            folder.names.pop(name, None)
            if durable is not None:
                folder.names[name] = durable
        folder.durable_names = dict(folder.names)
        for name, node in folder.names.items():
            if node.kind is Kind.DIRECTORY:
                self._settle(node, f"{path}/{name}", keep)
            elif node.data != node.durable_data and not keep(f"{path}/{name} data"):
                node.data = node.durable_data
            node.durable_data = node.data

    def _place_once(self, folder: Node, seen: set[int]) -> None:
        """A directory that was moved is in one place, though each place's sync counts alone."""
        for name, node in list(folder.names.items()):
            if node.kind is not Kind.DIRECTORY:
                continue
            if node.inode in seen:
                del folder.names[name], folder.durable_names[name]
                continue
            seen.add(node.inode)
            self._place_once(node, seen)

    # ---- the calls ------------------------------------------------------------------------------

    def process_id(self) -> int:
        return self.process

    def file_system(self, path: str) -> str | None:
        return self.type

    def status_of_path(self, path: str) -> Status:
        with self._lock:
            return _status(self.node(path))

    def make_root(self, path: str) -> None:
        with self._lock:
            self._add(self.node(os.path.dirname(path)), os.path.basename(path), Kind.DIRECTORY)

    def open_root(self, path: str) -> int:
        with self._lock:
            return self._handle(self.node(path), directory=True)

    def open_directory(self, at: int, name: str) -> int:
        with self._lock:
            return self._handle(self._found(at, name), directory=True)

    def close(self, handle: int) -> None:
        with self._lock:
            if self._open.pop(handle, None) is None:
                raise OSError(errno.EBADF, "not open")

    def status_of_handle(self, handle: int) -> Status:
        with self._lock:
            return _status(self._at(handle))

    def status(self, at: int, path: str) -> Status:
        with self._lock:
            return _status(self._found(at, path))

    def names(self, handle: int) -> Sequence[str]:
        with self._lock:
            return list(self._at(handle).names)

    def read(self, at: int, path: str, bytes_max: int) -> bytes:
        with self._lock:
            node = self._found(at, path)
            if node.kind is not Kind.FILE:
                raise NotRegular(errno.EINVAL, "not a file")
            return node.data[:bytes_max]

    def create(self, at: int, name: str) -> int:
        with self._lock:
            return self._handle(self._add(self._at(at), name, Kind.FILE), directory=False)

    def write(self, handle: int, data: bytes) -> None:
        with self._lock:
            self._at(handle).data += data

    def sync(self, handle: int) -> None:
        with self._lock:
            node = self._at(handle)
            node.durable_data = node.data
            node.durable_names = dict(node.names)

    def mark(self, at: int, name: str) -> None:
        with self._lock:
            self._found(at, name).permissions |= MARK

    def link(self, at: int, name: str, to: int, path: str) -> None:
        with self._lock:
            node = self._found(at, name)
            folder, leaf = self._place(to, path)
            _require_free(folder, leaf)
            folder.names[leaf] = node
            node.links += 1

    def rename(self, at: int, name: str, to: int, new: str) -> None:
        with self._lock:
            node, target = self._found(at, name), self._at(to)
            _require_free(target, new)
            del self._at(at).names[name]
            target.names[new] = node

    def make_directory(self, at: int, name: str) -> None:
        with self._lock:
            self._add(self._at(at), name, Kind.DIRECTORY)

    def unlink(self, at: int, name: str) -> None:
        with self._lock:
            node = self._found(at, name)
            node.links -= 1
            del self._at(at).names[name]
            if node.links == 0 and node not in self._open.values():
                self._gone.append(node.inode)

    def remove_directory(self, at: int, name: str) -> None:
        with self._lock:
            if self._found(at, name).names:
                raise OSError(errno.ENOTEMPTY, "not empty")
            del self._at(at).names[name]

    # ---- inside ---------------------------------------------------------------------------------

    def _add(self, folder: Node, name: str, kind: Kind) -> Node:
        _require_free(folder, name)
        if kind is Kind.FILE and self._gone:
            inode = self._gone.pop()
        else:
            self._inodes += 1
            inode = self._inodes
        permissions = 0o700 if kind is Kind.DIRECTORY else 0o600
        folder.names[name] = Node(inode, kind, permissions, self.seconds, links=1)
        return folder.names[name]

    def _handle(self, node: Node, *, directory: bool) -> int:
        if directory and node.kind is not Kind.DIRECTORY:
            raise NotADirectoryError(errno.ENOTDIR, "no directory")
        self._handles += 1
        self._open[self._handles] = node
        return self._handles

    def _at(self, handle: int) -> Node:
        if handle not in self._open:
            raise OSError(errno.EBADF, "not open")
        return self._open[handle]

    def _place(self, at: int, path: str) -> tuple[Node, str]:
        *parents, leaf = path.split("/")
        folder = self._at(at)
        for parent in parents:
            folder = _entry(folder, parent)
        return folder, leaf

    def _found(self, at: int, path: str) -> Node:
        return _entry(*self._place(at, path))

    def every_path(self, folder: Node | None = None, path: str = "") -> Iterator[str]:
        """All files and directories."""
        for name, node in (self._root if folder is None else folder).names.items():
            yield f"{path}/{name}"
            yield from self.every_path(node, f"{path}/{name}")


def _entry(folder: Node, name: str) -> Node:
    if folder.kind is not Kind.DIRECTORY:
        raise NotADirectoryError(errno.ENOTDIR, "no directory")
    if name not in folder.names:
        raise FileNotFoundError(errno.ENOENT, "not there")
    return folder.names[name]


def _require_free(folder: Node, name: str) -> None:
    if name in folder.names:
        raise FileExistsError(errno.EEXIST, "there already")


def _status(node: Node) -> Status:
    return Status(
        device=1,
        inode=node.inode,
        kind=node.kind,
        permissions=node.permissions,
        links=node.links,
        size_bytes=len(node.data),
        modified_seconds=node.modified,
    )
