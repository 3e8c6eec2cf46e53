"""A host in types: it carries out runs through every door, and lets its worker drain."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from turnkeep import (
    CallRefused,
    CheckpointKind,
    Dimension,
    Dispatch,
    Effect,
    GateClosed,
    GateKind,
    GiveUp,
    Handler,
    IdempotencyKey,
    Keep,
    Metered,
    OnExpiry,
    Ref,
    RunAddress,
    RunContext,
    RunView,
    Scope,
    StepNotDone,
    TryAgain,
    TurnClass,
    Worker,
    WorkerSettings,
    drained_by_signals,
    open_keep,
)
from turnkeep import Category as Why


async def charge(key: IdempotencyKey) -> dict[str, int]:
    if not key:
        raise StepNotDone(Why("no_key"))
    return {"cents": 5}


async def picture(key: IdempotencyKey) -> bytes:
    return key.encode()


async def ask_model(key: IdempotencyKey) -> Metered[str]:
    return Metered(key, {Dimension.USD_NANO: 4})


async def handler(ctx: RunContext) -> Ref | None:
    receipt: dict[str, int] = await ctx.effect("charge", charge, {"cents": 5})
    drawn: bytes = await ctx.effect("draw", picture, mode="safe")
    answer: str = await ctx.spend(
        "ask model",
        {Dimension.USD_NANO: 10, Dimension.CONCURRENCY_SLOTS: 1},
        ask_model,
        {"of": receipt["cents"]},
        mode="keyed",
        ttl_ms=60_000,
        on_expiry=OnExpiry.CHARGE,
    )
    del answer
    try:
        await ctx.require_approval(
            "ask",
            action=Dispatch.of("send_money", {"usd_nano": receipt["cents"]}),
            effects=frozenset({Effect.FINANCIAL}),
            input={"cents": 5},
            reason="The rent is due",
            display="Send 5 cents",
        )
        await ctx.gate("login", kind=GateKind.AUTH, ref=Ref("login:1"), until=ctx.cancel_by)
    except GateClosed as closed:
        raise GiveUp(Why(closed.disposition.value)) from closed
    except CallRefused as refused:
        raise TryAgain from refused
    children: Sequence[RunAddress] = [await ctx.spawn("help", scope=Scope.of("acme", "ann"))]
    views: tuple[RunView, ...] = await ctx.join("join", children)
    await ctx.checkpoint(CheckpointKind.FINAL, schema=1, payload=drawn)
    moment: datetime | None = ctx.cancel_by
    if ctx.draining.announced or ctx.cancelling.announced or moment is not None:
        return None
    return Ref(f"result:{len(views)}:{ctx.epoch}:{ctx.remaining_seconds()}")


async def nothing(ctx: RunContext) -> None:
    del ctx


async def text(ctx: RunContext) -> Ref:
    return Ref(ctx.turn.origin)


HANDLERS: list[Handler] = [handler, nothing, text]


async def work(keep: Keep) -> None:
    worker = Worker(
        keep,
        handler,
        concurrency=4,
        classes=[TurnClass.BACKGROUND],
        settings=WorkerSettings(drain_seconds=5.0),
    )
    with drained_by_signals(worker):
        await worker.run()


async def main() -> None:
    async with open_keep("memory:") as keep, Worker(keep, nothing) as worker:
        worker.drain()
        await asyncio.sleep(0)
