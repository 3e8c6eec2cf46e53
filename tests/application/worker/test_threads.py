"""A run's thread: a handler converses there, and nothing is said twice, whatever is repeated."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.application.approvals.keep import STORES
from tests.application.worker.mortal import Moment, MortalStore
from tests.application.worker.sites import ADA, OPERATOR, Host, Site, VirtualSite, thread
from turnkeep_application.thread_views import HistoryPage, ThreadDeletion
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import CallRefused, GiveUp, RunLeft, TryAgain
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.run_thread import MESSAGES_PER_RUN
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_id import InboundEvent
from turnkeep_domain.threads.message_states import MessageState
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.refusals import AlreadyFinalized
from turnkeep_domain.threads.summaries import SummaryPolicy
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.store import RecordStore

ASKED = "Pay the rent."


async def asked(host: Host, name: str = "talk") -> RunView:
    """A run in a thread that has one message, which asks for it."""
    threads, scope = host.keep.threads, thread(name)
    await threads.ensure_thread(scope, name, created_by="ada")
    event = InboundEvent(source_binding="mail", event_id=name)
    said = await threads.accept_inbound(scope, name, event, Content.of(ASKED), actor="ada")
    assert isinstance(said, MessageReceipt)
    view = await host.turns.submit(
        scope,
        actor=ADA,
        request_id=RequestId(f"answer {name}"),
        message_ref=Ref(said.message_id),
    )
    assert isinstance(view, RunView), view
    return view


async def messages(host: Host, name: str = "talk") -> list[MessageView]:
    page = await host.keep.threads.history(thread(name), name, limit=1_000)
    assert isinstance(page, HistoryPage), page
    return list(page.messages)


async def texts(host: Host, name: str = "talk") -> list[str]:
    """What is said in the thread, in order."""
    return [
        view.tool.safe_summary if view.tool is not None else str(view.content.first_line)
        for view in await messages(host, name)
    ]


async def converse(ctx: RunContext) -> None:
    """Everything that a handler may add."""
    talk = ctx.thread
    window = await talk.window()
    await talk.append(Content.of("I will."))
    draft = await talk.draft(Content.of("Pay"))
    for text in ("Payi", "Paying"):
        await draft.update(Content.of(text))
    await talk.preview("pay", Content.of("1,185 EUR to the landlord"))
    await talk.tool_result("result:1", safe_summary="Paid 1,185 EUR")
    await draft.finalize(Content.of("Paying done."))
    await talk.summarise(
        start=1,
        end=1,
        kind="gist",
        text="Rent is asked for.",
        policy=SummaryPolicy.NOTE,
        basis=window.basis,
    )
    await talk.append(Content.of("That was all."))


CONVERSED = [
    ASKED,
    "I will.",
    "Paying done.",
    "1,185 EUR to the landlord",
    "Paid 1,185 EUR",
    "That was all.",
]


async def require_conversed(host: Host, run: RunView, name: str = "talk") -> None:
    """Everything was said once, in order, and is settled."""
    assert await texts(host, name) == CONVERSED
    found = await messages(host, name)
    assert [view.sequence for view in found] == list(range(1, 7))
    assert {view.state for view in found} == {MessageState.SUBMITTED, MessageState.FINALIZED}
    assert {view.run_id for view in found} == {run.id}
    assert len(await host.keep.threads.summaries(thread(name), name)) == 1


def test_a_handler_converses_in_its_thread(site: Site) -> None:
    async def scenario() -> None:
        async with site.host() as host, host.worker(converse):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            await require_conversed(host, run)

    site.run(scenario)


def test_a_replay_says_nothing_twice(site: Site) -> None:
    async def handler(ctx: RunContext) -> None:
        await converse(ctx)
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            await require_conversed(host, run)

    site.run(scenario)


def test_a_retry_of_a_failed_run_says_nothing_twice(site: Site) -> None:
    """It goes on under the first run's journal, and so under the first run's messages."""

    async def handler(ctx: RunContext) -> None:
        await converse(ctx)
        if ctx.run.lineage.retry_of is None:
            raise GiveUp(Category("later"))

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.FAILED
            assert (await host.settled(await retried(host, run))).status is RunStatus.COMPLETED
            await require_conversed(host, run)

    site.run(scenario)


async def retried(host: Host, run: RunView) -> RunView:
    standing = await host.turns.retry(
        run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
    )
    assert isinstance(standing, RunStanding), standing
    view = await host.turns.get(RunAddress(run.scope, standing.run))
    assert view is not None
    return view


def test_a_draft_that_a_failure_has_left_is_gone_on_with_by_the_retry(site: Site) -> None:
    found: list[int | None] = []

    async def handler(ctx: RunContext) -> None:
        draft = await ctx.thread.draft()
        found.append(draft.receipt.version)
        await draft.update(Content.of(f"version {len(found)}"))
        if len(found) < 3:
            raise TryAgain if len(found) == 1 else GiveUp(Category("later"))
        await draft.finalize(Content.of("whole"))

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            await host.settled(run)
            await host.settled(await retried(host, run))
            assert found == [0, 1, 2]
            assert await texts(host) == [ASKED, "whole"]

    site.run(scenario)


@pytest.mark.parametrize("begun", ["as a draft", "whole"])
def test_a_draft_that_was_swept_stands_and_the_retry_begins_anew(
    virtual: VirtualSite, begun: str
) -> None:
    """A message that was broken off stands in nobody's way, however often the run is repeated."""

    async def handler(ctx: RunContext) -> None:
        if begun == "whole" and ctx.run.lineage.retry_of is not None:
            await ctx.thread.append(Content.of("whole"))
        else:
            draft = await ctx.thread.draft(Content.of("half"))
            if ctx.run.lineage.retry_of is None:
                raise GiveUp(Category("later"))
            await draft.finalize(Content.of("whole"))
        await ctx.thread.append(Content.of("next"))
        if ctx.epoch == 3:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await asked(host)
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.FAILED
            await virtual.sleep(2 * 3_600)
            await host.keep.threads.sweep()
            async with host.worker(handler):
                again = await host.settled(await retried(host, run))
            assert (again.status, again.epoch > 3) == (RunStatus.COMPLETED, True)
            assert await texts(host) == [ASKED, "half", "whole", "next"]
            states = [view.state for view in await messages(host)]
            assert states[1:] == [
                MessageState.INTERRUPTED,
                MessageState.FINALIZED,
                MessageState.FINALIZED,
            ]

    virtual.run(scenario)


