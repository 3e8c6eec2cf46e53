"""A fold: commands that share cells, decided one after another, each on what those before it made.

Nothing here waits: cells go in, commits come out. Commands that no other one concerns are told to
go on by themselves. Commands that wrote, or saw, what another one writes share a commit, and are
told nothing before that has landed: a refusal, too, may rest on what is not stored yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final, TypeAlias, assert_never

from attrs import define, field, frozen

from turnkeep_application.commands import Answer, Decided
from turnkeep_application.composition import draft_of
from turnkeep_application.connecting import connected
from turnkeep_application.doubts import Trace, traces_of
from turnkeep_application.records import Need, Records
from turnkeep_application.seats import ALONE, Mistake, Seat
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Address, Key, ReadKey
from turnkeep_ports.codec import Codec
from turnkeep_ports.limits import COMMAND_EVENTS_MAX, COMMAND_WRITES_MAX
from turnkeep_ports.store import Entry, EventDraft, Loaded

Change: TypeAlias = tuple[Key[object], object | None]
"""A key and the record that its cell is to hold; None deletes it."""

_Decision: TypeAlias = Decision[Records, Any, Any]
_NOTHING: Final[Mapping[Address, Change]] = {}
_UNSEEN: Final = object()


@frozen(kw_only=True, eq=False)
class Part:
    """What one command adds to a fold.

    Attributes:
        after: Its records as they are to be stored.
        writes: The cells that it changes; none where it was refused, or changes nothing.
        events: What it tells; nothing where it changes nothing.
        touched: The cells that must be as it saw them, or that it changes.
        saw: Whether it saw what an earlier one has changed.
        traces: Where its request id is remembered once it is stored.
    """

    seat: Seat
    decided: Decided[Any, Any]
    after: Records
    writes: Mapping[Address, Change]
    events: tuple[EventDraft, ...]
    touched: tuple[Address, ...]
    saw: bool
    traces: tuple[Trace, ...]

    @property
    def answer(self) -> Answer[Any, Any]:
        """What the command is told once its commit has landed."""
        decision = self.decided.decision
        match decision:
            case Changed(_, outcome, events):
                return Answer(outcome, tuple(events) if self.writes else ())
            case Unchanged(outcome):
                return Answer(outcome)
            case Settled(_, reason, events):
                return Answer(Refused(reason), tuple(events) if self.writes else ())
            case Refused():
                return Answer(decision)
        assert_never(decision)

    def rests_on(self, written: Set[Address]) -> Collection[Address]:
        """Those of the written cells that it saw, though they were only hinted at."""
        hints = (key.address for key in self.seat.command.hints)
        return [address for address in (*self.touched, *hints) if address in written]

    @property
    def valid_until(self) -> datetime | None:
        """From when on its change may no longer be stored."""
        decision = self.decided.decision
        return decision.valid_until if isinstance(decision, Changed) and self.writes else None

    @property
    def tidy(self) -> bool:
        """Whether it stores only an end that the loaded records prove."""
        decision = self.decided.decision
        return isinstance(decision, Settled) and decision.tidy


@define(eq=False)
class Fold:
    """Commands of one round that share cells, in the order of their arrival."""

    _loaded: Loaded
    _codec: Codec
    _records: dict[Address, object | None] = field(factory=dict, init=False)
    _changed: set[Address] = field(factory=set, init=False)
    _remembered: dict[Address, int] = field(factory=dict, init=False)
    _parts: list[Part] = field(factory=list, init=False)

    def decide(self, seats: Sequence[Seat]) -> tuple[list[list[Part]], Sequence[Seat]]:
        """Decides for each seat, and tells those that nobody else concerns to go on.

        Returns:
            The parts of each commit that several share, in the order of their arrival; and the
            seats for which there was no room.
        """
        left: Sequence[Seat] = ()
        for number, seat in enumerate(seats):
            try:
                if not self._add(seat):
                    left = seats[number:]
                    break
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this command's alone
                seat.tell(Mistake(error))
        shared = []
        written = {address for part in self._parts for address in part.writes}
        for parts in connected(self._parts, lambda part: part.rests_on(written)):
            if len(parts) > 1:
                shared.append(parts)
            else:
                parts[0].seat.tell(parts[0].decided)
        return shared, left

    def _add(self, seat: Seat) -> bool:
        """Decides for a seat; whether there was room for what it adds."""
        command = seat.command
        landed = command.doubts.resolve(self._loaded.cells)
        if landed is not None:
            seat.tell(landed.answer)
            return True
        if command.doubts.are_hopeless(self._loaded.cells):
            seat.tell(ALONE)
            return True
        shown = command.shown(seat.keys)
        before = self._seen(shown)
        decision = command.decide(before, self._loaded.now)
        if isinstance(decision, Need):
            seat.tell(decision)
            return True
        command.doubts.judge(before)
        saw = any(key.address in self._changed for key in shown)
        part = self._part(seat, before, decision, saw=saw)
        if part is None:
            seat.tell(ALONE)
        elif not part.writes and not part.saw:
            seat.tell(part.decided)
        elif self._would_forget(part):
            return False
        else:
            self._keep(part)
        return True

    def _would_forget(self, part: Part) -> bool:
        """Whether a record would forget a request id that the same commit brings.

        Then no repeat of that command could be told from a first one.
        """
        return any(
            trace.pushes_out(self._remembered.get(trace.key.address), part.after[trace.key])
            for trace in part.traces
        )

    def _keep(self, part: Part) -> None:
        self._parts.append(part)
        for trace in part.traces:
            self._remembered.setdefault(trace.key.address, trace.number)
        for address, (_, record) in part.writes.items():
            self._records[address] = record
            self._changed.add(address)

    def _seen(self, keys: Iterable[ReadKey[object]]) -> Records:
        held = {}
        for key in keys:
            address = key.address
            record = self._records.get(address, _UNSEEN)
            if record is _UNSEEN:
                cell = self._loaded.cells.get(address)
                decode = self._codec.decode
                record = cell and decode(key.collection, address, cell.entry.body)
                self._records[address] = record
            held[address] = record
        return Records(held)

    def _part(self, seat: Seat, before: Records, decision: _Decision, *, saw: bool) -> Part | None:
        """What a decision adds; None where the command must make its attempt by itself."""
        command = seat.command
        after, writes = before, _NOTHING
        events: tuple[EventDraft, ...] = ()
        if isinstance(decision, Changed | Settled):
            if _is_over(decision, self._loaded.now):
                return None
            prepare = command.prepare
            after = decision.state if prepare is None else prepare(decision.state)
            writes = dict(self._changes(after))
            if writes:
                events = tuple(draft_of(event, self._codec) for event in decision.events)
        touched = tuple(dict.fromkeys((*seat.addresses, *writes)))
        if len(touched) > COMMAND_WRITES_MAX or len(events) > COMMAND_EVENTS_MAX:
            return None
        return Part(
            seat=seat,
            decided=Decided(
                loaded=self._loaded,
                keys=seat.keys,
                before=before,
                decision=decision,
                prepared=None if after is before else after,
            ),
            after=after,
            writes=writes,
            events=events,
            touched=touched,
            saw=saw,
            traces=traces_of(before, after) if writes else (),
        )

    def _changes(self, after: Records) -> Iterator[tuple[Address, Change]]:
        """What is written and is not there already. Equal records have equal bytes."""
        for key, record in after.written():
            held = self._records[key.address]
            if record is None:
                if held is not None:
                    yield key.address, (key, None)
            elif record != held or not self._is_there(key, record, held):
                yield key.address, (key, record)

    def _is_there(self, key: Key[object], record: object, held: object) -> bool:
        index = key.collection.index_of(record)
        if key.address in self._changed:
            return index == key.collection.index_of(held)
        # An older release may have spelt the same record otherwise.
        cell = self._loaded.cells[key.address]
        return cell.entry == Entry(body=self._codec.encode(record), index=index)


def _is_over(decision: Changed[Records, object] | Settled[Records, object], now: datetime) -> bool:
    """Whether a change comes too late already, and would be so for whoever shares its commit."""
    until = decision.valid_until if isinstance(decision, Changed) else None
    return until is not None and until <= now
