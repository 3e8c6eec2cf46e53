"""Export and import: a thread is whole in its archive, and whole where it is imported."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Final

import pytest

from tests.application.threads.test_summarising import added, spoken
from tests.application.threads.transcripts import tasks, written
from tests.application.threads.world import OWNER, World, code, codes
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.thread_transferring import Exported
from turnkeep_application.thread_views import ThreadReceipt
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.refusals import ImportInvalid
from turnkeep_domain.threads.thread_states import Deleted

SMALL: Final = ThreadSettings(sweep_cells=10)
"""Ten messages a commit."""


async def exported(world: World, thread: str = "t1", *, on: Threads | None = None) -> str:
    lines: list[str] = []
    answer = await (on or world.threads).export(OWNER, thread, write=lines.append)
    assert isinstance(answer, Exported), answer
    assert len(lines) == answer.messages + 3
    return "".join(f"{line}\n" for line in lines)


async def imported(
    world: World, archive: str, thread: str = "t2", *, on: Threads | None = None
) -> object:
    return await (on or world.threads).import_thread(OWNER, thread, archive, imported_by="ada")


def test_a_recorded_thread_survives_export_import_and_export(world: World) -> None:
    """Law 46."""

    async def scenario() -> None:
        await written(world, "t1", tasks())
        first = await exported(world)
        receipt = await imported(world, first)
        assert isinstance(receipt, ThreadReceipt)
        assert receipt.new
        assert await world.messages("t2") == await world.messages("t1")
        assert await world.threads.summaries(OWNER, "t2") == (
            await world.threads.summaries(OWNER, "t1")
        )
        assert await exported(world, "t2") == first
        before = await world.threads.get(OWNER, "t1")
        after = await world.threads.get(OWNER, "t2")
        assert before is not None
        assert after is not None
        assert (after.title, after.created_at, after.updated_at) == (
            before.title,
            before.created_at,
            before.updated_at,
        )
        for limit in (3, 200):
            windows = [await world.threads.window(OWNER, t, limit=limit) for t in ("t1", "t2")]
            assert windows[0] == windows[1]

    world.run(scenario)


def test_a_fork_is_flattened(world: World) -> None:
    """Law 46: whoever wants an independent copy gets one."""

    async def scenario() -> None:
        await spoken(world, 3)
        await world.threads.fork(OWNER, "t1", to="f", through=2, created_by="ada")
        await world.say("own", thread="f")
        archive = await exported(world, "f")
        await imported(world, archive)
        for thread in ("t1", "f"):
            await world.threads.delete(OWNER, thread)
        await world.threads.sweep()
        assert await world.texts("t2") == ["m1", "m2", "own"]
        assert await exported(world, "t2") == archive

    world.run(scenario)


def test_an_archive_names_neither_owner_nor_thread_nor_what_is_private(world: World) -> None:
    async def scenario() -> None:
        await written(world, "t1", tasks())
        said = (await world.messages())[0]
        archive = await exported(world)
        for name in ('"acme"', '"scout"', '"t1"', "cHJpdmF0ZQ", 'payload_digest":"'):
            assert name not in archive
        await world.threads.redact(OWNER, "t1", said.message_id, code="privacy", by="ada")
        redacted = await exported(world)
        assert "Pay the rent" not in redacted
        await imported(world, redacted)
        view = (await world.messages("t2"))[0]
        assert (view.state, view.code) == (MessageState.REDACTED, "privacy")
        assert (await world.threads.erasures()).erasures == ()

    world.run(scenario)


def test_drafts_are_interrupted_and_nothing_imported_is_due(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        await world.threads.open_draft(OWNER, "t1", run_id="r1", slot=0)
        await world.threads.update_draft(
            OWNER, "t1", run_id="r1", slot=0, version=1, content=Content.of("so far")
        )
        archive = await exported(world)
        await world.threads.delete(OWNER, "t1")
        await world.threads.sweep()
        await imported(world, archive)
        await world.clock.advance(100_000)
        assert (await world.threads.list_unsubmitted()).messages == ()
        assert (await world.threads.sweep()).drafts == 0
        draft = (await world.messages("t2"))[2]
        assert (draft.state, draft.code) == (MessageState.INTERRUPTED, "imported")
        assert draft.content.first_line == "so far"
        first = (await world.messages("t2"))[0]
        marked = await world.threads.mark_submitted(
            OWNER, "t2", first.message_id, turn_id="u", run_id="r"
        )
        assert isinstance(marked, MessageReceipt)

    world.run(scenario)


def test_an_imported_thread_goes_on(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        await imported(world, await exported(world))
        assert (await world.say("m3", thread="t2", event="another")).sequence == 3
        await world.threads.fork(OWNER, "t2", to="t3", through=2, created_by="ada")
        await added(world.threads, 1, 2, thread="t3")
        assert await world.texts("t3") == ["m1", "m2"]

    world.run(scenario)


def test_an_archived_thread_is_imported_archived(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 1)
        await world.threads.archive(OWNER, "t1", request_id=RequestId("a"))
        await imported(world, await exported(world))
        assert code(await world.try_say("x", thread="t2", event="x")) == "thread_archived"

    world.run(scenario)


def test_an_empty_thread_is_imported(world: World) -> None:
    async def scenario() -> None:
        await world.thread()
        assert isinstance(await imported(world, await exported(world)), ThreadReceipt)
        assert await world.texts("t2") == []

    world.run(scenario)


def test_another_owner_may_import(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        archive = await exported(world)
        other = Scope.of("umbrella", "bob")
        answer = await world.threads.import_thread(other, "t1", archive, imported_by="bob")
        assert isinstance(answer, ThreadReceipt)
        views = await world.messages(scope=other)
        assert [view.content.first_line for view in views] == ["m1", "m2"]

    world.run(scenario)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("killed", ["hold", "hold-after"])
def test_an_import_that_is_killed_anywhere_is_repeated_to_one_thread(
    world: World, number: int, killed: str
) -> None:
    """Law 47."""

    async def scenario() -> None:
        await spoken(world, 25)
        archive = await exported(world)
        async with world.suffering(f"commit#{number}: {killed} x", SMALL) as (slow, store):
            importing = asyncio.create_task(imported(world, archive, on=slow))
            await store.reached("x")
            importing.cancel()
            await asyncio.gather(importing, return_exceptions=True)
        whole = number == 5 and killed == "hold-after"
        assert (await world.threads.get(OWNER, "t2") is not None) is whole
        listed = await world.threads.list_threads(OWNER)
        assert ("t2" in [view.thread_id for view in listed.threads]) is whole
        if not whole:
            refused = code(await world.try_say("x", thread="t2", event="x"))
            assert refused in ("thread_importing", "thread_not_found")
        receipt = await imported(world, archive)
        assert isinstance(receipt, ThreadReceipt)
        assert receipt.new is not whole
        assert await exported(world, "t2") == archive
        assert (await world.kinds()).count("thread.imported") == 1
        again = await imported(world, archive)
        assert isinstance(again, ThreadReceipt)
        assert not again.new

    world.run(scenario)


def test_two_importers_at_once_make_one_thread(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 45)
        archive = await exported(world)
        one, two = world.host(world.store, SMALL), world.host(world.store, SMALL)
        receipts = await asyncio.gather(
            world.insist(lambda: imported(world, archive, on=one)),
            world.insist(lambda: imported(world, archive, on=two)),
        )
        made = [receipt.new for receipt in receipts if isinstance(receipt, ThreadReceipt)]
        assert sorted(made) == [False, True]
        assert await exported(world, "t2") == archive

    world.run(scenario)


def test_an_importer_that_was_overtaken_goes_on_where_the_other_is(world: World) -> None:
    """Law 47: what another process has filled in meanwhile is not counted twice."""

    async def scenario() -> None:
        await spoken(world, 45)
        archive = await exported(world)
        async with (
            world.suffering("commit#2: hold slow", SMALL) as (slow, slow_store),
            world.suffering("commit#2: hold dead", SMALL) as (quick, quick_store),
        ):
            one = asyncio.create_task(imported(world, archive, on=slow))
            await slow_store.reached("slow")
            other = asyncio.create_task(imported(world, archive, on=quick))
            await quick_store.reached("dead")  # the first ten are there
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            slow_store.release("slow")
            receipt = await one
        assert isinstance(receipt, ThreadReceipt)
        assert receipt.new
        assert await exported(world, "t2") == archive

    world.run(scenario)


def test_an_id_that_is_taken_is_imported_to_by_nobody(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 2)
        archive = await exported(world)
        await world.thread("taken")
        assert code(await imported(world, archive, "taken")) == "thread_exists"
        assert code(await imported(world, archive, "t1")) == "thread_exists"
        await world.threads.delete(OWNER, "taken")
        assert code(await imported(world, archive, "taken")) == "thread_deleted"
        await imported(world, archive)
        await world.say("more", event="more")
        assert code(await imported(world, await exported(world))) == "thread_exists"

    world.run(scenario)


def test_an_import_that_takes_too_long_is_given_up(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 25)
        archive = await exported(world)
        async with world.suffering("commit#3: hold x", SMALL) as (slow, store):
            importing = asyncio.create_task(imported(world, archive, on=slow))
            await store.reached("x")
            importing.cancel()
            await asyncio.gather(importing, return_exceptions=True)
        await world.clock.advance(86_300)
        assert (await world.threads.sweep()).imports == 0
        await world.clock.advance(100)
        swept = await world.threads.sweep()
        assert (swept.imports, swept.threads) == (1, 1)
        assert swept.messages == 10
        header = (await world.records(THREADS))[1]
        assert isinstance(header.state, Deleted)
        assert len(await world.cells(MESSAGES)) == 25
        assert code(await imported(world, archive)) == "thread_deleted"

    world.run(scenario)


def test_an_import_may_be_deleted_before_it_is_whole(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 25)
        archive = await exported(world)
        async with world.suffering("commit#2: hold x", SMALL) as (slow, store):
            importing = asyncio.create_task(imported(world, archive, on=slow))
            await store.reached("x")
            assert not isinstance(await world.threads.delete(OWNER, "t2"), Refused)
            store.release("x")
            assert code(await importing) == "thread_deleted"

    world.run(scenario)


def altered(archive: str) -> dict[str, str]:
    lines = archive.splitlines()

    def joined(*chosen: str) -> str:
        return "".join(f"{line}\n" for line in chosen)

    closing = json.loads(lines[-1])
    closing["closing"]["messages"] += 1
    return {
        "empty": "",
        "no closing": joined(*lines[:-1]),
        "cut": archive[: len(archive) // 2],
        "a message missing": joined(*lines[:2], *lines[3:]),
        "two messages swapped": joined(lines[0], lines[2], lines[1], *lines[3:]),
        "a message twice": joined(*lines[:2], lines[1], *lines[2:]),
        "a letter altered": archive.replace("m2", "m9"),
        "no header": joined(*lines[1:]),
        "another count": joined(*lines[:-1], json.dumps(closing, separators=(",", ":"))),
        "something behind": archive + "{}\n",
        "no json": joined("nonsense", *lines[1:]),
        "only a closing": joined(lines[-1]),
        "surrogates": archive.replace("m2", "\ud800"),
    }


@pytest.mark.parametrize("damage", sorted(altered("{}\n{}\n{}\n" + '{"closing": {"messages": 1}}')))
def test_an_archive_that_is_cut_or_altered_is_refused_before_any_write(
    world: World, damage: str
) -> None:
    """Law 48."""

    async def scenario() -> None:
        await spoken(world, 3)
        archive = altered(await exported(world))[damage]
        before = await world.snapshot()
        async with world.suffering("") as (host, store):
            answer = await imported(world, archive, on=host)
            assert code(answer) == "import_invalid"
            assert store.calls == ()
        assert await world.snapshot() == before

    world.run(scenario)


def resealed(lines: Sequence[str]) -> str:
    """An archive whose digest is right, whatever is in it."""
    body = "".join(f"{line}\n" for line in lines[:-1])
    closing = json.loads(lines[-1])
    closing["closing"]["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    return body + json.dumps(closing, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("damage", ["sequence", "kind", "extra", "newer", "deleted", "twice"])
def test_an_archive_that_was_sealed_anew_is_checked_all_the_same(world: World, damage: str) -> None:
    """Law 48: whoever forges a digest still has to write what a thread may be."""

    async def scenario() -> None:
        await spoken(world, 3)
        lines = (await exported(world)).splitlines()
        match damage:
            case "sequence":
                lines[2] = lines[2].replace('"sequence":2', '"sequence":9')
            case "kind":
                lines[2] = lines[2].replace('"kind":"user"', '"kind":"tool_result"')
            case "extra":
                lines[2] = lines[2].replace('"d":{', '"d":{"z":1,')
            case "newer":
                lines[2] = lines[2].replace('"v":1', '"v":99')
            case "deleted":
                lines[0] = lines[0].replace('"t":"active"', '"t":"importing"')
            case _:
                lines[2] = lines[1].replace('"sequence":1', '"sequence":2')
        answer = await imported(world, resealed(lines))
        assert isinstance(answer, Refused)
        assert isinstance(answer.reason, ImportInvalid)
        assert answer.reason.line == (1 if damage == "deleted" else 3)

    world.run(scenario)


def test_an_archive_of_more_messages_than_are_allowed_is_refused(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        archive = await exported(world)
        few = world.with_settings(ThreadSettings(limits=ThreadLimits(messages_max=2)))
        assert code(await imported(world, archive, on=few)) == "import_invalid"
        enough = world.with_settings(ThreadSettings(limits=ThreadLimits(messages_max=3)))
        assert codes([await imported(world, archive, on=enough)]) == []
        with pytest.raises(InvalidValue):
            await imported(world, archive.encode())  # type: ignore[arg-type]  # a host's mistake

    world.run(scenario)


def test_an_export_that_a_redaction_overlaps_is_never_closed(world: World) -> None:
    """Law 49."""

    async def scenario() -> None:
        await spoken(world, 3)
        second = (await world.messages())[1]
        lines: list[str] = []
        async with world.suffering("load#2: hold x") as (slow, store):
            exporting = asyncio.create_task(slow.export(OWNER, "t1", write=lines.append))
            await store.reached("x")
            await world.threads.redact(OWNER, "t1", second.message_id, code="privacy", by="ada")
            store.release("x")
            assert code(await exporting) == "export_moved"
        assert len(lines) == 4
        assert "closing" not in lines[-1]
        archive = "".join(f"{line}\n" for line in lines)
        assert code(await imported(world, archive)) == "import_invalid"
        await exported(world)

    world.run(scenario)


def test_an_export_that_a_deletion_overlaps_is_never_closed(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        async with world.suffering("load#2: hold x") as (slow, store):
            exporting = asyncio.create_task(slow.export(OWNER, "t1", write=lambda line: None))
            await store.reached("x")
            await world.threads.delete(OWNER, "t1")
            store.release("x")
            assert code(await exporting) == "export_moved"

    world.run(scenario)


def test_what_is_appended_during_an_export_is_not_in_it(world: World) -> None:
    async def scenario() -> None:
        await spoken(world, 3)
        whole = await exported(world)
        lines: list[str] = []
        async with world.suffering("scan#1: hold x") as (slow, store):
            exporting = asyncio.create_task(slow.export(OWNER, "t1", write=lines.append))
            await store.reached("x")
            await world.say("late")
            store.release("x")
            assert isinstance(await exporting, Exported)
        assert "".join(f"{line}\n" for line in lines) == whole

    world.run(scenario)
