"""Editing: names, goals and states of threads, once for each request, and lists that page."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.application.threads.world import OWNER, World, code, codes
from turnkeep_application.thread_views import ThreadPage
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.headers import THREADS, ThreadEdit
from turnkeep_domain.threads.thread_states import ThreadState
from turnkeep_ports.store import Committed, Entry, Put

EDITS: Final = ("rename", "set_metadata", "archive", "set_goal")


async def edit(world: World, name: str, request: str, *, other: bool = False) -> object:
    threads, id = world.threads, RequestId(request)
    match name:
        case "rename":
            return await threads.rename(OWNER, "t1", "B" if other else "A", request_id=id)
        case "set_metadata":
            noted = {"a": 2 if other else 1}
            return await threads.set_metadata(OWNER, "t1", noted, request_id=id)
        case "archive":
            call = threads.unarchive if other else threads.archive
            return await call(OWNER, "t1", request_id=id)
        case _:
            return await threads.set_goal(
                OWNER, "t1", "Other" if other else "Goal", expected=0, request_id=id
            )


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_answers_its_request_again_whatever_happened_since(world: World, name: str) -> None:
    """Law 17."""

    async def scenario() -> None:
        await world.thread()
        first = await edit(world, name, "q1")
        assert isinstance(first, ThreadEdit)
        await world.clock.advance(5)
        await edit(world, "rename", "q2", other=True)
        before = await world.snapshot()
        assert await edit(world, name, "q1") == first
        assert code(await edit(world, name, "q1", other=True)) == "request_id_reused"
        assert await world.snapshot() == before

    world.run(scenario)


@pytest.mark.parametrize("name", ["rename", "set_metadata", "archive"])
def test_an_edit_that_changes_nothing_stores_nothing(world: World, name: str) -> None:
    async def scenario() -> None:
        await world.thread()
        await edit(world, name, "q1")
        before = await world.snapshot()
        assert isinstance(await edit(world, name, "q2"), ThreadEdit)
        assert await world.snapshot() == before

    world.run(scenario)


def test_of_16_racing_goals_at_one_count_one_wins(world: World) -> None:
    """Law 41."""

    async def scenario() -> None:
        await world.thread()
        hosts = [world.threads, world.rival]

        async def refine(number: int) -> object:
            host = hosts[number % 2]
            return await world.insist(
                lambda: host.set_goal(
                    OWNER, "t1", f"Goal {number}", expected=0, request_id=RequestId(f"g{number}")
                )
            )

        answers = await asyncio.gather(*(refine(number) for number in range(16)))
        assert codes(answers) == ["goal_moved"] * 15
        (won,) = [answer for answer in answers if isinstance(answer, ThreadEdit)]
        assert won.refinement_count == 1
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.goal is not None
        assert view.goal.refinement_count == 1

    world.run(scenario)


def test_a_goal_remembers_where_it_was_refined(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.say("one")
        await edit(world, "set_goal", "g1")
        await world.say("two")
        answer = await world.threads.set_goal(
            OWNER, "t1", "  Better \n", expected=1, request_id=RequestId("g2")
        )
        assert isinstance(answer, ThreadEdit)
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.goal is not None
        assert (view.goal.statement, view.goal.refined_at_sequence) == ("Better", 2)
        assert view.goal.refinement_count == 2
        moved = await world.threads.set_goal(
            OWNER, "t1", "Late", expected=1, request_id=RequestId("g3")
        )
        assert isinstance(moved, Refused)
        assert getattr(moved.reason, "refinement_count", None) == 2

    world.run(scenario)


def test_activity_never_falls(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        seen = []
        for step in ("say", "rename", "mark", "none"):
            await world.clock.advance(10)
            if step == "say":
                await world.say("x")
            elif step == "rename":
                await edit(world, "rename", "q")
            elif step == "mark":
                (said,) = await world.messages()
                await world.threads.mark_rejected_busy(OWNER, "t1", said.message_id)
            view = await world.threads.get(OWNER, "t1")
            assert view is not None
            seen.append((view.updated_at - view.created_at).total_seconds())
        assert seen == [10.0, 20.0, 20.0, 20.0]

    world.run(scenario)


# ---- lists --------------------------------------------------------------------------------------


async def listed(world: World, **how: object) -> ThreadPage:
    return await world.threads.list_threads(OWNER, **how)  # type: ignore[arg-type]  # as asked


def ids(page: ThreadPage) -> list[str]:
    return [view.thread_id for view in page.threads]


def test_threads_are_listed_the_latest_activity_first_and_of_one_scope(world: World) -> None:
    async def scenario() -> None:
        for number in range(4):
            await world.thread(f"t{number}")
            await world.clock.advance(1)
        await world.thread("t9", scope=Scope.of("acme", "ada"))
        await world.say("x", thread="t1")
        assert ids(await listed(world)) == ["t1", "t3", "t2", "t0"]
        await world.threads.archive(OWNER, "t3", request_id=RequestId("a"))
        assert ids(await listed(world)) == ["t1", "t2", "t0"]
        assert ids(await listed(world, state=ThreadState.ARCHIVED)) == ["t3"]
        with pytest.raises(InvalidValue):
            await listed(world, state=ThreadState.DELETED)
        with pytest.raises(InvalidValue):
            await world.threads.list_threads(Scope.of("acme", "ada", thread="t1"))

    world.run(scenario)


def test_paging_under_activity_lists_the_untouched_once_and_the_touched_once_at_most(
    world: World,
) -> None:
    """Law 39."""

    async def scenario() -> None:
        for number in range(30):
            await world.thread(f"t{number:02}")
            if number % 3:
                await world.clock.advance(1)
        touched = {f"t{number:02}" for number in range(0, 30, 4)}
        seen: list[str] = []
        after: str | None = None
        turn = iter(sorted(touched))
        while True:
            page = await listed(world, after=after, limit=4)
            seen += ids(page)
            after = page.next
            if after is None:
                break
            thread = next(turn, None)
            if thread is not None:
                await world.clock.advance(1)
                await world.say("x", thread=thread, event=f"e {thread}", on=world.rival)
        assert len(seen) == len(set(seen))
        assert {f"t{number:02}" for number in range(30)} - touched <= set(seen)

    world.run(scenario)


def test_a_corrupt_header_hides_no_neighbour(world: World) -> None:
    """Law 40."""

    async def scenario() -> None:
        for number in range(3):
            await world.thread(f"t{number}")
            await world.clock.advance(1)
        cell = (await world.cells(THREADS))[1]
        damaged = Entry(body=cell.entry.body[:-9], index=cell.entry.index)
        answer = await world.store.commit(
            world.commit_id(),
            [Put(cell.address, cell.revision, damaged)],
            (),
            valid_until=None,
            deadline=world.deadline(),
        )
        assert isinstance(answer, Committed)
        page = await listed(world)
        assert ids(page) == ["t2", "t0"]
        (unreadable,) = page.unreadable
        assert (unreadable.address.id, unreadable.code) == ("t1", "corrupt")

    world.run(scenario)


def test_a_page_token_is_of_its_own_list_alone(world: World) -> None:
    async def scenario() -> None:
        for number in range(3):
            await world.thread(f"t{number}")
        token = (await listed(world, limit=1)).next
        assert token is not None
        with pytest.raises(InvalidValue):
            await listed(world, after=token, state=ThreadState.ARCHIVED)
        with pytest.raises(InvalidValue):
            await world.threads.list_threads(Scope.of("acme", "bob"), after=token)
        with pytest.raises(InvalidValue):
            await listed(world, after=token[:-1])

    world.run(scenario)
