"""A report: how a demonstration went, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from signal import Signals

import click
from attrs import field, frozen

from turnkeep_adapters.cli.demo.checks import Verdict
from turnkeep_adapters.cli.demo.chronicle import APPROVED, DENIED, DISCARDED
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.loss import ANSWERS_BEFORE_THE_KILL, Loss
from turnkeep_adapters.cli.demo.scene import Plot


@frozen(kw_only=True)
class Report:
    """How a demonstration went.

    Attributes:
        source: Where the tool calls came from, in words.
        store: What kind of store; the rest of its URL may hold a password.
        workers: How many processes worked at once; 0 where it was the command's own alone.
        askers: How many of them each process had.
        deciders: How many of them each process had.
        tasks: How many lines were worked through.
        lines_left_out: How many lines could not be used.
        calls_left_out: How many calls of other lines could not be used.
        effort: That of all workers but the killed one, whose counts were lost with it.
        loss: The worker that was killed; None for none.
        ends: How often each plot has led to each state.
    """

    source: str
    store: str
    seed: int
    workers: int
    askers: int
    deciders: int
    tasks: int
    lines_left_out: int
    calls_left_out: int
    seconds: float
    effort: Effort
    loss: Loss | None
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
            "workers": self.workers,
            "askers": self.askers,
            "deciders": self.deciders,
            "tasks": self.tasks,
            "lines_left_out": self.lines_left_out,
            "calls_left_out": self.calls_left_out,
            "seconds": round(self.seconds, 3),
            "killed": self._killed(),
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
        yield from self._staff()
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

    def _staff(self) -> Iterator[str]:
        cast = f"{_many(self.askers, 'asker')} and {_many(self.deciders, 'decider')}"
        place = f"on a {self.store} store (seed {self.seed})"
        if not self.workers:
            yield f"One process of {cast} worked {place}."
            yield "Nobody was killed: a store in memory has one process, and ends with it."
            return
        yield f"{_many(self.workers, 'worker process')} of {cast} each worked at once {place}."
        if self.loss is None:
            yield (
                "Nobody was killed: the input ended before worker 1 had "
                f"{ANSWERS_BEFORE_THE_KILL} answers."
            )
        else:
            name = Signals(self.loss.signal).name
            yield (
                f"Worker {self.loss.worker} (process {self.loss.pid}) was killed by {name}; "
                f"a replacement began its {_many(self.loss.tasks, 'task')} anew."
            )

    def _killed(self) -> dict[str, object] | None:
        if self.loss is None:
            return None
        return {
            "worker": self.loss.worker,
            "pid": self.loss.pid,
            "signal": Signals(self.loss.signal).name,
            "tasks": self.loss.tasks,
        }

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
    plural = "es" if word.endswith("s") else "s"
    return f"{count:,} {word}{'' if count == 1 else plural}"