def test_a_replay_that_says_something_else_is_told_what_stands(site: Site) -> None:
    told: list[str | None] = []

    async def handler(ctx: RunContext) -> None:
        said = Content.of(f"epoch {ctx.epoch}")
        if ctx.epoch == 1:
            await ctx.thread.append(said)
            draft = await ctx.thread.draft()
            assert not draft.ended
            await draft.finalize(said)
            raise TryAgain
        with pytest.raises(CallRefused, match="message_finalized") as refused:
            await ctx.thread.append(said)
        assert isinstance(refused.value.reason, AlreadyFinalized)
        told.append(refused.value.reason.message.content.first_line)
        draft = await ctx.thread.draft()
        assert draft.ended
        assert (await draft.update(Content.of("more"))).state is MessageState.FINALIZED
        with pytest.raises(CallRefused, match="message_finalized"):
            await draft.finalize(said)

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert told == ["epoch 1"]
            assert await texts(host) == [ASKED, "epoch 1", "epoch 1"]

    site.run(scenario)


def test_a_checkpoint_lets_a_replay_skip_what_was_said(site: Site) -> None:
    async def handler(ctx: RunContext) -> None:
        saved = await ctx.last_checkpoint()
        if saved is None:
            await ctx.thread.append(Content.of("one"))
            await ctx.checkpoint(CheckpointKind.BEFORE_MODEL, schema=1, payload=b"said")
        await ctx.thread.append(Content.of("two"))
        if ctx.epoch == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert await texts(host) == [ASKED, "one", "two"]

    site.run(scenario)


def test_a_window_shows_a_run_its_own_messages_beyond_what_it_began_with(site: Site) -> None:
    seen: list[list[str | None]] = []

    async def handler(ctx: RunContext) -> None:
        begun = await ctx.thread.window()
        await ctx.thread.append(Content.of("mine"))
        again = await ctx.thread.window(through=begun.through)
        seen.extend(
            [view.content.first_line for view in window.entries if isinstance(view, MessageView)]
            for window in (begun, again)
        )
        page = await ctx.thread.history(newest_first=True, limit=1)
        seen.append([view.content.first_line for view in page.messages])

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert seen == [[ASKED], [ASKED, "mine"], ["mine"]]

    site.run(scenario)


def test_a_handler_that_has_lost_its_run_says_nothing_more(virtual: VirtualSite) -> None:
    """Law 31: a worker that was cut off adds nothing, also where it does not know."""
    left: list[str] = []

    async def handler(ctx: RunContext) -> None:
        if ctx.epoch > 1:
            await ctx.thread.append(Content.of("second"))
            return
        try:
            await virtual.sleep(10_000)
        except asyncio.CancelledError:
            with pytest.raises(RunLeft):
                await ctx.thread.append(Content.of("first"))
            left.append("left")
            raise

    async def scenario() -> None:
        cut_off = "load#*: fail-before\ncommit#*: fail-before\nscan#*: fail-before"
        async with virtual.host() as host, virtual.suffering("") as (sick, faulty):
            run = await asked(host)
            async with sick.worker(handler):
                await virtual.sleep(10)
                faulty.follow(faulty.script.parse(cut_off))
                async with host.worker(handler):
                    assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert left == ["left"]
            assert await texts(host) == [ASKED, "second"]

    virtual.run(scenario)


