"""A ledger: what the actors of a demonstration were told, kept on disk until it is examined."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from attrs import asdict, define, field, frozen

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
    """

    line: int
    call: int
    gate: str
    scope: tuple[str | None, ...]
    threshold: int
    plot: str
    told: tuple[Told, ...]
    trouble: tuple[str, ...]


@define
class Ledger:
    """Cases, written as they close and read back once all are."""

    _file: IO[str] = field(repr=False)

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Ledger]:
        """An empty ledger in a file without a name, which is gone when the block ends."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            yield cls(file)

    def write(self, case: Case) -> None:
        """Adds a case."""
        self._file.write(json.dumps(asdict(case)) + "\n")

    def cases(self) -> Iterator[Case]:
        """The cases in the order in which they were written; nothing may be written meanwhile."""
        self._file.seek(0)
        for line in self._file:
            held = json.loads(line)
            told = tuple(Told(**answer) for answer in held.pop("told"))
            scope, trouble = tuple(held.pop("scope")), tuple(held.pop("trouble"))
            yield Case(told=told, scope=scope, trouble=trouble, **held)
