"""A joint commit: what several commands that concern each other store together, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, field, frozen

from turnkeep_application.bounded import DeadlinePassed
from turnkeep_application.commands import Answer, Concluded
from turnkeep_application.composition import expected, write_of
from turnkeep_application.doubts import Doubt, permanent_of
from turnkeep_application.folding import Change, Part
from turnkeep_application.seats import ALONE, Reply
from turnkeep_application.verdicts import Failed, Lost, Stored, Unknown, Verdict
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.ids import Ids
from turnkeep_ports.limits import COMMIT_BYTES_MAX, EVENTS_MAX
from turnkeep_ports.store import (
    Cell,
    Check,
    CommitId,
    EventDraft,
    Put,
    Write,
)


@frozen(kw_only=True)
class JointCommit:
    """The writes of several commands, folded: each cell once, with all events in their order.

    Attributes:
        writes: What was read and not written is checked; none where nothing changes in the end.
        valid_until: The earliest of its parts'.
    """

    commit_id: CommitId = field()
    parts: tuple[Part, ...] = field(repr=False)
    writes: tuple[Write, ...] = field(repr=False)
    events: tuple[EventDraft, ...] = field(repr=False)

    @property
    def valid_until(self) -> datetime | None:
        """From when on it may no longer be stored: what holds for one part holds for all."""
        return min((part.valid_until for part in self.parts if part.valid_until), default=None)

    def deadline(self, reserve_seconds: float) -> Deadline:
        """When the last of its commands can no longer wait for a commit."""
        latest = max((part.seat.command.deadline for part in self.parts), key=lambda d: d.at)
        return latest.earlier(reserve_seconds)

    def take_off(self) -> None:
        """From now on each of its commands may have been stored."""
        for part in self.parts:
            part.seat.flight = _Flight(self, part)

    def tell(self, verdict: Verdict) -> None:
        """Tells each of its commands what has become of it."""
        for part in self.parts:
            # What fails for good may be one's fault, so each finds out by itself.
            failed = isinstance(verdict, Failed)
            part.seat.tell(ALONE if failed else self.concluded(part, verdict))

    def doubt(self) -> None:
        """Lets its commands wait no longer for the answer; what it does is not known then."""
        self.tell(Unknown(DeadlinePassed()))

    def concluded(self, part: Part, verdict: Verdict) -> Concluded[Any, Any]:
        """What one of its commands is told."""
        doubt = self._doubt(part) if isinstance(verdict, Unknown) and part.writes else None
        if isinstance(verdict, Lost):
            verdict = verdict.own()
        return Concluded(
            answer=part.answer,
            verdict=verdict,
            changes=bool(part.writes),
            doubt=doubt,
            tidy=part.tidy,
        )

    def _doubt(self, part: Part) -> Doubt[Answer[Any, Any]]:
        """One command's doubt: its own cells tell enough, unless it wrote none of them for good."""
        writes, keys = self.writes, [key for each in self.parts for key in each.decided.keys]
        own = tuple(write for write in writes if write.address in part.touched)
        if not all(isinstance(write, Check) for write in own):
            writes, keys = own, list(part.decided.keys)
        return Doubt(
            commit_id=self.commit_id,
            expectations={write.address: write.expect for write in writes},
            written=frozenset(w.address for w in writes if not isinstance(w, Check)),
            permanent=permanent_of(keys),
            traces=part.traces,
            answer=part.answer,
            tidy=part.tidy,
        )


@frozen
class _Flight:
    """A shared commit in flight, as one of its commands sees it."""

    commit: JointCommit
    part: Part

    def concluded(self, verdict: Unknown) -> Concluded[Any, Any]:
        return self.commit.concluded(self.part, verdict)


@frozen(kw_only=True)
class Joining:
    """Makes joint commits of what folds have decided, within the limits of a store."""

    codec: Codec
    ids: Ids
    writes_max: int

    def commit_of(
        self, parts: Sequence[Part], cells: Mapping[Address, Cell]
    ) -> tuple[JointCommit | None, Sequence[Part]]:
        """The commit of as many parts as it can carry, and those that must be decided again.

        Where there is nothing to commit, the parts are told so here.
        """
        try:
            fitting, folded = self._within_limits(parts, cells)
        except Exception:  # noqa: BLE001 - each finds out by itself whether it is to blame
            _tell_all(parts, ALONE)
            return None, ()
        writes = tuple(folded.values())
        stuck = []
        for part in fitting:
            doubts = part.seat.command.doubts
            # Mostly there are none, and looking through all writes for each part would add up.
            fenced = doubts.fenced(writes, cells) if doubts else writes
            if fenced is None:
                stuck.append(part)
            else:
                writes = fenced
        if stuck:
            _tell_all(stuck, ALONE)
            return None, [part for part in parts if part not in stuck]
        return self._commit(fitting, writes, cells), parts[len(fitting) :]

    def _commit(
        self, parts: Sequence[Part], writes: tuple[Write, ...], cells: Mapping[Address, Cell]
    ) -> JointCommit | None:
        events = tuple(event for part in parts for event in part.events)
        commit = JointCommit(
            commit_id=self.ids.commit_id(), parts=tuple(parts), writes=writes, events=events
        )
        if not all(isinstance(write, Check) for write in writes):
            return commit
        if not events:
            # What one has changed another one has changed back.
            commit.tell(Stored())
            return None
        # Events alone are no commit: a cell is put back with them.
        for number, write in enumerate(writes):
            cell = cells.get(write.address)
            if cell is not None:
                put = Put(cell.address, cell.revision, cell.entry)
                return evolve(commit, writes=(*writes[:number], put, *writes[number + 1 :]))
        _tell_all(parts, ALONE)
        return None

    def _within_limits(
        self, parts: Sequence[Part], cells: Mapping[Address, Cell]
    ) -> tuple[Sequence[Part], Mapping[Address, Write]]:
        """As many parts, from the first on, as one commit carries; and what they write in the end.

        Whatever rests on a part comes after it, so the first ones never need the rest.
        """
        fitting = _countable(parts, self.writes_max)
        while True:
            writes = self._folded(fitting, cells)
            size = sum(len(write.entry.body) for write in writes.values() if isinstance(write, Put))
            size += sum(len(event.body) for part in fitting for event in part.events)
            if size <= COMMIT_BYTES_MAX or len(fitting) == 1:
                return fitting, writes
            fitting = fitting[: len(fitting) // 2]

    def _folded(
        self, parts: Sequence[Part], cells: Mapping[Address, Cell]
    ) -> Mapping[Address, Write]:
        final: dict[Address, Change] = {}
        for part in parts:
            final |= part.writes
        writes: dict[Address, Write] = {}
        for address, (key, record) in final.items():
            write = write_of(key, record, cells.get(address), self.codec)
            if write is not None:
                writes[address] = write
        for address in dict.fromkeys(address for part in parts for address in part.touched):
            if address not in writes:
                writes[address] = Check(address, expected(cells.get(address)))
        return writes


def _countable(parts: Sequence[Part], writes_max: int) -> Sequence[Part]:
    if (
        sum(len(part.touched) for part in parts) <= writes_max
        and sum(len(part.events) for part in parts) <= EVENTS_MAX
    ):
        return parts
    touched: set[Address] = set()
    events = 0
    for number, part in enumerate(parts):
        touched.update(part.touched)
        events += len(part.events)
        if number and (len(touched) > writes_max or events > EVENTS_MAX):
            return parts[:number]
    return parts


def _tell_all(parts: Iterable[Part], reply: Reply) -> None:
    for part in parts:
        part.seat.tell(reply)
