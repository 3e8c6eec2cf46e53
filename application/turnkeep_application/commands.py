"""A command: what one update was asked for, and how one decision about it came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from attrs import field, frozen

from turnkeep_application.doubts import Doubt, Doubts
from turnkeep_application.records import Records
from turnkeep_application.tally import Tally
from turnkeep_application.updates import Decide, Prepare
from turnkeep_application.verdicts import Verdict
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import Loaded

O = TypeVar("O")
R = TypeVar("R")


@frozen
class Answer(Generic[O, R]):
    """How an update ends.

    Attributes:
        events: What it tells, if what it rests on was stored.
    """

    value: O | Refused[R]
    events: tuple[Event, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Command(Generic[O, R]):
    """What an update does, for as long as it takes.

    Attributes:
        keys: The cells that each attempt begins with.
        hints: Cells to load too, which no commit checks.
        doubts: What is not known about its commits so far.
    """

    keys: tuple[ReadKey[object], ...]
    hints: tuple[ReadKey[object], ...]
    decide: Decide[O, R]
    prepare: Prepare | None
    deadline: Deadline
    tally: Tally
    doubts: Doubts[Answer[O, R]]

    def shown(self, keys: Sequence[ReadKey[object]]) -> tuple[ReadKey[object], ...]:
        """The keys of all records that a decision sees."""
        if not self.hints:
            return tuple(keys)
        return tuple({key.address: key for key in (*self.hints, *keys)}.values())

    def addresses(self, keys: Sequence[ReadKey[object]]) -> dict[Address, None]:
        """What to load for a decision: what it sees, and what tells about open doubts."""
        addresses = dict.fromkeys(key.address for key in self.hints)
        addresses |= dict.fromkeys(key.address for key in keys)
        if self.doubts:
            addresses |= dict.fromkeys(self.doubts.addresses())
        return addresses


@frozen(kw_only=True)
class Decided(Generic[O, R]):
    """One decision, with the records of one moment on which it rests.

    Attributes:
        prepared: What is to be stored, where it was prepared already.
        recalled: Whether the records are what was last seen, and not just loaded.
    """

    loaded: Loaded
    keys: tuple[ReadKey[object], ...]
    before: Records
    decision: Decision[Records, O, R]
    prepared: Records | None = field(default=None)
    recalled: bool = field(default=False)


@frozen(kw_only=True)
class Concluded(Generic[O, R]):
    """One decision, with what became of the commit that stored it together with others.

    Attributes:
        answer: What the command is told if it was stored.
        changes: Whether it stores anything itself; what it saw may be stored by others.
        doubt: Its own doubt about the commit; None where it has stored nothing itself.
        tidy: Whether it stores only an end that the loaded records prove.
    """

    answer: Answer[O, R]
    verdict: Verdict
    changes: bool
    doubt: Doubt[Answer[O, R]] | None
    tidy: bool
