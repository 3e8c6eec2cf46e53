"""A scene: what simulated people do about one approval, drawn from the seed."""

from __future__ import annotations

import random
from enum import Enum
from typing import Final

from attrs import evolve, frozen

from turnkeep import Principal, RequestId
from turnkeep_adapters.cli.demo.asking import STRANGER, Ask, drawn
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY

_TURNS_MAX: Final = 6
_ASIDES: Final = 0.1


class Plot(Enum):
    """How a scene is meant to go; who wins a race is for the store to say."""

    AGREED = "agreed"
    DENIED = "denied"
    FORGOTTEN = "acknowledgement lost"
    OPPOSED = "opposite verdicts race"
    WITHDRAWN = "withdrawn while approved"


_PLOTS: Final = {
    Plot.AGREED: 52,
    Plot.DENIED: 12,
    Plot.FORGOTTEN: 12,
    Plot.OPPOSED: 12,
    Plot.WITHDRAWN: 12,
}


@frozen(kw_only=True)
class Step:
    """One command of one person.

    Attributes:
        verdict: `approve` or `deny`.
        stranger: Whether it comes from another tenant.
        turns: How long the person hesitates, in turns of the event loop.
    """

    verdict: str
    by: Principal
    decision_id: RequestId
    stranger: bool = False
    turns: int


@frozen
class Errand:
    """What one decider does in a row."""

    steps: tuple[Step, ...]


@frozen(kw_only=True)
class Withdrawal:
    """The asker's change of mind.

    Attributes:
        turns: How long the asker hesitates, in turns of the event loop.
        times: How often the asker says so, under the one request id.
    """

    request_id: RequestId
    turns: int
    times: int


@frozen(kw_only=True)
class Scene:
    """Errands that are run at once, and the asker's own part in it."""

    plot: Plot
    errands: tuple[Errand, ...]
    withdrawal: Withdrawal | None


def scene_of(ask: Ask, gate: str, seed: int) -> Scene:
    """The scene of one approval: the same for the same seed, whoever asks for it and when.

    Every id in it follows from the approval's, so a scene that is played again repeats commands.
    Played to its end, it leaves the approval decided.
    """
    chance = drawn(seed, gate)
    (plot,) = chance.choices(tuple(_PLOTS), tuple(_PLOTS.values()))
    author = _Author(ask, gate, chance)
    errands = [*author.errands_of(plot), *author.asides()]
    chance.shuffle(errands)
    withdrawal = author.withdrawal() if plot is Plot.WITHDRAWN else None
    return Scene(plot=plot, errands=tuple(errands), withdrawal=withdrawal)


@frozen
class _Author:
    """Writes one scene."""

    ask: Ask
    gate: str
    chance: random.Random

    def errands_of(self, plot: Plot) -> list[Errand]:
        voters = self.chance.sample(self.ask.voters, len(self.ask.voters))
        needed = self.ask.quorum.threshold
        approvals = [Errand((self._step(APPROVE, voter),)) for voter in voters[:needed]]
        match plot:
            case Plot.AGREED | Plot.WITHDRAWN:
                return approvals
            case Plot.FORGOTTEN:
                return [self._sent_again(approval) for approval in approvals]
            case Plot.OPPOSED:
                return [*approvals, Errand((self._step(DENY, voters[-1]),))]
            case Plot.DENIED if needed > 1 and self.chance.random() < 1 / 2:
                # One's own approval does not bind.
                return [Errand((*approvals[0].steps, self._step(DENY, voters[0])))]
            case Plot.DENIED:
                return [*approvals[1:], Errand((self._step(DENY, voters[-1]),))]

    def asides(self) -> list[Errand]:
        """What others try beside the plot, each now and then."""
        may: list[Errand] = [
            Errand((evolve(self._step(APPROVE, STRANGER), stranger=True),)),
            Errand((self._step(APPROVE, self.ask.requester),)),
            self._under_a_used_id(),
            self._said_twice(),
        ]
        return [aside for aside in may if self.chance.random() < _ASIDES]

    def withdrawal(self) -> Withdrawal:
        return Withdrawal(
            request_id=RequestId(f"{self.gate}/withdraw"),
            turns=self._turns(),
            times=self.chance.choice((1, 1, 2)),
        )

    def _sent_again(self, errand: Errand) -> Errand:
        """The same commands again under their ids, as after answers that never came."""
        again = [evolve(step, turns=self._turns()) for step in errand.steps]
        return Errand((*errand.steps, *again))

    def _under_a_used_id(self) -> Errand:
        """An approval, and the opposite under its id."""
        step = self._step(APPROVE, self.ask.voters[0])
        return Errand((step, evolve(step, verdict=DENY)))

    def _said_twice(self) -> Errand:
        """An approval, and the same under another id."""
        step = self._step(APPROVE, self.ask.voters[0])
        return Errand((step, evolve(step, decision_id=RequestId(f"{step.decision_id}/again"))))

    def _step(self, verdict: str, by: Principal) -> Step:
        return Step(
            verdict=verdict,
            by=by,
            decision_id=RequestId(f"{self.gate}/{by.id}/{verdict}"),
            turns=self._turns(),
        )

    def _turns(self) -> int:
        return self.chance.randrange(_TURNS_MAX)
