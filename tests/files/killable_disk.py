"""A killable disk: the real one, until its process is as good as killed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.local_disk import LocalDisk


class KillableDisk:
    """Passes calls on until it is killed; from then on each fails and does nothing."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk: Disk = LocalDisk() if disk is None else disk
        self.is_killed = False

    def kill(self) -> None:
        self.is_killed = True

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self.disk, name)

        def guarded(*args: Any) -> Any:
            if self.is_killed and name not in ("close", "process_id"):
                raise OSError(errno.EIO, "killed")
            return call(*args)

        return guarded
