"""A replay: the answer to a request id that was seen before."""

from __future__ import annotations

from typing import TypeVar

from turnkeep_domain.decisions import Refused, Unchanged
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId, RequestIdReused

O = TypeVar("O")


def replayed(
    marks: Marks[O], request_id: RequestId, arguments: Digest
) -> Unchanged[O] | Refused[RequestIdReused] | None:
    """The original outcome of a repeat, the refusal of a reused id, or None for a fresh one."""
    match marks.recall(request_id, arguments):
        case Mark(outcome=outcome):
            return Unchanged(outcome)
        case RequestIdReused() as reused:
            return Refused(reused)
        case None:
            return None
