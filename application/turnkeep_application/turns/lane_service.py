"""A lane's service: it is served, and whatever blocks it is ended or put back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Never

from attrs import evolve, frozen

from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Records
from turnkeep_application.turns.calling_off import CallingOff
from turnkeep_application.turns.cells import lane_key, tree_key, turn_state_key
from turnkeep_application.turns.serving import LaneAnswer, Serving
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.lane import LaneEntry
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_ports.errors import Corrupt, SchemaTooNew

PUT_BACK_SECONDS: Final = 60
_ROUNDS_MAX: Final = 2 * CLAIM_RUNS_MAX


@frozen(kw_only=True)
class LaneService:
    """Serves lanes, each in a commit of its own."""

    updates: Updates
    settings: TurnSettings

    async def serve(self, serving: Serving, unreadable: list[Unreadable]) -> LaneAnswer:
        """One lane's part of a pass.

        Args:
            serving: Which lane, for whom, and how many of its runs.
            unreadable: Takes up what was passed over.

        Raises:
            Contended, Unavailable, OutcomeUnknown: As of an update; the last where a grant may
                have been made.
        """
        for _ in range(_ROUNDS_MAX):
            try:
                answer = await self._answer(serving)
            except (Corrupt, SchemaTooNew) as error:
                if not await self._put_back(serving.lane, error, unreadable):
                    break
                answer = LaneAnswer()
            else:
                if not await self._end(answer.called_off) or answer.granted:
                    return answer
            serving = evolve(serving, seen=None)
        return LaneAnswer()

    async def _answer(self, serving: Serving) -> LaneAnswer:
        answer: LaneAnswer | Refused[Never] = await self.updates.update(
            serving.keys(), serving.decide, hints=serving.hints()
        )
        return LaneAnswer() if isinstance(answer, Refused) else answer

    async def _end(self, runs: Sequence[RunAddress]) -> bool:
        """Ends what nobody is to begin, each run for itself; whether any place was made by it.

        What fails is met again by the next pass, and must not cost this one its grants.
        """
        ending = CallingOff(updates=self.updates, settings=self.settings)
        ends = await asyncio.gather(*map(ending.end, runs), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, TurnkeepError):
                raise end
        return any(isinstance(end, RunStanding) and end.status.final for end in ends)

    async def _put_back(
        self, lane: LaneId, error: Corrupt | SchemaTooNew, unreadable: list[Unreadable]
    ) -> bool:
        """Lets whatever rests on an unreadable record wait a minute, so that the rest goes on.

        Returns:
            Whether the lane may be asked again.
        """
        key = lane_key(lane)
        address = error.address if isinstance(error, Corrupt) else None
        unreadable.append(Unreadable(address or key.address, error.code))
        if address == key.address:
            return False

        def decide(records: Records, now: datetime) -> Decision[Records, bool, Never]:
            lane = records[key]
            if lane is None:
                return Unchanged(False)
            until = now + timedelta(seconds=PUT_BACK_SECONDS)
            after = lane
            for entry in lane.entries:
                if address in _cells_of(entry):
                    after = after.put_back(entry.run, until=until)
            if after is lane:  # the limits of the tenant, or something that names no record
                return Changed(records.put(key, lane.put_off(until=until)), False, ())
            return Changed(records.put(key, after), True, ())

        return (await self.updates.update([key], decide)) is True


def _cells_of(entry: LaneEntry) -> set[Address]:
    cells = {turn_state_key(entry.run).address}
    return cells if entry.root is None else cells | {tree_key(entry.root).address}
