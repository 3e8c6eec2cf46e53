"""A flow across all aggregates: what each of its commits holds, and who goes on after the last.

The same purchase is made again and again, and each time somebody dies one commit later: its worker,
the worker that went on, or the people around them. The table in docs/flows.md says the same.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any, Final

import pytest
from attrs import define, evolve, field, frozen

from tests.application.approvals.keep import STORES
from tests.application.worker.errand import People, everything
from tests.application.worker.mortal import Moment, MortalStore
from tests.application.worker.outside import Remembered
from tests.application.worker.purchase import (
    CIPHER,
    COST,
    ESTIMATE,
    HOLD_MS,
    LEAST,
    USD,
    Purchasing,
    prepare,
    receipt_of,
    require_bought_once,
    require_not_bought,
)
from tests.application.worker.sites import ADA, OPERATOR, OWNER, Host, VirtualSite
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.step_values import step_output
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.store import RecordStore

COMMITS: Final = [
    ("run.submitted",),
    ("run.claimed",),
    ("approval.raised", "run.blocked"),
    ("approval.approved", "run.resumed", "grant.issued"),
    ("run.claimed",),
    ("budget.reserved",),
    ("run.effect_settled",),
    ("secret_lease.issued",),
    ("secret_lease.used", "secret_lease.ended"),
    ("grant.began",),
    ("run.effect_settled", "grant.consumed"),
    ("budget.reconciled",),
    ("run.effect_settled",),
    ("run.completed",),
]
"""Of a purchase that nobody interrupts, by what they tell; the intent stands beside its grant."""
INTENT: Final = 8
"""The number of the worker's commit that holds the intent of the payment; the next has its end."""


@frozen
class Death:
    """Somebody's, at the commit of that number."""

    at: int
    moment: Moment

    def of(self, inner: RecordStore) -> MortalStore:
        return MortalStore(inner, at=self.at, moment=self.moment)


@frozen(kw_only=True)
class Outcome:
    """How a purchase went on.

    Attributes:
        deaths: How many of those who were to die got so far.
        told: What each of its commits told.
    """

    deaths: int
    told: list[tuple[str, ...]]

    @property
    def asked(self) -> bool:
        """Whether an operator had to ask the world."""
        return any("run.needs_operator" in kinds for kinds in self.told)


@define(eq=False)
class Purchase:
    """One purchase, alone in its store, around which people and workers die."""

    site: VirtualSite
    shut: bool = False
    outside: Remembered = field(factory=Remembered, init=False)
    deaths: int = field(default=0, init=False)

    async def made(self, workers: tuple[Death, ...], people: tuple[Death, ...]) -> Outcome:
        """Its workers die one after the other, and so do its people; the last ones do not."""
        async with self.site.host() as host:
            await prepare(host, "ada")
            before = len(await told(host))
            run = await host.submit()
            looking = asyncio.create_task(self._looked_after(people))
            for death in workers:
                async with self.site.host(death.of) as doomed:
                    store = mortal(doomed)
                    dying = asyncio.create_task(doomed.worker(self._handler(doomed)).run())
                    ended = host.until(run, lambda view: view.status.final)
                    await first_of(store.died.wait(), ended)
                    self.deaths += store.died.is_set()
                    await cancelled(dying)
            async with host.worker(self._handler(host)):
                await host.until(run, lambda view: view.status.final)
            await cancelled(looking)
            if self.shut:
                await require_not_bought(host, self.outside, run)
            else:
                await require_bought_once(host, self.outside, [run])
            return Outcome(deaths=self.deaths, told=(await told(host))[before:])

    def _handler(self, host: Host) -> Handler:
        return Purchasing(host.keep.budgets, self.outside, shut=self.shut)

    async def _looked_after(self, deaths: tuple[Death, ...]) -> None:
        for death in deaths:
            async with self.site.host(death.of) as doomed:
                people = People(doomed, self.outside, output=receipt_of)
                looking = asyncio.create_task(people.look_after(5.0))
                await mortal(doomed).died.wait()
                self.deaths += 1
                await cancelled(looking)
        async with self.site.host() as host:
            await People(host, self.outside, output=receipt_of).look_after(5.0)


