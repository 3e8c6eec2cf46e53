"""A key file: a master key in a file that nobody else can read, judged by its descriptor."""

from __future__ import annotations

import os
import stat
from typing import Final

from turnkeep_adapters.cipher.master_key import Unfit

_BYTES_MAX: Final = 256
_OTHERS: Final = 0o077
# Opening a pipe would wait for its writer.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def read_key_file(path: str) -> bytes | Unfit:
    """What a key file holds, at most 256 bytes of it; nothing where there is no file.

    It must be a regular file and no link, owned by this process's user, and closed to group and
    others. All of it is asked of the descriptor that is read, so that nothing can be put in its
    place meanwhile.
    """
    if not os.path.isabs(path) or "\0" in path:
        return Unfit("must have an absolute path")
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        return b""
    except OSError:
        return Unfit("must be in a file that is no link and can be read")
    try:
        return _unfit(os.fstat(descriptor)) or os.read(descriptor, _BYTES_MAX)
    except OSError:
        return Unfit("must be in a file that can be read")
    finally:
        os.close(descriptor)


def _unfit(status: os.stat_result) -> Unfit | None:
    if not stat.S_ISREG(status.st_mode):
        return Unfit("must be in a regular file")
    if status.st_uid != os.geteuid():
        return Unfit("must be in a file of this process's own user")
    if status.st_mode & _OTHERS:
        return Unfit("must be in a file that is closed to group and others")
    if status.st_size > _BYTES_MAX:
        return Unfit(f"must be in a file of at most {_BYTES_MAX} bytes")
    return None