def test_a_handler_learns_that_its_thread_was_deleted(site: Site) -> None:
    begun = asyncio.Event()
    told: list[str] = []

    async def handler(ctx: RunContext) -> None:
        begun.set()
        await ctx.cancelling.wait()
        with pytest.raises(CallRefused) as refused:
            await ctx.thread.append(Content.of("late"))
        told.append(refused.value.code)

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            await begun.wait()
            answer = await host.keep.threads.delete(run.scope, "talk", force=True)
            assert isinstance(answer, ThreadDeletion)
            assert (await host.settled(run)).status is RunStatus.CANCELLED
            assert told == ["thread_deleted"]

    site.run(scenario)


def test_what_is_wrong_with_a_message_is_told_and_stores_nothing(site: Site) -> None:
    codes: list[str] = []

    async def handler(ctx: RunContext) -> None:
        for summary in ("[unsafe]", "fine", "other"):
            try:
                await ctx.thread.tool_result("result:1", safe_summary=summary)
            except CallRefused as error:
                codes.append(error.code)
        with pytest.raises(InvalidValue):
            await ctx.thread.tool_result("no ref", safe_summary="fine")
        await ctx.thread.preview("pay", Content.of("one"))
        with pytest.raises(CallRefused, match="message_conflict"):
            await ctx.thread.preview("pay", Content.of("two"))

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            run = await asked(host)
            assert (await host.settled(run)).status is RunStatus.COMPLETED
            assert codes == ["unsafe_summary", "tool_result_conflict"]
            assert await texts(host) == [ASKED, "fine", "one"]

    site.run(scenario)


def test_a_run_has_so_many_messages_and_one_without_a_thread_has_none(
    virtual: VirtualSite,
) -> None:
    async def handler(ctx: RunContext) -> None:
        if ctx.run.scope.thread is None:
            with pytest.raises(InvalidValue, match="thread"):
                _ = ctx.thread
            return
        ctx._runner.journal.go_on_from([("thread.message", MESSAGES_PER_RUN - 1)])
        await ctx.thread.append(Content.of("the last"))
        with pytest.raises(InvalidValue, match="messages"):
            await ctx.thread.append(Content.of("one more"))
        with pytest.raises(InvalidValue, match="messages"):
            await ctx.thread.draft()

    async def scenario() -> None:
        async with virtual.host() as host, host.worker(handler):
            alone = await host.submit(evolve(thread(), thread=None))
            run = await asked(host)
            for each in (alone, run):
                assert (await host.settled(each)).status is RunStatus.COMPLETED
            assert await texts(host) == [ASKED, "the last"]

    virtual.run(scenario)


# ---- killed --------------------------------------------------------------------------------------


async def died(site: VirtualSite, at: int, moment: Moment) -> bool:
    """A conversation whose worker dies at its commit of that number; whether it got so far."""
    name = f"t{at}"

    def mortal(inner: RecordStore) -> MortalStore:
        return MortalStore(inner, at=at, moment=moment)

    async with site.host() as host, site.host(mortal) as doomed:
        store = doomed.store
        assert isinstance(store, MortalStore)
        run = await asked(host, name)
        dying = asyncio.create_task(doomed.worker(converse).run())
        await first_of(store.died.wait(), host.until(run, lambda view: view.status.final))
        async with host.worker(converse):
            await host.until(run, lambda view: view.status.final)
        dying.cancel()
        await asyncio.wait([dying])
        await require_conversed(host, run, name)
        return store.died.is_set()


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("store", ["memory", "files"])
def test_a_conversing_worker_may_be_killed_at_each_of_its_commits(
    store: str, moment: Moment
) -> None:
    site, at = VirtualSite(STORES[store]), 0

    async def scenario() -> None:
        nonlocal at
        while await died(site, at + 1, moment):
            at += 1

    site.run(scenario)
    assert at >= 11


@pytest.mark.parametrize("again", [False, True])
def test_a_summary_that_was_refused_is_refused_in_every_replay(site: Site, *, again: bool) -> None:
    """It is asked anew where its refusal ended the claim, over what is read by then."""
    met: list[str] = []

    async def handler(ctx: RunContext) -> None:
        talk = ctx.thread
        draft = await talk.draft(Content.of("So"))
        try:
            await talk.summarise(
                start=1,
                end=draft.receipt.sequence,
                kind="gist",
                text="Rent is asked for.",
                policy=SummaryPolicy.NOTE,
                basis=(await talk.window()).basis,
            )
            met.append("summarised")
        except CallRefused as refused:
            met.append(refused.code)
            await draft.finalize(Content.of("So it is."))
            if again:
                raise TryAgain from refused
        if len(met) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await asked(host)
            async with host.worker(handler):
                assert (await host.settled(run)).status is RunStatus.COMPLETED
        assert met == ["range_unsettled", "summarised" if again else "range_unsettled"]

    site.run(scenario)
