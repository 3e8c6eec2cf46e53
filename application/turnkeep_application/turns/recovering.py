"""Recovering: claims and waits whose time is up end, one commit a run, whoever left them."""

from __future__ import annotations

from typing import Final

from attrs import Factory, field, frozen

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.reading import Reading
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.turns.elapsing import noted_as_expired
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.refusals import NotFound, RunNotDue, WrongState
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES
from turnkeep_ports.randomness import Random

HELD: Final = frozenset({"held"})
BLOCKED: Final = frozenset(f"blocked.{kind.value}" for kind in GateKind)


@frozen(kw_only=True)
class Recovering:
    """The use case of recovery, as `Turns` promises it, and the end of waits."""

    updates: Updates
    reading: Reading
    random: Random
    settings: TurnSettings
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def recover(self, *, limit: int) -> Swept:
        """As `Turns.recover` promises."""
        runs, swept = await self._due(HELD, limit)
        done, unreadable = await tidied(runs, self._expire, _address)
        return swept + Swept(recovered=done, unreadable=unreadable)

    async def elapse(self, *, limit: int) -> Swept:
        """Blocked runs whose wait is over are queued again, each seeing that it has elapsed."""
        runs, swept = await self._due(BLOCKED, limit)
        done, unreadable = await tidied(runs, self._elapse, _address)
        return swept + Swept(elapsed=done, unreadable=unreadable)

    async def _due(self, states: frozenset[str], limit: int) -> tuple[list[Run], Swept]:
        due = DueRecords(self.reading)
        runs: list[Run] = []
        swept = Swept()
        for collection in (TURN_STATES, THREADLESS):
            page = await due.of(collection, states, limit=limit)
            runs += [state.active for state in page.records if state.active is not None]
            swept += Swept(unreadable=page.unreadable)
        return runs[:limit], swept

    async def _expire(self, run: Run) -> bool:
        backoff = self.settings.backoff(self.random)
        answer = await self._commands.carry_out(
            run.address,
            lambda found: found.state.expire(run=run.id, backoff=backoff, now=found.now),
            ends=True,
        )
        return not isinstance(answer, Refused)

    async def _elapse(self, run: Run) -> bool:
        def answer(
            found: Found,
        ) -> Decision[Records, RunStanding, NotFound | WrongState | RunNotDue] | Need:
            decision = found.state.elapse(run=run.id, now=found.now)
            active = found.state.active
            if not isinstance(decision, Changed) or active is None:
                return found.carried_out(decision)
            match active.state:
                case Blocked(gate=gate) if gate.kind is GateKind.APPROVAL:
                    approval = approval_key(run.scope, gate.ref)
                    if approval not in found.records:
                        return Need([approval])
                    records, told = noted_as_expired(found.records, approval, found.now)
                    return found.carried_out(decision, records=records, told=told)
                case _:
                    return found.carried_out(decision)

        return not isinstance(await self._commands.decide(run.address, answer, ends=True), Refused)


def _address(run: Run) -> Address:
    return turn_state_key(run.address).address
