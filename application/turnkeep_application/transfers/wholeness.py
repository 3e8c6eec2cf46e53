"""Wholeness: that a store is not being filled by an import."""

from __future__ import annotations

from turnkeep_application.transfers.errors import ImportUnfinished
from turnkeep_domain.transfers.import_mark import IMPORT
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import RecordStore


async def require_whole(store: RecordStore, *, deadline: Deadline) -> None:
    """Refuses a store in which an import has not come to its end.

    Raises:
        ImportUnfinished: It has not.
        Unavailable: The store did not serve.
    """
    loaded = await store.load((IMPORT.address,), deadline=deadline)
    if loaded.cells:
        raise ImportUnfinished()
