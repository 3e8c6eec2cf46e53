"""An auditor: goes through the ledgers and the store once the actors have left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from attrs import frozen

from turnkeep import Scope
from turnkeep_adapters.cli.demo.chronicle import Chronicles
from turnkeep_adapters.cli.demo.examination import NOTHING, Examination, Found
from turnkeep_adapters.cli.demo.ledger import Case, Ledger
from turnkeep_adapters.cli.demo.witness import Witness

T = TypeVar("T")

_AT_ONCE: Final = 16


@frozen(kw_only=True)
class Ledgers:
    """What all actors were told, process by process.

    Attributes:
        killed: Of the worker that was killed, and of its replacement; None where none was.
        others: Of everybody else.
    """

    killed: tuple[Ledger, Ledger] | None
    others: Sequence[Ledger]


async def audited(ledgers: Ledgers, witness: Witness) -> Examination:
    """Everything that was told, held against everything that is stored.

    It reads the event log to its end, every approval of the ledgers, and those that only the log
    tells of. It holds a batch of cases at a time, and a few words about each approval.

    Raises:
        TurnkeepError: The store did not serve, or something in it is unreadable.
    """
    chronicles = Chronicles()
    async for fact in witness.facts():
        chronicles.take(fact)
    examination = Examination(chronicles)
    examination.of_log()
    if ledgers.killed is not None:
        await _examine_killed(*ledgers.killed, witness, examination)
    for ledger in ledgers.others:
        async for case, found in _stored(ledger, witness):
            examination.of_case(case, found)
    for gates in _batches(_unheard_of(chronicles)):
        await _examine_more(gates, witness, examination)
    examination.of_pending(await witness.pending())
    return examination


async def _examine_killed(
    killed: Ledger, replacement: Ledger, witness: Witness, examination: Examination
) -> None:
    examination.of_kill()
    async for case, found in _stored(killed, witness):
        examination.of_killed_case(case, found)
    async for case, found in _stored(replacement, witness):
        examination.of_case(case, found)
        examination.of_replayed_case(case)
    examination.of_replay()


async def _stored(ledger: Ledger, witness: Witness) -> AsyncIterator[tuple[Case, Found]]:
    """Each case of a ledger, with what is stored of it."""
    for batch in _batches(ledger.cases()):
        asked = (_found(case, witness) for case in batch)
        for case, found in zip(batch, await asyncio.gather(*asked), strict=True):
            yield case, found


async def _found(case: Case, witness: Witness) -> Found:
    return await witness.found(_scope(case.scope), case.gate) if case.gate else NOTHING


async def _examine_more(gates: list[str], witness: Witness, examination: Examination) -> None:
    for gate in gates:
        chronicle = examination.chronicles.all()[gate]
        found = await witness.found(_scope(chronicle.scope), gate)
        examination.of_approval("an earlier call", found, chronicle)


def _unheard_of(chronicles: Chronicles) -> Iterator[str]:
    """The approvals that no case of the ledger is about: of earlier runs on the same store."""
    return (gate for gate, chronicle in chronicles.all().items() if not chronicle.cases)


def _scope(components: tuple[str | None, ...]) -> Scope:
    tenant, user, agent, project, mission, thread = components
    return Scope.of(tenant, user, agent=agent, project=project, mission=mission, thread=thread)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
