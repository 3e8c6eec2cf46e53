"""An agent: the handler that carries out a task: it asks before what is risky, and calls once."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import frozen

from examples.agentdojo.asking import Asking, plan_of
from examples.agentdojo.books import COST_MAX, Deed
from examples.agentdojo.suite import Plan, ToolCall
from turnkeep import (
    Dimension,
    Dispatch,
    Effect,
    IdempotencyKey,
    Json,
    Metered,
    RunContext,
)

MONEY: Final = Dimension.USD_NANO
_READING: Final = ("check_", "get_", "list_", "read_", "search_")
_LIFETIME_SECONDS: Final = 3_600
# A hold of a worker that was killed must outlast the search for it, and not the trial.
_HOLD_MS: Final = 120_000


def is_risky(tool: str) -> bool:
    """Whether people are asked first: for everything that is not known to read only."""
    return not tool.startswith(_READING)


def allowance_of(plan: Plan) -> int:
    """What a task may cost at most, in nano-dollars; not a cent more is allowed."""
    return COST_MAX * sum(is_risky(call.tool) for call in plan.calls)


@frozen
class Agent:
    """The handler of the workers. A turn's message reference is the name of its task."""

    environment: Asking

    async def __call__(self, ctx: RunContext) -> None:
        """Makes the calls of a task, one after the other."""
        task = str(ctx.turn.message_ref)
        # Where a model would be asked what to do next. The journal keeps what it said.
        told = await ctx.effect("plan", partial(self._plan, task), mode="safe")
        plan = plan_of(told)
        for number, call in enumerate(plan.calls, start=1):
            use = _Use(ctx, self.environment, task, call)
            name, args = f"call {number}", dict(call.args)
            if is_risky(call.tool):
                await _ask_for(ctx, f"ask for call {number}", plan, call)
                await ctx.spend(name, {MONEY: COST_MAX}, use.metered, args, ttl_ms=_HOLD_MS)
            else:
                await ctx.effect(name, use.free, args)

    async def _plan(self, task: str, key: IdempotencyKey) -> dict[str, Json]:
        del key
        return await self.environment.plan_as_json(task)


async def _ask_for(ctx: RunContext, name: str, plan: Plan, call: ToolCall) -> None:
    await ctx.require_approval(
        name,
        action=Dispatch.of(call.tool, {"calls": 1}),
        effects=frozenset({Effect.WRITES}),
        input=dict(call.args),
        reason=plan.prompt,
        display=f"{call.tool}({', '.join(sorted(call.args))})",
        lifetime_seconds=_LIFETIME_SECONDS,
    )


@frozen
class _Use:
    """One call, as a step of a run. The environment does not tell repeats; the journal does."""

    ctx: RunContext
    environment: Asking
    task: str
    call: ToolCall

    async def free(self, key: IdempotencyKey) -> str:
        return (await self._made(key)).answer

    async def metered(self, key: IdempotencyKey) -> Metered[str]:
        deed = await self._made(key)
        return Metered(deed.answer, {MONEY: deed.cost})

    async def _made(self, key: IdempotencyKey) -> Deed:
        return await self.environment.use(self.task, self.call, key=key, epoch=self.ctx.epoch)
