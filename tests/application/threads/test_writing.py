"""Writing: one message for each run and slot, tool and ref, whoever is late, fenced or cut off."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.application.threads.fences import Fences, claim
from tests.application.threads.world import OWNER, World, code
from turnkeep_application.thread_transferring import Exported
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.message_states import MessageKind, MessageState
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.refusals import AlreadyFinalized

FACTS: Final[Json] = {
    "version": 1,
    "status": "succeeded",
    "facts": [{"name": "amount", "value": "12 EUR"}],
}
PRIVATE: Final = b"s3cret-provider"


async def drafted(world: World, text: str, *, version: int = 1, slot: int = 0) -> object:
    return await world.threads.update_draft(
        OWNER, "t1", run_id="r1", slot=slot, version=version, content=Content.of(text)
    )


async def opened(world: World, *, slot: int = 0) -> MessageReceipt:
    answer = await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=slot)
    assert isinstance(answer, MessageReceipt)
    return answer


async def finalized(world: World, text: str, *, slot: int = 0) -> object:
    return await world.threads.finalize(
        OWNER, "t1", run_id="r1", slot=slot, content=Content.of(text)
    )


async def resulted(
    world: World,
    summary: str = "Paid 12 EUR",
    *,
    observation: Json | JsonText = None,
    provider: bytes | None = None,
) -> object:
    return await world.threads.append_tool_result(
        OWNER,
        "t1",
        run_id="r1",
        result_ref="result:call-1",
        safe_summary=summary,
        observation=observation,
        provider=provider,
    )


async def only(world: World) -> MessageView:
    (view,) = await world.messages()
    return view


def test_a_draft_is_replaced_by_higher_versions_and_ended_once(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        first = await opened(world)
        assert (first.sequence, first.state, first.version) == (1, MessageState.DRAFT, 0)
        await drafted(world, "so", version=1)
        await drafted(world, "so far", version=3)
        again = await opened(world)
        assert (again.version, again.new) == (3, False)
        assert (await only(world)).content.first_line == "so far"
        ended = await finalized(world, "all of it")
        assert isinstance(ended, MessageReceipt)
        assert ended.state is MessageState.FINALIZED
        assert await world.kinds() == ["thread.created", "message.opened", "message.finalized"]

    world.run(scenario)


def test_racing_opens_make_one_message(world: World) -> None:
    """Law 19."""

    async def scenario() -> None:
        await world.thread()
        hosts = [world.threads, world.rival]

        async def open_one(number: int) -> MessageReceipt:
            host = hosts[number % 2]
            answer = await world.insist(lambda: host.open_draft(OWNER, "t1", run_id="r1", slot=0))
            assert isinstance(answer, MessageReceipt)
            return answer

        receipts = await asyncio.gather(*(open_one(number) for number in range(16)))
        assert sum(receipt.new for receipt in receipts) == 1
        assert len(await world.messages()) == 1

    world.run(scenario)


def test_a_late_version_never_overwrites_a_newer_one(world: World) -> None:
    """Law 19."""

    async def scenario() -> None:
        await world.thread()
        await opened(world)
        async with world.suffering("commit#1: hold late") as (slow, store):
            late = asyncio.create_task(
                slow.update_draft(
                    OWNER, "t1", run_id="r1", slot=0, version=1, content=Content.of("late")
                )
            )
            await store.reached("late")
            await drafted(world, "newer", version=2)
            store.release("late")
            answer = await late
        assert isinstance(answer, MessageReceipt)
        assert (answer.version, answer.new) == (2, False)
        assert (await only(world)).content.first_line == "newer"
        before = await world.snapshot()
        await drafted(world, "lower", version=1)
        await drafted(world, "newer", version=2)
        assert code(await drafted(world, "other", version=2)) == "draft_conflict"
        assert await world.snapshot() == before

    world.run(scenario)


def test_what_is_ended_stands_and_is_told_to_whoever_ends_it_otherwise(world: World) -> None:
    """Law 20."""

    async def scenario() -> None:
        await world.thread()
        await opened(world)
        await finalized(world, "mine")
        before = await world.snapshot()
        again = await finalized(world, "mine")
        assert isinstance(again, MessageReceipt)
        assert not again.new
        other = await finalized(world, "other")
        assert isinstance(other, Refused)
        assert isinstance(other.reason, AlreadyFinalized)
        assert other.reason.message.content.first_line == "mine"
        assert code(await drafted(world, "late", version=9)) == "message_finalized"
        interrupted = await world.threads.interrupt(OWNER, "t1", run_id="r1", slot=0, code="gone")
        assert code(interrupted) == "message_finalized"
        assert await world.snapshot() == before

    world.run(scenario)


def test_an_interrupted_draft_is_ended_by_nobody(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await opened(world)
        await drafted(world, "so far")
        for _ in range(2):
            answer = await world.threads.interrupt(OWNER, "t1", run_id="r1", slot=0, code="gone")
            assert isinstance(answer, MessageReceipt)
        before = await world.snapshot()
        assert code(await finalized(world, "late")) == "message_interrupted"
        assert code(await drafted(world, "late", version=9)) == "message_interrupted"
        other = await world.threads.interrupt(OWNER, "t1", run_id="r1", slot=0, code="other")
        assert code(other) == "message_interrupted"
        view = await only(world)
        assert (view.content.first_line, view.code) == ("so far", "gone")
        assert await world.snapshot() == before
        absent = await world.threads.interrupt(OWNER, "t1", run_id="r1", slot=1, code="gone")
        assert code(absent) == "message_not_found"

    world.run(scenario)


def test_a_fenced_worker_can_neither_append_update_nor_finalize(world: World) -> None:
    """Law 21."""

    async def scenario() -> None:
        await world.thread()
        old = await claim(world, "r1", fence=1)
        threads = world.threads
        answer = await threads.open_draft(OWNER, "t1", run_id="r1", slot=0, write=old)
        assert isinstance(answer, MessageReceipt)
        await claim(world, "r2", fence=2)
        before = await world.snapshot()
        said = Content.of("late")
        answers = [
            await threads.open_draft(OWNER, "t1", run_id="r1", slot=1, write=old),
            await threads.update_draft(
                OWNER, "t1", run_id="r1", slot=0, version=1, content=said, write=old
            ),
            await threads.finalize(OWNER, "t1", run_id="r1", slot=0, content=said, write=old),
            await threads.append_assistant(
                OWNER, "t1", run_id="r1", slot=2, content=said, write=old
            ),
            await threads.interrupt(OWNER, "t1", run_id="r1", slot=0, code="gone", write=old),
            await threads.append_tool_result(
                OWNER, "t1", run_id="r1", result_ref="result:x", safe_summary="x", write=old
            ),
            await threads.append(
                OWNER, "t1", MessageKind.SYSTEM, said, request_id=RequestId("x"), write=old
            ),
            await threads.append_preview(
                OWNER, "t1", said, run_id="r1", invocation="i1", write=old
            ),
        ]
        assert [code(answer) for answer in answers] == ["lease_lost"] * 8
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_worker_that_is_fenced_between_load_and_commit_appends_nothing(world: World) -> None:
    """Law 21: the record that the right rests on is checked in the write."""

    async def scenario() -> None:
        await world.thread()
        old = await claim(world, "r1", fence=1)
        async with world.suffering("commit#1: hold late") as (slow, store):
            late = asyncio.create_task(
                slow.append_assistant(
                    OWNER, "t1", run_id="r1", slot=0, content=Content.of("late"), write=old
                )
            )
            await store.reached("late")
            await claim(world, "r2", fence=2)
            store.release("late")
            assert code(await late) == "lease_lost"
        assert await world.messages() == ()

    world.run(scenario)


@pytest.mark.parametrize("drafts", [False, True], ids=["append", "draft"])
def test_a_write_that_comes_after_its_right_has_ended_is_not_stored(
    world: World, *, drafts: bool
) -> None:
    """Law 21: the store's clock judges it in the write, of a draft's update too."""

    async def scenario() -> None:
        await world.thread()
        lease = await claim(world, "r1", fence=1, seconds=5)
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0, write=lease)
        before = await world.snapshot()
        async with world.suffering("commit#1: delay 5000") as (slow, _):
            said = Content.of("x")
            late: asyncio.Task[object]
            if drafts:
                late = asyncio.create_task(
                    slow.update_draft(
                        OWNER, "t1", run_id="r1", slot=0, version=1, content=said, write=lease
                    )
                )
            else:
                late = asyncio.create_task(
                    slow.append_assistant(
                        OWNER, "t1", run_id="r1", slot=1, content=said, write=lease
                    )
                )
            # It was handed over in time, and judged by the store when it came.
            assert code(await late) == "lease_lost"
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_draft_update_does_not_check_what_it_merely_reads(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        lease = await claim(world, "r1", fence=1)
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0, write=lease)
        async with world.suffering("commit#1: hold draft") as (host, store):
            updating = asyncio.create_task(
                host.update_draft(
                    OWNER,
                    "t1",
                    run_id="r1",
                    slot=0,
                    version=1,
                    content=Content.of("x"),
                    write=lease,
                )
            )
            await store.reached("draft")
            await claim(world, "r2", fence=2)
            await world.say("moves the header")
            store.release("draft")
            assert isinstance(await updating, MessageReceipt)
            assert sum(call.operation.value == "commit" for call in store.calls) == 1

    world.run(scenario)


def test_a_tool_result_is_kept_once_and_what_was_missing_is_filled_once(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        first = await resulted(world)
        assert isinstance(first, MessageReceipt)
        assert first.new
        before = await world.snapshot()
        again = await resulted(world)
        assert isinstance(again, MessageReceipt)
        assert not again.new
        assert await world.snapshot() == before
        (header,) = await world.cells(THREADS)
        await world.clock.advance(5)
        await resulted(world, observation=FACTS, provider=PRIVATE)
        assert (await world.cells(THREADS)) == [header], "what is filled in is no activity"
        (message,) = await world.records(MESSAGES)
        assert message.provider == PRIVATE
        assert message.tool is not None
        assert message.tool.observation is not None
        filled = await world.snapshot()
        assert isinstance(await resulted(world), MessageReceipt)
        assert isinstance(await resulted(world, observation=FACTS), MessageReceipt)
        conflicts = [
            await resulted(world, "Paid 13 EUR"),
            await resulted(world, provider=b"other"),
            await resulted(world, observation={"version": 1, "status": "failed", "facts": []}),
        ]
        assert [code(answer) for answer in conflicts] == ["tool_result_conflict"] * 3
        assert await world.snapshot() == filled

    world.run(scenario)


def test_a_tool_result_retried_after_redaction_stays_redacted(world: World) -> None:
    """Law 23."""

    async def scenario() -> None:
        await world.thread()
        kept = await resulted(world, observation=FACTS)
        assert isinstance(kept, MessageReceipt)
        await world.threads.redact(OWNER, "t1", kept.message_id, code="privacy", by="ada")
        before = await world.snapshot()
        for answer in (
            await resulted(world, observation=FACTS, provider=PRIVATE),
            await resulted(world, "something else"),
        ):
            assert isinstance(answer, MessageReceipt)
            assert answer.state is MessageState.REDACTED
        assert await world.snapshot() == before

    world.run(scenario)


@pytest.mark.parametrize(
    "observation",
    [
        {"version": 2, "status": "succeeded", "facts": []},
        {"version": True, "status": "succeeded", "facts": []},
        {"version": 1, "status": "great", "facts": []},
        {"version": 1, "status": "succeeded"},
        {"version": 1, "status": "succeeded", "facts": [], "more": 1},
        {"version": 1, "status": "succeeded", "facts": [{"name": "n", "value": 1}]},
        {"version": 1, "status": "succeeded", "facts": [{"name": "n", "value": "[x](y)"}]},
        {"version": 1, "status": "succeeded", "facts": [{"name": "n", "value": "token: abc"}]},
        {"version": 1, "status": "succeeded", "facts": [{"name": "n", "value": "x" * 5_000}]},
        [],
        "text",
        JsonText("{"),
    ],
    ids=[
        *("version", "flag", "status", "no facts", "more", "number", "brackets", "credential"),
        *("too large", "list", "text", "no json"),
    ],
)
def test_an_unsafe_observation_is_dropped_and_the_outcome_says_so(
    world: World, observation: Json | JsonText
) -> None:
    """Law 24."""

    async def scenario() -> None:
        await world.thread()
        answer = await resulted(world, observation=observation)
        assert isinstance(answer, MessageReceipt)
        assert answer.observation_dropped
        (message,) = await world.records(MESSAGES)
        assert message.tool is not None
        assert message.tool.observation is None
        safe = await resulted(world, observation=FACTS)
        assert isinstance(safe, MessageReceipt)
        assert not safe.observation_dropped

    world.run(scenario)


@pytest.mark.parametrize(
    "summary",
    [
        "see [this](link)",
        "a `command`",
        "/etc/passwd",
        "C:\\x",
        "line\nfeed",
        "turned \u202e around",
        "password: hunter2",
        "Bearer abcdefghijk",
        "key sk-abcdefghijklmnop",
        "AKIAABCDEFGHIJKLMNOP",
        "a" * 20 + "1" * 20,
    ],
)
def test_an_unsafe_summary_is_refused_before_any_read(world: World, summary: str) -> None:
    """Law 24."""

    async def scenario() -> None:
        await world.thread()
        before = await world.snapshot()
        async with world.suffering("") as (host, store):
            answer = await host.append_tool_result(
                OWNER, "t1", run_id="r1", result_ref="result:x", safe_summary=summary
            )
            assert code(answer) == "unsafe_summary"
            assert summary not in repr(answer)
            assert store.calls == ()
        assert await world.snapshot() == before

    world.run(scenario)


def test_private_data_of_a_provider_is_in_nothing_but_a_window_that_asks(world: World) -> None:
    """Law 25."""

    async def scenario() -> None:
        await world.thread()
        threads = world.threads
        ended = await threads.finalize(
            OWNER, "t1", run_id="r1", slot=0, content=Content.of("x"), provider=PRIVATE
        )
        await resulted(world, provider=PRIVATE)
        other = await threads.finalize(
            OWNER, "t1", run_id="r1", slot=0, content=Content.of("y"), provider=PRIVATE
        )
        lines: list[str] = []
        exported = await threads.export(OWNER, "t1", write=lines.append)
        assert isinstance(exported, Exported)
        page = await threads.history(OWNER, "t1")
        window = await threads.window(OWNER, "t1")
        asked = await threads.window(OWNER, "t1", with_provider=True)
        stored = await world.records(MESSAGES)
        spelt = PRIVATE.decode()
        encoded = "czNjcmV0LXByb3ZpZGVy"
        told = [event.body.decode() for event in await world.stored_events()]
        said = [ended, other, page, window, asked, stored]
        for text in [*map(repr, said), *map(str, said), *lines, *told]:
            assert spelt not in text
            assert encoded not in text
        assert not isinstance(window, Refused)
        assert not isinstance(asked, Refused)
        assert [getattr(entry, "provider", None) for entry in window.entries] == [None, None]
        assert [getattr(entry, "provider", None) for entry in asked.entries] == [PRIVATE] * 2
        assert isinstance(other, Refused)
        assert isinstance(other.reason, AlreadyFinalized)
        assert other.reason.message.provider is None

    world.run(scenario)


def test_what_else_is_appended_is_there_once_for_each_identity(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        threads = world.threads

        async def note(text: str, kind: MessageKind = MessageKind.SYSTEM) -> object:
            return await threads.append(
                OWNER, "t1", kind, Content.of(text), request_id=RequestId("q"), actor="ops"
            )

        async def preview(text: str, invocation: str = "i1") -> object:
            return await threads.append_preview(
                OWNER, "t1", Content.of(text), run_id="r1", invocation=invocation
            )

        for call in (note, preview):
            first, again = await call("x"), await call("x")
            assert isinstance(first, MessageReceipt)
            assert isinstance(again, MessageReceipt)
            assert (first.new, again.new) == (True, False)
            assert code(await call("y")) == "message_conflict"
        assert code(await note("x", MessageKind.CHECKPOINT)) == "message_conflict"
        assert isinstance(await preview("x", "i2"), MessageReceipt)
        assert len(await world.messages()) == 3

    world.run(scenario)


def test_a_draft_is_swept_once_it_has_stood_still_and_its_run_is_not_active(
    world: World,
) -> None:
    """Law 22, its end: `test_summarising` shows what a draft blocks."""

    async def scenario() -> None:
        await world.thread()
        host = world.with_settings(world.threads.settings, Fences())
        await claim(world, "r1", fence=1)
        await opened(world)
        await world.clock.advance(3_599)
        assert (await world.threads.sweep()).drafts == 0
        await world.clock.advance(1)
        assert (await host.sweep()).drafts == 0, "its run is active"
        await claim(world, "r2", fence=2)
        assert (await host.sweep()).drafts == 1
        view = await only(world)
        assert (view.state, view.code) == (MessageState.INTERRUPTED, "abandoned")
        assert (await host.sweep()).drafts == 0

    world.run(scenario)


def test_an_update_gives_a_draft_more_time(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await opened(world)
        await world.clock.advance(3_000)
        await drafted(world, "x")
        await world.clock.advance(3_000)
        assert (await world.threads.sweep()).drafts == 0
        await world.clock.advance(600)
        assert (await world.threads.sweep()).drafts == 1

    world.run(scenario)
