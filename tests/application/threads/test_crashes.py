"""Crashes: a use case that is killed at any store call, and then repeated, ends as if it was not.

Each use case is first played through undisturbed. Then, in a fresh world for each of its store
calls, it is cancelled just before that call, or just after; whoever repeats it finds what it has
done, or does it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import pytest
from attrs import frozen

from tests.application.threads.test_redacting import CONTENT
from tests.application.threads.test_summarising import spoken
from tests.application.threads.world import OWNER, STORES, World
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_id import assistant_message_id
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.summaries import SummaryPolicy
from turnkeep_domain.turns.names import RunId

SETTINGS: Final = ThreadSettings(sweep_cells=6)
SAID: Final = Content.of("said")

Step: TypeAlias = Callable[[World], Awaitable[object]]
Call: TypeAlias = Callable[[Threads, World], Awaitable[object]]


@frozen
class Case:
    """A use case, and what must have happened before it."""

    before: Step
    call: Call


async def nothing(world: World) -> None:
    return None


async def three(world: World) -> None:
    await spoken(world, 3)


async def forked(world: World) -> None:
    await three(world)
    await world.threads.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
    await world.say("own", thread="t2")


async def drafted(world: World) -> None:
    await three(world)
    await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)


async def summarised(world: World) -> None:
    await forked(world)
    for thread in ("t1", "t2"):
        await summarise(world.threads, world, thread)


async def deleted(world: World) -> None:
    await summarised(world)
    await world.threads.delete(OWNER, "t1")
    await world.threads.delete(OWNER, "t2")


async def redacted(world: World) -> None:
    await world.thread()
    said = await world.say(CONTENT)
    await world.say("plain")
    for receipt in (said, await world.say("plain")):
        await world.threads.redact(OWNER, "t1", receipt.message_id, code="x", by="ada")


async def due(world: World) -> None:
    await drafted(world)
    await world.clock.advance(3_600)


async def summarise(host: Threads, world: World, thread: str = "t1") -> object:
    return await host.summarise(
        OWNER,
        thread,
        start=1,
        end=2,
        kind="recap",
        text="in short",
        policy=SummaryPolicy.REPLACE,
        basis=0,
        request_id=RequestId("s1"),
    )


async def redact(host: Threads, world: World) -> object:
    first = (await world.messages())[0]
    return await host.redact(OWNER, "t2", first.message_id, code="privacy", by="ada")


async def confirm(host: Threads, world: World) -> object:
    page = await world.threads.erasures()
    for erasure in page.erasures:
        await host.confirm_erasure(erasure.scope, erasure.message_id)
    return None


async def submit(host: Threads, world: World) -> object:
    first = (await world.messages())[0]
    return await host.mark_submitted(
        OWNER, "t1", first.message_id, turn_id="turn-1", run_id="run-1"
    )


async def imported(host: Threads, world: World) -> object:
    lines: list[str] = []
    await world.threads.export(OWNER, "t1", write=lines.append)
    archive = "".join(f"{line}\n" for line in lines)
    return await host.import_thread(OWNER, "t9", archive, imported_by="ada")


async def sweep(host: Threads, world: World) -> object:
    return await host.sweep()


CASES: Final[dict[str, Case]] = {
    "ensure": Case(nothing, lambda host, _: host.ensure_thread(OWNER, "t1", created_by="a")),
    "accept": Case(three, lambda host, world: world.say("new", on=host)),
    "submit": Case(three, submit),
    "open": Case(three, lambda host, _: host.open_draft(OWNER, "t1", run_id="r1", slot=0)),
    "update": Case(
        drafted,
        lambda host, _: host.update_draft(
            OWNER, "t1", run_id="r1", slot=0, version=1, content=SAID
        ),
    ),
    "finalize": Case(
        drafted, lambda host, _: host.finalize(OWNER, "t1", run_id="r1", slot=0, content=SAID)
    ),
    "assistant": Case(
        three,
        lambda host, _: host.append_assistant(OWNER, "t1", run_id="r1", slot=0, content=SAID),
    ),
    "interrupt": Case(
        drafted, lambda host, _: host.interrupt(OWNER, "t1", run_id="r1", slot=0, code="gone")
    ),
    "tool result": Case(
        three,
        lambda host, _: host.append_tool_result(
            OWNER, "t1", run_id="r1", result_ref="result:x", safe_summary="done"
        ),
    ),
    "append": Case(
        three,
        lambda host, _: host.append(
            OWNER, "t1", MessageKind.SYSTEM, SAID, request_id=RequestId("q")
        ),
    ),
    "summarise": Case(three, summarise),
    "redact": Case(summarised, redact),
    "confirm": Case(redacted, confirm),
    "rename": Case(three, lambda host, _: host.rename(OWNER, "t1", "T", request_id=RequestId("n"))),
    "goal": Case(
        three,
        lambda host, _: host.set_goal(OWNER, "t1", "G", expected=0, request_id=RequestId("g")),
    ),
    "archive": Case(three, lambda host, _: host.archive(OWNER, "t1", request_id=RequestId("a"))),
    "fork": Case(
        three, lambda host, _: host.fork(OWNER, "t1", to="t2", through=2, created_by="ada")
    ),
    "delete": Case(summarised, lambda host, _: host.delete(OWNER, "t2")),
    "sweep of deleted": Case(deleted, sweep),
    "sweep of redacted": Case(redacted, sweep),
    "sweep of drafts": Case(due, sweep),
    "import": Case(three, imported),
}


async def state(world: World) -> tuple[object, ...]:
    """What a store holds, but for revisions and for who wrote it."""
    cells = {(cell.address, cell.entry.body, cell.entry.index) for cell in await world.cells()}
    events = Counter(
        (event.address, event.kind, event.body) for event in await world.stored_events()
    )
    return cells, events


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("case", CASES)
def test_a_use_case_that_is_killed_at_any_store_call_converges(case: str, name: str) -> None:
    """Law 51."""
    wanted, calls = _undisturbed(CASES[case], name)
    assert calls["commit"] > 0
    for operation, count in calls.items():
        for number in range(1, count + 1):
            # What was killed after a read is as if it was killed before the next call.
            for action in ("hold", "hold-after") if operation == "commit" else ("hold",):
                found = _killed(CASES[case], name, f"{operation}#{number}: {action} x")
                assert found == wanted, f"{operation}#{number}: {action}"


def _undisturbed(case: Case, name: str) -> tuple[object, Counter[str]]:
    world = World(STORES[name])
    found: list[object] = []
    calls = Counter[str]()

    async def scenario() -> None:
        await case.before(world)
        async with world.suffering("", SETTINGS) as (host, store):
            answer = await case.call(host, world)
            assert not isinstance(answer, Refused), answer
            calls.update(call.operation.value for call in store.calls)
        found.append(await state(world))

    world.run(scenario)
    return found[0], calls


def _killed(case: Case, name: str, script: str) -> object:
    world = World(STORES[name])
    found: list[object] = []

    async def scenario() -> None:
        await case.before(world)
        async with world.suffering(script, SETTINGS) as (host, store):
            doing = asyncio.ensure_future(case.call(host, world))
            await store.reached("x")
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
        again = world.host(world.store, SETTINGS)
        answer = await case.call(again, world)
        assert not isinstance(answer, Refused), answer
        found.append(await state(world))

    world.run(scenario)
    return found[0]


def test_the_ids_of_these_cases_are_functions_of_what_they_are() -> None:
    """Whoever repeats after a crash computes the same id, in any process and release."""
    id = assistant_message_id(RunId("r1"), 0)
    parts = [b"assistant", b"r1", b"0"]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    assert id == f"m-{hashlib.sha256(framed).hexdigest()[:32]}"
