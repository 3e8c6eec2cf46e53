"""Settings of threads: the bounds that a host may choose."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, instance_of, le, optional

from turnkeep_domain.threads.limits import ThreadLimits

HISTORY_MAX: Final = 1_000
WINDOW_MAX: Final = 1_000
PAGE_BYTES_MAX: Final = 4 << 20
LIST_MAX: Final = 200
SWEEP_CELLS_MAX: Final = 60


@frozen(kw_only=True)
class ThreadSettings:
    """The bounds of the use cases.

    Attributes:
        limits: How much threads and messages may carry.
        unsubmitted_seconds: How long an accepted message may wait until it counts as forgotten.
        draft_seconds: How long a draft may stand still until a sweep interrupts it.
        claim_days: How long the claim on an event outlives its deleted thread.
        import_hours: How long an import may take until a sweep gives it up.
        archived_for_days: How long an archived thread is kept after its last activity; None for
            ever.
        history_page: Messages of a page of history where the caller names no limit.
        window_entries: Entries of a window where the caller names no limit.
        window_bytes: Stored bytes of a window where the caller names no limit.
        list_page: Threads of a page where the caller names no limit.
        sweep_cells: Cells that one commit of a sweep may touch.
        sweep_commits: Commits that one sweep makes at most; what is left is for the next.
    """

    limits: ThreadLimits = field(factory=ThreadLimits, validator=instance_of(ThreadLimits))
    unsubmitted_seconds: int = field(default=5 * 60, validator=[ge(1), le(30 * 86_400)])
    draft_seconds: int = field(default=60 * 60, validator=[ge(1), le(30 * 86_400)])
    claim_days: int = field(default=90, validator=[ge(1), le(3_650)])
    import_hours: int = field(default=24, validator=[ge(1), le(720)])
    archived_for_days: int | None = field(default=None, validator=optional([ge(1), le(36_500)]))
    history_page: int = field(default=100, validator=[ge(1), le(HISTORY_MAX)])
    window_entries: int = field(default=200, validator=[ge(1), le(WINDOW_MAX)])
    window_bytes: int = field(default=1 << 20, validator=[ge(1), le(PAGE_BYTES_MAX)])
    list_page: int = field(default=50, validator=[ge(1), le(LIST_MAX)])
    sweep_cells: int = field(default=SWEEP_CELLS_MAX, validator=[ge(4), le(SWEEP_CELLS_MAX)])
    sweep_commits: int = field(default=200, validator=[ge(1), le(10_000)])
