"""A budget wait: a run that a budget has paused, until its gate is answered or its time is up.

Many runs may wait for one gate, so whoever answers it lets none of them go: they are found here,
by sweeps and by whoever was told that a gate has changed, and each reserves again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeAlias

from attrs import Factory, field, frozen

from turnkeep_application.budgets.budget_commands import gate_key
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.due import tidied
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.swept import Swept
from turnkeep_application.updates import Updates
from turnkeep_domain.budgets.account_ref import cascade
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.pruned import GateRecord
from turnkeep_domain.decisions import Decision, Unchanged
from turnkeep_domain.identifiers import IDENTIFIER_BYTES_MAX
from turnkeep_domain.keys import Address, Collection, Key
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import ReleaseRefusal
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Due, Position

_WAITING: Final = frozenset({f"blocked.{GateKind.RESOURCE.value}"})
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)
_SYSTEM: Final = Actor.system("turnkeep")
_NAME: Final = "turnkeep.budget_gate."

Question: TypeAlias = tuple[tuple[Key[GateRecord], ...], Ref]


def budget_wait(call: IdempotencyKey, *, ordinal: int) -> EffectId:
    """The place in the journal of one wait of a metered call.

    Args:
        call: The call's key; no host's own name for a gate begins like this.
        ordinal: How often the call has waited before.
    """
    return EffectId(f"{_NAME}{call}", ordinal)


@frozen(kw_only=True)
class BudgetWaits:
    """Lets runs go on whose budget gate is open no more."""

    updates: Updates
    reading: Reading
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def go_on(self, *, limit: int) -> Swept:
        """As `Turns.resume_budget_waits` promises.

        Runs whose gate is still open hold up no others: all that wait are looked at, a gate once.
        """
        swept = Swept()
        answered: dict[Question, bool] = {}
        for collection in (TURN_STATES, THREADLESS):
            swept += await self._all(collection, answered, limit - swept.resumed)
        return swept

    async def _all(
        self, collection: Collection[TurnState], answered: dict[Question, bool], limit: int
    ) -> Swept:
        query = Due(collection=collection.name, states=_WAITING, by=_FOREVER)
        swept = Swept()
        after: Position | None = None
        while swept.resumed < limit:
            deadline = self.reading.deadline()
            page = await self.reading.page(query, after=after, limit=PAGE_MAX, deadline=deadline)
            waiting: list[Run] = []
            for cell in page.cells:
                state = self.reading.decoded(collection, cell)
                if isinstance(state, Unreadable):
                    swept += Swept(unreadable=(state,))
                elif state.active is not None and _question(state.active) is not None:
                    waiting.append(state.active)
            swept += await self._answered(waiting, answered)
            free = [run for run in waiting if answered.get(_asked(run), False)]
            done, unreadable = await tidied(free[: limit - swept.resumed], self._resume, _address)
            swept += Swept(resumed=done, unreadable=unreadable)
            after = page.next
            if after is None:
                break
        return swept

    async def _answered(self, waiting: list[Run], answered: dict[Question, bool]) -> Swept:
        """Looks at each gate that was not looked at yet."""

        async def look(run: Run) -> bool:
            keys, _ = question = _asked(run)
            seen = await self.reading.moment(keys)
            answered[question] = not _is_open(seen.records, keys, seen.now)
            return False

        fresh = {_asked(run): run for run in waiting if _asked(run) not in answered}
        _, unreadable = await tidied(list(fresh.values()), look, _address)
        return Swept(unreadable=unreadable)

    async def _resume(self, run: Run) -> bool:
        keys, ref = _asked(run)

        def answer(found: Found) -> Decision[Records, RunStanding | None, ReleaseRefusal] | Need:
            if _is_open(found.records, keys, found.now):
                return Unchanged(None)
            released = found.state.release(
                run=run.id,
                kind=GateKind.RESOURCE,
                ref=ref,
                disposition=Disposition.GRANTED,
                actor=_SYSTEM,
                now=found.now,
            )
            return found.carried_out(released)

        # Gates that have ended stay so, and none is opened under an id that was used.
        answered = await self._commands.decide(run.address, answer, ends=True, hints=keys)
        return isinstance(answered, RunStanding)


def _question(run: Run) -> Question | None:
    """The gate that a budget has made a run wait for; None where it waits for anything else."""
    match run.state:
        case Blocked(gate=gate) if gate.effect.name.startswith(_NAME):
            if len(gate.ref.encode()) > IDENTIFIER_BYTES_MAX:
                return None
            return _gate_keys(run.scope, gate.ref), gate.ref
        case _:
            return None


def _asked(run: Run) -> Question:
    question = _question(run)
    if question is None:
        raise TypeError("the run does not wait for a budget")
    return question


def _gate_keys(scope: Scope, ref: Ref) -> tuple[Key[GateRecord], ...]:
    """Where a gate may be: whose account has paused the run, its wait does not say."""
    return tuple({gate_key(account, BudgetGateId(ref)): None for account in cascade(scope)})


def _is_open(records: Records, keys: tuple[Key[GateRecord], ...], now: datetime) -> bool:
    found = [records[key] for key in keys]
    return any(
        isinstance(gate, BudgetGate) and gate.status_at(now) is GateStatus.OPEN for gate in found
    )


def _address(run: Run) -> Address:
    return turn_state_key(run.address).address
