"""A doubt: a commit of which nobody knows whether it landed, will land, or never will."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

from attrs import define, field, frozen

from turnkeep_application.records import Records
from turnkeep_application.tally import Tally
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.store import ABSENT, Cell, Check, CommitId, Expectation, Put, Write
from turnkeep_ports.telemetry import Counter

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Fate(Enum):
    """What the cells of one moment tell about a doubt."""

    LANDED = "landed"
    DEAD = "dead"  # it will never land any more; it may have landed and been overwritten
    OPEN = "open"


@frozen
class Trace:
    """Where a doubt that landed is remembered: its request id is the `number`-th of this record."""

    key: ReadKey[object]
    number: int

    def is_lost(self, record: object | None) -> bool:
        """Whether the record could have forgotten the request id since."""
        if record is None:
            return True
        marks = self.key.collection.marks_of(record)
        return marks is None or marks.dropped >= self.number


@frozen(kw_only=True)
class Doubt(Generic[A_co]):
    """One commit in doubt, with the answer that its command gets if it landed.

    Attributes:
        expectations: What must hold for it to land.
        permanent: The cells among them that, once present, are never absent again.
        traces: Where its request id is remembered once it has landed.
        tidy: Whether it stores only an end that the loaded records prove.
    """

    commit_id: CommitId = field()
    expectations: Mapping[Address, Expectation] = field(repr=False)
    permanent: frozenset[Address] = field(repr=False)
    traces: tuple[Trace, ...] = field(repr=False)
    answer: A_co = field(repr=False)
    tidy: bool = field()

    def fate(self, cells: Mapping[Address, Cell]) -> Fate:
        """What the cells of one moment, at least all that it expects, tell about it."""
        held = [cells.get(address) for address in self.expectations]
        if any(cell is not None and cell.written_by == self.commit_id for cell in held):
            return Fate.LANDED
        dead = any(
            self._is_ruled_out(address, expect, cells.get(address))
            for address, expect in self.expectations.items()
        )
        return Fate.DEAD if dead else Fate.OPEN

    def is_ended_by(self, write: Write) -> bool:
        """Whether it can never land once this write has."""
        if isinstance(write, Check):
            return False
        return self.expectations.get(write.address) == write.expect

    def fence(self, cells: Mapping[Address, Cell]) -> Put | None:
        """A write that ends it and changes nothing but a revision; None where it has none.

        Only for an open doubt: the cells that it expects at a revision are still there.
        """
        for address, expect in self.expectations.items():
            cell = cells.get(address)
            if cell is not None and cell.revision == expect:
                return Put(address, cell.revision, cell.entry)
        return None

    def _is_ruled_out(self, address: Address, expect: Expectation, cell: Cell | None) -> bool:
        if expect is ABSENT:
            return cell is not None and address in self.permanent
        return cell is None or cell.revision != expect


@define
class Doubts(Generic[A]):
    """What one update does not know about its own commits.

    A doubt is *open* while it may still land. One that died may have landed and been overwritten:
    until a decision was made on the records that showed its death, nothing is known of it either,
    and later decisions know of it only while the records remember its request id.
    """

    _tally: Tally
    _open: list[Doubt[A]] = field(factory=list)
    _traces: list[Trace] = field(factory=list)
    _unjudged: bool = False

    def __bool__(self) -> bool:
        """Whether a commit may still land."""
        return bool(self._open)

    @property
    def more_than_tidy(self) -> bool:
        """Whether something may have landed that the loaded records did not prove."""
        return self._unjudged or any(not doubt.tidy for doubt in self._open)

    def add(self, doubt: Doubt[A]) -> None:
        """One more commit of unknown fate."""
        self._open.append(doubt)

    def addresses(self) -> Iterator[Address]:
        """The cells that tell about the open doubts."""
        for doubt in self._open:
            yield from doubt.expectations

    def resolve(self, cells: Mapping[Address, Cell]) -> Doubt[A] | None:
        """Asks the cells of one moment; answers the doubt that landed, if one has."""
        still_open = []
        for doubt in self._open:
            match doubt.fate(cells):
                case Fate.LANDED:
                    self._tally.count(Counter.DOUBTS_LANDED)
                    return doubt
                case Fate.DEAD:
                    self._tally.count(Counter.DOUBTS_DEAD)
                    self._traces.extend(doubt.traces)
                    self._unjudged = self._unjudged or not doubt.tidy
                case Fate.OPEN:
                    still_open.append(doubt)
        self._open = still_open
        return None

    def judge(self, records: Records) -> None:
        """Notes that a decision was made on these records: it knew of every doubt that died.

        Raises:
            OutcomeUnknown: They may have forgotten the request id of a doubt that died, so the
                decision could not know whether it had landed.
        """
        for trace in self._traces:
            if trace.key not in records or trace.is_lost(records[trace.key]):
                raise OutcomeUnknown("the record has forgotten the request id since")
        self._traces = []
        self._unjudged = False

    def fenced(
        self, writes: Sequence[Write], cells: Mapping[Address, Cell]
    ) -> tuple[Write, ...] | None:
        """The writes, so that once they land no open doubt can land after them.

        A doubt that no write ends is ended by putting back the bytes of one cell that it expects,
        in place of a check of that cell or beside the rest. None where a doubt expects only
        absent cells: nothing here can end it.
        """
        fenced = {write.address: write for write in writes}
        for doubt in self._open:
            if any(doubt.is_ended_by(write) for write in fenced.values()):
                continue
            fence = doubt.fence(cells)
            if fence is None:
                return None
            fenced[fence.address] = fence
        return tuple(fenced.values())

    def end(self) -> None:
        """Notes that writes which end every open doubt have landed."""
        for _ in self._open:
            self._tally.count(Counter.DOUBTS_DEAD)
        self._open = []

    @contextmanager
    def honest(self) -> Iterator[None]:
        """What fails inside fails as `OutcomeUnknown` while something may have landed."""
        try:
            yield
        except Exception as error:
            if not self._open and not self._unjudged:
                raise
            raise self.unresolved() from error

    def unresolved(self) -> OutcomeUnknown:
        """The error of an update that ends in doubt."""
        for _ in self._open:
            self._tally.count(Counter.DOUBTS_OPEN)
        return OutcomeUnknown("a commit was still in doubt when the update ended")


def traces_of(before: Records, after: Records) -> tuple[Trace, ...]:
    """Where the command's request id is remembered: records whose marks the decision extends."""
    traces = []
    for key, record in after.written():
        marks = None if record is None else key.collection.marks_of(record)
        if marks is None:
            continue
        old = before[key]
        held = None if old is None else key.collection.marks_of(old)
        if marks.total > (0 if held is None else held.total):
            traces.append(Trace(key, marks.total))
    return tuple(traces)


def permanent_of(keys: Sequence[ReadKey[object]]) -> frozenset[Address]:
    """The addresses whose cells are never deleted."""
    return frozenset(key.address for key in keys if key.collection.permanent)
