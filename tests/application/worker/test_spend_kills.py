"""A worker that is killed at any commit of a spend: what is spent is what was done, and no more.

The same run is begun again and again; each time its worker dies one commit later. Another worker
goes on, and an operator settles by what the world has seen.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.application.approvals.keep import STORES
from tests.application.worker.mortal import Moment, MortalStore
from tests.application.worker.outside import Deed, Remembered
from tests.application.worker.sites import OPERATOR, Host, VirtualSite, thread
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.spends import Metered
from turnkeep_application.worker.step_values import step_output
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.periods import Lifetime
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.effect import Done, NotDone, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.store import RecordStore

USD, SLOTS = Dimension.USD_NANO, Dimension.CONCURRENCY_SLOTS
COSTS = {"pay": 3, "draft": 5, "look": 7}
MODES = {"pay": "once", "draft": "keyed", "look": "safe"}
ESTIMATE = {USD: 10, SLOTS: 1}
BY = Principal.person("bo")
LEAST = 8
"""Commits that a run takes, at least: claim, two for each spend, complete."""


def spending(outside: Remembered) -> Handler:
    async def handler(ctx: RunContext) -> None:
        for name, mode in MODES.items():

            async def step(key: str, name: str = name) -> Metered[str]:
                deed = Deed(name, ctx.run.id, key)
                if deed not in outside.deeds():
                    outside.do(deed)
                return Metered("done", {USD: COSTS[name]})

            await ctx.spend(name, ESTIMATE, step, mode=mode)  # type: ignore[arg-type]  # a mode's name

    return handler


async def settle(host: Host, run: RunView, outside: Remembered) -> None:
    """Settles what is open by what the world has seen, as an operator; a race is met again."""
    view = await host.turns.get(run.address)
    if view is None or view.status is not RunStatus.NEEDS_OPERATOR:
        return
    seen = {(deed.name, deed.key) for deed in outside.deeds()}
    settlements: dict[EffectId, Done | NotDone] = {}
    for entry in await host.turns.journal(run.address):
        if not entry.is_open:
            continue
        if (entry.id.name, entry.key) in seen:
            await charged(host, run, entry)
            settlements[entry.id] = Done(output=step_output("done"), disposition=None)
        else:
            settlements[entry.id] = NotDone(category=Category("void"), redo=True)
    await host.turns.retry(
        run.address,
        settlements=settlements,
        actor=OPERATOR,
        request_id=RequestId(f"{run.id} {view.version}"),
    )


async def charged(host: Host, run: RunView, entry: RunEffect) -> None:
    assert entry.reservation is not None
    answer = await host.keep.budgets.reconcile(
        run.scope,
        entry.reservation,
        request_id=RequestId("found out"),
        usage={USD: COSTS[entry.id.name]},
    )
    assert not isinstance(answer, Refused), answer


async def died(site: VirtualSite, at: int, moment: Moment) -> bool:
    """One run whose first worker dies at its commit of that number; whether it got so far."""
    outside = Remembered()
    handler, user = spending(outside), f"user{at}"
    account = AccountRef.user("acme", user)

    def mortal(inner: RecordStore) -> MortalStore:
        return MortalStore(inner, at=at, moment=moment)

    async with site.host() as host, site.host(mortal) as doomed:
        store = doomed.store
        assert isinstance(store, MortalStore)
        limits = Limits.of(Lifetime(), {USD: Ceiling.of(22), SLOTS: Ceiling.of(1)})
        answer = await host.keep.budgets.set_limit(
            account, limits, by=BY, request_id=RequestId("first")
        )
        assert isinstance(answer, LimitsSet)
        run = await host.submit(thread(user=user), request=f"q{at}")

        async def look_after() -> None:
            while True:
                with suppress(TurnkeepError):
                    await settle(host, run, outside)
                await host.turns.clock.sleep(5)

        people = asyncio.create_task(look_after())
        dying = asyncio.create_task(doomed.worker(handler).run())
        await first_of(store.died.wait(), host.until(run, lambda view: view.status.final))
        async with host.worker(handler):
            final = await host.until(run, lambda view: view.status.final)
        for task in (people, dying):
            task.cancel()
            await asyncio.wait([task])
        assert final.status is RunStatus.COMPLETED, final
        view = await host.keep.budgets.account(account)
        assert (view[USD].spent, view[USD].reserved) == (sum(COSTS.values()), 0)
        assert view[SLOTS].reserved == 0
        assert sorted(deed.name for deed in outside.deeds()) == sorted(COSTS)
        return store.died.is_set()


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("store", ["memory", "files"])
def test_a_worker_may_be_killed_at_each_commit_of_its_spends(store: str, moment: Moment) -> None:
    """The ceiling has no room for a hold that leaks, and the slot for none at all."""
    site, at = VirtualSite(STORES[store]), 0

    async def scenario() -> None:
        nonlocal at
        while await died(site, at + 1, moment):
            at += 1

    site.run(scenario)
    assert at >= LEAST
