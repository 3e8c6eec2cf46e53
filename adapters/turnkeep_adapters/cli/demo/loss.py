"""A loss: a worker that was killed in the middle of its work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import frozen

ANSWERS_BEFORE_THE_KILL: Final = 12
"""A worker with less to do is not killed."""


@frozen(kw_only=True)
class Loss:
    """Which worker it was, and what was kept of it.

    Attributes:
        worker: Its number, from 1.
        pid: Its process id.
        signal: What it died of.
        tasks: How many it had been handed.
        ledger: What it was told until then.
        replacement: What its replacement was told.
    """

    worker: int
    pid: int
    signal: int
    tasks: int
    ledger: Path
    replacement: Path
