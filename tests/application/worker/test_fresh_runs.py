"""A worker reads a journal only where its run counts entries."""

from __future__ import annotations

import pytest

from tests.application.worker.outside import Deed, Remembered
from tests.application.worker.sites import OPERATOR, Site
from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import GiveUp, TryAgain
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.names import Category


def test_a_worker_reads_a_journal_once_there_is_something_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at a first claim; at the second one, and at the first of the run that repeats it."""
    outside, called, read = Remembered(), list[str](), list[RunAddress]()
    reads = Turns.journal

    async def journal(turns: Turns, run: RunAddress) -> tuple[RunEffect, ...]:
        read.append(run)
        return await reads(turns, run)

    async def handler(ctx: RunContext) -> None:
        async def pay(key: str) -> None:
            outside.do(Deed("pay", ctx.run.id, key))

        called.append(ctx.run.id)
        await ctx.effect("pay", pay)
        if ctx.run.journal != ctx.run.id:
            return
        if len(called) == 1:
            raise TryAgain
        raise GiveUp(Category("later"))

    async def scenario() -> None:
        monkeypatch.setattr(Turns, "journal", journal)
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
                again = await host.turns.retry(
                    run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
                )
                assert isinstance(again, RunStanding)
                repeat = RunAddress(run.scope, again.run)
                view = await host.turns.get(repeat)
                assert view is not None
                await host.settled(view)
        assert called == [run.id, run.id, repeat.id]
        assert read == [run.address, repeat]
        assert len(outside.deeds()) == 1

    site.run(scenario)
