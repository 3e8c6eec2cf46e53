"""A handler's checkpoints: what it saves under way, and where it goes on."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.worker.runner import Runner
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind


@frozen
class Checkpoints:
    """The checkpoints of one run."""

    runner: Runner

    async def save(self, kind: CheckpointKind, *, schema: int, payload: bytes) -> Checkpoint:
        """As `RunContext.checkpoint` promises."""
        runner = self.runner
        ordinals = runner.journal.ordinals
        return await runner.ask(
            lambda: runner.turns.checkpoint(
                runner.claim, kind=kind, schema=schema, payload=payload, ordinals=ordinals
            )
        )

    async def load(self) -> Checkpoint | None:
        """As `RunContext.last_checkpoint` promises."""
        runner = self.runner
        saved = await runner.insistence.until_answered(
            lambda: runner.turns.last_checkpoint(runner.run.address),
            allowed=runner.tenancy.require_open,
        )
        if saved is not None:
            runner.journal.go_on_from(saved.ordinals)
        return saved
