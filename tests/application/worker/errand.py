"""An errand: a run that goes through every door, and the people around it, whoever gets killed.

Its handler does what it does to the world outside, where it stays. When all is over,
`require_whole` holds the store against the world: no step that is called once at most was called
twice, all others were called under one key, and nothing is left to count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from attrs import evolve, frozen

from tests.application.approvals.keep import CODEC
from tests.application.turns.invariants import Whole, require_invariants
from tests.application.worker.outside import Deed, Outside
from tests.application.worker.sites import OPERATOR, OWNER, Host
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.step_values import step_output
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json
from turnkeep_domain.approvals.grant_phases import ConsumedGrant
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix, ThreadId
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.effect import Done, NotDone
from turnkeep_domain.turns.effect_ids import EffectId, idempotency_key
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import Completed, RunStatus
from turnkeep_ports.clock import Deadline

ONCE: Final = ("pay", "send", "assist")
REPEATED: Final = ("draft", "look")
_NEEDS: Final = frozenset({RunStatus.NEEDS_OPERATOR})
_ROUTE: Final = Route(provider=Ref("p"), model=Ref("m"), config_ref=None, auth_ref=None)


def errand(outside: Outside, *, after_deed: Callable[[Deed], None] = lambda _: None) -> Handler:
    """The handler, for the errand itself and for the child that it spawns.

    Args:
        outside: Where it does what it does.
        after_deed: Called when something was done, before the store hears of it.
    """

    async def done(ctx: RunContext, name: str, **by: str) -> str:
        async def step(key: str) -> str:
            deed = Deed(name, ctx.run.id, key)
            outside.do(deed)
            after_deed(deed)
            return f"{name} done"

        return await ctx.effect(name, step, {"name": name}, **by)  # type: ignore[arg-type]  # a mode's name, or a grant

    async def handler(ctx: RunContext) -> Ref:
        if ctx.run.lineage.parent is not None:
            return Ref(await done(ctx, "assist"))
        await ctx.route(_ROUTE)
        await asyncio.gather(done(ctx, "look", mode="safe"), done(ctx, "draft", mode="keyed"))
        await done(ctx, "pay")
        await ctx.checkpoint(CheckpointKind.BEFORE_BLOCK, schema=1, payload=b"half way")
        yes = await ctx.require_approval(
            "ask",
            action=Dispatch.of("send_money", {"usd_nano": 5}),
            effects=frozenset({Effect.FINANCIAL}),
            input={"name": "send"},
            reason="because",
            display="send",
            lifetime_seconds=86_400,
        )
        child = await ctx.spawn("help", scope=_of_child(ctx.run.scope))
        (helped,) = await ctx.join("join", [child])
        assert helped.status is RunStatus.COMPLETED
        await done(ctx, "send", grant=yes)
        return Ref("all done")

    return handler


def _of_child(scope: Scope) -> Scope:
    return evolve(scope, thread=ThreadId(f"child-of-{scope.thread}"))


@frozen
class People:
    """Who decides what waits, and settles what nobody knows, by what they find in the world.

    Attributes:
        owners: Whose runs they look after.
        output: What a step has returned of which only its deed is known.
    """

    host: Host
    outside: Outside
    owners: tuple[ScopePrefix, ...] = (OWNER,)
    output: Callable[[EffectId], Json] = lambda id: f"{id.name} done"

    async def look_after(self, pause_seconds: float) -> None:
        """Until cancelled. A store that is away, or a race that is lost, is met again."""
        while True:
            with suppress(TurnkeepError):
                await self.look()
            await self.host.turns.clock.sleep(pause_seconds)

    async def look(self) -> None:
        """Once."""
        for owner in self.owners:
            pending = await self.host.approvals.list_pending(owner)
            for view in pending.approvals:
                by = Principal.person(str(view.scope.user))
                await self.host.approvals.approve(
                    view.scope, view.id, by=by, decision_id=RequestId("yes")
                )
            page = await self.host.turns.list(owner, statuses=_NEEDS)
            for run in page.runs:
                await self._settle(run)

    async def _settle(self, run: RunView) -> None:
        deeds = {(deed.name, deed.key) for deed in self.outside.deeds()}

        def found(id: EffectId) -> Done | NotDone:
            if (id.name, idempotency_key(run.scope, run.journal, id)) in deeds:
                return Done(output=step_output(self.output(id)), disposition=None)
            return NotDone(category=Category("not_done"), redo=True)

        await self.host.turns.retry(
            run.address,
            settlements={id: found(id) for id in run.open},
            actor=OPERATOR,
            request_id=RequestId(f"{run.id} {run.version}"),
        )


async def everything(host: Host) -> Whole:
    """All that the store holds."""
    deadline = Deadline.after(host.turns.clock, 60)
    return await Whole.read(host.store, CODEC, deadline)


async def require_whole(host: Host, outside: Outside, runs: list[RunView]) -> None:
    """Fails unless every errand was run once, whoever was killed."""
    whole = await everything(host)
    require_invariants(whole)
    deeds = outside.deeds()
    for run in runs:
        view = await host.turns.get(run.address)
        assert view is not None
        assert view.state == Completed(result_ref=Ref("all done")), view.state
        for name in ("pay", "send", *REPEATED):
            keys = [deed.key for deed in deeds if (deed.name, deed.run) == (name, run.id)]
            assert len(set(keys)) == 1, (name, keys)
            assert name in REPEATED or len(keys) == 1, f"{name} was done {len(keys)} times"
    assert all(grant.ended_at is not None for grant in whole.grants)
    spent = [grant.run for grant in whole.grants if isinstance(grant.phase, ConsumedGrant)]
    assert all(spent.count(run.address) == 1 for run in runs)
    helped = [deed for deed in deeds if deed.name == "assist"]
    assert len(helped) == len({deed.run for deed in helped}) == len(runs)
    _require_nothing_counted(whole)


def _require_nothing_counted(whole: Whole) -> None:
    counted = [(lane.running, lane.entries) for lane in whole.lanes]
    assert counted == [(0, ())] * len(counted)
