"""A spend's reservation id: it follows from the call's place in the journal, and nobody mints it.

So a commit whose answer was lost, a replay and an operator all find the same reservation.
"""

from __future__ import annotations

import json

from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.effect_ids import IdempotencyKey
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.version_8 import version_8


def once_reserved(call: IdempotencyKey, *, run: RunId, epoch: int) -> RequestId:
    """That of a call that is made once at most, under the claim that intends it.

    Args:
        call: The call's key.
        run: The run that intends it; a run that repeats another has epochs of its own.
        epoch: Of the claim. A call that is done again is intended under another one.
    """
    return _reserved(call, "once", run, epoch)


def again_reserved(call: IdempotencyKey, *, attempt: int) -> RequestId:
    """That of a call that may be made again, under whatever claim.

    Args:
        call: The call's key.
        attempt: How many reservations of the call have ended before.
    """
    return _reserved(call, "again", attempt)


def _reserved(*parts: str | int) -> RequestId:
    return RequestId(version_8(json.dumps(parts, separators=(",", ":")).encode()))
