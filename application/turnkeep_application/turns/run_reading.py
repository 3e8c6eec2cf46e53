"""Reading runs: as they stand, active or ended, with what their handlers have stored."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.turns.cells import checkpoint_key, journal_of, run_key, turn_state_key
from turnkeep_application.turns.views import RunView, ended_view, run_view
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import Checkpoint
from turnkeep_domain.turns.effect import EFFECTS, RunEffect
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.limits import CHECKPOINTS_KEPT
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Place, Sorted, position


@frozen(kw_only=True)
class RunReading:
    """The reads of one run."""

    reading: Reading

    async def get(self, run: RunAddress) -> RunView | None:
        """As `Turns.get` promises."""
        require_kind("run", run, RunAddress)
        at, ended = turn_state_key(run), run_key(run)
        records, _ = await self.reading.together(at, ended)
        state, record = records[at], records[ended]
        if state is not None and state.active is not None and state.active.id == run.id:
            return run_view(state.active)
        return ended_view(record) if isinstance(record, EndedRun) else None

    async def journal(self, run: RunAddress) -> tuple[RunEffect, ...]:
        """As `Turns.journal` promises."""
        view = await self.get(run)
        if view is None:
            return ()
        return await self.journal_of(journal_of(run, view.journal))

    async def journal_of(self, journal: RunAddress) -> tuple[RunEffect, ...]:
        """All entries of a journal, in the order of the times at which they were entered.

        Raises:
            Unavailable: The store did not serve.
            Corrupt, SchemaTooNew: An entry is unreadable.
        """
        query = Sorted(
            collection=EFFECTS.name, prefix=ScopePrefix.exactly(journal.scope), state=None
        )
        # Its entries stand together: a thread's other journals are neither read nor passed.
        mine = f"{journal.id}/"
        deadline = self.reading.deadline()
        after, entries = position(query, Place(mine.encode(), b"")), list[RunEffect]()
        while True:
            page = await self.reading.page(query, after=after, limit=PAGE_MAX, deadline=deadline)
            for cell in page.cells:
                if not cell.entry.index.sort.startswith(mine):
                    return tuple(entries)
                entry = self.reading.decoded(EFFECTS, cell)
                if isinstance(entry, Unreadable):
                    raise Corrupt("it is an entry of a journal", entry.address)
                entries.append(entry)
            if page.next is None:
                return tuple(entries)
            after = page.next

    async def checkpoints(self, run: RunAddress, newest: int) -> tuple[Checkpoint, ...]:
        """Those that are kept of a run whose newest has that sequence number, oldest first."""
        oldest = max(1, newest - CHECKPOINTS_KEPT + 1)
        keys = [checkpoint_key(run, sequence) for sequence in range(oldest, newest + 1)]
        if not keys:
            return ()
        records, _ = await self.reading.together(*keys)
        return tuple(saved for key in keys if (saved := records[key]) is not None)

    async def last_checkpoint(self, run: RunAddress) -> Checkpoint | None:
        """As `Turns.last_checkpoint` promises."""
        here: RunAddress | None = run
        while here is not None:
            view = await self.get(here)
            if view is None:
                return None
            kept = await self.checkpoints(here, view.counters.checkpoint)
            if kept:
                return kept[-1]
            earlier = view.lineage.retry_of
            here = None if earlier is None else RunAddress(run.scope, earlier)
        return None
