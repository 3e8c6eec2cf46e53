"""A check: something that must be true of a demonstration, whoever looks at its store."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import define, field, frozen

COMPLAINTS_KEPT: Final = 5


class Check(Enum):
    """What is checked, as the sentence that it makes true."""

    ENDED = "every turn has ended, or waits for a reason that has a name"
    ONCE = "each call was made exactly once, or not at all where people did not allow it"
    ALONE = "one run of a thread at any time, each claim under a fence of its own"
    PAID = "what was spent is what the calls have cost, and nothing was begun above a ceiling"
    DECIDED = "no decision of people was lost, doubled or invented"
    ORDERED = "the event log has no gap, no repetition and is in order"
    FOLDED = "the events, folded, are the stored runs"
    EMPTY = "nothing is left behind: no approval pending, no run active"

    @property
    def code(self) -> str:
        """Its name for programs."""
        return self.name.lower()


@frozen(kw_only=True)
class Verdict:
    """What came out of one check.

    Attributes:
        numbers: What was counted for it, by name.
        failures: How often it was found untrue.
        complaints: The first few of these, in words.
    """

    check: Check
    numbers: dict[str, int]
    failures: int
    complaints: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it held, as often as it was looked at."""
        return self.failures == 0


@define
class Findings:
    """What an examination has counted and found untrue so far."""

    _numbers: dict[Check, dict[str, int]] = field(factory=dict, init=False)
    _failures: dict[Check, int] = field(factory=dict, init=False)
    _complaints: dict[Check, list[str]] = field(factory=dict, init=False)

    def count(self, check: Check, name: str, amount: int = 1) -> None:
        """Adds to one of a check's numbers."""
        numbers = self._numbers.setdefault(check, {})
        numbers[name] = numbers.get(name, 0) + amount

    def complain(self, check: Check, complaint: str) -> None:
        """Notes that a check was found untrue."""
        self._failures[check] = self._failures.get(check, 0) + 1
        complaints = self._complaints.setdefault(check, [])
        if len(complaints) < COMPLAINTS_KEPT:
            complaints.append(complaint)

    def verdicts(self) -> tuple[Verdict, ...]:
        """One verdict for each check that was looked at, in the order of the checks."""
        return tuple(
            Verdict(
                check=check,
                numbers=dict(self._numbers.get(check, {})),
                failures=self._failures.get(check, 0),
                complaints=tuple(self._complaints.get(check, ())),
            )
            for check in Check
            if check in self._numbers or check in self._failures
        )
