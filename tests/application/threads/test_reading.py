"""Reading: history by pages while it grows, and the window that a model is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.application.threads.test_summarising import added, spoken
from tests.application.threads.world import OWNER, World, code
from turnkeep_application.thread_views import HistoryPage, Window
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.parts import TextPart, ToolCallPart
from turnkeep_domain.threads.summaries import Summary, SummaryPolicy
from turnkeep_ports.errors import Corrupt


async def page(world: World, **how: object) -> HistoryPage:
    answer = await world.threads.history(OWNER, "t1", **how)  # type: ignore[arg-type]  # as asked
    assert isinstance(answer, HistoryPage), answer
    return answer


async def window(world: World, thread: str = "t1", **how: object) -> Window:
    answer = await world.threads.window(OWNER, thread, **how)  # type: ignore[arg-type]  # as asked
    assert isinstance(answer, Window), answer
    return answer


def shown(seen: Window) -> list[str | int]:
    """Entries in short: messages by their numbers, summaries by their ranges."""
    return [
        f"{entry.start}-{entry.end}" if isinstance(entry, Summary) else entry.sequence
        for entry in seen.entries
    ]


def numbers(seen: HistoryPage) -> list[int]:
    return [message.sequence for message in seen.messages]


# ---- history ------------------------------------------------------------------------------------


def test_history_is_read_in_either_order_and_from_anywhere(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 7)
        first = await page(world, limit=3)
        assert (numbers(first), first.next, first.committed) == ([1, 2, 3], 3, 7)
        second = await page(world, limit=3, after=3)
        assert (numbers(second), second.next) == ([4, 5, 6], 6)
        third = await page(world, limit=3, after=6)
        assert (numbers(third), third.next) == ([7], None)
        newest = await page(world, limit=3, newest_first=True)
        assert (numbers(newest), newest.next) == ([7, 6, 5], 4)
        older = await page(world, limit=4, newest_first=True, through=4)
        assert (numbers(older), older.next) == ([4, 3, 2, 1], None)
        middle = await page(world, after=2, through=4, limit=2)
        assert (numbers(middle), middle.next) == ([3, 4], None)
        assert numbers(await page(world, after=7)) == []
        assert numbers(await page(world, after=9)) == []
        assert numbers(await page(world, through=0)) == []
        assert numbers(await page(world, after=5, through=3)) == []

    world.run(scenario)


def test_paging_during_appends_gives_each_number_once_in_order(world: World) -> None:
    """Law 38."""
    appends = 120

    async def scenario() -> None:
        await world.thread()
        await world.say("m0")

        async def write() -> None:
            for number in range(1, appends):
                await world.say(f"m{number}", on=world.rival)
                await asyncio.sleep(0)

        writing = asyncio.create_task(write())
        seen: list[int] = []
        while len(seen) < appends:
            found = await page(world, after=seen[-1] if seen else 0, limit=7)
            seen += numbers(found)
            if found.next is None:
                await asyncio.sleep(0.001)
        await writing
        assert seen == list(range(1, appends + 1))

    world.run(scenario)


def test_a_page_ends_before_it_is_too_large(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        for number in range(20):
            await world.say(f"{number}" + "x" * 250_000, event=f"e{number}")
        first = await page(world, limit=20)
        assert numbers(first) == list(range(1, 17))
        assert first.next == 16
        second = await page(world, limit=20, after=16)
        assert (numbers(second), second.next) == ([17, 18, 19, 20], None)
        newest = await page(world, limit=20, newest_first=True)
        assert (numbers(newest)[-1], newest.next) == (5, 4)
        seen = await window(world, limit=20)
        assert shown(seen) == [17, 18, 19, 20]
        assert seen.cut

    world.run(scenario)


def test_a_hole_is_corrupt_and_a_deletion_is_none(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        second = next(c for c in await world.cells(MESSAGES) if c.entry.index.sort.endswith("2"))
        await world.delete(second)
        for read in (
            world.threads.history(OWNER, "t1"),
            world.threads.history(OWNER, "t1", newest_first=True),
            world.threads.window(OWNER, "t1"),
            world.threads.export(OWNER, "t1", write=print),
        ):
            with pytest.raises(Corrupt, match="message 2 of the thread is not there"):
                await read
        assert numbers(await page(world, after=2)) == [3]

    world.run(scenario)


def test_a_thread_that_is_swept_while_it_is_read_is_deleted_not_corrupt(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        async with world.suffering("scan#1: hold look") as (slow, store):
            reading = asyncio.create_task(slow.history(OWNER, "t1"))
            await store.reached("look")
            await world.threads.delete(OWNER, "t1")
            await world.threads.sweep()
            store.release("look")
            assert code(await reading) == "thread_deleted"

    world.run(scenario)


# ---- windows ------------------------------------------------------------------------------------


def test_a_window_has_the_newest_entries_in_order(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 6)
        seen = await window(world)
        assert (shown(seen), seen.cut, seen.through) == ([1, 2, 3, 4, 5, 6], False, 6)
        seen = await window(world, limit=4)
        assert (shown(seen), seen.cut) == ([3, 4, 5, 6], True)
        seen = await window(world, limit=6)
        assert (shown(seen), seen.cut) == ([1, 2, 3, 4, 5, 6], False)
        assert shown(await window(world, through=2)) == [1, 2]
        assert shown(await window(world, through=0)) == []
        assert shown(await window(world, bytes_max=1)) == [6]

    world.run(scenario)


def test_a_summary_stands_once_in_its_place_and_never_past_through(world: World) -> None:
    """Law 34."""

    async def scenario() -> None:
        await spoken(world, 9)
        await added(world.threads, 2, 4, text="early")
        await added(world.threads, 7, 8, text="late")
        await added(world.threads, 1, 3, policy=SummaryPolicy.NOTE)
        seen = await window(world)
        assert shown(seen) == [1, "2-4", 5, 6, "7-8", 9]
        assert [(note.start, note.end) for note in seen.notes] == [(1, 3)]
        assert shown(await window(world, through=7)) == [1, "2-4", 5, 6, 7]
        assert shown(await window(world, through=3)) == [1, 2, 3]
        seen = await window(world, through=7, run_id="r1")
        assert shown(seen) == [1, "2-4", 5, 6, 7], "a run's own messages change nothing of it"
        assert (await window(world, through=2)).notes == ()
        seen = await window(world, limit=3)
        assert (shown(seen), seen.cut) == ([6, "7-8", 9], True)
        assert shown(await window(world, limit=2)) == ["7-8", 9]

    world.run(scenario)


def test_a_window_has_only_what_is_settled_and_meant_for_models(world: World) -> None:
    """Law 35."""

    async def scenario() -> None:
        await world.thread()
        threads = world.threads
        accepted = await world.say("accepted")
        rejected, redacted = await world.say("rejected"), await world.say("redacted")
        await threads.mark_rejected_busy(OWNER, "t1", rejected.message_id)
        await threads.redact(OWNER, "t1", redacted.message_id, code="privacy", by="ada")
        await threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        await threads.open_draft(OWNER, "t1", run_id="r1", slot=1)
        await threads.interrupt(OWNER, "t1", run_id="r1", slot=1, code="gone")
        await world.says("finalized", slot=2)
        await threads.append_preview(
            OWNER, "t1", Content.of("preview"), run_id="r1", invocation="i1"
        )
        for kind in (MessageKind.CHECKPOINT, MessageKind.SYSTEM):
            await threads.append(
                OWNER, "t1", kind, Content.of("x"), request_id=RequestId(kind.value)
            )
        submitted = await world.say("submitted")
        await threads.mark_submitted(OWNER, "t1", submitted.message_id, turn_id="u1", run_id="r1")
        for limit in range(1, 12):
            seen = shown(await window(world, limit=limit))
            assert seen == [accepted.sequence, 6, 9, submitted.sequence][-limit:]

    world.run(scenario)


def test_a_run_sees_its_own_messages_after_through(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        await world.says("mine", run="r1")
        await world.say("somebody else's")
        await world.says("another's", run="r2")
        await world.says("mine too", run="r1", slot=1)
        assert shown(await window(world, through=2, run_id="r1")) == [1, 2, 3, 6]
        assert shown(await window(world, through=2)) == [1, 2]
        assert shown(await window(world, through=4, run_id="r2")) == [1, 2, 3, 4, 5]

    world.run(scenario)


def test_a_submitted_message_of_the_run_is_no_exception_to_through(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        third = (await world.messages())[2]
        await world.threads.mark_submitted(OWNER, "t1", third.message_id, turn_id="u1", run_id="r1")
        assert shown(await window(world, through=1, run_id="r1")) == [1, 3]

    world.run(scenario)


async def _called(world: World, number: int) -> None:
    """A call of a tool, and its result."""
    content = Content.of(
        [TextPart(f"call {number}"), ToolCallPart.of(f"result:{number}", "pay", {})]
    )
    await world.threads.finalize(OWNER, "t1", run_id="r1", slot=number, content=content)
    for part in ("a", "b"):
        await world.threads.append_tool_result(
            OWNER,
            "t1",
            run_id="r1",
            result_ref=f"result:{number}" if part == "a" else f"result:{number}b",
            safe_summary="done",
        )


def test_a_window_opens_with_no_orphaned_result(world: World) -> None:
    """Law 36: neither at its beginning nor after a summary."""

    async def scenario() -> None:
        await world.thread()
        await world.say("go")
        await _called(world, 1)  # 2, 3, 4; the second result has no call
        await _called(world, 2)  # 5, 6, 7
        assert shown(await window(world)) == [1, 2, 3, 4, 5, 6, 7]
        expected: dict[int, Sequence[int]] = {
            6: [2, 3, 4, 5, 6, 7],
            5: [5, 6, 7],
            4: [5, 6, 7],
            3: [5, 6, 7],
            2: [],
            1: [],
        }
        for limit, wanted in expected.items():
            seen = await window(world, limit=limit)
            assert shown(seen) == wanted
            assert seen.cut
        await added(world.threads, 5, 5)
        await world.say("next")
        assert shown(await window(world)) == [1, 2, 3, 4, "5-5", 8]
        await added(world.threads, 1, 2)
        assert shown(await window(world)) == ["1-2", "5-5", 8]

    world.run(scenario)


def test_reads_of_a_window_grow_with_its_entries_not_with_the_thread(world: World) -> None:
    """Law 37."""

    async def scenario() -> None:
        await spoken(world, 300)

        async def calls(**how: object) -> list[str]:
            async with world.suffering("") as (host, store):
                seen = await host.window(OWNER, "t1", **how)  # type: ignore[arg-type]  # as asked
                assert not isinstance(seen, Refused)
                return [call.operation.value for call in store.calls]

        assert await calls(limit=5) == ["load", "scan"]
        assert await calls(limit=5, through=20) == ["load", "scan"]
        await added(world.threads, 1, 290)
        assert await calls(limit=20) == ["load", "scan"]
        seen = await window(world, limit=20)
        assert shown(seen)[:2] == ["1-290", 291]
        assert not seen.cut

    world.run(scenario)


def test_a_fork_is_read_across_its_segments(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 4)
        await world.threads.fork(OWNER, "t1", to="t2", through=3, created_by="ada")
        await world.say("m4'", thread="t2")
        await world.say("m5'", thread="t2")
        await world.threads.fork(OWNER, "t2", to="t3", through=4, created_by="ada")
        await world.say('m5"', thread="t3")
        assert await world.texts("t2") == ["m1", "m2", "m3", "m4'", "m5'"]
        assert await world.texts("t3") == ["m1", "m2", "m3", "m4'", 'm5"']
        for limit in range(1, 6):
            seen = await window(world, "t3", limit=limit)
            assert shown(seen) == [1, 2, 3, 4, 5][-limit:]
            newest = await world.threads.history(OWNER, "t3", newest_first=True, limit=limit)
            assert isinstance(newest, HistoryPage)
            assert numbers(newest) == [5, 4, 3, 2, 1][:limit]
        third = (await world.messages("t3"))[2]
        assert await world.threads.message(OWNER, "t3", third.message_id) == third
        fourth = (await world.messages())[3]
        assert await world.threads.message(OWNER, "t3", fourth.message_id) is None

    world.run(scenario)
