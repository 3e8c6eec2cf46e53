"""What a run writes to its thread, it writes under its claim, and no moment longer."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.application.turns.conversing import SCOPE, WRITES, Talk, code, writes
from tests.application.turns.keep import LEASE_SECONDS, SUBMITTER, Keep
from turnkeep_application.thread_sweeps import ThreadsSwept
from turnkeep_application.turns.claim_write import ClaimWrite
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.turns.claims import Claim, Heartbeat, RunStanding
from turnkeep_domain.turns.names import Ref, RunId

CHECKED = tuple(name for name in WRITES if name != "update_draft")


async def drafting(talk: Talk) -> Claim:
    """A claim whose run has opened a draft."""
    claim = await talk.running()
    opened = await writes(talk, claim, slot=0)["open_draft"]()
    assert isinstance(opened, MessageReceipt)
    return claim


@pytest.mark.parametrize("name", WRITES)
def test_a_run_writes_to_its_thread_as_long_as_its_claim_lasts(timed: Keep, name: str) -> None:
    """Laws 28 and 31: 1 ms before the deadline it does, and at the deadline it does not."""
    talk = Talk(timed)

    async def law() -> None:
        claim = await drafting(talk)
        await timed.let_pass(LEASE_SECONDS - 0.001)
        answer = await writes(talk, claim)[name]()
        assert not isinstance(answer, Refused), answer
        await timed.let_pass(0.001)
        before = await talk.snapshot()
        assert code(await writes(talk, claim, slot=8)[name]()) == "lease_expired"
        assert await talk.snapshot() == before

    timed.run(law)


@pytest.mark.parametrize("name", WRITES)
def test_a_run_that_was_paused_past_its_deadline_writes_nothing_to_its_thread(
    timed: Keep, name: str
) -> None:
    """Law 31: between load and commit, too; the store's own clock finds it out."""
    talk = Talk(timed)

    async def law() -> None:
        claim = await drafting(talk)
        before = await talk.snapshot()
        async with timed.suffering("commit#1: hold pause") as (turns, faulty):
            await timed.let_pass(LEASE_SECONDS - 5)
            call = asyncio.ensure_future(_sent(writes(talk, claim, on=turns)[name]()))
            await faulty.reached("pause")
            await timed.let_pass(5)
            faulty.release("pause")
            assert code(await call) == "lease_expired"
        assert await talk.snapshot() == before

    timed.run(law)


@pytest.mark.parametrize("name", CHECKED)
def test_a_write_that_races_its_run_s_own_end_never_lands_after_it(keep: Keep, name: str) -> None:
    """Law 76."""
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(_sent(writes(talk, claim, on=turns)[name]()))
            await faulty.reached("late")
            assert isinstance(await keep.turns.complete(claim), RunStanding)
            before = await talk.snapshot()
            faulty.release("late")
            assert code(await call) == "claim_ended"
        assert await talk.snapshot() == before

    keep.run(law)


def test_an_update_of_a_draft_is_ordered_by_its_own_cell_alone(keep: Keep) -> None:
    """It may land after its run's own end, within the claim's time; the draft is swept later."""
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            update = writes(talk, claim, on=turns)["update_draft"]
            call = asyncio.ensure_future(_sent(update()))
            await faulty.reached("late")
            assert isinstance(await keep.turns.complete(claim), RunStanding)
            faulty.release("late")
            landed = await call
            assert isinstance(landed, MessageReceipt)
            assert landed.version == 3

    keep.run(law)


@pytest.mark.parametrize("name", WRITES)
def test_a_claim_that_has_ended_writes_nothing_to_the_thread(keep: Keep, name: str) -> None:
    """Law 18: it is told how it has ended, also once the thread has gone on."""
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        await keep.turns.complete(claim)
        for request in ("r2", "r3"):
            before = await talk.snapshot()
            assert code(await writes(talk, claim)[name]()) == "claim_ended"
            assert await talk.snapshot() == before
            await talk.submit(None, request=request)
            [later] = await keep.claimed()
            if request == "r2":
                await keep.completed(later)

    keep.run(law)


@pytest.mark.parametrize("name", WRITES)
def test_a_fenced_run_writes_nothing_to_the_thread(keep: Keep, name: str) -> None:
    """Law 32, and law 21 of threads: another token, an earlier epoch, a run that never was."""
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        before = await talk.snapshot()
        other = evolve(claim, token=keep.token())
        assert code(await writes(talk, other)[name]()) == "lease_lost"
        early = evolve(claim, epoch=claim.epoch - 1)
        assert code(await writes(talk, early)[name]()) == "lease_lost"
        nobody = evolve(claim, run=evolve(claim.run, id=RunId("nobody's")))
        assert code(await writes(talk, nobody)[name]()) == "not_found"
        assert await talk.snapshot() == before

    keep.run(law)


def test_a_heartbeat_meanwhile_does_not_matter_to_an_append(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            append = writes(talk, claim, on=turns)["append_assistant"]
            call = asyncio.ensure_future(_sent(append()))
            await faulty.reached("late")
            assert isinstance(await keep.turns.heartbeat(claim), Heartbeat)
            faulty.release("late")
            assert isinstance(await call, MessageReceipt)

    keep.run(law)


@pytest.mark.parametrize("fault", ["fail-before", "lose-before", "lose-after", "land-late 1"])
@pytest.mark.parametrize("name", ["append_assistant", "append_tool_result", "open_draft"])
def test_an_append_in_doubt_lands_once(keep: Keep, name: str, fault: str) -> None:
    talk = Talk(keep)

    async def law() -> None:
        claim = await talk.running()
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            first = await writes(talk, claim, on=turns)[name]()
        again = await writes(talk, claim)[name]()
        assert isinstance(first, MessageReceipt)
        assert isinstance(again, MessageReceipt)
        assert (first.sequence, again.sequence, again.new) == (2, 2, False)
        assert len(await talk.messages()) == 2

    keep.run(law)


def test_a_run_that_is_called_off_may_end_what_it_has_begun_to_say(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        claim = await drafting(talk)
        await keep.turns.request_cancel(
            claim.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        answer = await writes(talk, claim)["finalize"]()
        assert isinstance(answer, MessageReceipt)
        assert answer.state is MessageState.FINALIZED

    keep.run(law)


def test_the_draft_of_an_active_run_is_left_alone_and_that_of_an_ended_one_interrupted(
    timed: Keep,
) -> None:
    talk = Talk(timed)

    async def swept() -> int:
        answer = await talk.threads().sweep()
        assert isinstance(answer, ThreadsSwept)
        return answer.drafts

    async def law() -> None:
        claim = await drafting(talk)
        for _ in range(62):
            await timed.let_pass(60)
            await timed.turns.heartbeat(claim)
        assert await swept() == 0
        await timed.turns.complete(claim)
        assert await swept() == 1
        assert (await talk.messages())[-1].state is MessageState.INTERRUPTED

    timed.run(law)


def test_a_write_that_is_no_claim_s_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="claim"):
        ClaimWrite(SCOPE)  # type: ignore[arg-type]  # the law is about that


async def _sent(write: object) -> object:
    """A write as a coroutine, which a task can be made of."""
    return await write  # type: ignore[misc]  # every write is awaitable
