"""A lookout: a worker's one look at the runs that it has, so that a cancel is heard of soon.

What it finds decides nothing. A run that stands there as called off has its heartbeat sent at
once, and the answer to that is what the handler is told by. So hints that never come, and looks
that fail, cost the time to the next heartbeat, and no heartbeat ever waits for a look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.turns import Turns
from turnkeep_application.watching import Watch
from turnkeep_application.worker.heartbeats import Heartbeats
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.keys import Address, Key
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.run_states import CancelRequested
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable
from turnkeep_ports.store import Interest

# Hints come in bursts, and every step of every run is one: each look answers all before it.
_BREATH_SECONDS: Final = 0.25
_RUNS_A_SECOND: Final = 400
_RUNS_A_READ: Final = 500


@define(eq=False, kw_only=True)
class Lookout:
    """The runs of one worker that are under way, and what is to be noticed of them.

    Attributes:
        prefix: Under which scopes they are.
    """

    turns: Turns
    prefix: ScopePrefix
    settings: WorkerSettings
    _kept: dict[Heartbeats, Key[TurnState]] = field(factory=dict, init=False)
    _begun: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @contextmanager
    def over(self, heartbeats: Heartbeats) -> Iterator[None]:
        """Within the block, the run of this claim is looked after."""
        self._kept[heartbeats] = turn_state_key(heartbeats.tenancy.claim.run)
        self._begun.set()
        try:
            yield
        finally:
            del self._kept[heartbeats]

    async def run(self) -> None:
        """Looks after a hint, or after a while, as long as there are runs; until it is cancelled.

        A store that does not serve is looked at again.
        """
        watches = [self._watch(collection.name) for collection in (TURN_STATES, THREADLESS)]
        for watch in watches:
            await watch.begin(patience_seconds=self.settings.poll_seconds)
        while True:
            await self._begun.wait()
            breath_seconds = max(_BREATH_SECONDS, len(self._kept) / _RUNS_A_SECOND)
            await self.turns.clock.sleep(min(breath_seconds, self.settings.look_seconds))
            if not self._kept:
                self._begun.clear()
                continue
            await self.look()
            seconds = self.settings.look_seconds
            pause_seconds = seconds - self.turns.random.below(seconds / 2)
            await first_of(*(watch.sleep(pause_seconds) for watch in watches))

    async def look(self) -> None:
        """Reads where its runs stand, once, and has those beat that were called off."""
        kept = [
            (heartbeats, key)
            for heartbeats, key in self._kept.items()
            if heartbeats.tenancy.stands and not heartbeats.tenancy.cancelling.announced
        ]
        called_off: list[Heartbeats] = []
        for first in range(0, len(kept), _RUNS_A_READ):
            some = kept[first : first + _RUNS_A_READ]
            states = await self._states([key for _, key in some])
            called_off += [
                heartbeats
                for heartbeats, key in some
                if _is_called_off(states.get(key.address), heartbeats)
            ]
        await asyncio.gather(*(heartbeats.beat() for heartbeats in called_off))

    async def _states(self, keys: Sequence[Key[TurnState]]) -> dict[Address, TurnState | None]:
        """What could be read of them; one that is damaged hides no other."""
        left = {key.address: key for key in keys}
        while left:
            try:
                records = (await self.turns.reading.moment([*left.values()])).records
            except Corrupt as error:
                if error.address is None or left.pop(error.address, None) is None:
                    return {}
            except (SchemaTooNew, Unavailable):
                return {}
            else:
                return {address: records[key] for address, key in left.items()}
        return {}

    def _watch(self, collection: str) -> Watch:
        interest = Interest(collection=collection, prefix=self.prefix)
        return Watch(store=self.turns.store, clock=self.turns.clock, interest=interest)


def _is_called_off(state: TurnState | None, heartbeats: Heartbeats) -> bool:
    """Whether the run is, under this very claim: of every other end its own commits tell."""
    claim, run = heartbeats.tenancy.claim, None if state is None else state.active
    if run is None or (run.id, run.epoch) != (claim.run.id, claim.epoch):
        return False
    return isinstance(run.state, CancelRequested)
