"""A scripted disk: a disk whose every system call is told to a script first.

The script may let others run meanwhile, as if this process were paused there; raise what the call
shall raise; or kill the process. Where the kernel walks a path of two components, the script is
told between the two, for a pause strikes there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define, field

from turnkeep_adapters.files.disk import Disk, Status

T = TypeVar("T")
Script = Callable[[str], None]


class Killed(BaseException):
    """The process is gone; nothing of it runs any more."""


def no_script(_: str) -> None:
    """Lets every call pass."""


@define(eq=False)
class ScriptedDisk:
    """One process's access to a disk. A step is named by its call and what it is done to."""

    disk: Disk
    script: Script = no_script
    steps: list[str] = field(factory=list, init=False)
    is_killed: bool = field(default=False, init=False)
    _files: set[int] = field(factory=set, init=False)

    def _step(self, name: str) -> None:
        if self.is_killed:
            raise Killed
        self.steps.append(name)
        try:
            self.script(name)
        except Killed:
            self.is_killed = True
            raise

    def _walk(self, call: str, at: int, path: str) -> tuple[int | None, str]:
        """The handle of a path's first component, once the kernel has gone that far."""
        self._step(f"{call} {path}")
        if "/" not in path:
            return None, path
        parent, leaf = path.split("/")
        handle = self.disk.open_directory(at, parent)
        try:
            self._step(f"{call} resolved {path}")
        except BaseException:
            self.disk.close(handle)
            raise
        return handle, leaf

    def process_id(self) -> int:
        return self.disk.process_id()

    def file_system(self, path: str) -> str | None:
        return self.disk.file_system(path)

    def status_of_path(self, path: str) -> Status:
        self._step("status of path")
        return self.disk.status_of_path(path)

    def make_root(self, path: str) -> None:
        self._step("make root")
        self.disk.make_root(path)

    def open_root(self, path: str) -> int:
        self._step("open root")
        return self.disk.open_root(path)

    def open_directory(self, at: int, name: str) -> int:
        self._step(f"open directory {name}")
        return self.disk.open_directory(at, name)

    def close(self, handle: int) -> None:
        self._files.discard(handle)
        if not self.is_killed:
            self.disk.close(handle)

    def status_of_handle(self, handle: int) -> Status:
        self._step("status of handle")
        return self.disk.status_of_handle(handle)

    def status(self, at: int, path: str) -> Status:
        handle, leaf = self._walk("status", at, path)
        return self._done(handle, lambda to: self.disk.status(to, leaf), at)

    def names(self, handle: int) -> Sequence[str]:
        self._step("names")
        return self.disk.names(handle)

    def read(self, at: int, path: str, bytes_max: int) -> bytes:
        handle, leaf = self._walk("read", at, path)
        return self._done(handle, lambda to: self.disk.read(to, leaf, bytes_max), at)

    def create(self, at: int, name: str) -> int:
        self._step(f"create {name}")
        handle = self.disk.create(at, name)
        self._files.add(handle)
        return handle

    def write(self, handle: int, data: bytes) -> None:
        self._step("write")
        self.disk.write(handle, data)

    def sync(self, handle: int) -> None:
        self._step("sync file" if handle in self._files else "sync directory")
        self.disk.sync(handle)

    def mark(self, at: int, name: str) -> None:
        self._step(f"mark {name}")
        self.disk.mark(at, name)

    def link(self, at: int, name: str, to: int, path: str) -> None:
        handle, leaf = self._walk("link", to, path)
        self._done(handle, lambda place: self.disk.link(at, name, place, leaf), to)

    def rename(self, at: int, name: str, to: int, new: str) -> None:
        self._step(f"rename {name}")
        self.disk.rename(at, name, to, new)

    def make_directory(self, at: int, name: str) -> None:
        self._step(f"make directory {name}")
        self.disk.make_directory(at, name)

    def unlink(self, at: int, name: str) -> None:
        self._step(f"unlink {name}")
        self.disk.unlink(at, name)

    def remove_directory(self, at: int, name: str) -> None:
        self._step(f"remove directory {name}")
        self.disk.remove_directory(at, name)

    def _done(self, handle: int | None, call: Callable[[int], T], at: int) -> T:
        if handle is None:
            return call(at)
        try:
            return call(handle)
        finally:
            self.disk.close(handle)


def at_step(number: int, action: Script) -> Script:
    """A script that acts once, before the step of a number."""
    seen = -1

    def script(step: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            action(step)

    return script


def kill(_: str) -> None:
    """An action: the process ends here."""
    raise Killed