def made(
    store: str, *workers: Death, people: tuple[Death, ...] = (), shut: bool = False
) -> Outcome:
    """A purchase on a fresh store of that name."""
    site, outcomes = VirtualSite(STORES[store], cipher=CIPHER), list[Outcome]()

    async def scenario() -> None:
        outcomes.append(await Purchase(site, shut).made(workers, people))

    site.run(scenario)
    (outcome,) = outcomes
    return outcome


def mortal(host: Host) -> MortalStore:
    assert isinstance(host.store, MortalStore)
    return host.store


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None


async def told(host: Host) -> list[tuple[str, ...]]:
    """What the store's commits told, by their kinds, in order."""
    events = (await everything(host)).stored_events
    commits = itertools.groupby(events, key=lambda event: event.commit_id)
    return [tuple(event.kind for event in told) for _, told in commits]


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_purchase_is_these_commits(store: str) -> None:
    assert made(store).told == COMMITS


@pytest.mark.parametrize("moment", list(Moment))
def test_only_between_intent_and_outcome_does_a_death_need_an_operator(
    store: str, moment: Moment
) -> None:
    """52 to 54 of turns, 29 to 31 of approvals: whichever commit is the worker's last."""
    outcomes = [made(store, Death(at, moment)) for at in range(1, LEAST + 2)]
    assert [outcome.deaths for outcome in outcomes] == [1] * LEAST + [0]
    asked = [at for at, outcome in enumerate(outcomes, start=1) if outcome.asked]
    assert asked == [INTENT if moment is Moment.AFTER else INTENT + 1]


@pytest.mark.parametrize("moment", list(Moment))
def test_whoever_goes_on_may_die_as_well(store: str, moment: Moment) -> None:
    """The first worker dies with the payment under way, the second anywhere behind it."""
    first = Death(INTENT, Moment.AFTER)
    for at in itertools.count(1):
        outcome = made(store, first, Death(at, moment))
        assert outcome.asked
        if outcome.deaths == 1:
            assert at > LEAST - INTENT
            return


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("at", [1, 2], ids=["approving", "settling"])
def test_people_may_die_over_a_ruling_and_over_a_settlement(
    store: str, at: int, moment: Moment
) -> None:
    """What they have said stands once; else the next of them says it."""
    outcome = made(store, Death(INTENT, Moment.AFTER), people=(Death(at, moment),))
    assert outcome.deaths == 2
    assert outcome.asked


@pytest.mark.parametrize("moment", list(Moment))
def test_what_was_surely_not_paid_is_given_back_whichever_commit_is_the_last(
    store: str, moment: Moment
) -> None:
    """31 of approvals: nothing is held, charged or used up by it."""
    deaths = [made(store, Death(at, moment), shut=True).deaths for at in range(1, LEAST + 2)]
    assert deaths == [1] * LEAST + [0]


@pytest.mark.parametrize("moment", list(Moment))
def test_whoever_submits_may_die_over_it(store: str, moment: Moment) -> None:
    site, outside = VirtualSite(STORES[store], cipher=CIPHER), Remembered()

    async def scenario() -> None:
        async with site.host() as host, site.host(Death(1, moment).of) as doomed:
            await prepare(host, "ada")
            submitting = asyncio.create_task(doomed.submit())
            await mortal(doomed).died.wait()
            await cancelled(submitting)
            run = await host.submit()
            async with host.worker(Purchasing(host.keep.budgets, outside)):
                await host.settled(run)
                await People(host, outside).look()
                await host.until(run, lambda view: view.status.final)
            await require_bought_once(host, outside, [run])

    site.run(scenario)


