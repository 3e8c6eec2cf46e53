"""Journal users: which runs of a scope share a journal, because one repeats another."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_domain.keys import Collection
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.ended import RUNS, EndedRun
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Failed
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Position, Sorted
from turnkeep_ports.store import Cell


@define(kw_only=True, eq=False)
class JournalUsers:
    """What one retirement has learned of the scopes that it has come by; for one task.

    A run shares its journal only where it failed, or repeats one that did; all others are not
    looked for. What was learned may be outdated only in what is needed no longer.
    """

    reading: Reading
    _of: dict[Scope, dict[RunId, dict[RunId, datetime | None]]] = field(factory=dict, init=False)

    async def need(self, run: Run, *, before: datetime) -> bool:
        """Whether another run on its journal has not ended, or ended at `before` or later."""
        others = await self._others(run)
        return any(ended_at is None or ended_at > before for ended_at in others.values())

    async def is_last(self, run: Run) -> bool:
        """Whether no other run that is still kept stands on its journal."""
        return not await self._others(run)

    def forget(self, run: Run) -> None:
        """It was retired."""
        self._of.get(run.scope, {}).get(run.journal, {}).pop(run.id, None)

    async def _others(self, run: Run) -> dict[RunId, datetime | None]:
        if not isinstance(run.state, Failed) and run.journal == run.id:
            return {}
        if run.scope not in self._of:
            self._of[run.scope] = await self._learned(run.scope)
        users = self._of[run.scope].get(run.journal, {})
        return {id: ended_at for id, ended_at in users.items() if id != run.id}

    async def _learned(self, scope: Scope) -> dict[RunId, dict[RunId, datetime | None]]:
        users: dict[RunId, dict[RunId, datetime | None]] = {}
        deadline = self.reading.deadline()
        for of in (TURN_STATES, THREADLESS, RUNS):
            await self._read(of, scope, users, deadline)
        return users

    async def _read(
        self,
        of: Collection[object],
        scope: Scope,
        users: dict[RunId, dict[RunId, datetime | None]],
        deadline: Deadline,
    ) -> None:
        query = Sorted(collection=of.name, prefix=ScopePrefix.exactly(scope), state=None)
        after: Position | None = None
        while True:
            page = await self.reading.page(query, after=after, limit=PAGE_MAX, deadline=deadline)
            for cell in page.cells:
                self._note(of, cell, users)
            after = page.next
            if after is None:
                return

    def _note(
        self,
        of: Collection[object],
        cell: Cell,
        users: dict[RunId, dict[RunId, datetime | None]],
    ) -> None:
        match self.reading.decoded(of, cell):
            case TurnState(active=run) if run is not None:
                users.setdefault(run.journal, {})[run.id] = None
            case EndedRun(run=run, ended_at=ended_at):
                users.setdefault(run.journal, {})[run.id] = ended_at
            case Unreadable(address=address):
                # Whose journal it is on, nobody can tell: whatever might be is spared.
                raise Corrupt("it may stand on a journal", address)
            case _:
                pass
