"""A tidying: what a worker does, beside its runs, for the other services of its keep.

Nothing waits for it: what is over is refused, and counts nowhere, all the same. It keeps the store
from filling with what is over.
"""

from __future__ import annotations

import logging
from typing import Final

from attrs import frozen

from turnkeep_application.keep import Keep
from turnkeep_application.upkeep import chores
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.key_errors import MasterKeyMissing

_LOG: Final = logging.getLogger("turnkeep.worker")


@frozen(kw_only=True)
class Tidying:
    """One look at each of the other services.

    Attributes:
        keep: Whose services.
        limit: How many leases one look deals with at most; the others have settings of their own.
    """

    keep: Keep
    limit: int

    async def tidy(self) -> None:
        """Has each service tidy up; one that fails is logged, and stops none of the others."""
        for chore in chores(self.keep, limit=self.limit):
            try:
                await chore.look()
            except MasterKeyMissing:
                # A keep without keys has no secrets of its own to tidy.
                continue
            except TurnkeepError as error:
                _LOG.warning("a sweep of %s was cut short: %s", chore.name, error)
