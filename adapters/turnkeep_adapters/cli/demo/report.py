"""A report: how a demonstration went, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import click
from attrs import field, frozen

from turnkeep_adapters.cli.demo.checks import Verdict
from turnkeep_adapters.cli.demo.chronicle import APPROVED, DENIED, DISCARDED
from turnkeep_adapters.cli.demo.scene import Plot


@frozen(kw_only=True)
class Effort:
    """What the update loop had to do for it.

    Attributes:
        updates: Commands.
        attempts: Loads that might have led to a commit; one an update, and one after each pause.
        conflicts: Attempts that lost their race.
        paused_ms: Milliseconds of all pauses together.
    """

    updates: int
    attempts: int
    conflicts: int
    paused_ms: int

    @property
    def pauses(self) -> int:
        """How often an update paused."""
        return self.attempts - self.updates


@frozen(kw_only=True)
class Report:
    """How a demonstration went.

    Attributes:
        source: Where the tool calls came from, in words.
        store: What kind of store; the rest of its URL may hold a password.
        tasks: How many lines were worked through.
        lines_left_out: How many lines could not be used.
        calls_left_out: How many calls of other lines could not be used.
        ends: How often each plot has led to each state.
    """

    source: str
    store: str
    seed: int
    askers: int
    deciders: int
    tasks: int
    lines_left_out: int
    calls_left_out: int
    seconds: float
    effort: Effort
    ends: Mapping[tuple[str, str], int] = field(repr=False)
    verdicts: tuple[Verdict, ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def is_empty(self) -> bool:
        """Whether no call could be used."""
        return not self.ends and self.ok

    def as_json(self) -> str:
        """The report as one JSON object, stable field by field."""
        checks = [
            {
                "check": verdict.check.code,
                "says": verdict.check.value,
                "ok": verdict.ok,
                "failures": verdict.failures,
                "numbers": verdict.numbers,
                "complaints": verdict.complaints,
            }
            for verdict in self.verdicts
        ]
        ends = [
            {"plot": plot, "state": state, "count": count}
            for (plot, state), count in sorted(self.ends.items())
        ]
        held = {
            "ok": self.ok,
            "source": self.source,
            "store": self.store,
            "seed": self.seed,
            "askers": self.askers,
            "deciders": self.deciders,
            "tasks": self.tasks,
            "lines_left_out": self.lines_left_out,
            "calls_left_out": self.calls_left_out,
            "seconds": round(self.seconds, 3),
            "update_loop": {
                "updates": self.effort.updates,
                "attempts": self.effort.attempts,
                "conflicts": self.effort.conflicts,
                "pauses": self.effort.pauses,
                "paused_ms": self.effort.paused_ms,
            },
            "ends": ends,
            "checks": checks,
        }
        return json.dumps(held, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """The report for people, with colours that a stream without any drops."""
        return "\n".join((*self._summary(), "", *self._checks(), "", self._conclusion()))

    def _summary(self) -> Iterator[str]:
        yield (
            f"{_many(self.tasks, 'task')} of {self.source}: "
            f"{_many(sum(self.ends.values()), 'call')} asked for and decided "
            f"in {self.seconds:.2f} s."
        )
        yield (
            f"{_many(self.askers, 'asker')} and {_many(self.deciders, 'decider')} worked at once "
            f"on a {self.store} store (seed {self.seed})."
        )
        if self.lines_left_out or self.calls_left_out:
            yield (
                f"{_many(self.lines_left_out, 'line')} and {_many(self.calls_left_out, 'call')} "
                "could not be used and were left out."
            )
        opposed = _counts(self.ends, Plot.OPPOSED)
        yield (
            f"Opposite verdicts raced at {_many(sum(opposed.values()), 'call')}: "
            f"{opposed[APPROVED]:,} approved, {opposed[DENIED]:,} denied."
        )
        withdrawn = _counts(self.ends, Plot.WITHDRAWN)
        races = sum(withdrawn.values())
        yield (
            f"A withdrawal raced the verdict at {_many(races, 'call')}: "
            f"{withdrawn[DISCARDED]:,} in time, {races - withdrawn[DISCARDED]:,} too late."
        )
        effort = self.effort
        yield (
            f"The update loop: {_many(effort.updates, 'update')}, "
            f"{_many(effort.attempts, 'attempt')}, {_many(effort.conflicts, 'conflict')}, "
            f"{_many(effort.pauses, 'pause')} ({effort.paused_ms:,} ms in all)."
        )

    def _checks(self) -> Iterator[str]:
        for verdict in self.verdicts:
            mark = click.style("ok    ", "green") if verdict.ok else click.style("FAILED", "red")
            numbers = ", ".join(f"{count:,} {name}" for name, count in verdict.numbers.items())
            yield f"{mark}  {verdict.check.value}{f' ({numbers})' if numbers else ''}"
            for complaint in verdict.complaints:
                yield f"          {complaint}"
            further = verdict.failures - len(verdict.complaints)
            if further:
                yield f"          and {further:,} more"

    def _conclusion(self) -> str:
        failed = sum(not verdict.ok for verdict in self.verdicts)
        if failed:
            return click.style(f"{failed} of {len(self.verdicts)} checks failed.", "red")
        return f"All {len(self.verdicts)} checks hold."


def _counts(ends: Mapping[tuple[str, str], int], plot: Plot) -> Counter[str]:
    counts = {state: count for (of, state), count in ends.items() if of == plot.value}
    return Counter(counts)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
