"""A doubt: a commit of which nobody knows whether it landed, will land, or never will."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

from attrs import define, field, frozen

from turnkeep_application.composition import expected
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

    def pushes_out(self, earlier: int | None, record: object | None) -> bool:
        """Whether the record that remembers it has forgotten an earlier number."""
        return earlier is not None and Trace(self.key, earlier).is_lost(record)


@frozen(kw_only=True)
class Doubt(Generic[A_co]):
    """One commit in doubt, with the answer that its command gets if it landed.

    Attributes:
        expectations: What must hold for it to land.
        written: The cells among them that it writes; it merely checks the others.
        permanent: The cells among them that, once present, are never absent again.
        traces: Where its request id is remembered once it has landed.
        tidy: Whether it stores only an end that the loaded records prove.
    """

    commit_id: CommitId = field()
    expectations: Mapping[Address, Expectation] = field(repr=False)
    written: frozenset[Address] = field(repr=False)
    permanent: frozenset[Address] = field(repr=False)
    traces: tuple[Trace, ...] = field(repr=False)
    answer: A_co = field(repr=False)
    tidy: bool = field()

    def fate(self, cells: Mapping[Address, Cell]) -> Fate:
        """What the cells of one moment, at least all that it expects, tell about it."""
        held = [cells.get(address) for address in self.written]
        if any(cell is not None and cell.written_by == self.commit_id for cell in held):
            return Fate.LANDED
        dead = any(
            self._is_ruled_out(address, expect, cells.get(address))
            for address, expect in self.expectations.items()
        )
        return Fate.DEAD if dead else Fate.OPEN

    def may_have_landed(self, cells: Mapping[Address, Cell]) -> bool:
        """Whether it could have landed and been overwritten: no cell is as it was before it."""
        return all(
            expected(cells.get(address)) != self.expectations[address] for address in self.written
        )

    def is_hopeless(self, cells: Mapping[Address, Cell]) -> bool:
        """Whether no commit on these cells can end it. Only for an open doubt."""
        ended = any(
            expected(cells.get(address)) == self.expectations[address] for address in self.written
        )
        return not ended and self.fence(cells) is None

    def is_ended_by(self, write: Write) -> bool:
        """Whether this write, once it lands, proves that it has not landed and never will.

        A write of a cell that it merely checks proves nothing about the past.
        """
        if isinstance(write, Check) or write.address not in self.written:
            return False
        return self.expectations[write.address] == write.expect

    def fence(self, cells: Mapping[Address, Cell]) -> tuple[Put | Check, ...] | None:
        """Writes that end it and change nothing but a revision; None where there are none.

        Once they land, it has not landed since the cells were loaded, and never will: one cell
        that it expects gets another revision, and one that it writes was still as it was loaded.
        Only for an open doubt.
        """
        put = self._put_back(self.written, cells)
        if put is not None:
            return (put,)
        put = self._put_back(self.expectations.keys() - self.written, cells)
        if put is None:
            return None
        witness = min(self.written, key=repr)
        return (put, Check(witness, expected(cells.get(witness))))

    def _put_back(self, among: Iterable[Address], cells: Mapping[Address, Cell]) -> Put | None:
        for address in among:
            cell = cells.get(address)
            if cell is not None and cell.revision == self.expectations[address]:
                return Put(address, cell.revision, cell.entry)
        return None

    def _is_ruled_out(self, address: Address, expect: Expectation, cell: Cell | None) -> bool:
        if expect is ABSENT:
            return cell is not None and address in self.permanent
        return cell is None or cell.revision != expect


@define
class Doubts(Generic[A]):
    """What one update does not know about its own commits.

    A doubt is *open* while it may still land. One that died, and one whose cells have all been
    written by others, may have landed and been overwritten: only a decision on the records can
    tell, and only as long as they remember its request id.
    """

    _tally: Tally
    _open: list[Doubt[A]] = field(factory=list)
    _dead: list[Doubt[A]] = field(factory=list)  # until a decision was made on their records
    _overwritten: list[Doubt[A]] = field(factory=list)  # open ones, as the last load showed them

    def __bool__(self) -> bool:
        """Whether a commit may still land."""
        return bool(self._open)

    @property
    def more_than_tidy(self) -> bool:
        """Whether something may have landed that the loaded records did not prove."""
        return any(not doubt.tidy for doubt in (*self._open, *self._dead))

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
                    if doubt.may_have_landed(cells):
                        self._dead.append(doubt)
                case Fate.OPEN:
                    still_open.append(doubt)
        self._open = still_open
        self._overwritten = [doubt for doubt in still_open if doubt.may_have_landed(cells)]
        return None

    def judge(self, records: Records) -> None:
        """Notes that a decision was made on these records: it knew of all that had landed.

        Raises:
            OutcomeUnknown: They may have forgotten the request id of a doubt that may have landed,
                so the decision could not know.
        """
        for doubt in (*self._dead, *self._overwritten):
            for trace in doubt.traces:
                if trace.key not in records or trace.is_lost(records[trace.key]):
                    raise OutcomeUnknown("the record has forgotten the request id since")
        self._dead = []

    def fenced(
        self, writes: Sequence[Write], cells: Mapping[Address, Cell]
    ) -> tuple[Write, ...] | None:
        """The writes, so that once they land no open doubt has landed or can land after them.

        A doubt that no write ends gets a fence, in place of checks of the same cells or beside
        the rest. None where a doubt expects only absent cells: nothing here can end it.
        """
        fenced = {write.address: write for write in writes}
        for doubt in self._open:
            if any(doubt.is_ended_by(write) for write in fenced.values()):
                continue
            fence = doubt.fence(cells)
            if fence is None:
                return None
            for write in fence:
                # All rest on one load, so a write that is there already expects the same.
                there = fenced.get(write.address)
                if there is None or (isinstance(there, Check) and isinstance(write, Put)):
                    fenced[write.address] = write
        return tuple(fenced.values())

    def are_hopeless(self, cells: Mapping[Address, Cell]) -> bool:
        """Whether no commit on these cells, which it was asked about, can end all of them."""
        return any(doubt.is_hopeless(cells) for doubt in self._open)

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
        except OutcomeUnknown:
            raise
        except Exception as error:
            if not self.more_than_tidy:
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
