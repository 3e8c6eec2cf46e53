"""A blocking keep: the same services, answers and errors for threads, over every store."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.blocking.test_portal import PATIENCE, interrupted
from tests.postgres.databases import shared
from turnkeep import (
    ANY,
    AccountRef,
    BlockingBudgetHold,
    BlockingKeep,
    BlockingWorker,
    CalledFromPortal,
    Ceiling,
    Content,
    Counter,
    Dimension,
    InvalidValue,
    Keep,
    KeepClosed,
    LeaseHeld,
    LeaseSettings,
    Lifetime,
    LimitExceeded,
    Limits,
    MasterKeyMissing,
    Material,
    MessageKind,
    NotReserved,
    Principal,
    Receipt,
    Recorded,
    Ref,
    Refused,
    RequestId,
    ReservationStatus,
    RunContext,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    Settings,
    Tallies,
    TurnkeepError,
    Unavailable,
    Unsupported,
    WorkerSettings,
    open_blocking_keep,
    open_keep,
)

ANN: Final = Principal.person("ann")
OWNER: Final = Scope.of("acme", "ann")
RENT: Final = Scope.of("acme", "ann", thread="rent")
USD: Final = Dimension.USD_NANO


@pytest.fixture(params=["memory", "files", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "memory":
            return "memory:"
        case "files":
            return (tmp_path / "store").as_uri()
        case _:
            return shared()[1].clone(for_good=True)


@pytest.fixture
def keep() -> Iterator[BlockingKeep]:
    with open_blocking_keep("memory:") as keep:
        yield keep


def submitted(keep: BlockingKeep, id: str, scope: Scope = RENT) -> RunView:
    run = keep.turns.submit(scope, actor=ANN, request_id=RequestId(id))
    assert isinstance(run, RunView)
    return run


async def nothing(ctx: RunContext) -> None:
    del ctx


def test_a_turn_is_carried_out_and_told_over_every_store(url: str) -> None:
    with open_blocking_keep(url) as keep, BlockingWorker(keep, nothing):
        run = submitted(keep, "1")
        ended = keep.turns.wait(run.address, timeout_seconds=PATIENCE)
        assert ended is not None
        assert ended.status is RunStatus.COMPLETED
        page = keep.events.read(ScopePrefix.owner(RENT), collections=frozenset({"turn_states"}))
        assert not isinstance(page, Refused)
        repeated = submitted(keep, "1")
        assert repeated.address == run.address


def test_what_a_thread_has_stored_an_async_host_reads(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    with open_blocking_keep(url) as keep:
        run = submitted(keep, "1")

    async def read() -> RunView | None:
        async with open_keep(url) as keep:
            return await keep.turns.get(run.address)

    assert asyncio.run(read()) == run


def test_threads_that_spend_at_once_never_pass_a_ceiling(url: str) -> None:
    limits = Limits.of(Lifetime(), {USD: Ceiling.of(20)})

    def reserve(keep: BlockingKeep, number: int) -> bool:
        answer = keep.budgets.reserve(
            OWNER, id=RequestId(f"call-{number}"), estimate={USD: 1}, owner="w"
        )
        if isinstance(answer, Refused):
            assert isinstance(answer.reason, LimitExceeded)
        return isinstance(answer, Receipt)

    with open_blocking_keep(url) as keep:
        account = AccountRef.user("acme", "ann")
        keep.budgets.set_limit(account, limits, by=ANN, request_id=RequestId("limit"))
        with ThreadPoolExecutor(8) as threads:
            granted = sum(threads.map(partial(reserve, keep), range(40)))
    assert granted == 20


# ---- errors -----------------------------------------------------------------------------------


def test_errors_are_the_ones_that_the_async_services_raise(keep: BlockingKeep) -> None:
    with pytest.raises(InvalidValue):
        keep.leases.acquire(OWNER, "x" * 10_000, holder="me", request_id=RequestId("1"))
    with Material.of("m") as material, pytest.raises(MasterKeyMissing):
        keep.secrets.put(OWNER, "h", material=material, expected=ANY, request_id=RequestId("1"))


def test_a_store_that_does_not_open_raises_its_error_and_leaves_no_thread(tmp_path: Path) -> None:
    tmp_path.joinpath("file").write_text("no store")
    before = {*threading.enumerate()}
    with pytest.raises((Unavailable, Unsupported)):
        open_blocking_keep((tmp_path / "file" / "store").as_uri())
    with pytest.raises(InvalidValue, match="store URL"):
        open_blocking_keep("mongodb://user:secret@host/db")
    for thread in {*threading.enumerate()} - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_closed_keep_refuses_and_closes_again_without_harm(keep: BlockingKeep) -> None:
    keep.close()
    keep.close()
    with pytest.raises(KeepClosed) as caught:
        keep.turns.get(RunView)  # type: ignore[arg-type]  # nobody looks at it any more
    assert isinstance(caught.value, TurnkeepError)
    assert (caught.value.code, caught.value.retryable) == ("keep_closed", False)


def test_a_wait_that_is_under_way_when_the_keep_closes_is_told(url: str) -> None:
    with open_blocking_keep(url) as keep, ThreadPoolExecutor(1) as threads:
        run = submitted(keep, "1")
        begun = threading.Event()

        def wait() -> None:
            begun.set()
            with pytest.raises((KeepClosed, Unavailable)):
                keep.turns.wait(run.address, timeout_seconds=600)

        waiting = threads.submit(wait)
        assert begun.wait(PATIENCE)
        keep.close()
        waiting.result(PATIENCE)


def test_a_wait_ends_at_its_timeout_and_when_another_thread_acts(keep: BlockingKeep) -> None:
    run = submitted(keep, "1")
    # A queued run is not told of until it moves.
    assert keep.turns.wait(run.address, timeout_seconds=0.01) == run
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(
            lambda: keep.turns.wait(run.address, after_version=run.version, timeout_seconds=600)
        )
        with BlockingWorker(keep, nothing):
            seen = waiting.result(PATIENCE)
    assert seen is not None
    assert seen.version > run.version


def test_an_interrupted_wait_leaves_the_keep_usable(keep: BlockingKeep) -> None:
    run = submitted(keep, "1")
    begun = threading.Event()

    async def wait(async_keep: Keep) -> None:
        begun.set()
        await async_keep.turns.wait(run.address, timeout_seconds=600)

    with interrupted(lambda: begun.wait(PATIENCE)):
        keep.run(wait)
    assert keep.turns.get(run.address) == run


# ---- holds --------------------------------------------------------------------------------------


def test_a_lease_is_held_by_one_block_at_a_time(url: str) -> None:
    settings = Settings(leases=LeaseSettings(poll_seconds=0.01))
    inside, most = [0], [0]

    def work(keep: BlockingKeep, number: int) -> int:
        with keep.leases.hold(OWNER, "desk", holder=f"thread-{number}") as holding:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            assert not holding.wait_lost(0.001)
            inside[0] -= 1
            return holding.fence

    with open_blocking_keep(url, settings=settings) as keep, ThreadPoolExecutor(4) as threads:
        fences = list(threads.map(partial(work, keep), range(8)))
    assert most == [1]
    assert len({*fences}) == 8


def test_a_lease_that_others_hold_is_an_error_of_the_block(keep: BlockingKeep) -> None:
    with (
        keep.leases.hold(OWNER, "desk", holder="one"),
        pytest.raises(LeaseHeld),
        keep.leases.hold(OWNER, "desk", holder="other", patience_seconds=0),
    ):
        pytest.fail("the block does not run")


def test_a_lease_is_released_when_its_block_is_interrupted(keep: BlockingKeep) -> None:
    inside = threading.Event()
    with (
        interrupted(lambda: inside.wait(PATIENCE)),
        keep.leases.hold(OWNER, "desk", holder="me") as held,
    ):
        inside.set()
        held.wait_lost(600)
    assert keep.leases.get(OWNER, "desk").vacant


def test_a_holding_counts_as_lost_once_nobody_renews_it(keep: BlockingKeep) -> None:
    holding = keep.leases.hold(OWNER, "desk", holder="me")
    held = holding.__enter__()
    before = held.is_lost
    keep.close()
    assert (before, held.is_lost) == (False, True)
    with pytest.raises(KeepClosed):
        holding.__exit__(None, None, None)


def test_a_budget_hold_charges_what_was_used_however_its_block_ends(keep: BlockingKeep) -> None:
    id = RequestId("call")

    def work(held: BlockingBudgetHold) -> None:
        assert held.receipt.standing is ReservationStatus.ACTIVE
        held.use({USD: 2})
        assert isinstance(held.extend(ttl_ms=1_000_000), Receipt)
        raise LookupError

    with (
        pytest.raises(LookupError),
        keep.budgets.hold(OWNER, id=id, estimate={USD: 5}, owner="w") as held,
    ):
        work(held)
    assert isinstance(held.closed, Receipt)
    assert held.closed.standing is ReservationStatus.RECONCILED
    assert held.used is not None
    assert held.used[USD] == 2
    limits = Limits.of(Lifetime(), {USD: Ceiling.of(1)})
    keep.budgets.set_limit(
        AccountRef.user("acme", "ann"), limits, by=ANN, request_id=RequestId("limit")
    )
    with (
        pytest.raises(NotReserved),
        keep.budgets.hold(OWNER, id=RequestId("no"), estimate={USD: 5}, owner="w"),
    ):
        pytest.fail("the block does not run")


def test_an_export_is_told_to_the_callers_thread_which_may_ask_the_keep(
    keep: BlockingKeep,
) -> None:
    keep.threads.ensure_thread(OWNER, "t", created_by="ann")
    for number in range(3):
        keep.threads.append(
            OWNER,
            "t",
            MessageKind.SYSTEM,
            Content.of(f"{number}"),
            request_id=RequestId(f"{number}"),
        )
    lines: list[str] = []

    def write(line: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert keep.threads.get(OWNER, "t") is not None
        lines.append(line)

    exported = keep.threads.export(OWNER, "t", write=write)
    assert not isinstance(exported, Refused)
    assert exported.messages == 3
    archive = "".join(f"{line}\n" for line in lines)
    made = keep.threads.import_thread(OWNER, "again", archive, imported_by="ann")
    assert not isinstance(made, Refused)


def test_events_are_followed_as_they_are_stored_until_nobody_wants_more(
    keep: BlockingKeep,
) -> None:
    submitted(keep, "1")
    following = keep.events.follow(ScopePrefix.owner(RENT))
    first = next(following)
    assert isinstance(first, Recorded)
    with ThreadPoolExecutor(1) as threads:
        other = Scope.of("acme", "ann", thread="other")
        waiting = threads.submit(
            lambda: next(
                each
                for each in following
                if isinstance(each, Recorded) and each.event.address.scope == other
            )
        )
        submitted(keep, "2", other)
        assert isinstance(waiting.result(PATIENCE), Recorded)
    following.close()
    later = keep.events.follow(ScopePrefix.owner(RENT), after=first.cursor)
    keep.close()
    with pytest.raises(KeepClosed):
        next(later)


# ---- workers ------------------------------------------------------------------------------------


def test_a_handler_reaches_the_keep_from_a_thread_and_not_from_the_portal(
    keep: BlockingKeep,
) -> None:
    told: list[object] = []

    async def handler(ctx: RunContext) -> Ref:
        with pytest.raises(CalledFromPortal):
            keep.turns.get(ctx.run.address)
        there = await asyncio.to_thread(lambda: keep.turns.get(ctx.run.address))
        told.append(there)
        return Ref("done")

    with BlockingWorker(keep, handler) as worker:
        run = submitted(keep, "1")
        ended = keep.turns.wait(run.address, timeout_seconds=PATIENCE)
        assert not worker.draining
    assert ended is not None
    assert ended.status is RunStatus.COMPLETED
    assert isinstance(told[0], RunView)
    assert worker.draining


def test_a_worker_runs_until_a_signal_drains_it(keep: BlockingKeep) -> None:
    worker = BlockingWorker(keep, nothing, concurrency=2)
    run = submitted(keep, "1")
    before = signal.signal(signal.SIGTERM, lambda *_: worker.drain())
    main = threading.main_thread().ident
    assert main is not None

    def end_it() -> None:
        keep.turns.wait(run.address, timeout_seconds=PATIENCE)
        signal.pthread_kill(main, signal.SIGTERM)

    try:
        with ThreadPoolExecutor(1) as threads:
            ending = threads.submit(end_it)
            worker.run()
            ending.result(PATIENCE)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert worker.draining
    ended = keep.turns.get(run.address)
    assert ended is not None
    assert ended.status is RunStatus.COMPLETED


def test_an_interrupted_worker_gives_its_runs_back(keep: BlockingKeep) -> None:
    begun = threading.Event()

    async def endless(ctx: RunContext) -> None:
        begun.set()
        await asyncio.Event().wait()

    run = submitted(keep, "1")
    with interrupted(lambda: begun.wait(PATIENCE)):
        BlockingWorker(keep, endless).run()
    left = keep.turns.get(run.address)
    assert left is not None
    assert left.status is RunStatus.QUEUED


def test_a_worker_that_makes_no_sense_is_refused(keep: BlockingKeep) -> None:
    with pytest.raises(InvalidValue):
        BlockingWorker(keep, nothing, settings=WorkerSettings(fence_seconds=86_400))
    with pytest.raises(InvalidValue):
        BlockingWorker(keep, nothing, classes=())


# ---- parts --------------------------------------------------------------------------------------


def test_the_parts_of_a_blocking_keep_are_the_hosts() -> None:
    tallies = Tallies()
    with open_blocking_keep("memory:", telemetry=tallies) as keep:
        submitted(keep, "1")
    assert tallies.total(Counter.UPDATES) == 1


def test_several_steps_run_in_the_portal_as_one_call(keep: BlockingKeep) -> None:
    async def two(async_keep: Keep) -> tuple[object, object]:
        return await asyncio.gather(
            async_keep.leases.get(OWNER, "a"), async_keep.leases.get(OWNER, "b")
        )

    assert len(keep.run(two)) == 2


def test_a_host_opens_its_own_pool_in_the_portal() -> None:
    database = shared()[1].clone(for_good=True)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Keep]:
        pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]] = AsyncConnectionPool(
            database, min_size=1, max_size=2, open=False
        )
        async with pool, open_keep(pool=pool) as keep:
            yield keep

    with BlockingKeep.opened(opening) as keep:
        run = submitted(keep, "1")
        assert keep.turns.get(run.address) == run


def test_keeps_stand_side_by_side() -> None:
    with open_blocking_keep("memory:") as one, open_blocking_keep("memory:") as other:
        run = submitted(one, "1")
        assert other.turns.get(run.address) is None
        one.close()
        assert other.turns.get(run.address) is None
