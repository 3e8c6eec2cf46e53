"""Reading runs: as they stand, in lists, in their history, and by waiting for them."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.turns.keep import (
    OPERATOR,
    SUBMITTER,
    Keep,
    step,
    thread,
)
from turnkeep_application.turns.views import RunView
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Mode
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.turn_state import TURN_STATES
from turnkeep_ports.errors import Corrupt, Unavailable
from turnkeep_ports.store import Notification

GATE = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("gate"))
ADA = ScopePrefix.owner(thread())


async def one_of_each(keep: Keep) -> dict[str, RunAddress]:
    """Runs of one user in many states."""
    made: dict[str, RunAddress] = {}
    for name in ("running", "blocked", "completed", "failed"):
        claim = await keep.running(thread(name))
        made[name] = claim.run
        match name:
            case "blocked":
                await keep.turns.block(claim, gate=GATE)
            case "completed":
                await keep.turns.complete(claim)
            case "failed":
                await keep.turns.fail(claim, category=Category("broken"))
            case _:
                pass
    made["queued"] = (await keep.submitted(thread("queued"))).address
    made["threadless"] = (await keep.submitted(Scope.of("acme", "ada"))).address
    made["cancelled"] = (await keep.submitted(thread("cancelled"))).address
    await keep.turns.request_cancel(
        made["cancelled"], reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
    )
    await keep.submitted(thread("foreign", user="eve"))
    return made


async def listed(
    keep: Keep, *, limit: int = 200, statuses: frozenset[RunStatus] | None = None
) -> list[RunView]:
    """All pages, one after another."""
    runs: list[RunView] = []
    after = None
    while True:
        page = await keep.turns.list(ADA, statuses=statuses, after=after, limit=limit)
        assert len(page.runs) <= limit
        runs += page.runs
        if page.next is None:
            return runs
        after = page.next


def test_another_scope_s_run_is_absent(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.submitted()
        assert await keep.turns.get(view.address) == view
        for scope in (thread("t2"), thread("t1", user="eve"), thread("t1", tenant="other")):
            foreign = RunAddress(scope, view.id)
            assert await keep.turns.get(foreign) is None
            assert await keep.turns.journal(foreign) == ()
            assert await keep.turns.history(foreign) is None
            assert await keep.turns.last_checkpoint(foreign) is None
            assert await keep.turns.wait(foreign, timeout_seconds=0) is None

    keep.run(scenario)


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_a_listing_tells_active_runs_first_and_each_once(keep: Keep, limit: int) -> None:
    async def scenario() -> None:
        made = await one_of_each(keep)
        runs = await listed(keep, limit=limit)
        assert {run.address for run in runs} == set(made.values())
        assert len(runs) == len(made)
        ended = [run.status.final for run in runs]
        assert ended == sorted(ended)

    keep.run(scenario)


def test_a_listing_of_some_states_tells_no_others(keep: Keep) -> None:
    async def scenario() -> None:
        made = await one_of_each(keep)
        for statuses, names in (
            ({RunStatus.QUEUED}, {"queued", "threadless"}),
            ({RunStatus.BLOCKED, RunStatus.FAILED}, {"blocked", "failed"}),
            ({RunStatus.CANCEL_REQUESTED}, set()),
        ):
            runs = await listed(keep, statuses=frozenset(statuses), limit=1)
            assert {run.address for run in runs} == {made[name] for name in names}

    keep.run(scenario)


def test_a_listing_refuses_what_is_no_page_of_it(keep: Keep) -> None:
    async def scenario() -> None:
        await one_of_each(keep)
        page = await keep.turns.list(ADA, limit=1)
        assert page.next is not None
        eve = ScopePrefix.owner(thread(user="eve"))
        with pytest.raises(InvalidValue):
            await keep.turns.list(eve, after=page.next)
        with pytest.raises(InvalidValue):
            await keep.turns.list(ADA, after=page.next[:-1] + "A" * 2)
        with pytest.raises(InvalidValue):
            await keep.turns.list(ScopePrefix(scope=thread(), depth=1))
        for limit in (0, 201, True):
            with pytest.raises(InvalidValue):
                await keep.turns.list(ADA, limit=limit)

    keep.run(scenario)


def test_what_is_unreadable_is_reported_beside_the_page(keep: Keep) -> None:
    async def scenario() -> None:
        made = await one_of_each(keep)
        await keep.damage(TURN_STATES, thread("running"), "running")
        page = await keep.turns.list(ADA, limit=200)
        assert len(page.runs) == len(made) - 1
        assert [lost.address.id for lost in page.unreadable] == ["running"]
        with pytest.raises(Corrupt):
            await keep.turns.get(made["running"])

    keep.run(scenario, sound=False)


def test_a_history_tells_events_journal_checkpoints_and_children(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.intend(claim)
        await keep.settle(claim)
        await keep.settle(claim, "other", mode=Mode.SAFE)
        await keep.turns.checkpoint(
            claim, kind=CheckpointKind.FINAL, schema=3, payload=b"s3cret-state", ordinals={}
        )
        child = await keep.turns.submit_child(
            claim, step("spawn"), scope=thread("child"), arguments=digest_of("spawn")
        )
        assert isinstance(child, RunView)
        history = await keep.turns.history(claim.run)
        assert history is not None
        assert [event.kind for event in history.events] == [
            "run.submitted",
            "run.claimed",
            "run.effect_settled",
            "run.effect_settled",
            *[event.kind for event in history.events[4:]],
        ]
        assert {(entry.id.name, entry.state) for entry in history.journal} == {
            ("step", "done"),
            ("other", "done"),
            ("spawn", "done"),
        }
        (header,) = history.checkpoints
        assert (header.schema, header.payload_bytes) == (3, len(b"s3cret-state"))
        assert history.children == (child.address,)
        assert "s3cret" not in repr(history)

    keep.run(scenario)


def test_the_events_of_a_history_are_paged_and_those_of_other_runs_left_out(keep: Keep) -> None:
    async def scenario() -> None:
        first = await keep.running()
        await keep.turns.complete(first)
        second = await keep.running(request="r2")
        await keep.turns.complete(second)
        history = await keep.turns.history(second.run, limit=2)
        kinds: list[str] = []
        while history is not None:
            kinds += [event.kind for event in history.events]
            following = await keep.turns.history(second.run, after=history.next, limit=2)
            assert following is not None
            if following.next == history.next:
                break
            history = following
        assert kinds == ["run.submitted", "run.claimed", "run.completed"]

    keep.run(scenario)


def test_a_journal_is_read_whole_and_apart_from_others_of_its_thread(timed: Keep) -> None:
    async def scenario() -> None:
        first = await timed.running()
        for number in range(3):
            await timed.settle(first, f"a{number}", mode=Mode.SAFE)
            await timed.let_pass(0.001)
        await timed.turns.complete(first)
        second = await timed.running(request="r2")
        for number in range(600):
            await timed.settle(second, f"b{number}", mode=Mode.SAFE)
        names = [entry.id.name for entry in await timed.turns.journal(second.run)]
        assert sorted(names) == sorted(f"b{number}" for number in range(600))
        assert [entry.id.name for entry in await timed.turns.journal(first.run)] == [
            "a0",
            "a1",
            "a2",
        ]

    timed.run(scenario)


def test_no_view_event_or_record_shows_a_token_or_an_output(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.intend(claim)
        await keep.settle(claim)
        shown = repr(claim) + repr(await keep.view(claim.run)) + repr(await keep.events())
        shown += repr(await keep.turns.journal(claim.run))
        assert repr(claim.token) not in shown
        assert "b'output'" not in shown

    keep.run(scenario)


# ---- waiting ------------------------------------------------------------------------------------


def test_a_wait_returns_at_once_where_a_run_rests(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.block(claim, gate=GATE)
        view = await keep.turns.wait(claim.run, timeout_seconds=600)
        assert view is not None
        assert view.status is RunStatus.BLOCKED
        unknown = RunAddress(claim.run.scope, RunId("none"))
        assert await keep.turns.wait(unknown, timeout_seconds=600) is None

    keep.run(scenario)


def test_a_wait_that_begins_amid_the_change_returns(timed: Keep) -> None:
    """Law 68: between subscribing and reading, and between reading and sleeping."""

    async def scenario() -> None:
        for name, held in (("t1", "load#1: hold x"), ("t2", "load#1: hold-after x")):
            claim = await timed.running(thread(name))
            async with timed.suffering(held) as (turns, faulty):
                waiting = asyncio.ensure_future(turns.wait(claim.run, timeout_seconds=600))
                await faulty.reached("x")
                await timed.turns.complete(claim)
                began = timed.world.clock.monotonic()
                faulty.release("x")
                view = await waiting
            assert view is not None
            assert view.status is RunStatus.COMPLETED
            # Told of it where the store tells at once; else found by the next poll.
            pushes = timed.store.capabilities.notification is Notification.PUSH
            assert timed.world.clock.monotonic() - began <= (0.0 if pushes else 1.0)

    timed.run(scenario)


def test_a_wait_with_dead_hints_ends_by_polling(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        async with timed.suffering("changed#*: stall") as (turns, _):
            waiting = asyncio.ensure_future(turns.wait(claim.run, timeout_seconds=600))
            await timed.let_pass(5)
            await timed.turns.complete(claim)
            await timed.let_pass(5)
            assert waiting.done()
            view = await waiting
        assert view is not None
        assert view.status is RunStatus.COMPLETED

    timed.run(scenario)


def test_a_timeout_returns_the_present_state(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        view = await timed.turns.wait(claim.run, timeout_seconds=20)
        assert view is not None
        assert view.status is RunStatus.RUNNING

    timed.run(scenario)


def test_a_run_that_is_as_it_was_seen_is_waited_for(timed: Keep) -> None:
    async def scenario() -> None:
        parked = await timed.parked()
        seen = await timed.view(parked.run)
        waiting = asyncio.ensure_future(
            timed.turns.wait(parked.run, after_version=seen.version, timeout_seconds=600)
        )
        await timed.let_pass(10)
        assert not waiting.done()
        await timed.turns.request_cancel(
            parked.run, reason=Ref("stop"), actor=SUBMITTER, request_id=RequestId("c1")
        )
        view = await waiting
        assert view is not None
        assert view.status is RunStatus.CANCELLED

    timed.run(scenario)


def test_a_wait_for_an_ended_run_returns_whatever_version_was_seen(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.complete(claim)
        view = await keep.view(claim.run)
        found = await keep.turns.wait(claim.run, after_version=view.version, timeout_seconds=600)
        assert found == view

    keep.run(scenario)


def test_a_wait_survives_a_store_that_is_unavailable_meanwhile(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        async with timed.suffering("load#1: fail-before\nload#2: fail-before") as (turns, _):
            await timed.turns.complete(claim)
            view = await turns.wait(claim.run, timeout_seconds=60)
            assert view is not None
        async with timed.suffering("load#*: fail-before") as (turns, _):
            with pytest.raises(Unavailable):
                await turns.wait(claim.run, timeout_seconds=3)

    timed.run(scenario)


@pytest.mark.parametrize("seconds", [-1, 601, "5", None])
def test_a_timeout_out_of_bounds_is_refused(keep: Keep, seconds: float) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        with pytest.raises(InvalidValue):
            await keep.turns.wait(claim.run, timeout_seconds=seconds)

    keep.run(scenario)


def test_the_checkpoint_of_a_repeated_run_is_the_last_of_its_chain(keep: Keep) -> None:
    async def scenario() -> None:
        claim = await keep.running()
        await keep.turns.checkpoint(
            claim, kind=CheckpointKind.FINAL, schema=1, payload=b"first", ordinals={"a": 2}
        )
        await keep.turns.fail(claim, category=Category("broken"))
        again = await keep.turns.retry(
            claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert isinstance(again, RunStanding)
        found = await keep.turns.last_checkpoint(RunAddress(claim.run.scope, again.run))
        assert found is not None
        assert found.payload == b"first"

    keep.run(scenario)
