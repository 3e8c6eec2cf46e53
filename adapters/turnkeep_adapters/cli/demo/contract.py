"""A contract: what a worker process must know before it begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from attrs import asdict, frozen

from turnkeep import Settings, TurnSettings, WorkerSettings

LEASE_SECONDS: Final = 2
CONCURRENCY: Final = 2

# Leases and looks as short as a demonstration needs them: one that waits shows nothing.
HASTY: Final = Settings(
    turns=TurnSettings(lease_seconds=LEASE_SECONDS, cancel_grace_seconds=1, backoff_seconds_min=0.1)
)
HASTY_WORKER: Final = WorkerSettings(
    heartbeat_seconds=0.5,
    fence_seconds=1.5,
    poll_seconds=0.1,
    sweep_seconds=0.3,
    drain_seconds=5,
)


@frozen(kw_only=True)
class Contract:
    """What a worker is hired for.

    Attributes:
        store: The URL. It may hold a password, so it is told here and in no argument.
        errands: Where the errands lie.
        world: Where deeds are done.
        holder: The name under which it claims.
    """

    store: str
    errands: Path
    world: Path
    seed: int
    holder: str

    def as_bytes(self) -> bytes:
        """The contract as it is sent."""
        held = {**asdict(self), "errands": str(self.errands), "world": str(self.world)}
        return json.dumps(held).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Contract:
        """The contract that was sent."""
        held = json.loads(line)
        return cls(**{**held, "errands": Path(held["errands"]), "world": Path(held["world"])})
