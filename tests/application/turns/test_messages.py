"""A turn and the message that asks for it: both or neither, in one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import evolve

from tests.application.turns.conversing import OWNER, SCOPE, TALK, Talk, code
from tests.application.turns.keep import Keep, step, thread
from turnkeep_application.thread_keys import header_key, message_key
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.views import RunView
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_states import Accepted, RejectedBusy, Submitted
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.thread_states import Importing
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.turn import run_id, turn_id

NOBODYS: Final = "m-" + 32 * "0"


def test_a_submit_marks_its_message_in_its_own_commit(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        view = await talk.submit(message_id)
        assert isinstance(view, RunView)
        message = await talk.message(message_id)
        assert isinstance(message.state, Submitted)
        assert (message.turn_id, message.run_id) == (view.turn.id, view.id)
        marked = await keep.cell(message_key(TALK, message_id).address)
        state = await keep.cell(turn_state_key(view.address).address)
        assert marked is not None
        assert state is not None
        assert marked.written_by == state.written_by
        assert await keep.kinds() == [
            "thread.created",
            "message.accepted",
            "submitted",
            "message.submitted",
        ]

    keep.run(law)


@pytest.mark.parametrize(
    "fault", ["fail-before", "stale", "busy", "lose-before", "lose-after", "land-late 1"]
)
def test_whatever_becomes_of_the_commit_turn_and_mark_are_both_there_once(
    keep: Keep, fault: str
) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            first = await talk.submit(message_id, on=turns)
        again = await talk.submit(message_id)
        assert isinstance(first, RunView)
        assert first == again
        assert (await keep.kinds())[2:] == ["submitted", "message.submitted"]

    keep.run(law)


Spoiling = Callable[[Talk, str], Awaitable[object]]


async def otherwise_submitted(talk: Talk, message_id: str) -> object:
    return await talk.threads().mark_submitted(
        SCOPE, "talk", message_id, turn_id="turn-0", run_id="run-0"
    )


async def rejected(talk: Talk, message_id: str) -> object:
    return await talk.threads().mark_rejected_busy(SCOPE, "talk", message_id)


async def redacted(talk: Talk, message_id: str) -> object:
    return await talk.threads().redact(SCOPE, "talk", message_id, code="wish", by="ada")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (otherwise_submitted, "already_submitted"),
        (rejected, "already_rejected"),
        (redacted, "message_redacted"),
    ],
)
def test_no_turn_is_made_of_a_message_that_waits_for_none(
    keep: Keep, spoil: Spoiling, expected: str
) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        assert not hasattr(await spoil(talk, message_id), "reason")
        before = await talk.snapshot()
        assert code(await talk.submit(message_id)) == expected
        assert await talk.snapshot() == before

    keep.run(law)


def test_no_turn_is_made_of_what_no_user_has_said(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        await talk.said()
        own = await talk.threads().append_assistant(
            SCOPE, "talk", run_id="r0", slot=0, content=Content.of("I said it.")
        )
        assert isinstance(own, MessageReceipt)
        before = await talk.snapshot()
        assert code(await talk.submit(own.message_id)) == "message_state"
        assert code(await talk.submit(NOBODYS)) == "message_not_found"
        elsewhere = await talk.submit(NOBODYS, scope=thread("elsewhere"))
        assert code(elsewhere) == "thread_not_found"
        assert await talk.snapshot() == before

    keep.run(law)


def test_no_turn_is_made_in_a_thread_that_is_not_yet_whole(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        header = await keep.record(header_key(TALK))
        assert header is not None
        importing = Importing(due_at=header.created_at)
        await keep.put(header_key(TALK), evolve(header, state=importing))
        assert code(await talk.submit(message_id)) == "thread_importing"

    keep.run(law)


def test_a_message_that_is_marked_with_the_same_ids_already_is_no_obstacle(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        request = RequestId("r1")
        await talk.threads().mark_submitted(
            SCOPE,
            "talk",
            message_id,
            turn_id=turn_id(SCOPE, request),
            run_id=run_id(SCOPE, "submit", request),
        )
        assert isinstance(await talk.submit(message_id), RunView)
        assert (await keep.kinds())[2:] == ["message.submitted", "submitted"]

    keep.run(law)


def test_a_repeat_answers_its_run_whatever_has_become_of_the_message(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        first = await talk.submit(message_id)
        await redacted(talk, message_id)
        assert await talk.submit(message_id) == first

    keep.run(law)


@pytest.mark.parametrize(
    "ref", ["mail:1", "m-1", "M-" + 32 * "0", NOBODYS + "0", "m-" + 32 * "G", "m-" + 32 * "A"]
)
def test_every_other_reference_is_opaque(keep: Keep, ref: str) -> None:
    async def law() -> None:
        assert isinstance(await Talk(keep).submit(ref), RunView)

    keep.run(law)


def test_a_run_without_a_thread_marks_no_message(keep: Keep) -> None:
    async def law() -> None:
        assert isinstance(await Talk(keep).submit(NOBODYS, scope=OWNER), RunView)

    keep.run(law)


def test_a_message_in_what_can_be_no_thread_is_a_mistake(timed: Keep) -> None:
    async def law() -> None:
        with pytest.raises(InvalidValue):
            await Talk(timed).submit(NOBODYS, scope=thread("a/b"))

    timed.run(law)


def test_a_busy_thread_is_told_before_its_message_and_rejects_nothing(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        await talk.submit(await talk.said())
        second = await talk.said("And the power bill.")
        assert code(await talk.submit(second, request="r2")) == "thread_busy"
        assert isinstance((await talk.message(second)).state, Accepted)
        assert code(await talk.submit(NOBODYS, request="r3")) == "thread_busy"
        await rejected(talk, second)
        assert isinstance((await talk.message(second)).state, RejectedBusy)

    keep.run(law)


def test_a_message_is_told_before_a_full_limit_and_stays_accepted_there(timed: Keep) -> None:
    talk = Talk(timed)
    bucket = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)

    async def law() -> None:
        message_id = await talk.said()
        await timed.limit(bucket, held=1)
        await timed.submitted(thread("full"))
        assert code(await talk.submit(message_id)) == "at_capacity"
        assert isinstance((await talk.message(message_id)).state, Accepted)
        assert code(await talk.submit(NOBODYS)) == "message_not_found"

    timed.run(law)


def test_a_turn_and_a_rejection_of_its_message_that_race_exclude_each_other(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(talk.submit(message_id, on=turns))
            await faulty.reached("late")
            await rejected(talk, message_id)
            before = await talk.snapshot()
            faulty.release("late")
            assert code(await call) == "already_rejected"
        assert await talk.snapshot() == before

    keep.run(law)


def test_appends_meanwhile_do_not_matter_to_a_submit(keep: Keep) -> None:
    talk = Talk(keep)

    async def law() -> None:
        message_id = await talk.said()
        async with keep.suffering("commit#1: hold late") as (turns, faulty):
            call = asyncio.ensure_future(talk.submit(message_id, on=turns))
            await faulty.reached("late")
            await talk.said("And something else.")
            faulty.release("late")
            assert isinstance(await call, RunView)
            assert len([one for one in faulty.calls if one.operation.value == "commit"]) == 1

    keep.run(law)


def test_a_child_marks_a_message_of_its_own_thread(keep: Keep) -> None:
    talk, child = Talk(keep), thread("child")

    async def spawned(claim: Claim, message: str) -> object:
        return await keep.turns.submit_child(
            claim, step("spawn"), scope=child, message_ref=Ref(message), arguments=digest_of("a")
        )

    async def law() -> None:
        claim = await talk.running()
        message_id = await talk.said("Ask the landlord.", scope=child)
        before = await talk.snapshot()
        assert code(await spawned(claim, NOBODYS)) == "message_not_found"
        assert await talk.snapshot() == before
        view = await spawned(claim, message_id)
        assert isinstance(view, RunView)
        marked = await talk.message(message_id, ThreadAddress.of_scope(child))
        assert marked.run_id == view.id

    keep.run(law)
