"""The hard floor: effects that are asked about every time, whatever consent stands."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.approvals.calls import Effect

HARD_FLOOR: Final = frozenset({Effect.FINANCIAL, Effect.CHANGES_APPROVALS, Effect.CHANGES_BUDGETS})
"""What no stored consent ever satisfies.

Stored requests are judged by it when they are read: one effect more here needs an upcaster for the
requests that offered to be always allowed with it. A host adds effects of its own in its settings.
"""
