"""An ending: how a command of the command line may end, as its exit code."""

from __future__ import annotations

from enum import IntEnum


class Ending(IntEnum):
    """An exit code; `FAILED` is for a check, a worker that died, and a damaged store alike."""

    FINE = 0
    FAILED = 1
    UNUSABLE = 2
    INTERRUPTED = 130
    NOBODY_READS = 141
