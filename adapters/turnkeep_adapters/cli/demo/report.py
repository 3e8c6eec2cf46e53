"""A report: how a demonstration went, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import click
from attrs import asdict, field, frozen

from turnkeep_adapters.cli.demo.checks import Verdict
from turnkeep_adapters.cli.demo.effort import Effort


@frozen(kw_only=True)
class Report:
    """How a demonstration went.

    Attributes:
        source: Where the tool calls came from, in words.
        store: What kind of store; the rest of its URL may hold a password.
        workers: How many processes worked at once; 0 where it was the command's own alone.
        killed: Who was killed, in order.
        paused: Who was stopped past their leases and woken, in order.
        turns: How many were submitted.
        earlier: How many of them had ended before, on a store that was kept.
        repeats: How many lines had been submitted before, word for word.
        lines_left_out: How many lines could not be used.
        stalled: Whether it gave up waiting.
        effort: That of all processes but the killed ones, whose counts were lost with them.
        claims: How often a run was claimed.
        requeued: How often a claim ended early and its run was queued again.
        settled: How many uncertain calls operators have looked into.
        requests: What people made of how many requests.
        ends: How many turns have come to each state.
    """

    source: str
    store: str
    seed: int
    workers: int
    killed: tuple[str, ...]
    paused: tuple[str, ...]
    turns: int
    earlier: int
    repeats: int
    lines_left_out: int
    stalled: bool
    seconds: float
    effort: Effort
    claims: int
    requeued: int
    settled: int
    requests: Mapping[str, int] = field(repr=False)
    ends: Mapping[str, int] = field(repr=False)
    verdicts: tuple[Verdict, ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def is_empty(self) -> bool:
        """Whether no line could be used."""
        return not self.turns and self.ok

    def as_json(self) -> str:
        """The report as one JSON object, stable field by field."""
        held = {
            "ok": self.ok,
            "source": self.source,
            "store": self.store,
            "seed": self.seed,
            "workers": self.workers,
            "killed": self.killed,
            "paused": self.paused,
            "turns": self.turns,
            "earlier": self.earlier,
            "repeats": self.repeats,
            "lines_left_out": self.lines_left_out,
            "stalled": self.stalled,
            "seconds": round(self.seconds, 3),
            "claims": self.claims,
            "requeued": self.requeued,
            "settled_by_operators": self.settled,
            "requests": dict(sorted(self.requests.items())),
            "ends": dict(sorted(self.ends.items())),
            "update_loop": {**asdict(self.effort), "pauses": self.effort.pauses},
            "checks": [
                {
                    "check": verdict.check.code,
                    "says": verdict.check.value,
                    "ok": verdict.ok,
                    "failures": verdict.failures,
                    "numbers": verdict.numbers,
                    "complaints": verdict.complaints,
                }
                for verdict in self.verdicts
            ],
        }
        return json.dumps(held, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """The report for people, with colours that a stream without any drops."""
        return "\n".join((*self._summary(), "", *self._checks(), "", self._conclusion()))

    def _summary(self) -> Iterator[str]:
        ends = _listed(self.ends)
        yield f"{_many(self.turns, 'turn')} of {self.source} in {self.seconds:.1f} s: {ends}."
        yield from self._staff()
        yield (
            f"{_many(self.claims, 'claim')} of runs; {self.requeued:,} ended early and went back "
            f"to the queue; operators looked into {_many(self.settled, 'call')} that may have "
            "happened."
        )
        if self.requests:
            asked = sum(self.requests.values())
            yield f"{_many(asked, 'request')} to people: {_listed(self.requests)}."
        yield from self._remarks()
        effort = self.effort
        yield (
            f"The update loop: {_many(effort.updates, 'update')}, "
            f"{_many(effort.attempts, 'attempt')}, {_many(effort.conflicts, 'conflict')}, "
            f"{_many(effort.pauses, 'pause')} ({effort.paused_ms:,} ms in all)."
        )

    def _staff(self) -> Iterator[str]:
        place = f"on a {self.store} store (seed {self.seed})"
        if not self.workers:
            yield f"One process worked {place}; nobody was killed, for the store ends with it."
            return
        yield f"{_many(self.workers, 'worker process')} worked at once {place}."
        yield (
            f"Killed by SIGKILL: {_named(self.killed)}. "
            f"Stopped past their leases, and woken: {_named(self.paused)}."
        )

    def _remarks(self) -> Iterator[str]:
        if self.earlier:
            yield f"{_many(self.earlier, 'turn')} had ended before, and nothing was done again."
        if self.repeats:
            yield f"{_many(self.repeats, 'line')} said the same as an earlier one."
        if self.lines_left_out:
            yield f"{_many(self.lines_left_out, 'line')} could not be used."
        if self.stalled:
            yield "Nothing happened for a minute, and the waiting was given up."

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


def _many(count: int, word: str) -> str:
    plural = "es" if word.endswith("s") else "s"
    return f"{count:,} {word}{'' if count == 1 else plural}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "none"


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(names) if names else "nobody"
