"""Claiming: how runs that are due come to workers, fairly among users, each to one of them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import define, field, frozen

from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
from turnkeep_application.turns.claim_places import ClaimPlace, ClaimPlaces
from turnkeep_application.turns.lane_service import LaneService
from turnkeep_application.turns.serving import Claimant, LaneAnswer, Serving
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.claims import Claim, Token, token_digest
from turnkeep_domain.turns.lane import LANES, Lane, ready
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.errors import (
    OutcomeUnknown,
    PayloadTooLarge,
    Unavailable,
)
from turnkeep_ports.randomness import Random
from turnkeep_ports.scans import Due, Page
from turnkeep_ports.store import Cell

EVERY_FIFTH: Final = 5
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
    _places: ClaimPlaces = field(factory=ClaimPlaces, init=False, repr=False)

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
        """Serves the earliest lanes of a class, page by page until one grants something.

        A worker that has met rivals looks at its shards first, and at all where they give nothing.
        Those that somebody else has served meanwhile are left to others, unless there is nothing
        else: so rivals spread over the lanes instead of queueing up before the first ones.
        """
        place, had = self._places.take(turn_class), len(tally.granted)
        looks = [place, ClaimPlace()] if place.narrowings else [place]
        overtaken: dict[LaneId, None] = {}
        try:
            for look in looks:
                lanes = await self._look_from(look, claimant, turn_class, left, tally)
                if len(tally.granted) > had:
                    return
                overtaken |= dict.fromkeys(lanes)
        finally:
            self._places.leave(turn_class, place)
        await self._serve(claimant, _evenly([*overtaken][:left], left), tally)

    async def _look_from(
        self,
        place: ClaimPlace,
        claimant: Claimant,
        turn_class: TurnClass,
        left: int,
        tally: _Tally,
    ) -> list[LaneId]:
        """Serves lanes of a place; answers those left to others."""
        states = frozenset(ready(turn_class, shard) for shard in place.shards)
        query = Due(collection=LANES.name, states=states, by=_FOREVER)
        deadline = self.reading.deadline()
        after, had = None, len(tally.granted)
        overtaken: list[LaneId] = []
        while True:
            page = await self.reading.page(query, after=after, limit=place.lanes, deadline=deadline)
            cells = self._due_cells(claimant, page)
            if len(cells) < left:
                place.widen()
            overtaken += await self._serve_page(claimant, cells, left, page.now, tally, place)
            after = page.next
            if len(tally.granted) > had or after is None or not _is_due(page):
                return overtaken

    def _due_cells(self, claimant: Claimant, page: Page) -> list[Cell]:
        """The due lanes of a page, begun at random: whoever scans at once seldom begins alike."""
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
        self,
        claimant: Claimant,
        cells: Sequence[Cell],
        left: int,
        now: datetime,
        tally: _Tally,
        place: ClaimPlace,
    ) -> list[LaneId]:
        """Serves as many lanes at once as there are handlers; further ones where some gave less.

        No lane is parsed before it is served.

        Returns:
            Those that somebody else has served meanwhile.
        """
        had, waiting = len(tally.granted), list(cells)
        overtaken: list[LaneId] = []
        while waiting and (free := left - (len(tally.granted) - had)) > 0:
            lanes = self._readable(waiting[:free], tally)
            rivals = await self._serve(claimant, _shares(claimant, lanes, free, now), tally)
            overtaken += rivals
            place.settle(served=len(lanes), rivals=len(rivals), below=self.random.below)
            waiting = waiting[free:]
            if rivals and len(tally.granted) > had:
                # The rest of the page is theirs, too; the next pass looks elsewhere.
                break
        return overtaken

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
    ) -> list[LaneId]:
        """Serves lanes side by side, each in a commit of its own; one that fails costs itself.

        Returns:
            Those that somebody else has served since they were scanned.
        """
        overtaken: list[LaneId] = []
        service = LaneService(updates=self.updates, settings=self.settings)
        calls = [
            service.serve(
                Serving(claimant=claimant, lane=id, share=share, seen=seen), tally.unreadable
            )
            for id, seen, share in shares
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for (id, _, _), answer in zip(shares, answers, strict=True):
            match answer:
                case LaneAnswer():
                    tally.served = True
                    tally.granted += answer.granted
                    tally.ended += answer.ended
                    overtaken += [id] * answer.overtaken
                case OutcomeUnknown():
                    tally.doubtful.append(id)
                case Contended() | Unavailable() | PayloadTooLarge():
                    # The last: rivals took its first runs so fast that too many were asked for.
                    tally.failure = answer
                case _:
                    raise answer
        return overtaken


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
