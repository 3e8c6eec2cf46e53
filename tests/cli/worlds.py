"""A world for the examiner: one call at one approval, told and stored as it should be.

Two people approved it under the ids d1 and d2; the first of them sent the approval again.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define, field

from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.chronicle import APPROVE, Ballot, Chronicles, Fact, Gap
from turnkeep_adapters.cli.demo.examination import Examination, Found
from turnkeep_adapters.cli.demo.ledger import Case, Ledger, Told

SCOPE: Final = ("harbour-1", "ada", "clerk", None, "desk/1", None)
GATE: Final = "gate-1"
START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


def told(
    command: str,
    by: str,
    request_id: str | None = None,
    *,
    state: str | None = None,
    missing: int | None = None,
    refused: str | None = None,
    ruling: str | None = None,
    stranger: bool = False,
) -> Told:
    return Told(
        command=command,
        by=by,
        request_id=request_id,
        refused=refused,
        state=state,
        missing=missing,
        ruling=ruling,
        stranger=stranger,
    )


def fact(kind: str, second: int, by: str | None = None, request_id: str | None = None) -> Fact:
    return Fact(
        gate=GATE,
        scope=SCOPE,
        kind=f"approval.{kind}",
        at=START + timedelta(seconds=second),
        by=by,
        request_id=request_id,
        cursor=bytes([second]),
    )


def keep_case(ledger: Ledger, case: Case) -> None:
    """Writes a whole case."""
    number = ledger.begin(case)
    if case.ended:
        ledger.end(number)


@define
class World:
    """What was told, what is stored and what the events say; a test changes one of them."""

    told: list[Told] = field(
        factory=lambda: [
            told("raise", "agent:clerk", state="pending"),
            told("approve", "person:ada", "d1", state="pending", missing=1),
            told("approve", "person:ben", "d2", state="approved", missing=0),
            told("approve", "person:ada", "d1", state="pending", missing=1),
            told("wait", "agent:clerk", state="approved", ruling="d2"),
        ]
    )
    facts: list[Fact] = field(
        factory=lambda: [
            fact("raised", 1),
            fact("voted", 2, "person:ada", "d1"),
            fact("approved", 3, "person:ben", "d2"),
        ]
    )
    found: Found = field(
        factory=lambda: Found(
            state="approved",
            ruling="d2",
            votes=(Ballot("d1", "person:ada", APPROVE), Ballot("d2", "person:ben", APPROVE)),
            threshold=2,
            changes=3,
        )
    )
    gap: bool = False
    gate: str = GATE
    pending: int = 0
    trouble: tuple[str, ...] = ()

    def case(self) -> Case:
        return Case(
            line=1,
            call=1,
            gate=self.gate,
            scope=SCOPE,
            threshold=2,
            plot="agreed",
            told=tuple(self.told),
            trouble=self.trouble,
            ended=True,
        )

    def examined(self) -> Examination:
        chronicles = Chronicles()
        for one in self.facts:
            chronicles.take(one)
        if self.gap:
            chronicles.take(Gap())
        examination = Examination(chronicles)
        examination.of_log()
        examination.of_case(self.case(), self.found)
        examination.of_pending(self.pending)
        return examination

    def failures(self) -> dict[Check, tuple[str, ...]]:
        """The complaints of each check that failed."""
        verdicts = self.examined().findings.verdicts()
        return {verdict.check: verdict.complaints for verdict in verdicts if not verdict.ok}
