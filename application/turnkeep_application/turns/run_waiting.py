"""A run's wait: until it has ended, waits at a gate itself, or needs an operator."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.run_reading import RunReading
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.turns.views import RunView
from turnkeep_application.waiting import Look, Wait, require_timeout
from turnkeep_application.watching import Watch
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.store import Interest, RecordStore

_RESTS: Final = frozenset({RunStatus.BLOCKED, RunStatus.NEEDS_OPERATOR})


@frozen(kw_only=True)
class RunWaits:
    """The use case of waiting, as `Turns` promises it."""

    runs: RunReading
    store: RecordStore
    clock: Clock
    settings: TurnSettings

    async def ended(
        self, run: RunAddress, *, after_version: int | None, timeout_seconds: float
    ) -> RunView | None:
        """As `Turns.wait` promises."""
        require_kind("run", run, RunAddress)
        require_kind("after_version", after_version, int, type(None))
        require_timeout(timeout_seconds)

        async def look() -> Look[RunView | None]:
            view = await self.runs.get(run)
            # One that has ended never changes again: nobody who waits on could be woken.
            ends = view is None or view.status.final
            if view is not None and view.status in _RESTS:
                ends = view.version != after_version
            return Look(view, ends=ends, changes_in_seconds=None)

        # Whatever stores a run writes its turn state, its ending included.
        interest = Interest(
            collection=turn_state_key(run).address.collection,
            prefix=ScopePrefix.exactly(run.scope),
        )
        wait = Wait(
            watch=Watch(store=self.store, clock=self.clock, interest=interest),
            until=Deadline.after(self.clock, timeout_seconds),
            poll_seconds=self.settings.poll_seconds,
            look=look,
        )
        return (await wait.ended()).value
