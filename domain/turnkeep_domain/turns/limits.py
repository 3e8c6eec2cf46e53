"""The limits of turns: how much one run, lane, bucket or tree may hold, and for how long."""

from __future__ import annotations

from typing import Final

REF_BYTES_MAX: Final = 256

LEASE_SECONDS: Final = 90
CANCEL_GRACE_SECONDS: Final = 60
SUBMIT_SECONDS: Final = 15
BACKOFF_SECONDS_MIN: Final = 1
BACKOFF_SECONDS_MAX: Final = 60
LOST_MAX: Final = 5
RETURNED_MAX: Final = 20

LANE_MAX: Final = 256
LANE_SUBMITS_MAX: Final = 192
LANE_TOKENS_MAX: Final = 16
LANE_SHARDS: Final = 32
CLAIM_LANES_MAX: Final = 32
CLAIM_RUNS_MAX: Final = 8
PARKED_MAX: Final = 128

HOLDS_MAX: Final = 7
TREE_LIVE_MAX: Final = 64
TREE_SPAWNED_MAX: Final = 1_000
RETRIES_MAX: Final = 8
TREE_DEPTH_MAX: Final = 8
AWAITED_MAX: Final = 16

EFFECTS_MAX: Final = 1_000
OPEN_MAX: Final = 16
EVIDENCE_MAX: Final = 8
OUTPUT_BYTES_MAX: Final = 64 << 10
APPROVALS_MAX: Final = 8
APPROVALS_OPEN_MAX: Final = 4
CHECKPOINT_BYTES_MAX: Final = 65_536
CHECKPOINTS_KEPT: Final = 4

ENDS_MAX: Final = 8
REQUESTS_MAX: Final = 32
RETIREMENT_DAYS: Final = 30
CHECKPOINT_HOURS: Final = 24
