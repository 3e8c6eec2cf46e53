"""A settlement: what an operator found out about a step that may or may not have happened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Refused
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.turns.effect import Done, NotDone, Outcome, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.refusals import EffectsUnsettled
from turnkeep_domain.turns.run import Run

Settled: TypeAlias = tuple[RunEffect, ...]


@frozen(kw_only=True)
class Settlements:
    """What became of the steps that were left open.

    Raises:
        InvalidValue: A value is neither Done nor NotDone.
    """

    outcomes: Mapping[EffectId, Outcome] = field(repr=False)

    @outcomes.validator
    def _are_outcomes(self, _: object, outcomes: Mapping[EffectId, Outcome]) -> None:
        require_kind("settlements", outcomes, Mapping)
        for effect, outcome in outcomes.items():
            require_kind("settlements", effect, EffectId)
            require_kind("settlements", outcome, Done, NotDone)

    @property
    def words(self) -> tuple[str, ...]:
        """What tells these settlements from others; no output stands in it."""
        return tuple(
            f"{id.ordinal}/{_word(self.outcomes[id])}/{id.name}" for id in sorted(self.outcomes)
        )

    def of_all(self, run: Run, effects: Sequence[RunEffect]) -> Settled | Refused[EffectsUnsettled]:
        """The open steps of the run, settled: all of them, and no others."""
        if set(self.outcomes) != set(run.open):
            return Refused(EffectsUnsettled(run.open))
        return self._settled(effects)

    def of_some(
        self, run: Run, effects: Sequence[RunEffect]
    ) -> Settled | Refused[EffectsUnsettled]:
        """The open steps of the run that are settled: any of them, and no others."""
        if not set(self.outcomes) <= set(run.open):
            return Refused(EffectsUnsettled(run.open))
        return self._settled(effects)

    def left(self, run: Run) -> tuple[EffectId, ...]:
        """The steps that stay open."""
        return tuple(id for id in run.open if id not in self.outcomes)

    def _settled(self, effects: Sequence[RunEffect]) -> Settled:
        known = {effect.id: effect for effect in effects}
        # A missing entry is a mistake of the caller, who was to load those of the open steps.
        return tuple(evolve(known[id], state=self.outcomes[id]) for id in sorted(self.outcomes))


def _word(outcome: Outcome) -> str:
    match outcome:
        case Done(output=output):
            return f"done/{hashlib.sha256(output).hexdigest()}"
        case NotDone(category=category, redo=redo):
            return f"not_done/{'redo' if redo else 'keep'}/{category}"
