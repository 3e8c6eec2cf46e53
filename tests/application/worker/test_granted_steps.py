"""Granted steps: a handler makes a call on the yes of people, once, whatever happens to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import define, field

from tests.application.worker.sites import (
    ADA,
    OPERATOR,
    OWNER,
    Host,
    Site,
    VirtualSite,
    thread,
)
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.exits import (
    CallRefused,
    GateClosed,
    GiveUp,
    StepNotDone,
    StepUncertain,
    TryAgain,
)
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json
from turnkeep_domain.approvals.grant_phases import GrantOutcome, GrantRevokeCause, GrantState
from turnkeep_domain.approvals.grant_token import GRANT_TOKEN_BYTES, GrantToken
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, Mode, NotDone
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.run_states import Blocked, RunStatus

INPUT: Final[dict[str, Json]] = {"cents": 5}


async def asked(ctx: RunContext, name: str = "ask") -> str:
    return await ctx.require_approval(
        name,
        action=Dispatch.of("pay", {"usd_nano": 5}),
        effects=frozenset({Effect.FINANCIAL}),
        input=INPUT,
        reason="because",
        display="pay",
    )


@define
class Bank:
    """Where calls are made."""

    made: list[str] = field(factory=list)
    does: Callable[[], Awaitable[None]] | None = None

    async def pay(self, key: str) -> str:
        self.made.append(key)
        if self.does is not None:
            await self.does()
        return "paid"


async def pending(host: Host) -> ApprovalView:
    page = await host.approvals.list_pending(OWNER)
    (view,) = page.approvals
    return view


async def say_yes(host: Host, run: RunView) -> str:
    """Ada says yes to what waits; the id of that approval."""
    await host.until(run, lambda view: view.status is RunStatus.BLOCKED)
    view = await pending(host)
    await host.approvals.approve(view.scope, view.id, by=ADA, decision_id=RequestId(view.id))
    return view.id


async def approved_and_left(host: Host, run: RunView, handler: Handler) -> ApprovalView:
    """What the run asked and Ada has approved; nobody works on it any more."""
    async with host.worker(handler):
        await host.until(run, lambda view: view.status is RunStatus.BLOCKED)
    view = await pending(host)
    await host.approvals.approve(view.scope, view.id, by=ADA, decision_id=RequestId("d1"))
    return view


async def asked_anew(host: Host, run: RunView, one: ApprovalView) -> ApprovalView:
    """What waits once the run is blocked again: not the first, which is decided."""
    waits = await host.until(
        run,
        lambda view: isinstance(view.state, Blocked) and str(view.state.gate.ref) != one.id,
    )
    assert waits.status is RunStatus.BLOCKED
    return await pending(host)


async def grant_state(host: Host, run: RunView, id: str) -> GrantState:
    view = await host.approvals.grant(run.scope, id)
    assert view is not None
    return view.state


async def ended(host: Host, run: RunView) -> RunView:
    return await host.until(run, lambda view: view.status.final)


def test_an_approved_call_is_made_once_and_its_grant_spent(site: Site) -> None:
    bank, told = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        told.append(await ctx.effect("pay", bank.pay, INPUT, grant=yes))
        if len(told) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                id = await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
            assert await grant_state(host, run, id) is GrantState.CONSUMED
        assert (len(bank.made), told) == (1, ["paid", "paid"])

    site.run(scenario)


def test_another_input_than_was_approved_is_refused_in_every_replay(virtual: VirtualSite) -> None:
    """27 of approvals."""
    bank, told = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        try:
            await ctx.effect("pay", bank.pay, {"cents": 6}, grant=yes)
        except CallRefused as refused:
            told.append(refused.code)
        if len(told) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                id = await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
            view = await host.approvals.grant(run.scope, id)
            assert view is not None
            assert view.cause is GrantRevokeCause.RUN_ENDED
        assert (bank.made, told) == ([], ["fingerprint_mismatch"] * 2)

    virtual.run(scenario)


def test_after_a_call_that_was_not_made_another_may_use_the_grant(virtual: VirtualSite) -> None:
    """31 of approvals."""
    bank = Bank()

    async def away(key: str) -> str:
        raise StepNotDone(Category("bank_closed"))

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        try:
            await ctx.effect("pay", away, INPUT, grant=yes)
        except StepNotDone:
            await ctx.effect("pay elsewhere", bank.pay, INPUT, grant=yes)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                id = await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
            assert await grant_state(host, run, id) is GrantState.CONSUMED
        assert len(bank.made) == 1

    virtual.run(scenario)


def test_a_second_call_on_one_yes_is_refused(virtual: VirtualSite) -> None:
    bank, told = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        await ctx.effect("pay", bank.pay, INPUT, grant=yes)
        try:
            await ctx.effect("pay", bank.pay, INPUT, grant=yes)
        except CallRefused as refused:
            told.append(refused.code)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
        assert (len(bank.made), told) == (1, ["grant_spent"])

    virtual.run(scenario)


@pytest.mark.parametrize("again", ["granted", "denied"])
def test_a_yes_that_expired_while_the_run_was_queued_is_asked_for_anew(
    virtual: VirtualSite, again: str
) -> None:
    bank, told = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        try:
            told.append(await ctx.effect("pay", bank.pay, INPUT, grant=yes))
        except GateClosed as closed:
            told.append(closed.disposition.value)
        if len(told) == 1:
            raise TryAgain

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            one = await approved_and_left(host, run, handler)
            await virtual.sleep(3_600)
            async with host.worker(handler):
                two = await asked_anew(host, run, one)
                assert (two.attempt, one.attempt) == (2, 1)
                assert (two.invocation, two.action) == (one.invocation, one.action)
                say = host.approvals.approve if again == "granted" else host.approvals.deny
                await say(two.scope, two.id, by=ADA, decision_id=RequestId("d2"))
                assert (await ended(host, run)).status is RunStatus.COMPLETED
            assert await grant_state(host, run, one.id) is GrantState.REVOKED
            if again == "granted":
                assert await grant_state(host, run, two.id) is GrantState.CONSUMED
        expected = "paid" if again == "granted" else "denied"
        assert (len(bank.made), told) == (again == "granted", [expected] * 2)

    virtual.run(scenario)


def test_a_yes_that_somebody_took_back_is_not_asked_for_again(virtual: VirtualSite) -> None:
    """I9 of approvals: what was revoked is not restored."""
    bank, told = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        try:
            await ctx.effect("pay", bank.pay, INPUT, grant=yes)
        except CallRefused as refused:
            told.append(refused.code)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            one = await approved_and_left(host, run, handler)
            await host.approvals.revoke_grant(
                one.scope, one.id, by=ADA, request_id=RequestId("never mind")
            )
            async with host.worker(handler):
                assert (await ended(host, run)).status is RunStatus.COMPLETED
        assert (bank.made, told) == ([], ["grant_revoked"])

    virtual.run(scenario)


def test_a_retried_run_asks_again_for_what_its_forerunner_had_not_used(
    virtual: VirtualSite,
) -> None:
    bank = Bank()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        if ctx.run.lineage.retry_of is None:
            raise GiveUp(Category("broken"))
        await ctx.effect("pay", bank.pay, INPUT, grant=yes)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                one = await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.FAILED
                standing = await host.turns.retry(
                    run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
                )
                assert isinstance(standing, RunStanding)
                for _ in range(200):
                    page = await host.approvals.list_pending(OWNER)
                    if page.approvals:
                        break
                    await virtual.sleep(1)
                two = await pending(host)
                assert two.attempt == 2
                await host.approvals.approve(two.scope, two.id, by=ADA, decision_id=RequestId("d2"))
                for _ in range(200):
                    if await grant_state(host, run, two.id) is GrantState.CONSUMED:
                        break
                    await virtual.sleep(1)
            assert await grant_state(host, run, one) is GrantState.REVOKED
        assert len(bank.made) == 1

    virtual.run(scenario)


def test_a_retried_run_asks_again_for_what_a_host_had_begun_and_not_done(
    virtual: VirtualSite,
) -> None:
    """What its forerunner was granted came back to nobody: that run is over."""
    bank = Bank()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        if ctx.run.lineage.retry_of is None:
            await begun_outside(host_of[0], yes)
            raise GiveUp(Category("broken"))
        await ctx.effect("pay", bank.pay, INPUT, grant=yes)

    host_of: list[Host] = []

    async def scenario() -> None:
        async with virtual.host() as host:
            host_of.append(host)
            run = await host.submit()
            async with host.worker(handler):
                one = await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.FAILED
            await virtual.sleep(1_000)
            standing = await host.turns.retry(
                run.address, settlements={}, actor=OPERATOR, request_id=RequestId("again")
            )
            assert isinstance(standing, RunStanding)
            settled = await host.approvals.settle(
                run.scope, one, happened=False, by=ADA, request_id=RequestId("checked")
            )
            assert isinstance(settled, GrantOutcome)
            again = await host.turns.get(RunAddress(run.scope, standing.run))
            assert again is not None
            async with host.worker(handler):
                two = await say_yes(host, again)
                assert (await ended(host, again)).status is RunStatus.COMPLETED
            assert two != one
            assert await grant_state(host, run, two) is GrantState.CONSUMED
        assert len(bank.made) == 1

    virtual.run(scenario)


async def begun_outside(host: Host, approval: str) -> None:
    """A grant of a run, begun by a host that keeps no journal."""
    view = await host.approvals.get(thread(), approval)
    assert view is not None
    token = GrantToken(b"o" * GRANT_TOKEN_BYTES)
    await host.approvals.claim(
        view.scope,
        approval,
        by=view.requester,
        invocation=view.invocation,
        action=view.action,
        effects=view.effects,
        input=INPUT,
        token=token,
        request_id=RequestId("claimed"),
    )
    begun = await host.approvals.begin(
        view.scope, approval, token=token, request_id=RequestId("begun")
    )
    assert isinstance(begun, GrantOutcome)


@pytest.mark.parametrize("happened", [True, False])
def test_a_call_of_which_nobody_knows_is_settled_with_its_grant_by_an_operator(
    virtual: VirtualSite,
    happened: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    """44 of approvals."""
    bank = Bank()

    async def broken() -> None:
        raise OSError("the line went dead")

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        bank.does = broken if not bank.made else None
        try:
            await ctx.effect("pay", bank.pay, INPUT, grant=yes)
        except StepUncertain:
            raise GiveUp(Category("uncertain")) from None

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                id = await say_yes(host, run)
                await host.until(run, lambda view: view.status is RunStatus.NEEDS_OPERATOR)
                assert await grant_state(host, run, id) is GrantState.DISPATCHING
                outcome = (
                    Done(output=b"", disposition=None)
                    if happened
                    else NotDone(category=Category("checked"), redo=True)
                )
                await host.turns.retry(
                    run.address,
                    settlements={EffectId("pay", 0): outcome},
                    actor=OPERATOR,
                    request_id=RequestId("again"),
                )
                assert (await ended(host, run)).status is RunStatus.COMPLETED
            assert await grant_state(host, run, id) is GrantState.CONSUMED
        assert len(bank.made) == (1 if happened else 2)

    virtual.run(scenario)


def test_a_long_call_keeps_its_grant(virtual: VirtualSite) -> None:
    seen: list[bool] = []

    async def scenario() -> None:
        async with virtual.host() as host:

            async def slow(key: str) -> str:
                await virtual.sleep(1_500)
                (listed,) = (await host.turns.list(OWNER)).runs
                view = await host.approvals.grant(listed.scope, listed.approvals[0].id)
                assert view is not None
                assert view.until is not None
                seen.append(view.until > virtual.wall())
                return "paid"

            async def handler(ctx: RunContext) -> None:
                await ctx.effect("pay", slow, INPUT, grant=await asked(ctx))

            run = await host.submit()
            async with host.worker(handler):
                await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
        assert seen == [True]

    virtual.run(scenario)


@pytest.mark.parametrize("mode", [Mode.KEYED, Mode.SAFE])
def test_only_a_step_that_is_called_once_at_most_uses_a_grant(
    virtual: VirtualSite, mode: Mode
) -> None:
    bank, met = Bank(), list[str]()

    async def handler(ctx: RunContext) -> None:
        yes = await asked(ctx)
        for args, wanted in ((INPUT, mode), (b"bytes", Mode.ONCE)):
            try:
                await ctx.effect("pay", bank.pay, args, mode=wanted, grant=yes)
            except InvalidValue as error:
                met.append(error.what)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await say_yes(host, run)
                assert (await ended(host, run)).status is RunStatus.COMPLETED
        assert (bank.made, met) == ([], ["grant", "args"])

    virtual.run(scenario)


def test_a_yes_is_not_for_a_run_that_did_not_ask(virtual: VirtualSite) -> None:
    bank, told = Bank(), list[str]()

    async def scenario() -> None:
        async with virtual.host() as host:
            view = await host.approvals.raise_request(
                (await host.submit()).scope,
                invocation=InvocationId("i1"),
                action=Dispatch.of("pay"),
                effects=frozenset(),
                requester=Principal.agent("scout"),
                correlation_id=CorrelationId("c1"),
                input=INPUT,
                reason="",
                display="",
            )
            assert isinstance(view, ApprovalView)
            await host.approvals.approve(view.scope, view.id, by=ADA, decision_id=RequestId("d"))

            async def handler(ctx: RunContext) -> None:
                try:
                    await ctx.effect("pay", bank.pay, INPUT, grant=view.id)
                except CallRefused as refused:
                    told.append(refused.code)

            (run,) = (await host.turns.list(OWNER)).runs
            async with host.worker(handler):
                assert (await ended(host, run)).status is RunStatus.COMPLETED
        assert (bank.made, told) == ([], ["not_eligible"])

    virtual.run(scenario)
