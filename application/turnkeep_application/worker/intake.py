"""An intake: the one loop of a worker that claims runs for its free places."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, field

from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
from turnkeep_application.turns.turns import Turns
from turnkeep_application.watching import Watch
from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.places import Places
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.claims import Token
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.store import Interest

_LOG: Final = logging.getLogger("turnkeep.worker")

EVERYWHERE: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
# Hints come in bursts, of which each pass answers all that came before it.
_BREATH_SECONDS: Final = 0.02
_DOUBT_SECONDS: Final = 0.1

Engage = Callable[[ClaimedRun, float], None]


@define(eq=False, kw_only=True)
class Intake:
    """What a worker claims, and when it looks.

    Attributes:
        holder: Under which name.
        classes: Which queues, the first one first.
        prefix: Under which scopes; None for all.
        engage: Takes a run that was granted, with the time at which it was asked for; gives it
            back where there is no place for it.
        draining: Ends the loop once it is announced.
    """

    turns: Turns
    holder: str
    classes: Sequence[TurnClass]
    prefix: ScopePrefix | None
    settings: WorkerSettings
    places: Places
    engage: Engage
    draining: Announcement
    _watch: Watch = field(init=False)

    def __attrs_post_init__(self) -> None:
        interest = Interest(collection=LANES.name, prefix=self.prefix or EVERYWHERE)
        self._watch = Watch(store=self.turns.store, clock=self.turns.clock, interest=interest)

    async def run(self) -> None:
        """Claims until the worker drains. A store that does not serve is asked again."""
        # The mark comes before the first look: a run that is queued between the two ends the sleep.
        await self._watch.begin(patience_seconds=self.settings.poll_seconds)
        while True:
            await first_of(self.places.until_free(), self.draining.wait())
            if self.draining.announced:
                return
            if not await self._claimed():
                await first_of(self._sleep(), self.draining.wait())

    async def _claimed(self) -> bool:
        """One pass over the lanes, doubts resolved; whether anything was granted."""
        token = Token(self.turns.ids.commit_id())
        sent_at = self.turns.clock.monotonic()
        count = min(self.places.free, CLAIM_RUNS_MAX)
        try:
            found = await self.turns.claim(
                holder=self.holder,
                token=token,
                classes=self.classes,
                count=count,
                prefix=self.prefix,
            )
        except TurnkeepError as error:
            _LOG.warning("no runs could be claimed: %s", error)
            return False
        granted = self._take(found, sent_at)
        if found.doubtful:
            granted |= await self._resolved(found.doubtful, token, sent_at)
        return granted

    async def _resolved(self, doubtful: Sequence[LaneId], token: Token, sent_at: float) -> bool:
        """Asks lanes whose answer was lost what they had granted, as long as that can matter.

        A worker that drains asks no more: what it does not know of expires, unbegun.
        """
        granted, clock = False, self.turns.clock
        while doubtful and clock.monotonic() < sent_at + self.settings.fence_seconds:
            await first_of(clock.sleep(_DOUBT_SECONDS), self.draining.wait())
            if self.draining.announced:
                break
            # A lane that had granted nothing grants now, and places were taken meanwhile. What it
            # had granted is told whatever the count, also where there is no place for it.
            count = max(1, min(self.places.free, CLAIM_RUNS_MAX))
            try:
                found = await self.turns.claim(
                    holder=self.holder,
                    token=token,
                    classes=self.classes,
                    count=count,
                    prefix=self.prefix,
                    lanes=doubtful,
                )
            except TurnkeepError as error:
                if not error.retryable:
                    _LOG.warning("what was claimed is left to expire: %s", error)
                    return granted
                continue
            granted |= self._take(found, sent_at)
            doubtful = found.doubtful
        return granted

    def _take(self, found: ClaimPass, sent_at: float) -> bool:
        for unreadable in found.unreadable:
            _LOG.error("a record of a queue cannot be read: %s", unreadable.code)
        for granted in found.granted:
            self.engage(granted, sent_at)
        return bool(found.granted or found.ended)

    async def _sleep(self) -> None:
        poll_seconds = self.settings.poll_seconds
        await self.turns.clock.sleep(min(_BREATH_SECONDS, poll_seconds))
        await self._watch.sleep(poll_seconds - self.turns.random.below(poll_seconds / 2))
