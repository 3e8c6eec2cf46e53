"""A trouble: what went wrong with a file, in words that name no path of the host."""

from __future__ import annotations

import errno
from typing import Final

from turnkeep_adapters.files.framing import Damaged
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable

# Trying the same again does not help against these.
_LASTING: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


def clause(doing: str, error: OSError) -> str:
    """A clause that names the system's error and no file."""
    name = errno.errorcode.get(error.errno or 0, "an error without a number")
    return f"{doing} failed ({name})"


def unavailable(doing: str, error: OSError) -> Unavailable:
    """A failure before anything was written that a reader could see."""
    return Unavailable(clause(doing, error), retryable=error.errno not in _LASTING)


def unknown(doing: str, error: OSError) -> OutcomeUnknown:
    """A failure after which a segment may be there."""
    return OutcomeUnknown(clause(doing, error))


def corrupt_segment(number: int, damage: Damaged | str) -> Corrupt:
    """A segment that is not what it should be."""
    return Corrupt(f"log segment {number} {damage}")


def corrupt_checkpoint(number: int, damage: Damaged | str) -> Corrupt:
    """A checkpoint that is not what it should be."""
    return Corrupt(f"checkpoint {number} {damage}")
