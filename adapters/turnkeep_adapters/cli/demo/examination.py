"""An examination: what people were told, what the store says and what the world saw, compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from attrs import define, field, frozen

from turnkeep import (
    ApprovalState,
    DimensionView,
    Disposition,
    Done,
    EffectKind,
    Failed,
    Mode,
    NotDone,
    RunEffect,
    RunStatus,
    RunView,
)
from turnkeep_adapters.cli.demo.checks import Check, Findings
from turnkeep_adapters.cli.demo.chronicle import Chronicle
from turnkeep_adapters.cli.demo.director import Submitted
from turnkeep_adapters.cli.demo.errand import Call
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.people import Request
from turnkeep_adapters.cli.demo.world import Deed

# No agent of a demonstration gives up; a run that lost too many workers in a row is given up.
_MISFORTUNES: Final = frozenset({"attempts_exhausted"})
_NAMED: Final = frozenset({RunStatus.BLOCKED, RunStatus.NEEDS_OPERATOR})


@frozen(kw_only=True)
class Case:
    """One turn of this demonstration, as its store has it.

    Attributes:
        run: As it stands; None where the store has none.
        journal: What its journal says.
    """

    submitted: Submitted
    run: RunView | None
    journal: tuple[RunEffect, ...]

    @property
    def place(self) -> str:
        """Which line it was."""
        return f"line {self.submitted.errand.line}"


@define
class Examination:
    """Goes through a demonstration and notes what is untrue.

    Attributes:
        findings: Where it notes that.
        ends: How many turns have come to each state.
    """

    chronicle: Chronicle
    findings: Findings = field(factory=Findings)
    ends: Counter[str] = field(factory=Counter)
    _granted: int = field(default=0, init=False)
    _deeds: Mapping[str, Sequence[Deed]] = field(factory=dict, init=False)
    _known: set[str] = field(factory=set, init=False)

    def of_log(self) -> None:
        """Examines the log as a whole."""
        self.findings.count(Check.ORDERED, "events", self.chronicle.events)
        if self.chronicle.disorder is not None:
            self.findings.complain(Check.ORDERED, self.chronicle.disorder)
        claims = sum(told.claims for told in self.chronicle.runs.values())
        self.findings.count(Check.ALONE, "claims", claims)
        for overlap in self.chronicle.overlaps:
            self.findings.complain(Check.ALONE, overlap)

    def of_world(self, deeds: Iterable[Deed]) -> None:
        """Examines what was done: nothing in a thread under an older fence than before."""
        by_key: dict[str, list[Deed]] = defaultdict(list)
        by_thread: dict[str, list[Deed]] = defaultdict(list)
        for deed in deeds:
            by_key[deed.key].append(deed)
            by_thread[deed.thread].append(deed)
        self._deeds = by_key
        for thread in by_thread.values():
            for earlier, later in pairwise(sorted(thread, key=lambda deed: deed.at)):
                if later.epoch < earlier.epoch:
                    self.findings.complain(
                        Check.ALONE, f"{later.call}: it was made under an older fence"
                    )

    def of_case(self, case: Case) -> None:
        """Examines one turn."""
        self.findings.count(Check.ENDED, "turns")
        if case.run is None:
            self.findings.complain(Check.ENDED, f"{case.place}: the store has no such run")
            return
        status = case.run.status
        self.ends[status.value] += 1
        if not status.final and status not in _NAMED:
            self.findings.complain(Check.ENDED, f"{case.place}: it is {status.value}")
        if isinstance(case.run.state, Failed) and case.run.state.category not in _MISFORTUNES:
            self.findings.complain(Check.ENDED, f"{case.place}: {case.run.state.category}")
        self._of_events(case.place, case.run)
        if not case.submitted.is_earlier:
            self._of_calls(case, case.run)

    def of_unknown(self) -> None:
        """Examines whether the world saw anything that no journal knows of."""
        for key in self._deeds.keys() - self._known:
            call = self._deeds[key][0].call
            self.findings.complain(Check.ONCE, f"{call}: it was made, and no journal knows of it")

    def of_ledger(self, ledger: Ledger) -> None:
        """Examines whether anything was begun that passed a ceiling."""
        self.findings.count(Check.PAID, "admitted", ledger.admitted)
        for passed in ledger.passed:
            self.findings.complain(Check.PAID, passed)

    def of_thread(self, cases: Sequence[Case], money: DimensionView) -> None:
        """Examines what a thread has spent, by what its calls have cost.

        Of a thread that has a past, the world no longer knows all that was done.
        """
        if any(case.submitted.is_earlier for case in cases):
            return
        done = [
            entry.key
            for case in cases
            for entry in case.journal
            if entry.kind is EffectKind.SPEND and isinstance(entry.state, Done)
        ]
        cost = sum(self._deeds[key][0].cost for key in done if key in self._deeds)
        self.findings.count(Check.PAID, "charged", len(done))
        self.findings.count(Check.PAID, "nano-dollars", money.spent)
        place = cases[0].place
        if money.spent != cost:
            self.findings.complain(
                Check.PAID, f"{place}: {money.spent} was spent, and {cost} was the cost"
            )
        ended_well = all(
            case.run is not None and case.run.status is RunStatus.COMPLETED for case in cases
        )
        if ended_well and money.reserved:
            self.findings.complain(Check.PAID, f"{place}: {money.reserved} is held still")

    def of_request(self, approval: str, request: Request, stored: ApprovalState | None) -> None:
        """Examines what people made of one request, against what is stored."""
        self.findings.count(Check.DECIDED, "requests")
        self.findings.count(Check.DECIDED, "approved", int(stored is ApprovalState.APPROVED))
        self._granted -= stored is ApprovalState.APPROVED
        if stored is None or not stored.final:
            self.findings.complain(Check.DECIDED, f"{approval} has not ended")
        if any(told is not stored for told in request.told):
            self.findings.complain(Check.DECIDED, f"{approval}: people were told otherwise")
        if request.doubled:
            self.findings.complain(Check.DECIDED, f"{approval}: a repeat was answered otherwise")

    def of_rest(self, *, pending: int, active: int, refused: Sequence[str]) -> None:
        """Examines what is left when all is done."""
        if self._granted > 0:
            self.findings.complain(
                Check.DECIDED, f"{self._granted} calls were let through that nobody approved"
            )
        self.findings.count(Check.EMPTY, "pending", pending)
        self.findings.count(Check.EMPTY, "active", active)
        if pending or active:
            self.findings.complain(Check.EMPTY, f"{pending} are pending, {active} are active")
        for code in refused:
            self.findings.complain(Check.ENDED, f"a turn was not accepted ({code})")

    # ---- steps ----------------------------------------------------------------------------------

    def _of_events(self, place: str, run: RunView) -> None:
        told = self.chronicle.runs.get(run.id)
        self.findings.count(Check.FOLDED, "runs")
        if told is None:
            self.findings.complain(Check.ORDERED, f"{place}: no event tells of it")
            return
        if told.disorder is not None:
            self.findings.complain(Check.ORDERED, f"{place}: {told.disorder}")
        if told.status != run.status.value:
            self.findings.complain(
                Check.FOLDED, f"{place}: its events lead to {told.status}, it is {run.status.value}"
            )

    def _of_calls(self, case: Case, run: RunView) -> None:
        entries: dict[str, list[RunEffect]] = defaultdict(list)
        for entry in case.journal:
            entries[entry.id.name].append(entry)
        for call in case.submitted.errand.calls:
            place = f"{case.place}, call {call.position}"
            allowed = self._is_allowed(call, entries[call.gate])
            steps = entries[call.name]
            self._of_steps(place, steps)
            made = sum(isinstance(step.state, Done) for step in steps)
            self.findings.count(Check.ONCE, "calls")
            self.findings.count(Check.ONCE, "made", made)
            if made > allowed:
                self.findings.complain(Check.ONCE, f"{place}: it was made {made} times")
            if run.status is RunStatus.COMPLETED and made < allowed:
                self.findings.complain(Check.ONCE, f"{place}: it was allowed, and never made")

    def _is_allowed(self, call: Call, gates: Sequence[RunEffect]) -> bool:
        if not call.is_risky:
            return True
        granted = any(
            isinstance(gate.state, Done) and gate.state.disposition is Disposition.GRANTED
            for gate in gates
        )
        self._granted += granted
        return granted

    def _of_steps(self, place: str, steps: Sequence[RunEffect]) -> None:
        for step in steps:
            self._known.add(step.key)
            deeds = self._deeds.get(step.key, ())
            if len(deeds) > 1:
                self.findings.complain(Check.ONCE, f"{place}: the world saw it {len(deeds)} times")
            if isinstance(step.state, Done) and not deeds:
                self.findings.complain(Check.ONCE, f"{place}: it is done, and nobody saw it")
            if isinstance(step.state, NotDone) and deeds and step.mode is Mode.ONCE:
                self.findings.complain(Check.ONCE, f"{place}: it is not done, and was seen")
