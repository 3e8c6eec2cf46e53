"""An archive: where a host keeps what it wants to keep of runs that are retired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import EndedRun


class Archive(Protocol):
    """Takes ended runs over before they are replaced by tombstones."""

    @property
    def accepts(self) -> bool:
        """Whether there is one at all; where there is none, no run is ever retired."""
        ...

    async def keep(self, run: EndedRun, journal: Sequence[RunEffect]) -> None:
        """Keeps a run with its journal, durably, before it returns.

        It is asked again for the same run after a crash, or when several hosts retire at once, and
        must then do nothing more. A journal that several runs have continued comes with each.

        Raises:
            Exception: Whatever it raises, the run stays as it is and is offered again later.
        """
        ...
