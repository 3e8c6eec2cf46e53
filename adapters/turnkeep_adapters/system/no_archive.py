"""No archive: the archive of a host that keeps its runs where they are."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_ports.errors import Unsupported


@frozen
class NoArchive:
    """Takes nothing over, so that nothing is retired; an `Archive`."""

    @property
    def accepts(self) -> bool:
        """No."""
        return False

    async def keep(self, run: EndedRun, journal: Sequence[RunEffect]) -> None:
        """Refuses: a run that was handed over here would be lost.

        Raises:
            Unsupported: Always.
        """
        raise Unsupported("there is no archive to keep it")
