"""Limits: how much one call may carry; every adapter checks them here, before any I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_ports.errors import PayloadTooLarge
from turnkeep_ports.store import COMMIT_ID_BYTES, Check, CommitId, EventDraft, Put, Write

KEYS_MAX: Final = 1_024
WRITES_MAX: Final = 1_024
EVENTS_MAX: Final = 1_024
COMMAND_WRITES_MAX: Final = 64
COMMAND_EVENTS_MAX: Final = 256
BODY_BYTES_MAX: Final = 1 << 20
EVENT_BYTES_MAX: Final = 16 << 10
COMMIT_BYTES_MAX: Final = 8 << 20
PAGE_MAX: Final = 500


def check_load(keys: Sequence[Address]) -> None:
    """Refuses a load of nothing, of one cell twice, or of too many.

    Raises:
        PayloadTooLarge: More than 1,024 keys.
        ValueError: No key, or one twice.
    """
    _within("keys of a load", len(keys), KEYS_MAX)
    if not keys or len(set(keys)) != len(keys):
        raise InvalidValue("keys", "must be distinct, and one at least")


def check_commit(
    commit_id: CommitId,
    writes: Sequence[Write],
    events: Sequence[EventDraft],
    *,
    writes_max: int = WRITES_MAX,
) -> None:
    """Refuses a commit that no store may accept.

    Args:
        commit_id: Must have 16 bytes.
        writes: Must name distinct cells and include a `Put` or `Delete`.
        events: Are counted and measured.
        writes_max: The adapter's own limit, where it is lower.

    Raises:
        PayloadTooLarge: A count or a size is above its limit.
        ValueError: The commit id or the writes break a rule.
    """
    if len(commit_id) != COMMIT_ID_BYTES:
        raise InvalidValue("commit id", f"must have {COMMIT_ID_BYTES} bytes")
    _within("writes of a commit", len(writes), min(writes_max, WRITES_MAX))
    _within("events of a commit", len(events), EVENTS_MAX)
    if len({write.address for write in writes}) != len(writes):
        raise InvalidValue("writes", "must name distinct cells")
    if all(isinstance(write, Check) for write in writes):
        raise InvalidValue("writes", "must include a put or a delete")
    bodies = [len(write.entry.body) for write in writes if isinstance(write, Put)]
    notes = [len(event.body) for event in events]
    _within("body bytes", max(bodies, default=0), BODY_BYTES_MAX)
    _within("event bytes", max(notes, default=0), EVENT_BYTES_MAX)
    _within("commit bytes", sum(bodies) + sum(notes), COMMIT_BYTES_MAX)


def check_command(writes: Sequence[Write], events: Sequence[EventDraft]) -> None:
    """Refuses one command that composes more than 64 writes or 256 events.

    Raises:
        PayloadTooLarge: It does.
    """
    _within("writes of a command", len(writes), COMMAND_WRITES_MAX)
    _within("events of a command", len(events), COMMAND_EVENTS_MAX)


def check_page(limit: int) -> None:
    """Refuses a page size outside 1 to 500.

    Raises:
        ValueError: It is.
    """
    if type(limit) is not int or not 1 <= limit <= PAGE_MAX:
        raise InvalidValue("limit", f"must be 1 to {PAGE_MAX}")


def _within(what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise PayloadTooLarge(what, actual, limit)
