"""Redaction: nothing of what was said is left, in no cell, in no fork, and at last in no file."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.application.threads.fences import address
from tests.application.threads.test_summarising import added, spoken, standing
from tests.application.threads.world import OWNER, World, code, event_of
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
from turnkeep_domain.threads.claims import INBOUND
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.families import FAMILIES
from turnkeep_domain.threads.message_events import MessageErased, MessageRedacted
from turnkeep_domain.threads.message_id import InboundEvent
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.parts import AttachmentPart, TextPart
from turnkeep_domain.threads.summary_set import SUMMARIES

FRAGMENT: Final = "s3cret-fragment"
SCAN: Final = Attachment(
    id="scan",
    kind=AttachmentKind.DOCUMENT,
    mime="text/plain",
    filename=f"{FRAGMENT}.txt",
    size_bytes=7,
    storage_key="files/scan",
    extracted_text=f"{FRAGMENT} extracted",
)
CONTENT: Final = Content.of(
    [TextPart(f"{FRAGMENT} said"), AttachmentPart("scan")],
    attachments=[SCAN],
    metadata={"note": FRAGMENT},
)


async def redact(
    world: World, id: str, *, thread: str = "t1", on: Threads | None = None, why: str = "privacy"
) -> object:
    return await (on or world.threads).redact(OWNER, thread, id, code=why, by="ada")


async def told(world: World, receipt: MessageReceipt) -> MessageReceipt:
    answer = await redact(world, receipt.message_id)
    assert isinstance(answer, MessageReceipt)
    return answer


async def stored_bytes(world: World) -> bytes:
    """Every byte that cells and events hold, indexes included."""
    cells = [
        repr((cell.address, cell.entry.index)).encode() + cell.entry.body
        for cell in await world.cells()
    ]
    events = [repr(event).encode() + event.body for event in await world.stored_events()]
    return b"".join([*cells, *events])


def test_after_a_redaction_no_cell_no_index_and_no_event_holds_a_fragment(world: World) -> None:
    """Law 26."""

    async def scenario() -> None:
        await world.thread()
        said = await world.say(CONTENT, event="e1")
        await added(world.threads, 1, 1, text=f"it said {FRAGMENT}")
        assert FRAGMENT.encode() in await stored_bytes(world)
        answer = await told(world, said)
        assert (answer.state, answer.new) == (MessageState.REDACTED, True)
        assert FRAGMENT.encode() not in await stored_bytes(world)
        (view,) = await world.messages()
        assert (view.sequence, view.code, view.content) == (1, "privacy", Content.nothing())
        assert view.actor is None
        again = await redact(world, said.message_id, why="other")
        assert isinstance(again, MessageReceipt)
        assert not again.new
        assert (await world.messages())[0].code == "privacy"
        redactions = [event for event in await world.events() if isinstance(event, MessageRedacted)]
        assert [event.code for event in redactions] == ["privacy"]

    world.run(scenario)


def test_after_a_scrub_no_stored_byte_is_a_fragment(world: World) -> None:
    """Law 26: the files are searched, and the tables."""

    async def scenario() -> None:
        await world.thread()
        said = await world.say(CONTENT, event="e1")
        await added(world.threads, 1, 1, text=f"it said {FRAGMENT}")
        for number in range(30):
            await world.say(f"m{number}")
        await told(world, said)
        await _host_confirms(world)
        assert (await world.threads.sweep()).erasures == 1
        beneath = world.place.beneath()
        assert FRAGMENT.encode() not in beneath
        assert b"files/scan" not in beneath
        if beneath:
            assert b"m29" in beneath, "what was not redacted is found"
        assert len(await world.messages()) == 31

    world.run(scenario)


async def _host_confirms(world: World) -> None:
    page = await world.threads.erasures()
    for erasure in page.erasures:
        answer = await world.threads.confirm_erasure(erasure.scope, erasure.message_id)
        assert isinstance(answer, MessageReceipt)


def test_storage_keys_are_kept_for_the_host_until_it_has_deleted_the_files(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said, plain = await world.say(CONTENT), await world.say("plain")
        for receipt in (said, plain):
            await told(world, receipt)
        assert (await world.threads.sweep()).erasures == 1, "the plain one alone"
        (erasure,) = (await world.threads.erasures()).erasures
        assert erasure.storage_keys == ("files/scan",)
        assert erasure.message_id == said.message_id
        for view in await world.messages():
            assert "files/scan" not in repr(view)
        assert "files/scan" not in repr(await world.events())
        await _host_confirms(world)
        assert (await world.threads.erasures()).erasures == ()
        before = await world.kinds()
        assert before.count("message.erased") == 1
        assert (await world.threads.sweep()).erasures == 1
        assert (await world.threads.sweep()).erasures == 0
        erased = [event for event in await world.events() if isinstance(event, MessageErased)]
        assert [event.sequence for event in erased] == [2, 1]
        again = await world.threads.confirm_erasure(erasure.scope, erasure.message_id)
        assert isinstance(again, MessageReceipt)

    world.run(scenario)


def test_erasure_is_confirmed_for_redacted_messages_alone(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said = await world.say(CONTENT)
        there = address().scope
        answer = await world.threads.confirm_erasure(there, said.message_id)
        assert code(answer) == "message_state"
        absent = await world.threads.confirm_erasure(there, "m-none")
        assert code(absent) == "message_not_found"

    world.run(scenario)


def test_a_redelivery_after_a_redaction_restores_nothing(world: World) -> None:
    """Law 13."""

    async def scenario() -> None:
        await world.thread()
        said = await world.say(CONTENT, event="e1")
        await told(world, said)
        before = await world.snapshot()
        for content in (CONTENT, Content.of("something else")):
            again = await world.say(content, event="e1")
            assert (again.state, again.sequence, again.new) == (MessageState.REDACTED, 1, False)
        assert code(await world.try_say(CONTENT, event="e1", actor="eve")) == (
            "event_actor_mismatch"
        )
        assert await world.snapshot() == before
        (claim,) = await world.records(INBOUND)
        assert claim.payload_digest is None

    world.run(scenario)


def test_a_redacted_first_message_leaves_no_derived_title_ever(world: World) -> None:
    """Law 27."""

    async def scenario() -> None:
        await world.thread()
        first = await world.say(f"{FRAGMENT} title")
        await told(world, first)
        await world.say("second")
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.title is None

    world.run(scenario)


def test_redacting_another_message_leaves_the_title(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.say("title")
        second = await world.say("second")
        await told(world, second)
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.title == "title"

    world.run(scenario)


def test_redacting_through_a_fork_hides_it_in_the_whole_family_in_one_commit(
    world: World,
) -> None:
    """Law 28."""

    async def scenario() -> None:
        await spoken(world, 3)
        await world.threads.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
        await world.say("own of t2", thread="t2")
        await world.threads.fork(OWNER, "t2", to="t3", through=3, created_by="ada")
        await world.threads.fork(OWNER, "t1", to="t4", through=1, created_by="ada")
        await world.say("own of t4", thread="t4")
        for thread in ("t1", "t2", "t3"):
            await added(world.threads, 1, 2, thread=thread, request=f"cover of {thread}")
        # What t4 summarises is its own second message, and stands.
        await added(world.threads, 1, 2, thread="t4", request="cover of t4")
        second = (await world.messages())[1]
        commits = len({event.commit_id for event in await world.stored_events()})
        answer = await redact(world, second.message_id, thread="t3")
        assert isinstance(answer, MessageReceipt)
        assert len({event.commit_id for event in await world.stored_events()}) == commits + 1
        for thread in ("t1", "t2", "t3"):
            views = await world.messages(thread)
            assert views[1].state is MessageState.REDACTED
            assert await standing(world, thread) == []
            page = await world.threads.history(OWNER, thread)
            assert getattr(page, "basis", None) == 1
        assert await standing(world, "t4") == [(1, 2)]
        assert (await world.kinds()).count("summary.dropped") == 3

    world.run(scenario)


def test_a_redaction_in_a_full_family_fits_into_one_commit(world: World) -> None:
    """Law 28, at its bound: 56 living threads, each with a summary."""

    async def scenario() -> None:
        await spoken(world, 1)
        names = [f"f{number}" for number in range(55)]
        for name in names:
            answer = await world.threads.fork(OWNER, "t1", to=name, through=1, created_by="ada")
            assert not isinstance(answer, Refused), answer
        full = await world.threads.fork(OWNER, "t1", to="more", through=1, created_by="ada")
        assert code(full) == "family_full"
        for name in ("t1", *names):
            await added(world.threads, 1, 1, thread=name)
        (first,) = await world.messages()
        assert isinstance(await redact(world, first.message_id, thread="f54"), MessageReceipt)
        for name in ("t1", "f0", "f54"):
            assert await standing(world, name) == []
            assert await world.texts(name) == [None]
        assert (await world.kinds()).count("summary.dropped") == 56

    world.run(scenario)


def test_what_a_fork_does_not_show_is_not_redacted_through_it(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        await world.threads.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
        third = (await world.messages())[2]
        before = await world.snapshot()
        assert code(await redact(world, third.message_id, thread="t2")) == "message_not_found"
        assert code(await redact(world, "m-none")) == "message_not_found"
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_message_of_a_deleted_source_is_redacted_through_its_fork(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        await world.threads.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
        await world.threads.delete(OWNER, "t1")
        await world.threads.sweep()
        first = (await world.messages("t2"))[0]
        assert isinstance(await redact(world, first.message_id, thread="t2"), MessageReceipt)
        assert await world.texts("t2") == [None, "m2"]

    world.run(scenario)


def test_the_request_of_a_dropped_summary_is_forgotten_with_it(world: World) -> None:
    """Its digest tells of the text; so does that of a summary that was absorbed since."""

    async def scenario() -> None:
        await spoken(world, 4)
        inner = await added(world.threads, 1, 2, request="inner")
        await added(world.threads, 1, 3, request="outer", absorbs=[inner])
        await added(world.threads, 4, 4, request="other")
        first = (await world.messages())[0]
        await redact(world, first.message_id)
        (kept,) = await world.records(SUMMARIES)
        assert [mark.request_id for mark in kept.requests.entries] == ["other"]
        assert kept.requests.total == 3
        assert await standing(world) == [(4, 4)]

    world.run(scenario)


@pytest.mark.parametrize("wins", ["redact", "finalize"])
def test_finalizing_and_redacting_at_once_ends_redacted(world: World, wins: str) -> None:
    """Law 31."""

    async def scenario() -> None:
        await world.thread()
        opened = await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        assert isinstance(opened, MessageReceipt)

        async def end(host: Threads) -> object:
            said = Content.of(FRAGMENT)
            return await host.finalize(OWNER, "t1", run_id="r1", slot=0, content=said)

        async with world.suffering("commit#1: hold late") as (slow, store):
            call = end(slow) if wins == "redact" else redact(world, opened.message_id, on=slow)
            late = asyncio.create_task(call)
            await store.reached("late")
            if wins == "redact":
                await redact(world, opened.message_id)
            else:
                await end(world.threads)
            store.release("late")
            answer = await late
        if wins == "redact":
            assert code(answer) == "message_redacted"
        (view,) = await world.messages()
        assert view.state is MessageState.REDACTED
        assert FRAGMENT.encode() not in await stored_bytes(world)

    world.run(scenario)


def test_a_draft_update_cannot_bring_back_what_was_redacted(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        opened = await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        assert isinstance(opened, MessageReceipt)
        async with world.suffering("commit#1: hold late") as (slow, store):
            late = asyncio.create_task(
                slow.update_draft(
                    OWNER, "t1", run_id="r1", slot=0, version=1, content=Content.of(FRAGMENT)
                )
            )
            await store.reached("late")
            await redact(world, opened.message_id)
            store.release("late")
            assert code(await late) == "message_redacted"
        assert FRAGMENT.encode() not in await stored_bytes(world)

    world.run(scenario)


@pytest.mark.parametrize("killed", ["scrub", "commit"])
def test_a_sweep_that_is_killed_at_its_scrub_is_resumed_by_the_next(
    world: World, killed: str
) -> None:
    """Law 30."""

    async def scenario() -> None:
        await world.thread()
        said = await world.say("plain")
        await told(world, said)
        async with world.suffering(f"{killed}#1: hold-after x") as (slow, store):
            sweeping = asyncio.create_task(slow.sweep())
            await store.reached("x")
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
        assert (await world.threads.sweep()).erasures == (1 if killed == "scrub" else 0)
        assert (await world.threads.sweep()).erasures == 0
        assert (await world.kinds()).count("message.erased") == 1

    world.run(scenario)


def test_a_redaction_that_is_repeated_after_a_lost_answer_is_one(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said = await world.say("x", event=event_of("x"))
        async with world.suffering("commit#1: lose-after") as (host, _):
            answer = await redact(world, said.message_id, on=host)
            assert isinstance(answer, MessageReceipt)
        (family,) = await world.records(FAMILIES)
        assert family.redactions == 1
        assert InboundEvent(source_binding="web", event_id=event_of("x")).message_id == (
            said.message_id
        )

    world.run(scenario)
