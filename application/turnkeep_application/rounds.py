"""A round: waiting commands of one process that are loaded together, and folded where they meet.

A command whose cells are idle goes straight to the store. One that comes for a cell on which
another is at work waits, and goes with all that wait. Rounds are no lock: expectations alone keep
commits apart, and a command that has waited for longer than its patience waits no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from attrs import Factory, define, field

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.connecting import connected
from turnkeep_application.folding import Fold
from turnkeep_application.joint_commits import Joining, JointCommit
from turnkeep_application.last_seen import LastSeen
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.seats import ALONE, Alone, Party, Reply, Round, Seat
from turnkeep_application.verdicts import Lost, commit
from turnkeep_application.waiting_line import Rest, WaitingLine
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.clock import Clock, Deadline, Timer
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.ids import Ids
from turnkeep_ports.limits import KEYS_MAX, WRITES_MAX
from turnkeep_ports.store import Loaded, RecordStore
from turnkeep_ports.telemetry import Counter

_LOOK_SHARE: Final = 0.1
"""How often the impatient are looked for, at most, as a share of their patience."""


@define(eq=False, kw_only=True)
class Rounds:
    """The commands of one update loop in one event loop: those at work, and those that wait."""

    store: RecordStore
    codec: Codec
    clock: Clock
    ids: Ids
    seen: LastSeen | None
    settings: RoundSettings
    reserve_seconds: float
    _joining: Joining = field(
        init=False,
        default=Factory(
            lambda self: Joining(
                codec=self.codec,
                ids=self.ids,
                writes_max=min(self.store.capabilities.writes_max, WRITES_MAX),
            ),
            takes_self=True,
        ),
    )
    _line: WaitingLine = field(factory=WaitingLine, init=False)
    _arrivals: int = field(default=0, init=False)
    _alone: int = field(default=0, init=False)
    _flying: dict[Round, None] = field(factory=dict, init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)
    _boards: bool = field(default=False, init=False)
    _asking: dict[Seat, None] = field(factory=dict, init=False)
    _timer: Timer | None = field(default=None, init=False)
    _looks_at: float = field(default=0.0, init=False)

    def arrives(self) -> int:
        """The place of one more command in the order of arrival."""
        self._arrivals += 1
        return self._arrivals

    def begin(self, seat: Seat, keys: tuple[ReadKey[object], ...], *, first: bool) -> bool:
        """Whether an attempt with these keys may go straight to the store; else it has to wait.

        Attempts that are not their command's first take those along who rest at the same cells.
        """
        self.leave(seat)
        seat.keys = keys
        seat.addresses = tuple([key.address for key in keys])
        if self._line.wake(seat.addresses, by_newcomer=first):
            return False
        if self._alone >= self.settings.alone_max or not self._line.is_idle(seat.addresses):
            return False
        self._line.hold(seat, seat.addresses)
        self._alone += 1
        seat.alone = True
        return True

    async def reply(self, seat: Seat) -> Reply:
        """Waits with others; how far they have brought the attempt.

        It comes at the latest when the command may not commit any more.
        """
        reply = seat.ask()
        seat.since = self.clock.monotonic()
        seat.until = seat.command.deadline.at - self.reserve_seconds
        seat.impatient = False
        self._asking[seat] = None
        self._line.join(seat)
        self._board_soon()
        self._look_again_by(min(seat.until, seat.since + self.settings.patience_seconds))
        try:
            return await reply
        finally:
            del self._asking[seat]
            self._line.quit(seat)

    async def rest(self, keys: Sequence[ReadKey[object]], seconds: float, *, lightly: bool) -> None:
        """Pauses between two attempts, at most until another one rests no more at these cells.

        Then both go together, which is no further race.

        Args:
            keys: The cells of the command.
            seconds: How long.
            lightly: Whether a newcomer ends the pause, too: nobody is overtaken for a lost race.
        """
        rest = Rest(tuple(dict.fromkeys(key.address for key in keys)), lightly)
        timer = self.clock.call_at(self.clock.monotonic() + seconds, rest.end)
        self._line.rest(rest)
        try:
            await rest.over
        finally:
            timer.cancel()
            self._line.rise(rest)

    def leave(self, seat: Seat) -> None:
        """Ends an attempt, or what it has done so far; may be repeated."""
        if seat.alone:
            seat.alone = False
            self._alone -= 1
            if self._line.free(seat, seat.addresses):
                self._board_soon()
        elif seat.party is not None:
            self._leave_party(seat, seat.party)

    # ---- who goes next --------------------------------------------------------------------------

    def _leave_party(self, seat: Seat, party: Party) -> None:
        seat.party = None
        if not party.leave():
            return
        self._line.free(party, party.addresses)
        round_ = party.round
        round_.parties -= 1
        if not round_.parties:
            self._flying.pop(round_, None)
            if round_.task is not None and not round_.is_doubted:
                round_.task.cancel()  # if it is still at work, it is for nobody
        if self._line:
            self._board_soon()

    def _board_soon(self) -> None:
        """Looks who can go, once those have run who are about to come."""
        if not self._boards:
            # A coroutine that is closed after its event loop has nobody to look for.
            with suppress(RuntimeError):
                asyncio.get_running_loop().call_soon(self._board)
                self._boards = True

    def _board(self) -> None:
        self._boards = False
        while len(self._flying) < self.settings.rounds_max:
            seats = self._line.take(seats_max=self.settings.commands_max, keys_max=KEYS_MAX)
            if not seats:
                return
            self._take_off(seats)

    def _take_off(self, seats: Sequence[Seat]) -> None:
        parties = parties_of(seats)
        for party in parties:
            self._line.hold(party, party.addresses)
        round_ = parties[0].round
        self._flying[round_] = None
        if len(seats) == 1:
            seats[0].tell(ALONE)
            return
        seats[0].command.tally.count(Counter.ROUNDS)
        round_.task = asyncio.get_running_loop().create_task(self._serve(parties))
        self._tasks.add(round_.task)
        round_.task.add_done_callback(self._tasks.discard)

    def _look_again_by(self, when: float) -> None:
        if self._timer is not None:
            if self._looks_at <= when:
                return
            self._timer.cancel()
        self._looks_at = when
        self._timer = self.clock.call_at(when, self._look)

    def _look(self) -> None:
        """Lets those go who have waited for long, whoever is at work on their cells.

        One timer serves all that wait: most are told long before it is due.
        """
        self._timer = None
        now, patience = self.clock.monotonic(), self.settings.patience_seconds
        for seat in self._asking:
            if seat.until <= now:
                seat.give_up()
        self._go_on_without_patience(now - patience)
        if self._asking:
            waits = [seat.since + patience for seat in self._line if not seat.impatient]
            again = [now + patience * _LOOK_SHARE] if len(waits) < len(self._line) else []
            until = [seat.until for seat in self._asking if seat.waits]
            self._look_again_by(min(waits + again + until, default=now + patience))

    def _go_on_without_patience(self, since: float) -> None:
        due = [seat for seat in self._line if seat.since <= since and seat.waits]
        for seat in due:
            if not seat.impatient:
                seat.impatient = True
                seat.command.tally.count(Counter.IMPATIENT)
            self._line.disown(seat)
        if due:
            while len(self._flying) >= self.settings.rounds_max:
                del self._flying[next(iter(self._flying))]
            self._board()

    # ---- rounds ---------------------------------------------------------------------------------

    async def _serve(self, parties: Sequence[Party]) -> None:
        seats = [seat for party in parties for seat in party.seats]
        try:
            loaded = await self._load(seats)
            if isinstance(loaded, Loaded):
                if self.seen is not None:
                    self.seen.tell_time(loaded.now)
                await self._commit_all(parties[0].round, self._folded(parties, loaded))
            elif isinstance(loaded, Lost):
                for seat in seats:
                    seat.tell(loaded.own())
        finally:
            for party in parties:
                for seat in party.seats:
                    if seat.party is party:
                        seat.let_down()

    async def _load(self, seats: Sequence[Seat]) -> Loaded | Alone | Lost:
        addresses: dict[Address, None] = {}
        for seat in seats:
            addresses |= seat.command.addresses(seat.keys)
        deadline = max((seat.command.deadline for seat in seats), key=_moment)
        try:
            return await bounded(self.store.load(tuple(addresses), deadline=deadline), deadline)
        except DeadlinePassed:
            return Lost(Counter.UNAVAILABLE, Unavailable("it did not answer before the deadline"))
        except Unavailable as error:
            return Lost(Counter.UNAVAILABLE, error) if error.retryable else ALONE
        except Exception:  # noqa: BLE001 - each finds out by itself whom it concerns
            return ALONE

    def _folded(self, parties: Sequence[Party], loaded: Loaded) -> list[JointCommit]:
        """Brings each seat as far as it comes without a commit; answers what is to be committed."""
        commits = []
        for party in parties:
            seats = [seat for seat in party.seats if self._is_in_time(seat)]
            if len(seats) == 1:
                seats[0].tell(loaded)
                continue
            shared, left = Fold(loaded, self.codec).decide(seats)
            self._wait_again(left)
            for parts in shared:
                commit, rest = self._joining.commit_of(parts, loaded.cells)
                if commit is not None:
                    commits.append(commit)
                self._wait_again([part.seat for part in rest])
        return commits

    def _is_in_time(self, seat: Seat) -> bool:
        if not seat.waits:
            return False
        if seat.command.deadline.remaining_seconds() > self.reserve_seconds:
            return True
        seat.give_up()
        return False

    def _wait_again(self, seats: Sequence[Seat]) -> None:
        for seat in seats:
            self.leave(seat)
            seat.since = self.clock.monotonic()
            seat.impatient = False
            self._line.join(seat)
        if seats:
            self._board_soon()

    async def _commit_all(self, round_: Round, commits: Sequence[JointCommit]) -> None:
        if len(commits) == 1:
            await self._commit(round_, commits[0])
        elif commits:
            await asyncio.gather(*(self._commit(round_, commit) for commit in commits))

    async def _commit(self, round_: Round, shared: JointCommit) -> None:
        def doubt() -> None:
            round_.is_doubted = True
            shared.doubt()

        shared.take_off()
        for part in shared.parts:
            part.seat.command.tally.count(Counter.FOLDED)
        # It goes on all the same: where every commit is slow, it is the one that will land.
        doubted = self.clock.monotonic() + self.settings.patience_seconds
        timer = self.clock.call_at(doubted, doubt)
        try:
            verdict = await commit(
                self.store,
                shared.commit_id,
                shared.writes,
                shared.events,
                valid_until=shared.valid_until,
                deadline=shared.deadline(self.reserve_seconds),
            )
        finally:
            timer.cancel()
        if self.seen is not None:
            changes = (change for part in shared.parts for change in part.writes.values())
            self.seen.learn(shared.commit_id, shared.writes, changes, verdict)
        shared.tell(verdict)


def parties_of(seats: Sequence[Seat]) -> list[Party]:
    """A round of seats, one at least: who shares cells with whom, in the order of arrival."""
    groups = connected(seats, lambda seat: seat.addresses)
    round_ = Round(len(groups))
    parties = []
    for group in groups:
        addresses = dict.fromkeys(address for seat in group for address in seat.addresses)
        party = Party(round_, group, tuple(addresses))
        for seat in group:
            seat.party = party
        parties.append(party)
    return parties


def _moment(deadline: Deadline) -> float:
    return deadline.at
