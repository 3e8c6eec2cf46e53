"""Inbound messages: numbered without gaps, accepted once, and told as they stand ever after."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.application.threads.world import OWNER, World, code, codes, event_of
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.claims import InboundClaim
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.message_id import InboundEvent, InboundRequest
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.store import Committed, Put

AT_ONCE: Final = 64


def event(name: str = "e1") -> InboundEvent:
    return InboundEvent(source_binding="web", event_id=name)


def test_of_64_concurrent_ensures_one_makes_the_thread(world: World) -> None:
    """Law 1."""

    async def scenario() -> None:
        hosts = [world.threads, world.rival]

        async def ensure(number: int) -> bool:
            host = hosts[number % 2]
            answer = await host.ensure_thread(OWNER, "t1", created_by=f"p{number}")
            assert not isinstance(answer, Refused)
            return answer.new

        made = await asyncio.gather(*(ensure(number) for number in range(AT_ONCE)))
        assert sorted(made) == [False] * 63 + [True]
        assert await world.kinds() == ["thread.created"]

    world.run(scenario)


def test_equal_ids_in_two_scopes_share_nothing(world: World) -> None:
    """Law 2."""

    async def scenario() -> None:
        other = Scope.of("acme", "bob", agent="scout", project="site")
        await world.thread()
        said = await world.say("mine", event="e1")
        stranger = await world.try_say("mine", event="e1", scope=other)
        assert code(stranger) == "thread_not_found"
        assert await world.threads.get(other, "t1") is None
        assert await world.threads.message(other, "t1", said.message_id) is None
        looked_up = await world.threads.lookup(
            other, source_binding="web", event_id="e1", actor="ada"
        )
        assert looked_up is None
        await world.thread(scope=other)
        his = await world.say("his", event="e1", scope=other)
        assert (his.sequence, his.message_id, his.new) == (1, said.message_id, True)
        assert [view.content.first_line for view in await world.messages(scope=other)] == ["his"]
        assert await world.texts() == ["mine"]
        absent = await world.threads.history(other, "t2")
        assert code(absent) == "thread_not_found"

    world.run(scenario)


def test_a_header_under_a_wrong_key_is_corrupt_and_untouched(world: World) -> None:
    """Law 3."""

    async def scenario() -> None:
        await world.thread("t1")
        await world.thread("t2")
        one, two = await world.cells(THREADS)
        swapped = [Put(two.address, two.revision, one.entry)]
        answer = await world.store.commit(
            world.commit_id(), swapped, (), valid_until=None, deadline=world.deadline()
        )
        assert isinstance(answer, Committed)
        before = await world.snapshot()
        with pytest.raises(Corrupt):
            await world.threads.ensure_thread(OWNER, "t2", created_by="ada")
        with pytest.raises(Corrupt):
            await world.try_say("hello", thread="t2")
        assert await world.snapshot() == before

    world.run(scenario)


def test_64_concurrent_accepts_are_numbered_1_to_64(world: World) -> None:
    """Law 4, and law 8: each has its own answer."""

    async def scenario() -> None:
        await world.thread()
        hosts = [world.threads, world.rival]

        async def accept(number: int) -> int:
            host = hosts[number % 2]
            said = await world.insist(lambda: world.say(f"m{number}", on=host))
            view = await world.threads.message(OWNER, "t1", said.message_id)
            assert view is not None
            assert view.content.first_line == f"m{number}"
            assert view.sequence == said.sequence
            return said.sequence

        numbers = await asyncio.gather(*(accept(number) for number in range(AT_ONCE)))
        assert sorted(numbers) == list(range(1, AT_ONCE + 1))
        assert [view.sequence for view in await world.messages()] == sorted(numbers)

    world.run(scenario)


def test_a_store_that_refuses_every_first_commit_leaves_no_gap(world: World) -> None:
    """Law 5."""

    async def scenario() -> None:
        await world.thread()
        script = "\n".join(f"commit#{number}: stale" for number in range(1, 40, 2))
        async with world.suffering(script) as (host, _):
            for number in range(1, 20):
                said = await world.say(f"m{number}", on=host)
                assert said.sequence == number
        assert await world.texts() == [f"m{number}" for number in range(1, 20)]

    world.run(scenario)


def test_what_is_refused_burns_no_number_and_is_no_activity(world: World) -> None:
    """Law 6."""

    async def scenario() -> None:
        await world.thread()
        await world.say("one")
        host = world.with_settings(ThreadSettings(limits=ThreadLimits(messages_max=2)))
        await world.clock.advance(60)
        before = await world.snapshot()
        # Another actor, another payload, another thread's, and a stale epoch.
        assert code(await world.try_say("one", actor="eve")) == "event_actor_mismatch"
        assert code(await world.try_say("two", event=event_of("one"))) == "event_payload_mismatch"
        stale = await host.accept_inbound(
            OWNER, "t1", event("x"), Content.of("x"), actor=None, epoch=7
        )
        assert code(stale) == "epoch_stale"
        assert await world.snapshot() == before
        assert (await world.say("two", on=host)).sequence == 2
        full = await world.snapshot()
        assert code(await world.try_say("three", on=host)) == "thread_full"
        assert await world.snapshot() == full

    world.run(scenario)


def test_whoever_sees_a_message_can_read_all_before_it(world: World) -> None:
    """Law 7."""

    async def scenario() -> None:
        await world.thread()
        done = False

        async def write(lane: int) -> None:
            for number in range(12):
                await world.insist(lambda n=number: world.say(f"{lane}-{n}", on=world.rival))  # type: ignore[misc]  # bound at once

        async def read() -> int:
            seen = 0
            while not done:
                view = await world.threads.get(OWNER, "t1")
                assert view is not None
                page = await world.threads.history(OWNER, "t1", through=view.committed)
                assert not isinstance(page, Refused)
                numbers = [message.sequence for message in page.messages]
                assert numbers == list(range(1, view.committed + 1))
                seen = max(seen, view.committed)
                await asyncio.sleep(0.001)
            return seen

        reading = asyncio.create_task(read())
        await asyncio.gather(*(write(lane) for lane in range(4)))
        done = True
        await reading
        assert len(await world.messages()) == 48

    world.run(scenario)


def test_a_thousand_deliveries_of_one_event_are_one_message(world: World) -> None:
    """Law 10, within one process of two hosts."""

    async def scenario() -> None:
        await world.thread()
        hosts = [world.threads, world.rival]

        async def deliver(number: int) -> MessageReceipt:
            host = hosts[number % 2]
            return await world.insist(lambda: world.say("hello", event="e1", on=host))

        receipts = await asyncio.gather(*(deliver(number) for number in range(1_000)))
        assert sum(receipt.new for receipt in receipts) == 1
        assert {(receipt.message_id, receipt.sequence) for receipt in receipts} == {
            (event().message_id, 1)
        }
        assert await world.kinds() == ["thread.created", "message.accepted"]

    world.run(scenario)


def test_what_differs_is_told_in_order_thread_actor_payload(world: World) -> None:
    """Law 11."""

    async def scenario() -> None:
        await world.thread("t1")
        await world.thread("t2")
        await world.say("hello", event="e1")
        before = await world.snapshot()
        answers = [
            await world.try_say("bye", event="e1", thread="t2", actor="eve"),
            await world.try_say("bye", event="e1", thread="t3", actor="eve"),
            await world.try_say("bye", event="e1", actor="eve"),
            await world.try_say("bye", event="e1"),
        ]
        assert codes(answers) == [
            "event_thread_mismatch",
            "event_thread_mismatch",
            "event_actor_mismatch",
            "event_payload_mismatch",
        ]
        assert await world.snapshot() == before

    world.run(scenario)


@pytest.mark.parametrize(
    "script", ["commit#1: lose-after", "commit#1: lose-before", "commit#1: land-late 2"]
)
def test_an_answer_that_was_lost_is_found_by_repeating(world: World, script: str) -> None:
    """Law 12."""

    async def scenario() -> None:
        await world.thread()
        async with world.suffering(script) as (host, _):
            first = await world.say("hello", event="e1", on=host)
            again = await world.say("hello", event="e1", on=host)
        assert (
            (first.sequence, first.message_id)
            == (again.sequence, again.message_id)
            == (
                1,
                event().message_id,
            )
        )
        assert not again.new
        assert await world.kinds() == ["thread.created", "message.accepted"]

    world.run(scenario)


def test_a_redelivery_tells_how_the_message_stands_now(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said = await world.say("hello", event="e1")
        await world.threads.mark_submitted(
            OWNER, "t1", said.message_id, turn_id="turn-1", run_id="run-1"
        )
        again = await world.say("hello", event="e1")
        assert (again.state, again.turn_id, again.run_id) == (
            MessageState.SUBMITTED,
            "turn-1",
            "run-1",
        )

    world.run(scenario)


def test_a_request_of_a_client_is_one_message_of_its_thread(world: World) -> None:
    async def scenario() -> None:
        await world.thread("t1")
        await world.thread("t2")

        async def ask(text: str, thread: str = "t1", actor: str = "ada") -> object:
            return await world.threads.accept_inbound(
                OWNER,
                thread,
                InboundRequest(request_id=RequestId("click")),
                Content.of(text),
                actor=actor,
            )

        first, again = await ask("hi"), await ask("hi")
        assert isinstance(first, MessageReceipt)
        assert isinstance(again, MessageReceipt)
        assert (first.new, again.new) == (True, False)
        assert first.message_id == again.message_id
        assert code(await ask("hi", actor="eve")) == "event_actor_mismatch"
        assert code(await ask("bye")) == "event_payload_mismatch"
        other = await ask("hi", "t2")
        assert isinstance(other, MessageReceipt)
        assert other.new

    world.run(scenario)


def test_lookup_is_one_load_however_long_the_thread_is_and_only_for_its_actor(
    world: World,
) -> None:
    """Law 15."""

    async def scenario() -> None:
        await world.thread()
        await world.say("hello", event="e1")
        for number in range(30):
            await world.say(f"m{number}")
        async with world.suffering("") as (host, store):
            found = await _lookup(host)
            assert _operations(store) == ["load"]
            assert found is not None
            assert (found.thread_id, found.message_id) == ("t1", event().message_id)
            assert await _lookup(host, actor="eve") is None
            assert await _lookup(host, actor=None) is None
            assert await _lookup(host, name="e2") is None
            assert await _lookup(host, scope=Scope.of("acme", "bob")) is None

    world.run(scenario)


async def _lookup(
    host: Threads, *, name: str = "e1", actor: str | None = "ada", scope: Scope = OWNER
) -> InboundClaim | None:
    return await host.lookup(scope, source_binding="web", event_id=name, actor=actor)


def _operations(store: FaultyRecordStore) -> list[str]:
    return [call.operation.value for call in store.calls]


def test_an_archived_thread_replays_old_events_and_refuses_new_ones(world: World) -> None:
    """Law 16."""

    async def scenario() -> None:
        await world.thread()
        said = await world.say("hello", event="e1")
        await world.threads.archive(OWNER, "t1", request_id=RequestId("a1"))
        before = await world.snapshot()
        again = await world.say("hello", event="e1")
        assert (again.sequence, again.new) == (said.sequence, False)
        assert code(await world.try_say("new")) == "thread_archived"
        assert await world.snapshot() == before
        await world.says("a run goes on")
        await world.threads.unarchive(OWNER, "t1", request_id=RequestId("a2"))
        assert (await world.say("new")).sequence == 3

    world.run(scenario)


def test_an_event_is_stored_nowhere_in_clear(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.say("hello", event="s3cret-event")
        for cell in await world.cells():
            assert b"s3cret-event" not in cell.entry.body
            assert "s3cret-event" not in repr(cell.address)
        for told in await world.stored_events():
            assert b"s3cret-event" not in told.body

    world.run(scenario)


def test_a_scope_that_names_another_thread_is_refused_before_any_read(world: World) -> None:
    async def scenario() -> None:
        wrong = Scope.of("acme", "ada", agent="scout", project="site", thread="t2")
        async with world.suffering("load#*: fail-before") as (host, store):
            answer = await host.accept_inbound(wrong, "t1", event(), Content.of("x"), actor=None)
            assert code(answer) == "scope_mismatch"
            assert store.calls == ()
        right = Scope.of("acme", "ada", agent="scout", project="site", thread="t1")
        await world.thread()
        await world.say("one")
        await world.say("two", scope=right)
        assert await world.texts() == ["one", "two"]

    world.run(scenario)


def test_marks_are_made_once_and_told_apart(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        threads = world.threads
        one, two = await world.say("one"), await world.say("two")

        async def submit(id: str, turn: str = "u1", run: str = "r1") -> object:
            return await threads.mark_submitted(OWNER, "t1", id, turn_id=turn, run_id=run)

        first = await submit(one.message_id)
        assert isinstance(first, MessageReceipt)
        assert first.new
        before = await world.snapshot()
        again = await submit(one.message_id)
        assert isinstance(again, MessageReceipt)
        assert not again.new
        assert code(await submit(one.message_id, turn="u2")) == "already_submitted"
        rejected = await threads.mark_rejected_busy(OWNER, "t1", one.message_id)
        assert code(rejected) == "already_submitted"
        assert code(await submit("m-none")) == "message_not_found"
        assert await world.snapshot() == before
        assert isinstance(
            await threads.mark_rejected_busy(OWNER, "t1", two.message_id), MessageReceipt
        )
        assert code(await submit(two.message_id)) == "already_rejected"

    world.run(scenario)


def test_a_mark_does_not_write_the_header_nor_wait_for_appends(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said = await world.say("one")
        async with world.suffering("commit#1: hold mark") as (host, store):
            marking = asyncio.create_task(
                host.mark_submitted(OWNER, "t1", said.message_id, turn_id="u1", run_id="r1")
            )
            await store.reached("mark")
            await world.say("two")  # moves the header between the mark's load and its commit
            store.release("mark")
            assert isinstance(await marking, MessageReceipt)
            assert [call.operation.value for call in store.calls].count("commit") == 1

    world.run(scenario)


def test_the_forgotten_are_listed_once_they_are_due(world: World) -> None:
    async def scenario() -> None:
        await world.thread("t1")
        await world.thread("t2")
        old = await world.say("old")
        gone = await world.say("in a thread that goes", thread="t2")
        taken = await world.say("taken")
        await world.threads.mark_submitted(OWNER, "t1", taken.message_id, turn_id="u1", run_id="r1")
        await world.threads.delete(OWNER, "t2")
        await world.clock.advance(299)
        await world.say("young")
        assert (await world.threads.list_unsubmitted()).messages == ()
        await world.clock.advance(1)
        page = await world.threads.list_unsubmitted()
        assert [waiting.message_id for waiting in page.messages] == [old.message_id]
        assert page.next is None
        assert gone.message_id != old.message_id

    world.run(scenario)


def test_the_forgotten_are_paged(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        said = [await world.say(f"m{number}") for number in range(5)]
        await world.clock.advance(300)
        found: list[str] = []
        after: str | None = None
        for _ in range(3):
            page = await world.threads.list_unsubmitted(after=after, limit=2)
            found += [waiting.message_id for waiting in page.messages]
            after = page.next
        assert after is None
        assert sorted(found) == sorted(receipt.message_id for receipt in said)

    world.run(scenario)


def test_the_title_is_the_first_line_of_the_first_message_once(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.says("an assistant speaks first")
        await world.say("\n  \n  " + "x" * 61 + "  \nmore")
        await world.say("second")
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.title == "x" * 59 + "…"
        await world.threads.rename(OWNER, "t1", "Set", request_id=RequestId("n1"))
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.title == "Set"
        await world.threads.rename(OWNER, "t1", None, request_id=RequestId("n2"))
        view = await world.threads.get(OWNER, "t1")
        assert view is not None
        assert view.title == "x" * 59 + "…"

    world.run(scenario)


def test_a_claim_without_its_message_is_corrupt(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        await world.say("hello", event="e1")
        (cell,) = await world.cells(MESSAGES)
        await world.delete(cell)
        with pytest.raises(Corrupt):
            await world.try_say("hello", event="e1")

    world.run(scenario)
