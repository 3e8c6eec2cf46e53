"""A decider: a simulated person or service that runs errands of voting."""

from __future__ import annotations

from attrs import evolve, frozen

from turnkeep import Keep, TurnkeepError
from turnkeep_adapters.cli.demo.asking import stranger_to
from turnkeep_adapters.cli.demo.chronicle import APPROVE
from turnkeep_adapters.cli.demo.errand_desk import Desk, OpenCase
from turnkeep_adapters.cli.demo.scene import Step
from turnkeep_adapters.cli.demo.stamina import hesitate, insisting
from turnkeep_adapters.cli.demo.telling import told_of_command, told_of_looking


@frozen
class Decider:
    """One actor: it takes jobs from the desk for ever, and notes what it is told."""

    keep: Keep
    desk: Desk

    async def work(self) -> None:
        """Runs errands until it is cancelled."""
        while True:
            job = await self.desk.take()
            for step in job.errand.steps:
                await self._take(step, job.case)
            job.case.end_errand()

    async def _take(self, step: Step, case: OpenCase) -> None:
        await hesitate(step.turns)
        scope = stranger_to(case.ask.scope) if step.stranger else case.ask.scope
        approvals = self.keep.approvals
        command = approvals.approve if step.verdict == APPROVE else approvals.deny
        try:
            answer = await insisting(
                lambda: command(scope, case.gate, by=step.by, decision_id=step.decision_id)
            )
            if step.stranger:
                view = await insisting(lambda: approvals.get(scope, case.gate))
                case.was_told(told_of_looking(step.by, view))
        except TurnkeepError as error:
            case.gave_up(error.code)
            return
        told = told_of_command(step.verdict, step.by, step.decision_id, answer)
        case.was_told(evolve(told, stranger=step.stranger))
