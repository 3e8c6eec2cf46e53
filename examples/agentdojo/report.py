"""A report: what came of each task of a trial, and whether all of it is as it must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

_NANO: Final = 10**9
_HEADINGS: Final = ("task", "passed", "kills survived", "calls once", "approvals", "spent")


@frozen(kw_only=True)
class Outcome:
    """What came of one task.

    Attributes:
        completed: Whether its run says so.
        solved: Whether the benchmark's own check says so.
        calls: How many its solution has.
        once: How many of them are done by its journal, and were made exactly once in the world.
        made: How many calls the world saw, repeats included.
        risky: How many of its calls need an approval.
        approved: How many approvals it got.
        survived: How many of its claims were ended by the death of their worker.
        spent: What its budget was charged, in nano-dollars.
        held: What its budget still holds.
        cost: What its calls cost, by the environment's books.
    """

    task: str
    completed: bool
    solved: bool
    calls: int
    once: int
    made: int
    risky: int
    approved: int
    survived: int
    spent: int
    held: int
    cost: int

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as it must be, in words."""
        checks = {
            "its run is not completed": self.completed,
            "the benchmark's check fails": self.solved,
            "a call was not made once": self.once == self.calls == self.made,
            "approvals and risky calls differ": self.approved == self.risky,
            "what was spent is not what it cost": self.spent == self.cost,
            "something is held still": self.held == 0,
        }
        return tuple(fault for fault, holds in checks.items() if not holds)

    @property
    def passed(self) -> bool:
        """Whether everything is as it must be."""
        return not self.faults


@frozen(kw_only=True)
class Report:
    """What came of a trial.

    Attributes:
        killed: How many workers were.
        settled: How many calls an operator had to look into.
    """

    suite: str
    outcomes: tuple[Outcome, ...]
    killed: int
    settled: int
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether there were tasks, and each passed."""
        return bool(self.outcomes) and all(outcome.passed for outcome in self.outcomes)

    def lines(self) -> Iterator[str]:
        """The report as people read it."""
        rows = [_HEADINGS, *map(_row, self.outcomes)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            yield "  ".join(cells).rstrip()
        for outcome in self.outcomes:
            for fault in outcome.faults:
                yield f"{outcome.task}: {fault}"
        passed = sum(outcome.passed for outcome in self.outcomes)
        calls = sum(outcome.calls for outcome in self.outcomes)
        yield (
            f"{self.suite}: {passed} of {len(self.outcomes)} tasks passed, {calls} calls, "
            f"{self.killed} workers killed, {self.settled} calls settled by an operator, "
            f"{self.seconds:.0f} s"
        )


def _row(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.task,
        "yes" if outcome.passed else "NO",
        str(outcome.survived),
        f"{outcome.once}/{outcome.calls}",
        f"{outcome.approved}/{outcome.risky}",
        f"${outcome.spent / _NANO:.6f}",
    )
