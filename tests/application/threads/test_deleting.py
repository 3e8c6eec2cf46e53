"""Deleting: the end is for everybody and for ever, and what living forks share is kept for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest

from tests.application.threads.fences import Fences, address, claim, fence_key
from tests.application.threads.test_redacting import CONTENT
from tests.application.threads.test_summarising import added, spoken, summarise
from tests.application.threads.world import OWNER, World, code, codes
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.thread_sweeps import ThreadsRetired
from turnkeep_application.thread_views import ThreadDeletion
from turnkeep_application.threads import Threads
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.claims import INBOUND
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.summary_set import SUMMARIES
from turnkeep_domain.threads.thread_states import Deleted


async def delete(world: World, thread: str = "t1", *, on: Threads | None = None) -> ThreadDeletion:
    answer = await (on or world.threads).delete(OWNER, thread)
    assert isinstance(answer, ThreadDeletion)
    return answer


def test_after_a_deletion_everything_is_refused_also_after_the_sweep(world: World) -> None:
    """Law 14."""

    async def scenario() -> None:
        await spoken(world, 2)
        threads = world.threads
        await threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        await added(threads, 1, 2, request="kept")
        said = (await world.messages())[0]
        deletion = await delete(world)
        assert deletion.epoch == 2
        for swept in (False, True):
            if swept:
                await threads.sweep()
            before = await world.snapshot()
            one = Content.of("late")
            answers = [
                await threads.ensure_thread(OWNER, "t1", created_by="ada"),
                await world.try_say("new"),
                await world.try_say("m1"),
                await threads.append_assistant(OWNER, "t1", run_id="r1", slot=1, content=one),
                await threads.finalize(OWNER, "t1", run_id="r1", slot=0, content=one),
                await threads.update_draft(
                    OWNER, "t1", run_id="r1", slot=0, version=1, content=one
                ),
                await threads.interrupt(OWNER, "t1", run_id="r1", slot=0, code="gone"),
                await summarise(threads, 1, 2, request="kept"),
                await summarise(threads, 1, 2, request="late"),
                await threads.mark_rejected_busy(OWNER, "t1", said.message_id),
                await threads.redact(OWNER, "t1", said.message_id, code="x", by="ada"),
                await threads.rename(OWNER, "t1", "x", request_id=RequestId("n")),
                await threads.archive(OWNER, "t1", request_id=RequestId("a")),
                await threads.fork(OWNER, "t1", to="t2", through=1, created_by="ada"),
                await threads.history(OWNER, "t1"),
                await threads.window(OWNER, "t1"),
                await threads.export(OWNER, "t1", write=print),
            ]
            assert codes(answers) == ["thread_deleted"] * len(answers)
            assert await threads.get(OWNER, "t1") is None
            assert await threads.message(OWNER, "t1", said.message_id) is None
            assert await threads.summaries(OWNER, "t1") == ()
            assert (await threads.list_threads(OWNER)).threads == ()
            assert await delete(world) == deletion
            assert await world.snapshot() == before

    world.run(scenario)


def test_a_tombstone_has_nothing_of_what_the_thread_said(world: World) -> None:
    async def scenario() -> None:
        threads = world.threads
        await threads.ensure_thread(
            OWNER, "t1", created_by="ada", title="s3cret", metadata={"n": "s3cret"}
        )
        await threads.set_goal(OWNER, "t1", "s3cret", expected=0, request_id=RequestId("g"))
        await world.say("s3cret said", event="e1")
        await added(threads, 1, 1, text="s3cret in short")
        await delete(world)
        await threads.sweep()
        for cell in await world.cells():
            assert b"s3cret" not in cell.entry.body
        (header,) = await world.records(THREADS)
        assert isinstance(header.state, Deleted)
        assert header.state.swept
        assert await world.cells(MESSAGES) == []
        assert (await world.kinds())[-2:] == ["thread.deleted", "thread.swept"]

    world.run(scenario)


def test_a_claim_outlives_its_thread_for_ninety_days_without_a_digest(world: World) -> None:
    async def scenario() -> None:
        await world.thread("t1")
        await world.thread("t2")
        await world.say("hello", event="e1")
        await delete(world)
        await world.threads.sweep()
        (claim_,) = await world.records(INBOUND)
        assert claim_.payload_digest is None
        assert code(await world.try_say("hello", event="e1", thread="t2")) == (
            "event_thread_mismatch"
        )
        await world.clock.advance(timedelta(days=90).total_seconds() - 1)
        assert (await world.threads.sweep()).claims == 0
        await world.clock.advance(1)
        assert (await world.threads.sweep()).claims == 1
        assert await world.cells(INBOUND) == []
        assert code(await world.try_say("hello", event="e1")) == "thread_deleted"

    world.run(scenario)


def test_the_claim_of_a_living_thread_is_never_forgotten(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.say("hello", event="e1")
        await world.clock.advance(timedelta(days=400).total_seconds())
        assert (await world.threads.sweep()).claims == 0
        assert not (await world.say("hello", event="e1")).new

    world.run(scenario)


def test_a_busy_thread_is_deleted_by_force_alone_and_its_runs_are_closed(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 1)
        host = world.with_settings(ThreadSettings(), Fences())
        await claim(world, "r1", fence=1)
        before = await world.snapshot()
        assert code(await host.delete(OWNER, "t1")) == "thread_busy"
        assert await world.snapshot() == before
        assert isinstance(await host.delete(OWNER, "t1", force=True), ThreadDeletion)
        (fence,) = [
            header
            for header in await world.records(THREADS)
            if header.address == fence_key(address()).address
        ]
        assert fence.requests.entries[-1].request_id == "closed"
        commits = [event.commit_id for event in await world.stored_events()]
        assert commits[-1] == commits[-2], "both are of one commit"

    world.run(scenario)


Late = Callable[[Threads], Coroutine[object, object, object]]


def _appending(host: Threads) -> Coroutine[object, object, object]:
    return host.append_assistant(OWNER, "t1", run_id="r1", slot=5, content=Content.of("late"))


def _drafting(host: Threads) -> Coroutine[object, object, object]:
    return host.open_draft(OWNER, "t1", run_id="r1", slot=6)


def _forking(host: Threads) -> Coroutine[object, object, object]:
    return host.fork(OWNER, "t1", to="t2", through=1, created_by="ada")


def _naming(host: Threads) -> Coroutine[object, object, object]:
    return host.rename(OWNER, "t1", "late", request_id=RequestId("late"))


@pytest.mark.parametrize("late", [_appending, _drafting, _forking, _naming])
def test_what_is_in_flight_when_a_thread_is_deleted_loses(world: World, late: Late) -> None:
    """Law 44, law 42: one by one."""

    async def scenario() -> None:
        await spoken(world, 2)
        async with world.suffering("commit#1: hold late") as (slow, store):
            doing = asyncio.create_task(late(slow))
            await store.reached("late")
            await delete(world)
            store.release("late")
            assert code(await doing) == "thread_deleted"

    world.run(scenario)


def test_a_deletion_races_64_appends_and_a_draft(world: World) -> None:
    """Law 44."""

    async def scenario() -> None:
        await spoken(world, 1)
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        hosts = [world.threads, world.rival]

        async def append(number: int) -> object:
            host = hosts[number % 2]
            return await world.insist(lambda: world.try_say(f"late {number}", on=host))

        async def update(version: int) -> object:
            return await world.insist(
                lambda: world.rival.update_draft(
                    OWNER,
                    "t1",
                    run_id="r1",
                    slot=0,
                    version=version,
                    content=Content.of(f"v{version}"),
                )
            )

        async def end() -> ThreadDeletion:
            await asyncio.sleep(0.02)
            return await world.insist(lambda: delete(world))

        answers = await asyncio.gather(
            *(append(number) for number in range(64)), *(update(n) for n in range(1, 5)), end()
        )
        kinds = await world.kinds()
        assert "message.accepted" not in kinds[kinds.index("thread.deleted") :]
        taken = [one for one in answers if isinstance(one, MessageReceipt) and one.sequence > 2]
        (header,) = await world.records(THREADS)
        assert header.committed == 2 + len(taken)
        assert code(await world.threads.history(OWNER, "t1")) == "thread_deleted"
        await world.threads.sweep()
        assert await world.cells(MESSAGES) == []

    world.run(scenario)


def test_a_deletion_races_a_mark_that_another_service_makes_and_one_wins(world: World) -> None:
    """Law 45: whoever schedules runs checks its own record, which the deletion closes."""

    async def scenario() -> None:
        await spoken(world, 1)
        await claim(world, "none", fence=1)
        host = world.with_settings(ThreadSettings(), Fences())
        async with world.suffering("commit#1: hold late") as (slow, store):
            slow_host = world.host(store, ThreadSettings(), Fences())
            late = asyncio.create_task(slow_host.delete(OWNER, "t1"))
            await store.reached("late")
            await claim(world, "r1", fence=2)  # a submit, in a commit of its own record
            store.release("late")
            assert code(await late) == "thread_busy"
            assert slow is not None
        assert code(await host.delete(OWNER, "t1")) == "thread_busy"

    world.run(scenario)


# ---- forks --------------------------------------------------------------------------------------


async def fork(world: World, source: str, to: str, through: int) -> object:
    return await world.threads.fork(OWNER, source, to=to, through=through, created_by="ada")


def test_a_fork_shares_and_goes_on_by_itself(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        cells = len(await world.cells(MESSAGES))
        assert codes([await fork(world, "t1", "t2", 2)]) == []
        assert len(await world.cells(MESSAGES)) == cells, "nothing is copied"
        await world.say("three of t2", thread="t2")
        await world.say("m4")
        assert await world.texts("t2") == ["m1", "m2", "three of t2"]
        assert await world.texts() == ["m1", "m2", "m3", "m4"]
        before = await world.snapshot()
        answers = [
            await fork(world, "t1", "t2", 2),
            await fork(world, "t1", "t2", 1),
            await fork(world, "t1", "t1", 1),
            await fork(world, "t1", "t3", 5),
            await fork(world, "t1", "t3", 0),
        ]
        assert codes(answers) == ["thread_exists", "thread_exists", "fork_range", "fork_range"]
        assert await world.snapshot() == before
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        assert code(await fork(world, "t1", "t3", 5)) == "range_unsettled"
        assert codes([await fork(world, "t1", "t3", 4)]) == []

    world.run(scenario)


def test_a_family_and_a_base_have_their_bounds(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 1)
        limits = ThreadLimits(family_max=4, segments_max=2)
        host = world.with_settings(ThreadSettings(limits=limits))
        for number, source in ((2, "t1"), (3, "t2")):
            await host.fork(OWNER, source, to=f"t{number}", through=number - 1, created_by="a")
            await world.say(f"own of t{number}", thread=f"t{number}")
        deep = await host.fork(OWNER, "t3", to="t4", through=3, created_by="a")
        assert code(deep) == "base_too_deep"
        await host.fork(OWNER, "t1", to="t5", through=1, created_by="a")
        full = await host.fork(OWNER, "t1", to="t6", through=1, created_by="a")
        assert code(full) == "family_full"
        await host.delete(OWNER, "t5")
        assert codes([await host.fork(OWNER, "t1", to="t6", through=1, created_by="a")]) == []

    world.run(scenario)


def test_a_fork_of_a_thread_that_is_deleted_at_once_is_refused_or_readable(world: World) -> None:
    """Law 42."""

    async def scenario() -> None:
        for number in range(8):
            source, to = f"s{number}", f"f{number}"
            await world.thread(source)
            for word in ("a", "b", "c"):
                await world.say(f"{word}{number}", thread=source)
            forked, _ = await asyncio.gather(
                world.rival.fork(OWNER, source, to=to, through=2, created_by="ada"),
                world.insist(lambda s=source: delete(world, s)),  # type: ignore[misc]  # bound at once
            )
            while (await world.threads.sweep()).threads:
                pass
            if codes([forked]):
                assert codes([forked]) == ["thread_deleted"]
                assert await world.threads.get(OWNER, to) is None
            else:
                assert await world.texts(to) == [f"a{number}", f"b{number}"]

    world.run(scenario)


def test_deleting_a_source_keeps_what_is_shared_until_the_last_fork_is_gone(
    world: World,
) -> None:
    """Law 43."""

    async def scenario() -> None:
        await spoken(world, 5)
        await fork(world, "t1", "t2", 3)
        await world.say("own", thread="t2")
        await fork(world, "t2", "t3", 2)
        await delete(world)
        await world.threads.sweep()
        kept = [message.sequence for message in await world.records(MESSAGES)]
        assert sorted(kept) == [1, 2, 3, 4], "1 to 3 are shared, 4 is the fork's own"
        assert await world.texts("t2") == ["m1", "m2", "m3", "own"]
        await delete(world, "t2")
        await world.threads.sweep()
        assert await world.texts("t3") == ["m1", "m2"]
        assert len(await world.cells(MESSAGES)) == 2
        await delete(world, "t3")
        await world.threads.sweep()
        assert await world.cells(MESSAGES) == []
        assert (await world.threads.sweep()).threads == 0

    world.run(scenario)


def test_a_sweep_leaves_redacted_messages_until_the_host_has_deleted_the_files(
    world: World,
) -> None:
    async def scenario() -> None:
        await world.thread()
        said = await world.say(CONTENT)
        await world.say("other")
        await world.threads.redact(OWNER, "t1", said.message_id, code="x", by="ada")
        await delete(world)
        swept = await world.threads.sweep()
        assert (swept.messages, swept.threads) == (1, 0)
        (erasure,) = (await world.threads.erasures()).erasures
        await world.threads.confirm_erasure(erasure.scope, erasure.message_id)
        swept = await world.threads.sweep()
        assert (swept.messages, swept.threads) == (1, 1)

    world.run(scenario)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_sweep_that_is_killed_is_resumed_and_ends_the_same(world: World, number: int) -> None:
    """Law 30."""

    async def scenario() -> None:
        await spoken(world, 70)
        await delete(world)
        async with world.suffering(f"commit#{number}: hold x") as (slow, store):
            sweeping = asyncio.create_task(slow.sweep())
            await store.reached("x")
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
        swept = await world.threads.sweep()
        assert swept.threads == 1
        assert await world.cells(MESSAGES) == []
        assert (await world.kinds()).count("thread.swept") == 1

    world.run(scenario)


def test_a_sweep_makes_so_many_commits_and_says_that_there_is_more(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 20)
        await delete(world)
        host = world.with_settings(ThreadSettings(sweep_cells=12, sweep_commits=2))
        swept = await host.sweep()
        assert (swept.messages, swept.more) == (10, True)
        while (await host.sweep()).more:
            pass
        assert await world.cells(MESSAGES) == []

    world.run(scenario)


def test_two_sweeps_at_once_do_no_harm(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 70)
        await delete(world)
        await asyncio.gather(world.insist(world.threads.sweep), world.insist(world.rival.sweep))
        assert await world.cells(MESSAGES) == []
        assert (await world.kinds()).count("thread.swept") == 1

    world.run(scenario)


# ---- retention ----------------------------------------------------------------------------------


def test_an_archived_thread_is_retired_after_so_many_days_without_activity(
    world: World,
) -> None:
    async def scenario() -> None:
        for thread in ("old", "busy", "fresh", "active"):
            await world.thread(thread)
        for thread in ("old", "busy", "fresh"):
            await world.threads.archive(OWNER, thread, request_id=RequestId("a"))
        await claim(world, "r1", fence=1, thread="busy")
        host = world.with_settings(ThreadSettings(archived_for_days=30), Fences())
        await world.clock.advance(timedelta(days=29).total_seconds())
        await world.threads.append_assistant(
            OWNER, "fresh", run_id="r1", slot=0, content=Content.of("an activity")
        )
        assert await host.retire(dry_run=True) == ThreadsRetired(threads=(), busy=())
        await world.clock.advance(timedelta(days=1).total_seconds())
        before = await world.snapshot()
        dry = await host.retire(dry_run=True)
        assert sorted(each.thread_id for each in dry.threads) == ["busy", "old"]
        assert await world.snapshot() == before
        assert await world.threads.retire(dry_run=False) == ThreadsRetired(threads=(), busy=())
        retired = await host.retire(dry_run=False)
        assert [each.thread_id for each in retired.threads] == ["old"]
        assert [each.thread_id for each in retired.busy] == ["busy"]
        assert await world.threads.get(OWNER, "old") is None
        assert await world.threads.get(OWNER, "fresh") is not None
        assert await world.threads.get(OWNER, "active") is not None

    world.run(scenario)


def test_nothing_living_expires_unless_the_settings_say_so(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.threads.archive(OWNER, "t1", request_id=RequestId("a"))
        await world.clock.advance(timedelta(days=4_000).total_seconds())
        assert (await world.threads.sweep()).retired == 0
        host = world.with_settings(ThreadSettings(archived_for_days=3_650))
        assert (await host.sweep()).retired == 1

    world.run(scenario)


def test_the_summaries_of_a_deleted_thread_are_emptied_though_there_were_none(
    world: World,
) -> None:
    async def scenario() -> None:
        await spoken(world, 1)
        await delete(world)
        (kept,) = await world.records(SUMMARIES)
        assert kept.summaries == ()

    world.run(scenario)
