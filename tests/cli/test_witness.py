"""A witness tells what the store says: all of it, however it is paged, and nothing of others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from tests.cli.worlds import SCOPE, World, keep_case
from turnkeep import (
    ApprovalView,
    CapabilityId,
    CorrelationId,
    Dispatch,
    Estimate,
    InvocationId,
    Keep,
    Principal,
    RequestId,
    Scope,
    open_keep,
)
from turnkeep_adapters.cli.demo import witness as witness_module
from turnkeep_adapters.cli.demo.auditor import Ledgers, audited
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY, Ballot, Fact, Gap
from turnkeep_adapters.cli.demo.examination import NOTHING, Found
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.witness import KeepWitness

ADA: Final = Scope.of("harbour", "ada")
BEN: Final = Scope.of("harbour", "ben", thread="t")
STRANGER: Final = Scope.of("elsewhere", "ada")


async def raised(keep: Keep, scope: Scope, call: int) -> str:
    view = await keep.approvals.raise_request(
        scope,
        invocation=InvocationId(f"call-{call}"),
        action=Dispatch(capability=CapabilityId("deploy"), estimate=Estimate.nothing()),
        effects=frozenset(),
        requester=Principal.agent("clerk"),
        correlation_id=CorrelationId("work"),
        input={},
        reason="",
        display="",
    )
    assert isinstance(view, ApprovalView)
    return view.id


@asynccontextmanager
async def witnessed() -> AsyncIterator[tuple[Keep, KeepWitness]]:
    async with open_keep("memory:") as keep:
        yield (
            keep,
            KeepWitness(
                keep=keep,
                tenant=Scope.of("harbour", None),
                owners=[ADA, Scope.of("harbour", "ben")],
            ),
        )


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_module, "_EVENTS", 2)
    monkeypatch.setattr(witness_module, "_APPROVALS", 2)


async def test_everything_that_is_pending_is_counted_owner_by_owner() -> None:
    async with witnessed() as (keep, witness):
        assert await witness.pending() == 0
        for call in range(5):
            await raised(keep, ADA, call)
        await raised(keep, BEN, 1)
        await raised(keep, STRANGER, 1)
        assert await witness.pending() == 6


async def test_every_event_of_the_tenant_is_told_in_order() -> None:
    async with witnessed() as (keep, witness):
        assert [fact async for fact in witness.facts()] == []
        first = await raised(keep, ADA, 1)
        await raised(keep, STRANGER, 1)
        second = await raised(keep, BEN, 2)
        ada, ben, clerk = Principal.person("ada"), Principal.person("ben"), Principal.agent("clerk")
        await keep.approvals.approve(ADA, first, by=ada, decision_id=RequestId("d1"))
        await keep.approvals.deny(BEN, second, by=ben, decision_id=RequestId("d2"))
        third = await raised(keep, ADA, 3)
        await keep.approvals.discard(ADA, third, by=clerk, request_id=RequestId("w"))
        told = [fact async for fact in witness.facts() if isinstance(fact, Fact)]
    assert [(fact.gate, fact.kind, fact.by, fact.request_id) for fact in told] == [
        (first, "approval.raised", None, None),
        (second, "approval.raised", None, None),
        (first, "approval.approved", "person:ada", "d1"),
        (second, "approval.denied", "person:ben", "d2"),
        (third, "approval.raised", None, None),
        (third, "approval.discarded", "agent:clerk", "w"),
    ]
    assert [fact.scope for fact in told[:2]] == [ADA.components(), BEN.components()]
    assert len({fact.cursor for fact in told}) == 6


async def test_what_is_stored_is_found() -> None:
    async with witnessed() as (keep, witness):
        pending, approved, denied, gone = [await raised(keep, ADA, call) for call in range(4)]
        ada = Principal.person("ada")
        await keep.approvals.approve(ADA, approved, by=ada, decision_id=RequestId("d1"))
        await keep.approvals.deny(ADA, denied, by=ada, decision_id=RequestId("d2"))
        await keep.approvals.discard(ADA, gone, by=ada, request_id=RequestId("w"))
        assert await witness.found(ADA, pending) == Found(
            state="pending", ruling=None, votes=(), threshold=1, changes=1
        )
        assert await witness.found(ADA, approved) == Found(
            state="approved",
            ruling="d1",
            votes=(Ballot("d1", "person:ada", APPROVE),),
            threshold=1,
            changes=2,
        )
        assert await witness.found(ADA, denied) == Found(
            state="denied",
            ruling="d2",
            votes=(Ballot("d2", "person:ada", DENY),),
            threshold=1,
            changes=2,
        )
        assert await witness.found(ADA, gone) == Found(
            state="discarded", ruling=None, votes=None, threshold=None, changes=None
        )
        assert await witness.found(BEN, pending) == NOTHING


async def test_looking_changes_nothing() -> None:
    async with witnessed() as (keep, witness):
        ids = [await raised(keep, ADA, call) for call in range(2)]
        await keep.approvals.discard(
            ADA, ids[0], by=Principal.agent("clerk"), request_id=RequestId("w")
        )
        before = [fact async for fact in witness.facts()]
        for id in ids:
            await witness.found(ADA, id)
        await witness.pending()
        assert [fact async for fact in witness.facts()] == before


class Stub:
    """A witness that says what a test's world holds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[tuple[Scope, str]] = []

    async def facts(self) -> AsyncIterator[Fact | Gap]:
        for fact in self.world.facts:
            yield fact
        if self.world.gap:
            yield Gap()

    async def found(self, scope: Scope, gate: str) -> Found:
        self.asked.append((scope, gate))
        return self.world.found

    async def pending(self) -> int:
        return self.world.pending


async def failures(world: World, cases: int = 1) -> set[Check]:
    with Ledger.opened() as ledger:
        for _ in range(cases):
            keep_case(ledger, world.case())
        examination = await audited(Ledgers(killed=None, others=[ledger]), Stub(world))
    return {verdict.check for verdict in examination.findings.verdicts() if not verdict.ok}


async def test_an_audit_of_a_true_world_finds_nothing() -> None:
    assert await failures(World(), cases=40) == set()


@pytest.mark.parametrize(
    ("world", "check"),
    [
        (World(pending=1), Check.ENDED),
        (World(gap=True), Check.ORDERED),
        (World(trouble=("contended",)), Check.DECIDED),
    ],
)
async def test_an_audit_asks_for_everything(world: World, check: Check) -> None:
    assert await failures(world) == {check}


async def test_an_audit_looks_at_what_only_the_log_tells_of() -> None:
    world = World()
    world.found = NOTHING
    assert Check.FOLDED in await failures(world, cases=0)


async def test_an_audit_asks_for_an_approval_where_it_is() -> None:
    stub = Stub(World())
    with Ledger.opened() as ledger:
        keep_case(ledger, World().case())
        await audited(Ledgers(killed=None, others=[ledger]), stub)
    tenant, user, agent, project, mission, thread = SCOPE
    scope = Scope.of(tenant, user, agent=agent, project=project, mission=mission, thread=thread)
    assert stub.asked == [(scope, "gate-1")]
