"""Heartbeats: one task for each claim, which keeps it alive while its handler works."""

from __future__ import annotations

import logging
from typing import Final

from attrs import frozen

from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.tenancy import Tenancy
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.turns.claims import Heartbeat

_LOG: Final = logging.getLogger("turnkeep.worker")
_RETRIES_A_BEAT: Final = 10


@frozen(kw_only=True, eq=False)
class Heartbeats:
    """The pulse of one tenancy."""

    turns: Turns
    tenancy: Tenancy
    settings: WorkerSettings

    async def run(self) -> None:
        """Beats until the tenancy is over. Errors are retried; the fence judges how long.

        It is nobody's to await: a handler that blocks the event loop stops it, and loses its run.
        """
        pause_seconds = self.settings.heartbeat_seconds
        while True:
            await self.turns.clock.sleep(pause_seconds)
            if not self.tenancy.stands:
                return
            good = await self.beat()
            pause_seconds = self.settings.heartbeat_seconds
            if not good:
                pause_seconds /= _RETRIES_A_BEAT

    async def beat(self) -> bool:
        """Sends one heartbeat, and tells the tenancy what was answered; whether it was."""
        tenancy = self.tenancy
        sent_at = self.turns.clock.monotonic()
        try:
            answer = await self.turns.heartbeat(tenancy.claim)
        except TurnkeepError as error:
            _LOG.warning("a heartbeat was not answered: %s", error)
            return False
        match answer:
            case Heartbeat(until=until, cancel_by=cancel_by, at=at):
                tenancy.acknowledge(sent_at=sent_at, until=until, at=at)
                if cancel_by is not None:
                    tenancy.call_off(sent_at=sent_at, cancel_by=cancel_by, at=at)
            case Refused():
                tenancy.lose()
        return True
