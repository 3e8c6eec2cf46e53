"""Recovering: claims and waits whose time is up end, one commit a run, whoever left them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from attrs import Factory, field, frozen

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.due import DueRecords
from turnkeep_application.turns.elapsing import noted_as_expired
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.refusals import NotFound, RunNotDue, WrongState
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
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
        lost: list[Unreadable] = []
        done, unreadable = await self._tidied(HELD, partial(self._expire, lost=lost), limit)
        return Swept(recovered=done, unreadable=(*unreadable, *lost))

    async def elapse(self, *, limit: int) -> Swept:
        """Blocked runs whose wait is over are queued again, each seeing that it has elapsed."""
        done, unreadable = await self._tidied(BLOCKED, self._elapse, limit)
        return Swept(elapsed=done, unreadable=unreadable)

    async def _tidied(
        self, states: frozenset[str], tidy: Callable[[Run], Awaitable[bool]], limit: int
    ) -> tuple[int, tuple[Unreadable, ...]]:
        due = DueRecords(self.reading)
        done, unreadable = 0, list[Unreadable]()

        async def of(state: TurnState) -> bool:
            return state.active is not None and await tidy(state.active)

        for collection in (TURN_STATES, THREADLESS):
            changed, damaged = await due.tidied(
                collection, states, of, _address, limit=limit - done
            )
            done += changed
            unreadable += damaged
        return done, tuple(unreadable)

    async def _expire(self, run: Run, *, lost: list[Unreadable]) -> bool:
        backoff = self.settings.backoff(self.random)
        answer = await self._commands.carry_out(
            run.address,
            lambda found: found.state.expire(run=run.id, backoff=backoff, now=found.now),
            ends=True,
            lost=lost,
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


def _address(state: TurnState) -> Address:
    return turn_state_key(RunAddress(state.scope, RunId(state.id))).address