def test_without_a_yes_nothing_is_held_and_nothing_lent(store: str) -> None:
    site = VirtualSite(STORES[store], cipher=CIPHER)

    async def scenario() -> None:
        async with site.host() as host:
            await prepare(host, "ada")
            run = await host.submit()
            async with host.worker(Purchasing(host.keep.budgets, Remembered())):
                await host.settled(run)
                (view,) = (await host.approvals.list_pending(OWNER)).approvals
                await host.approvals.deny(view.scope, view.id, by=ADA, decision_id=RequestId("no"))
                ended = await host.until(run, lambda view: view.status.final)
            assert ended.status is RunStatus.FAILED
            kinds = {kind for commit in await told(host) for kind in commit}
            assert kinds.isdisjoint({"grant.issued", "budget.reserved", "secret_lease.issued"})

    site.run(scenario)


def test_a_purchase_that_is_given_up_in_doubt_is_billed_however_late_it_is_known(
    store: str,
) -> None:
    """Its hold keeps room until its end; what it has cost is charged when an operator knows."""
    site, outside = VirtualSite(STORES[store], cipher=CIPHER), Remembered()

    async def scenario() -> None:
        async with site.host() as host:
            stuck = await in_doubt(site, host, outside, Death(INTENT + 1, Moment.BEFORE))
            await host.turns.give_up(
                stuck.address,
                settlements={},
                category=Category("nobody_knows"),
                actor=OPERATOR,
                request_id=RequestId("given up"),
            )
            assert await figures(host) == (0, ESTIMATE[USD])
            await site.sleep(HOLD_MS / 1_000)
            assert await figures(host) == (0, 0)
            done = Done(output=step_output({"cost": COST}), disposition=None)
            again = await host.turns.retry(
                stuck.address,
                settlements=dict.fromkeys(stuck.open, done),
                actor=OPERATOR,
                request_id=RequestId("found out"),
            )
            assert isinstance(again, RunStanding), again
            repeated = await host.turns.get(evolve(stuck.address, id=again.run))
            assert repeated is not None
            async with host.worker(Purchasing(host.keep.budgets, outside)):
                await host.until(repeated, lambda view: view.status is RunStatus.COMPLETED)
            assert await figures(host) == (COST, 0)
            assert len(outside.deeds()) == 1

    site.run(scenario)


def test_a_yes_that_expires_while_an_operator_finds_out_is_asked_for_anew(store: str) -> None:
    """What was surely not paid is paid on the second yes, and still within the first hold."""
    site, outside = VirtualSite(STORES[store], cipher=CIPHER), Remembered()

    async def scenario() -> None:
        async with site.host() as host:
            stuck = await in_doubt(site, host, outside, Death(INTENT, Moment.AFTER))
            await site.sleep(2 * 3_600)
            people = People(host, outside)
            await people.look()
            async with host.worker(Purchasing(host.keep.budgets, outside)):
                await host.until(stuck, lambda view: view.status is RunStatus.BLOCKED)
                assert (await figures(host), outside.deeds()) == ((0, ESTIMATE[USD]), [])
                await people.look()
                ended = await host.until(stuck, lambda view: view.status.final)
            assert ended.status is RunStatus.COMPLETED
            assert await figures(host) == (COST, 0)
            assert len(outside.deeds()) == 1
            kinds = Counter(kind for commit in await told(host) for kind in commit)
            assert (kinds["grant.issued"], kinds["grant.consumed"]) == (2, 1)

    site.run(scenario)


async def in_doubt(site: VirtualSite, host: Host, outside: Remembered, death: Death) -> RunView:
    """A purchase whose worker has died between the intent of its payment and the outcome."""
    await prepare(host, "ada")
    run = await host.submit()
    async with site.host(death.of) as doomed:
        handler = Purchasing(doomed.keep.budgets, outside)
        dying = asyncio.create_task(doomed.worker(handler).run())
        await host.settled(run)
        await People(host, outside).look()
        await mortal(doomed).died.wait()
        await cancelled(dying)
    async with host.worker(Purchasing(host.keep.budgets, outside)):
        return await host.until(run, lambda view: view.status is RunStatus.NEEDS_OPERATOR)


async def figures(host: Host) -> tuple[int, int]:
    """What was spent, and what is reserved."""
    view = await host.keep.budgets.account(AccountRef.user("acme", "ada"))
    return view[USD].spent, view[USD].reserved
