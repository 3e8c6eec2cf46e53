"""A judgement: what becomes of the writes of one group, each upon those before it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import define, field

from turnkeep_adapters.files.view import View
from turnkeep_adapters.memory.commits import Commit, Judged, Trial
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import Late, Stale

FULL: Final = "store.full"


@define
class Judgement:
    """The judging of one group upon a view, which does not change meanwhile."""

    view: View
    memory_bytes_max: int
    time: datetime
    _trial: Trial = field(init=False)
    _weight_bytes: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._trial = self.view.engine.trial()
        self._weight_bytes = self.view.weight_bytes

    def of(self, commit: Commit) -> Judged | Stale | Late:
        """What becomes of the next commit.

        Raises:
            Unavailable: It would need more memory than the store may take.
        """
        growth = self.view.growth_bytes(commit)
        if growth > 0 and self._weight_bytes + growth > self.memory_bytes_max:
            raise Unavailable("its memory limit is reached", retryable=False, code=FULL)
        judged = self._trial.judge(commit, self.time)
        if isinstance(judged, Judged):
            self._weight_bytes += growth
        return judged
