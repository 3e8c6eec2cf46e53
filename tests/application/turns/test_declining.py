"""A call that is journaled as refused is refused by whatever asks for it, until it is redone."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve

from tests.application.turns.keep import OPERATOR, Keep, all_of, step, thread
from turnkeep_application.turns.child_orders import child_call, child_order
from turnkeep_application.turns.spend import Spend
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding
from turnkeep_domain.turns.declined import declined
from turnkeep_domain.turns.effect import Done, EffectKind, Intended, JournalCall, Mode, NotDone
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.parking import call_at
from turnkeep_domain.turns.refusals import CallDeclined, LeaseLost, ReplayDiverged
from turnkeep_domain.turns.run_states import RunStatus

CALL: Final = step("call")
GIVEN: Final = digest_of("a")
GATE: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=CALL)
SPEND: Final = Spend(id=CALL, mode=Mode.ONCE, arguments=GIVEN, estimate={Dimension.USD_NANO: 1})
CHILD: Final = thread("child")
AGAIN: Final = declined("thread_busy")


async def step_of(keep: Keep, claim: Claim) -> JournalCall:
    return JournalCall(id=CALL, kind=EffectKind.STEP, mode=Mode.ONCE, arguments=GIVEN)


async def child_of(keep: Keep, claim: Claim) -> JournalCall:
    state = (await keep.whole()).active
    (parent,) = [run for run in state if run.address == claim.run]
    order = child_order(
        parent,
        CALL,
        scope=CHILD,
        payload=b"",
        message_ref=None,
        source_ref=None,
        reply_ref=None,
        policy=None,
    )
    return child_call(order, CALL, GIVEN)


async def gate_of(keep: Keep, claim: Claim) -> JournalCall:
    return call_at(GATE)


async def spend_of(keep: Keep, claim: Claim) -> JournalCall:
    return SPEND.call


async def intended(keep: Keep, claim: Claim) -> object:
    return await keep.turns.intend(claim, CALL, arguments=GIVEN)


async def spawned(keep: Keep, claim: Claim) -> object:
    return await keep.turns.submit_child(claim, CALL, scope=CHILD, arguments=GIVEN)


async def waited(keep: Keep, claim: Claim) -> object:
    return await keep.turns.block(claim, gate=GATE)


async def begun(keep: Keep, claim: Claim) -> object:
    return await keep.turns.begin_spend(claim, SPEND)


CALLS: Final = {
    "step": (step_of, intended),
    "spawn": (child_of, spawned),
    "gate": (gate_of, waited),
    "spend": (spend_of, begun),
}
calls = pytest.mark.parametrize("kind", CALLS)


@calls
def test_a_declined_call_is_refused_and_counts_once(keep: Keep, kind: str) -> None:
    call_of, make = CALLS[kind]

    async def scenario() -> None:
        claim = await keep.running()
        call = await call_of(keep, claim)
        assert await keep.turns.decline(claim, call, code="thread_busy") == AGAIN
        before = await keep.snapshot()
        assert await keep.turns.decline(claim, call, code="thread_busy") == AGAIN
        assert await keep.turns.decline(claim, call, code="at_capacity") == AGAIN
        assert await make(keep, claim) in (AGAIN, Refused(CallDeclined("thread_busy")))
        assert await keep.snapshot() == before
        assert (await keep.view(claim.run)).counters.effects == 1
        assert [entry.state for entry in await keep.turns.journal(claim.run)] == [AGAIN]
        assert (await keep.kinds())[-1] == "effect_settled"

    keep.run(scenario)


@calls
def test_a_declined_call_that_is_redone_is_made_and_counts_as_it_did(keep: Keep, kind: str) -> None:
    call_of, make = CALLS[kind]

    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.decline(claim, await call_of(keep, claim), code="thread_busy")
        await keep.turns.fail(claim, category=Category("thread_busy"), effect=CALL)
        standing = await keep.turns.retry(
            claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert isinstance(standing, RunStanding)
        (granted,) = await keep.claimed()
        answer = await make(keep, granted.claim)
        assert not isinstance(answer, Refused | NotDone), answer
        if kind == "gate":
            await keep.turns.resume(
                granted.claim.run,
                kind=GATE.kind,
                ref=GATE.ref,
                disposition=Disposition.GRANTED,
                actor=OPERATOR.system("callbacks"),
                request_id=RequestId("go"),
            )
        (entry,) = await keep.turns.journal(claim.run)
        assert isinstance(entry.state, Done | Intended)
        assert (await keep.view(granted.claim.run)).counters.effects == 1

    keep.run(scenario)


def test_a_declined_gate_that_is_given_back_for_it_is_waited_at(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.decline(claim, call_at(GATE), code="effects_open")
        back = await keep.turns.relinquish(claim, reason=Relinquishment.DRAIN, redo=CALL)
        assert isinstance(back, RunStanding)
        (granted,) = await keep.claimed()
        blocked = await keep.turns.block(granted.claim, gate=GATE)
        assert isinstance(blocked, RunStanding)
        assert blocked.status is RunStatus.BLOCKED

    keep.run(scenario)


@calls
def test_another_call_in_the_place_of_a_declined_one_has_diverged(keep: Keep, kind: str) -> None:
    """Law 57."""
    call_of, _ = CALLS[kind]

    async def scenario() -> None:
        claim = await keep.running()
        call = await call_of(keep, claim)
        await keep.turns.decline(claim, call, code="thread_busy")
        other = evolve(call, arguments=digest_of("b"))
        answer = await keep.turns.decline(claim, other, code="thread_busy")
        assert answer == Refused(ReplayDiverged(CALL))

    keep.run(scenario)


def test_what_has_happened_is_not_declined_but_told(keep: Keep) -> None:
    """A request that had been in doubt may have landed since it was refused."""

    async def scenario() -> None:
        claim = await keep.running()
        view = await spawned(keep, claim)
        before = await keep.snapshot()
        call = await child_of(keep, claim)
        answer = await keep.turns.decline(claim, call, code="thread_busy")
        assert answer == Done(output=b"", disposition=None)
        assert await spawned(keep, claim) == view
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_only_who_holds_the_run_declines_and_only_until_it_ends(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        call = await step_of(keep, claim)
        before = await keep.snapshot()
        stranger = evolve(claim, epoch=claim.epoch + 1)
        answer = await keep.turns.decline(stranger, call, code="effects_full")
        assert answer == Refused(LeaseLost())
        with pytest.raises(InvalidValue):
            await keep.turns.decline(claim, call, code="")
        assert await keep.snapshot() == before
        await keep.cancel(claim.run)
        assert await keep.turns.decline(claim, call, code="effects_full") == declined(
            "effects_full"
        )

    keep.run(scenario)


@pytest.mark.parametrize("fault", ["lose-before", "lose-after", "fail-before", "land-late 1"])
def test_an_ambiguous_entry_is_one(keep: Keep, fault: str) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        call = await step_of(keep, claim)
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            assert await turns.decline(claim, call, code="thread_busy") == AGAIN
        assert (await keep.kinds()).count("effect_settled") == 1

    keep.run(scenario)


@calls
def test_of_a_call_and_its_refusal_at_once_one_stands(keep: Keep, kind: str) -> None:
    call_of, make = CALLS[kind]

    async def scenario() -> None:
        claim = await keep.running()
        call = await call_of(keep, claim)
        await all_of(make(keep, claim), keep.rival.decline(claim, call, code="thread_busy"))
        entries = await keep.turns.journal(claim.run)
        waits = (await keep.view(claim.run)).status is RunStatus.BLOCKED
        assert len(entries) == (0 if waits else 1)

    keep.run(scenario)
