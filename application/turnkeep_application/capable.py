"""A capable store: one whose commits are atomic over several cells. All others are refused."""

from __future__ import annotations

from turnkeep_ports.errors import Unsupported
from turnkeep_ports.store import Atomicity, Capabilities, RecordStore


def require_capable(store: RecordStore) -> Capabilities:
    """Fails closed: what does not declare that it commits all or nothing, is refused.

    Returns:
        What it declares.

    Raises:
        Unsupported: The store declares less than `Atomicity.MULTI`, or nothing that is known.
    """
    declared: object = getattr(store, "capabilities", None)
    if not isinstance(declared, Capabilities) or declared.atomicity is not Atomicity.MULTI:
        raise Unsupported("commits over several cells, all or nothing; use a store that has them")
    return declared
