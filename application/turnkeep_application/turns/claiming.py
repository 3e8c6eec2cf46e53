"""Claiming: how runs that are due come to workers, fairly among users, each to one of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Never

from attrs import define, evolve, field, frozen

from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.turns.calling_off import CallingOff
from turnkeep_application.turns.cells import lane_key, tree_key, turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
from turnkeep_application.turns.serving import Claimant, LaneAnswer, Serving
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, RunStanding, Token, token_digest
from turnkeep_domain.turns.lane import LANES, Lane, LaneEntry, ready
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import CLAIM_LANES_MAX, CLAIM_RUNS_MAX
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
)
from turnkeep_ports.randomness import Random
from turnkeep_ports.scans import Due, Page
from turnkeep_ports.store import Cell

EVERY_FIFTH: Final = 5
PUT_BACK_SECONDS: Final = 60
_ROUNDS_MAX: Final = 2 * CLAIM_RUNS_MAX
# A page has the earliest lanes first and tells the store's now, so a scan needs no clock of its
# own: what is not due yet ends it.
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@define
class _Tally:
    """What a pass has come to so far."""

    granted: list[ClaimedRun] = field(factory=list)
    ended: list[Claim] = field(factory=list)
    doubtful: list[LaneId] = field(factory=list)
    unreadable: list[Unreadable] = field(factory=list)
    served: bool = False
    failure: Exception | None = None

    @property
    def result(self) -> ClaimPass:
        """The pass as a value; where no lane could be served, that is raised."""
        if self.failure is not None and not (self.served or self.doubtful):
            raise self.failure
        return ClaimPass(
            granted=tuple(self.granted),
            ended=tuple(self.ended),
            doubtful=tuple(self.doubtful),
            unreadable=tuple(self.unreadable),
        )


@frozen(kw_only=True)
class Claiming:
    """The use case of workers that look for runs."""

    updates: Updates
    reading: Reading
    random: Random
    settings: TurnSettings
    _passes: Iterator[int] = field(factory=itertools.count, init=False, repr=False)

    async def claim(
        self,
        *,
        holder: str,
        token: Token,
        classes: Sequence[TurnClass],
        count: int,
        prefix: ScopePrefix | None,
        lanes: Sequence[LaneId] | None,
    ) -> ClaimPass:
        """As `Turns.claim` promises."""
        _require_valid(holder, token, classes, count, prefix)
        for lane in lanes or ():
            require_kind("lanes", lane, LaneId)
        claimant = Claimant(holder=holder, token=token, ttl=self.settings.lease, prefix=prefix)
        tally = _Tally()
        if lanes is not None:
            await self._serve(claimant, _evenly(list(dict.fromkeys(lanes)), count), tally)
        else:
            await self._look(claimant, classes, count, tally)
        return tally.result

    async def _look(
        self, claimant: Claimant, classes: Sequence[TurnClass], count: int, tally: _Tally
    ) -> None:
        for turn_class in self._in_turn(classes):
            left = count - len(tally.granted)
            if left <= 0:
                return
            try:
                await self._look_at(claimant, turn_class, left, tally)
            except Unavailable as error:
                # What was granted before must not be lost with it.
                tally.failure = error
                return

    def _in_turn(self, classes: Sequence[TurnClass]) -> list[TurnClass]:
        """The classes in the order asked for; every fifth pass the background comes first."""
        order = list(dict.fromkeys(classes))
        if next(self._passes) % EVERY_FIFTH == EVERY_FIFTH - 1:
            order.sort(key=lambda turn_class: turn_class is not TurnClass.BACKGROUND)
        return order

    # ---- which lanes ----------------------------------------------------------------------------

    async def _look_at(
        self, claimant: Claimant, turn_class: TurnClass, left: int, tally: _Tally
    ) -> None:
        """Serves the earliest lanes of a class, page by page until one grants something."""
        query = Due(collection=LANES.name, states=frozenset({ready(turn_class)}), by=_FOREVER)
        deadline = self.reading.deadline()
        after, had = None, len(tally.granted)
        while True:
            page = await self.reading.page(
                query, after=after, limit=CLAIM_LANES_MAX, deadline=deadline
            )
            tally.served = True
            await self._serve_page(claimant, self._due_cells(claimant, page), left, page.now, tally)
            after = page.next
            if len(tally.granted) > had or after is None or not _is_due(page):
                return

    def _due_cells(self, claimant: Claimant, page: Page) -> list[Cell]:
        """The due lanes of a page, begun at random: workers that look at once meet less."""
        cells: list[Cell] = []
        for cell in page.cells:
            due_at = cell.entry.index.due_at
            if due_at is None or due_at > page.now:
                break
            if claimant.may_want(cell.address.scope):
                cells.append(cell)
        begin = int(self.random.below(len(cells))) if cells else 0
        return [*cells[begin:], *cells[:begin]]

    async def _serve_page(
        self, claimant: Claimant, cells: Sequence[Cell], left: int, now: datetime, tally: _Tally
    ) -> None:
        """Serves as many lanes at once as there are handlers; further ones where some gave less.

        No lane is parsed before it is served.
        """
        had, waiting = len(tally.granted), list(cells)
        while waiting and (free := left - (len(tally.granted) - had)) > 0:
            lanes = self._readable(waiting[:free], tally)
            await self._serve(claimant, _shares(claimant, lanes, free, now), tally)
            waiting = waiting[free:]

    def _readable(self, cells: Sequence[Cell], tally: _Tally) -> list[Lane]:
        lanes: list[Lane] = []
        for cell in cells:
            lane = self.reading.decoded(LANES, cell)
            if isinstance(lane, Unreadable):
                tally.unreadable.append(lane)
            else:
                lanes.append(lane)
        return lanes

    # ---- serving them ---------------------------------------------------------------------------

    async def _serve(
        self,
        claimant: Claimant,
        shares: Sequence[tuple[LaneId, Lane | None, int]],
        tally: _Tally,
    ) -> None:
        """Serves lanes side by side, each in a commit of its own; one that fails costs itself."""
        calls = [
            self._serve_lane(Serving(claimant=claimant, lane=id, share=share, seen=seen), tally)
            for id, seen, share in shares
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for (id, _, _), answer in zip(shares, answers, strict=True):
            match answer:
                case LaneAnswer():
                    tally.served = True
                    tally.granted += answer.granted
                    tally.ended += answer.ended
                case OutcomeUnknown():
                    tally.doubtful.append(id)
                case Contended() | Unavailable() | PayloadTooLarge():
                    # The last: rivals took its first runs so fast that too many were asked for.
                    tally.failure = answer
                case _:
                    raise answer

    async def _serve_lane(self, serving: Serving, tally: _Tally) -> LaneAnswer:
        """One lane; what cannot be claimed there is ended or put back, and it is asked again."""
        for _ in range(_ROUNDS_MAX):
            try:
                answer = await self._answer(serving)
            except (Corrupt, SchemaTooNew) as error:
                if not await self._put_back(serving.lane, error, tally):
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

    async def _put_back(self, lane: LaneId, error: Corrupt | SchemaTooNew, tally: _Tally) -> bool:
        """Lets whatever rests on an unreadable record wait a minute, so that the rest goes on.

        Returns:
            Whether the lane may be asked again.
        """
        key = lane_key(lane)
        address = error.address if isinstance(error, Corrupt) else None
        tally.unreadable.append(Unreadable(address or key.address, error.code))
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


def _shares(
    claimant: Claimant, lanes: Sequence[Lane], free: int, now: datetime
) -> list[tuple[LaneId, Lane | None, int]]:
    """How many runs each of the lanes may give: one each, then one more, and so on."""
    wanted = [
        min(lane.room_to_run, sum(claimant.wants(entry.run.scope) for entry in lane.due(now=now)))
        for lane in lanes
    ]
    # Each is asked for one at least: it may have changed since it was scanned.
    shares = [1] * len(lanes)
    free -= len(lanes)
    while free > 0 and any(share < most for share, most in zip(shares, wanted, strict=True)):
        for place, most in enumerate(wanted):
            if free > 0 and shares[place] < most:
                shares[place] += 1
                free -= 1
    return [(lane.id, lane, share) for lane, share in zip(lanes, shares, strict=True)]


def _evenly(lanes: Sequence[LaneId], free: int) -> list[tuple[LaneId, Lane | None, int]]:
    """Shares of lanes of which nothing is known; a repeat is answered whatever its share."""
    each, over = divmod(free, max(1, len(lanes)))
    return [(lane, None, each + (place < over)) for place, lane in enumerate(lanes)]


def _is_due(page: Page) -> bool:
    """Whether all of a page was due, so that the next one may be."""
    due_at = page.cells[-1].entry.index.due_at if page.cells else None
    return due_at is not None and due_at <= page.now


def _require_valid(
    holder: str, token: Token, classes: Sequence[TurnClass], count: int, prefix: ScopePrefix | None
) -> None:
    require_identifier("holder", holder)
    token_digest(token)
    for turn_class in classes:
        require_kind("classes", turn_class, TurnClass)
    if type(count) is not int or not 1 <= count <= CLAIM_RUNS_MAX:
        raise InvalidValue("count", f"must be 1 to {CLAIM_RUNS_MAX}")
    require_kind("prefix", prefix, ScopePrefix, type(None))
