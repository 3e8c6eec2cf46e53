"""An agent: what a worker does with a turn: it asks before what is risky, and acts once."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from attrs import frozen

from turnkeep import (
    CallDeclined,
    CallRefused,
    GateClosed,
    IdempotencyKey,
    Json,
    LimitExceeded,
    Metered,
    RunContext,
    StepNotDone,
)
from turnkeep_adapters.cli.demo.costs import MONEY, PLACES, cost_of, estimate_of
from turnkeep_adapters.cli.demo.errand import Call, Errand, drawn
from turnkeep_adapters.cli.demo.shelf import Shelf
from turnkeep_adapters.cli.demo.witness import thread_of
from turnkeep_adapters.cli.demo.world import Deed, World

APPROVAL_SECONDS: Final = 10
_HALF_STEP_SECONDS_MAX: Final = 0.3
_BUSY: Final = 0.04
# A hold of a worker that was killed, and whose run nobody takes up, is over before the play is.
_HOLD_MS: Final = 20_000
# Each try is a call of its own in the journal, which has room for a thousand.
_TURN_SECONDS: Final = 0.2


@frozen(kw_only=True)
class Agent:
    """The handler of the demonstration's workers.

    Attributes:
        seed: What the duration of each call, and whether its tool is busy, is drawn from.
    """

    shelf: Shelf
    world: World
    seed: int

    async def __call__(self, ctx: RunContext) -> None:
        """Makes the calls of an errand, in order; those that people do not allow are left out."""
        errand = self.shelf.get(ctx.turn.message_ref or "")
        for call in errand.calls:
            if not call.is_risky or await self._is_allowed(ctx, errand, call):
                await self._make(ctx, errand, call)

    async def _is_allowed(self, ctx: RunContext, errand: Errand, call: Call) -> bool:
        try:
            await ctx.require_approval(
                call.gate,
                action=call.action,
                effects=call.risk.effects,
                requester=errand.agent,
                input=call.args,
                reason=errand.prompt,
                display=call.display,
                quorum=call.quorum,
                lifetime_seconds=APPROVAL_SECONDS,
            )
        except (GateClosed, CallRefused):
            # Refused is what cannot be put before people, too.
            return False
        return True

    async def _make(self, ctx: RunContext, errand: Errand, call: Call) -> None:
        tool = _Tool(ctx=ctx, errand=errand, call=call, world=self.world, seed=self.seed)
        estimate = estimate_of(errand, call, self.seed)
        while True:
            try:
                await ctx.spend(
                    call.name,
                    estimate,
                    tool.use,
                    errand.content,
                    mode=call.mode,
                    ttl_ms=_HOLD_MS,
                )
            except StepNotDone:
                continue  # the next attempt is a step of its own in the journal
            except CallRefused as refused:
                if not _is_crowded(refused.reason):
                    raise
                await asyncio.sleep(_TURN_SECONDS)
                continue
            return


def _is_crowded(reason: object) -> bool:
    """Whether only the places are short at which tools are used.

    A replay is told the code alone, and comes here only where it was so: another breach fails the
    run.
    """
    if isinstance(reason, CallDeclined):
        return reason.code == LimitExceeded.code
    if not isinstance(reason, LimitExceeded):
        return False
    return all(breach.dimension is PLACES for breach in reason.breaches)


@frozen(kw_only=True)
class _Tool:
    """One use of one tool, in a world that Turnkeep knows nothing of."""

    ctx: RunContext
    errand: Errand
    call: Call
    world: World
    seed: int

    async def use(self, key: IdempotencyKey) -> Metered[Json]:
        chance = drawn(self.seed, key, self.ctx.epoch)
        seconds = chance.random() * _HALF_STEP_SECONDS_MAX
        await asyncio.sleep(seconds)
        if chance.random() < _BUSY:
            raise StepNotDone("tool_busy")
        deed = Deed(
            key=key,
            thread=thread_of(self.errand.scope),
            call=f"line {self.errand.line}, call {self.call.position}",
            epoch=self.ctx.epoch,
            at=time.monotonic(),
            cost=cost_of(key, estimate_of(self.errand, self.call, self.seed)[MONEY], self.seed),
        )
        done_now = self.world.do(deed, keyed=not self.call.is_risky)
        await asyncio.sleep(seconds)
        return Metered({"receipt": key, "again": not done_now}, {MONEY: deed.cost})
