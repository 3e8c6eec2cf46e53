"""A gate's wait: the handler ends here, and its next claim comes to the same line and passes it.

What lets a run through is journaled in the commit that lets it go on, so that nobody is asked
twice, and a gate that was settled before anybody waited costs no wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.exits import GateClosed
from turnkeep_application.worker.runner import Runner
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.limits import AWAITED_MAX
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.parking import call_at
from turnkeep_domain.turns.refusals import BlockRefusal

_OWN_DOORS: Final = (GateKind.APPROVAL, GateKind.DEPENDENT_RUN)


@frozen
class Gates:
    """The gates of one handler."""

    runner: Runner

    async def gate(self, name: str, *, kind: GateKind, ref: Ref, until: datetime | None) -> None:
        """As `RunContext.gate` promises."""
        if kind in _OWN_DOORS:
            raise InvalidValue("kind", "must be auth, resource or external_tool")
        id = self.runner.journal.next_call(name)
        await self.pass_through(Gate.of(kind=kind, ref=ref, effect=id), until=until)

    async def join(self, name: str, children: Sequence[RunAddress]) -> tuple[RunView, ...]:
        """As `RunContext.join` promises."""
        for first in range(0, len(children), AWAITED_MAX):
            id = self.runner.journal.next_call(name)
            gate = Gate.of(
                kind=GateKind.DEPENDENT_RUN,
                ref=Ref(self.runner.key(id)),
                effect=id,
                awaited=tuple(children[first : first + AWAITED_MAX]),
            )
            await self.pass_through(gate, until=None)
        views = [await self._ended(child) for child in children]
        return tuple(view for view in views if view is not None)

    async def pass_through(self, gate: Gate, *, until: datetime | None) -> None:
        """Passes a gate, waits for it, or raises that it did not open.

        Raises:
            GateClosed: It was denied, elapsed or withdrawn.
            RunLeft: The run waits.
        """
        turns, claim = self.runner.turns, self.runner.claim

        async def wait() -> RunStanding | Disposition | Refused[BlockRefusal]:
            return await turns.block(claim, gate=gate, until=until)

        await self.waited(gate, wait)

    async def waited(
        self,
        gate: Gate,
        wait: Callable[[], Awaitable[RunStanding | Disposition | Refused[object]]],
    ) -> None:
        """Passes a gate by what the journal has of it, else by what `wait` is answered.

        Raises:
            GateClosed: It was denied, elapsed or withdrawn.
            CallRefused: Nobody may wait there.
            RunLeft: The run waits.
        """
        runner, call = self.runner, call_at(gate)
        match await runner.entered(call):
            case Done(disposition=disposition):
                require_granted(call.id, disposition or Disposition.GRANTED)
            case _:
                self.answered(call.id, await runner.make(call, lambda: runner.ask(wait)))

    def disposition(self, id: EffectId) -> Disposition | None:
        """How a gate has ended, as the journal has it; None where it has not."""
        match self.runner.journal.state(id):
            case Done(disposition=disposition):
                return disposition or Disposition.GRANTED
            case _:
                return None

    def answered(self, id: EffectId, answer: RunStanding | Disposition) -> None:
        """What to do about the answer to a block: go on, raise, or leave."""
        if isinstance(answer, RunStanding):
            self.runner.leave()
        require_granted(id, answer)

    async def _ended(self, child: RunAddress) -> RunView | None:
        return await self.runner.insistence.until_answered(
            lambda: self.runner.turns.get(child), allowed=self.runner.tenancy.require_open
        )


def require_granted(id: EffectId, disposition: Disposition) -> None:
    """Lets a granted gate pass.

    Raises:
        GateClosed: It was denied, elapsed or withdrawn.
    """
    if disposition is not Disposition.GRANTED:
        raise GateClosed(disposition, id)
