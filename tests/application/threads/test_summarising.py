"""Summaries: never over a draft, never over each other, never over what was redacted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from tests.application.threads.fences import claim
from tests.application.threads.world import OWNER, World, code, codes
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.summaries import SummaryPolicy
from turnkeep_domain.threads.summary_set import SUMMARIES, Summarised
from turnkeep_domain.threads.thread_events import SummaryAdded, SummaryDropped


async def summarise(
    host: Threads,
    start: int,
    end: int,
    *,
    request: str | None = None,
    text: str = "in short",
    policy: SummaryPolicy = SummaryPolicy.REPLACE,
    absorbs: Iterable[SummaryId] = (),
    basis: int = 0,
    thread: str = "t1",
) -> Summarised | Refused[object]:
    name = f"{policy.value} {start}-{end}" if request is None else request
    return await host.summarise(
        OWNER,
        thread,
        start=start,
        end=end,
        kind="recap",
        text=text,
        policy=policy,
        absorbs=absorbs,
        basis=basis,
        request_id=RequestId(name),
    )


async def added(host: Threads, start: int, end: int, **more: object) -> SummaryId:
    answer = await summarise(host, start, end, **more)  # type: ignore[arg-type]  # as above
    assert isinstance(answer, Summarised), answer
    return answer.summary_id


async def spoken(world: World, count: int) -> None:
    await world.thread()
    for number in range(1, count + 1):
        await world.say(f"m{number}")


async def standing(world: World, thread: str = "t1") -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in await world.threads.summaries(OWNER, thread)]


def test_a_summary_is_within_the_messages_and_past_no_draft(world: World) -> None:
    """Law 22."""

    async def scenario() -> None:
        await spoken(world, 3)
        threads = world.threads
        await threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        await world.say("after the draft")
        ranges = [(0, 2), (2, 1), (3, 6), (-1, 9)]
        answers = [await summarise(threads, start, end) for start, end in ranges]
        assert codes(answers) == ["summary_range"] * 4
        before = await world.snapshot()
        for start, end in [(1, 4), (4, 4), (4, 5), (2, 5)]:
            answer = await summarise(threads, start, end)
            assert code(answer) == "range_unsettled"
            assert isinstance(answer, Refused)
            assert getattr(answer.reason, "sequence", None) == 4
        assert await world.snapshot() == before
        await added(threads, 5, 5)
        await threads.finalize(OWNER, "t1", run_id="r1", slot=0, content=Content.of("done"))
        await added(threads, 3, 4)

    world.run(scenario)


def test_a_swept_draft_blocks_no_longer(world: World) -> None:
    """Law 22."""

    async def scenario() -> None:
        await spoken(world, 1)
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        assert code(await summarise(world.threads, 1, 2)) == "range_unsettled"
        await world.clock.advance(3_600)
        await world.threads.sweep()
        await added(world.threads, 1, 2)

    world.run(scenario)


def test_a_draft_that_is_opened_meanwhile_is_never_summarised(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        async with world.suffering("scan#1: hold look") as (slow, store):
            late = asyncio.create_task(summarise(slow, 1, 3))
            await store.reached("look")
            await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
            store.release("look")
            assert code(await late) == "summary_range"

    world.run(scenario)


def test_of_overlapping_replacements_one_wins(world: World) -> None:
    """Law 32."""

    async def scenario() -> None:
        await spoken(world, 8)
        hosts = [world.threads, world.rival]

        async def race(number: int) -> object:
            host = hosts[number % 2]
            start = 1 + number % 4
            return await world.insist(
                lambda: summarise(host, start, start + 4, request=f"q{number}")
            )

        answers = await asyncio.gather(*(race(number) for number in range(8)))
        assert codes(answers) == ["summary_overlap"] * 7
        assert len(await standing(world)) == 1

    world.run(scenario)


def test_an_enclosing_summary_absorbs_exactly_those_that_it_names(world: World) -> None:
    """Law 32."""

    async def scenario() -> None:
        await spoken(world, 9)
        threads = world.threads
        one, two = await added(threads, 2, 3), await added(threads, 5, 6)
        before = await world.snapshot()
        answers = [
            await summarise(threads, 1, 9),
            await summarise(threads, 1, 9, request="b", absorbs=[one]),
            await summarise(threads, 1, 9, request="c", absorbs=[one, two, SummaryId("s-x")]),
            await summarise(threads, 3, 7, request="d", absorbs=[two]),
            await summarise(threads, 3, 3, request="e"),
            await summarise(threads, 7, 9, request="f", policy=SummaryPolicy.NOTE, absorbs=[two]),
        ]
        assert codes(answers) == ["summary_overlap"] * 6
        assert await world.snapshot() == before
        answer = await summarise(threads, 2, 6, request="g", absorbs=[two, one])
        assert isinstance(answer, Summarised)
        assert answer.absorbed == 2
        assert await standing(world) == [(2, 6)]
        told = [event for event in await world.events() if "summary" in event.kind]
        assert isinstance(told[-2], SummaryAdded)
        assert isinstance(told[-1], SummaryDropped)
        assert told[-1].dropped == 2

    world.run(scenario)


def test_notes_may_overlap_everything(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 4)
        threads = world.threads
        await added(threads, 1, 3)
        await added(threads, 2, 4, policy=SummaryPolicy.NOTE)
        await added(threads, 2, 4, policy=SummaryPolicy.NOTE, request="another")
        await added(threads, 4, 4)
        assert await standing(world) == [(1, 3), (2, 4), (2, 4), (4, 4)]

    world.run(scenario)


def test_the_request_of_an_absorbed_summary_is_unchanged(world: World) -> None:
    """Law 33."""

    async def scenario() -> None:
        await spoken(world, 4)
        threads = world.threads
        one = await added(threads, 1, 2, request="first")
        await added(threads, 1, 4, request="second", absorbs=[one])
        before = await world.snapshot()
        again = await summarise(threads, 1, 2, request="first")
        assert again == Summarised(summary_id=one, start=1, end=2, absorbed=0)
        reused = await summarise(threads, 1, 2, request="first", text="other")
        assert code(reused) == "request_id_reused"
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_summary_of_an_older_basis_is_refused(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        first = (await world.messages())[0]
        await world.threads.redact(OWNER, "t1", first.message_id, code="privacy", by="ada")
        answer = await summarise(world.threads, 2, 3)
        assert code(answer) == "basis_moved"
        window = await world.threads.window(OWNER, "t1")
        assert not isinstance(window, Refused)
        await added(world.threads, 2, 3, basis=window.basis)

    world.run(scenario)


@pytest.mark.parametrize("wins", ["redact", "summarise"])
def test_a_summary_never_outlives_a_redaction_inside_it(world: World, wins: str) -> None:
    """Law 29: whoever commits first."""

    async def scenario() -> None:
        await spoken(world, 3)
        second = (await world.messages())[1]

        async def redact(host: Threads) -> object:
            return await host.redact(OWNER, "t1", second.message_id, code="privacy", by="ada")

        async with world.suffering("commit#1: hold late") as (slow, store):
            call = summarise(slow, 1, 3) if wins == "redact" else redact(slow)
            late: asyncio.Task[object] = asyncio.create_task(call)
            await store.reached("late")
            if wins == "redact":
                await redact(world.threads)
            else:
                await added(world.threads, 1, 3)
            store.release("late")
            answer = await late
        assert codes([answer]) == (["basis_moved"] if wins == "redact" else [])
        assert await standing(world) == []

    world.run(scenario)


def test_a_summary_races_a_deletion_and_one_wins(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        async with world.suffering("commit#1: hold late") as (slow, store):
            late = asyncio.create_task(summarise(slow, 1, 3))
            await store.reached("late")
            await world.threads.delete(OWNER, "t1")
            store.release("late")
            assert code(await late) == "thread_deleted"
        (kept,) = await world.cells(SUMMARIES)
        assert b"in short" not in kept.entry.body

    world.run(scenario)


def test_a_set_takes_so_many_summaries_and_so_much_text(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 4)
        limits = ThreadLimits(summaries_max=2, summary_set_bytes_max=20)
        host = world.with_settings(ThreadSettings(limits=limits))
        one = await added(host, 1, 1, text="x" * 10)
        assert code(await summarise(host, 2, 2, text="x" * 11)) == "summary_set_full"
        await added(host, 2, 2, text="x" * 10)
        before = await world.snapshot()
        assert code(await summarise(host, 3, 3, text="x")) == "summary_set_full"
        assert await world.snapshot() == before
        await added(host, 1, 1, text="xx", request="again", absorbs=[one])

    world.run(scenario)


def test_a_summary_of_a_fork_may_cover_what_it_shares(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        await world.threads.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
        await world.say("own", thread="t2")
        await added(world.threads, 1, 3, thread="t2")
        assert await standing(world) == []
        window = await world.threads.window(OWNER, "t2")
        assert not isinstance(window, Refused)
        assert len(window.entries) == 1

    world.run(scenario)


def test_a_fenced_worker_cannot_summarise(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        old = await claim(world, "r1", fence=1)
        await claim(world, "r2", fence=2)
        answer = await world.threads.summarise(
            OWNER,
            "t1",
            start=1,
            end=2,
            kind="recap",
            text="x",
            policy=SummaryPolicy.REPLACE,
            basis=0,
            request_id=RequestId("q"),
            run_id="r1",
            write=old,
        )
        assert code(answer) == "lease_lost"

    world.run(scenario)
