"""A ledger: what the actors of one process were told, each answer on disk before the next command.

A ledger outlives its process, killed or not. What a kill has torn, the end of its last line, was
kept for nobody and is dropped.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from attrs import asdict, define, evolve, field, frozen

UNKNOWN: Final = "unknown_gate"


@frozen(kw_only=True)
class Told:
    """One answer that one actor was given.

    Attributes:
        command: `raise`, `approve`, `deny`, `discard`, `wait`, or `get`, which only strangers do.
        by: Who asked.
        request_id: The id of the command; None for those that have none.
        refused: The code of the refusal, or that of an approval that is not there; else None.
        state: The state told, be it the outcome's, the view's or a refusal's.
        missing: The approvals that the outcome said were missing.
        ruling: The decision id of the ruling that came along.
        stranger: Whether the actor belongs to another tenant.
    """

    command: str
    by: str
    request_id: str | None = None
    refused: str | None = None
    state: str | None = None
    missing: int | None = None
    ruling: str | None = None
    stranger: bool = False


@frozen(kw_only=True)
class Case:
    """One call that was asked for, and everything that anyone was told about it.

    Attributes:
        line: The line of the recording.
        call: The call's position on it.
        gate: The id of the approval; empty where the call could not even be raised.
        scope: The six components of its scope.
        threshold: How many had to approve.
        plot: What was to happen.
        told: The answers, in the order in which they came.
        trouble: The codes of errors for which an actor gave up.
        ended: Whether all actors were done with it.
    """

    line: int
    call: int
    gate: str
    scope: tuple[str | None, ...]
    threshold: int
    plot: str
    told: tuple[Told, ...]
    trouble: tuple[str, ...]
    ended: bool


def _nobody() -> None:
    """Nobody is told that an answer was kept."""


@define(eq=False)
class Ledger:
    """Cases, written answer by answer, and read back when all is over."""

    _file: IO[str] = field(repr=False)
    _on_answer: Callable[[], None] = field(default=_nobody, repr=False)
    _begun: int = field(default=0, init=False)

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Ledger]:
        """An empty ledger in a file without a name, which is gone when the block ends."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            yield cls(file)

    @classmethod
    @contextmanager
    def at(cls, path: Path, on_answer: Callable[[], None] = _nobody) -> Iterator[Ledger]:
        """The ledger in a file, which is made where it is missing, and stays.

        Args:
            path: The file.
            on_answer: Is called whenever one more answer is safe from a kill.
        """
        with path.open("a+", encoding="utf-8") as file:
            yield cls(file, on_answer)

    def begin(self, case: Case) -> int:
        """Adds a case, as far as it has come; answers its number here."""
        self._begun += 1
        self._write(self._begun, "begun", asdict(case))
        return self._begun

    def add_answer(self, number: int, told: Told) -> None:
        """Adds an answer to a case."""
        self._write(number, "told", asdict(told))
        self._on_answer()

    def add_trouble(self, number: int, code: str) -> None:
        """Adds to a case that an actor gave up."""
        self._write(number, "trouble", code)

    def end(self, number: int) -> None:
        """Notes that all actors are done with a case."""
        self._write(number, "ended", True)

    def cases(self) -> Iterator[Case]:
        """The cases as they ended, then those that have not; nothing may be written meanwhile."""
        begun: dict[int, Case] = {}
        self._file.seek(0)
        for line in self._file:
            if not line.endswith("\n"):
                break
            number, what, held = json.loads(line)
            match what:
                case "begun":
                    begun[number] = _case(held)
                case "told":
                    case = begun[number]
                    begun[number] = evolve(case, told=(*case.told, Told(**held)))
                case "trouble":
                    case = begun[number]
                    begun[number] = evolve(case, trouble=(*case.trouble, held))
                case _:
                    yield evolve(begun.pop(number), ended=True)
        yield from begun.values()

    def _write(self, number: int, what: str, held: object) -> None:
        self._file.write(json.dumps([number, what, held]) + "\n")
        # A kill loses what only this process holds.
        self._file.flush()


def _case(held: dict[str, Any]) -> Case:
    told = tuple(Told(**answer) for answer in held.pop("told"))
    scope, trouble = tuple(held.pop("scope")), tuple(held.pop("trouble"))
    return Case(told=told, scope=scope, trouble=trouble, **held)
