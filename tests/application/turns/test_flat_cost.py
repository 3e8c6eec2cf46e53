"""Flat cost: however many runs have ended, no operation touches more cells than before."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar
from uuid import UUID

import pytest
from attrs import evolve

from tests.application.turns.counted_store import CountedStore
from tests.application.turns.keep import ADA, INTERACTIVE, SUBMITTER, Keep, step, thread
from tests.application.turns.worlds import VIRTUAL, memory
from turnkeep_application.turns.cells import run_key
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import Claim, Relinquishment
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_ports.clock import Deadline
from turnkeep_ports.limits import WRITES_MAX
from turnkeep_ports.store import ABSENT, CommitId, Committed, Entry, Put

T = TypeVar("T")

ENDED: Final = 100_000
TOOL: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("tool"))


async def a_life(
    turns: Turns, store: CountedStore, keep: Keep, name: str
) -> dict[str, list[tuple[str, int]]]:
    """What each operation of one run's life touches."""
    costs: dict[str, list[tuple[str, int]]] = {}

    async def cost(operation: str, call: Awaitable[T]) -> T:
        store.begin()
        answer = await call
        assert not isinstance(answer, Refused), answer
        costs[operation] = [*store.touched]
        return answer

    async def claimed() -> Claim:
        found = await turns.claim(holder="w", token=keep.token(), classes=[INTERACTIVE])
        (granted,) = found.granted
        return granted.claim

    submit = turns.submit(thread("life"), actor=ADA, request_id=RequestId(name))
    await cost("submit", submit)
    claim = await cost("claim", claimed())
    await keep.let_pass(1)  # at the moment of the claim there is nothing to extend
    await cost("heartbeat", turns.heartbeat(claim))
    await cost("intend", keep.intend(claim, on=turns))
    await cost("settle", keep.settle(claim, on=turns))
    save = turns.checkpoint(
        claim, kind=CheckpointKind.BEFORE_BLOCK, schema=1, payload=b"x", ordinals={}
    )
    await cost("checkpoint", save)
    await cost("block", turns.block(claim, gate=TOOL))
    resume = turns.resume(
        claim.run,
        kind=TOOL.kind,
        ref=TOOL.ref,
        disposition=Disposition.GRANTED,
        actor=SUBMITTER,
        request_id=RequestId(f"go-{name}"),
    )
    await cost("resume", resume)
    claim = await claimed()
    await cost("relinquish", turns.relinquish(claim, reason=Relinquishment.DRAIN))
    claim = await claimed()
    await cost("recover", turns.recover())
    await cost("sweep", turns.sweep())
    await cost("get", turns.get(claim.run))
    await cost("complete", turns.complete(claim))
    await cost("idle claim", turns.claim(holder="w", token=keep.token(), classes=[INTERACTIVE]))
    return costs


async def fill(keep: Keep, like: RunView) -> None:
    """Very many ended runs beside one, in its own thread and in others."""
    address = run_key(like.address).address
    cell = await keep.cell(address)
    assert cell is not None
    deadline = Deadline.after(keep.world.clock, 600)
    for begin in range(0, ENDED, WRITES_MAX):
        writes = []
        for number in range(begin, min(begin + WRITES_MAX, ENDED)):
            id = str(UUID(int=number))
            body = cell.entry.body.replace(like.id.encode(), id.encode())
            index = evolve(cell.entry.index, sort=cell.entry.index.sort.replace(like.id, id))
            place = Address(address.collection, address.scope, id)
            writes.append(Put(place, ABSENT, Entry(body=body, index=index)))
        commit_id = CommitId(begin.to_bytes(16, "big"))
        answer = await keep.store.commit(commit_id, writes, (), valid_until=None, deadline=deadline)
        assert isinstance(answer, Committed)


@pytest.mark.parametrize("world", ["memory", "files", "postgres"])
def test_no_operation_touches_more_cells_beside_100_000_finished_runs(world: str) -> None:
    """Law 69."""
    keep = Keep(VIRTUAL[world]())

    async def scenario() -> None:
        store = CountedStore(inner=keep.world.handles())
        async with store:
            turns = keep.host(store)
            await a_life(turns, store, keep, "first")
            before = await a_life(turns, store, keep, "second")
            (first, _) = (await keep.turns.list(ScopePrefix.owner(thread()))).runs
            await fill(keep, first)
            assert await a_life(turns, store, keep, "third") == before

    keep.run(scenario, sound=False)


def test_a_life_has_the_round_trips_and_writes_that_it_needs() -> None:
    """A submit, a claim and a completion are one load and one commit each."""
    keep = Keep(memory())

    async def scenario() -> None:
        store = CountedStore(inner=keep.world.handles())
        async with store:
            turns = keep.host(store)
            await a_life(turns, store, keep, "first")
            costs = await a_life(turns, store, keep, "second")
        operations = {
            name: [operation for operation, _ in touched] for name, touched in costs.items()
        }
        assert operations["submit"] == ["load", "commit"]
        assert operations["claim"] == ["scan", "load", "commit"]
        assert operations["complete"] == ["load", "commit"]
        assert operations["heartbeat"] == ["load", "commit"]
        assert operations["intend"] == ["load", "commit"]
        assert "commit" not in operations["sweep"]
        assert "commit" not in operations["idle claim"]
        writes = {name: touched[-1][1] for name, touched in costs.items()}
        # The turn state and the lane; and the run's record at the end.
        assert (writes["submit"], writes["claim"], writes["complete"]) == (2, 2, 3)
        assert writes["heartbeat"] == 1

    keep.run(scenario)
