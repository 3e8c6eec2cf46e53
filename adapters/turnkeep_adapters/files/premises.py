"""Premises: what must be true of a directory before a store may be in it, as far as it shows."""

from __future__ import annotations

import errno
import os
from typing import Final

from turnkeep_adapters.files import layout
from turnkeep_adapters.files.disk import Disk, Status
from turnkeep_adapters.files.form import MAGIC
from turnkeep_adapters.files.home import Home
from turnkeep_ports.errors import Unsupported

NETWORKS: Final = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs"),
        *("fuse.ceph-fuse", "fuse.gcsfuse", "fuse.glusterfs", "fuse.juicefs", "fuse.mfs"),
        *("fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
        # What a virtual machine shares with its host.
        *("fakeowner", "fuse.grpcfuse", "fuse.osxfs", "fuse.vmhgfs-fuse", "prl_fs", "vboxsf"),
        *("virtiofs", "vmhgfs"),
    }
)
"""File systems that several machines may write to, or that promise too little of links."""

_TRIALS: Final = 3
_WRITABLE_BY_OTHERS: Final = 0o022
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def require_private(disk: Disk, root: int) -> None:
    """Refuses a directory that others than its owner may write to.

    Raises:
        Unsupported: They may.
    """
    if disk.status_of_handle(root).permissions & _WRITABLE_BY_OTHERS:
        raise Unsupported("the store's directory is group- or world-writable: take that away")


def require_local(disk: Disk, path: str) -> None:
    """Refuses a file system that is known to be shared by machines.

    Raises:
        Unsupported: It is.
    """
    if disk.file_system(path) in NETWORKS:
        raise Unsupported("the store's directory is on a network file system: choose a local one")


def require_not_nested(disk: Disk, path: str) -> None:
    """Refuses a directory below that of another store.

    Raises:
        Unsupported: It is.
    """
    above = os.path.dirname(os.path.realpath(path))
    while True:
        if _holds_store(disk, above):
            raise Unsupported("the directory is inside another store's: choose one outside")
        if above == os.path.dirname(above):
            return
        above = os.path.dirname(above)


def require_one_device(home: Home) -> None:
    """Refuses a store whose directories are on several file systems.

    Raises:
        Unsupported: They are.
    """
    handles = (home.root, home.log, home.checkpoints, home.tmp, home.trash)
    if len({home.disk.status_of_handle(handle).device for handle in handles}) > 1:
        raise Unsupported("the store's directories are on several file systems")


def probe_links(home: Home) -> bool:
    """Tries that a file takes a second name, and that a name is taken once.

    Returns:
        Whether a fresh file is without a mark, so that marks tell something.

    Raises:
        Unsupported: The file system does not do that.
        OSError: It cannot be tried, for example because nothing may be written.
    """
    # Another process may sweep a file away in the middle of a trial, which proves nothing then.
    for _ in range(_TRIALS):
        fresh = _trial(home)
        if fresh is not None:
            return not fresh.is_marked
    raise Unsupported("the file system does not keep hard links apart")


def _trial(home: Home) -> Status | None:
    """The status of a fresh file, where that takes a second name, and once; else None."""
    temp, twin = home.write_temp(b""), layout.fresh_temp()
    fresh = None
    try:
        home.disk.link(home.tmp, temp, home.tmp, twin)
        fresh = home.disk.status(home.tmp, twin)
        home.disk.link(home.tmp, temp, home.tmp, twin)
    except FileExistsError:
        return fresh if fresh is not None and fresh.links == 2 else None
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise Unsupported("the file system has no hard links") from error
        raise
    finally:
        home.drop_temp(twin)
        home.drop_temp(temp)
    return None


def _holds_store(disk: Disk, path: str) -> bool:
    try:
        handle = disk.open_root(path)
    except OSError:
        return False
    try:
        return disk.read(handle, layout.FORMAT, len(MAGIC)) == MAGIC
    except OSError:
        return False
    finally:
        disk.close(handle)
