"""A worker with a handler that is none, and a context used against its grain."""

from turnkeep import Dimension, GateKind, Keep, Ref, RunContext, Worker


async def wrong_context(ctx: str) -> None:
    del ctx


async def wrong_result(ctx: RunContext) -> int:
    return ctx.epoch


def not_awaited(ctx: RunContext) -> None:
    del ctx


def workers(keep: Keep) -> None:
    Worker(keep, wrong_context)  # expect: arg-type
    Worker(keep, wrong_result)  # expect: arg-type
    Worker(keep, not_awaited)  # expect: arg-type
    Worker(keep.turns, fine)  # expect: arg-type
    Worker(keep, fine, 4)  # expect: call-arg


async def fine(ctx: RunContext) -> None:
    del ctx


async def pay(key: str) -> str:
    return key


def blocking(key: str) -> str:
    return key


async def uses(ctx: RunContext) -> None:
    await ctx.effect("pay", blocking)  # expect: arg-type
    await ctx.effect("pay", pay, mode="twice")  # expect: arg-type
    await ctx.effect("pay", pay, object())  # expect: arg-type
    paid: int = await ctx.effect("pay", pay)  # expect: arg-type
    del paid
    ctx.effect("pay", pay)  # expect: unused-coroutine
    await ctx.spend("pay", {Dimension.USD_NANO: 1}, pay)  # expect: arg-type
    await ctx.spend("pay", {"usd_nano": 1}, pay)  # expect: dict-item, arg-type
    await ctx.gate("login", kind="auth", ref=Ref("login:1"))  # expect: arg-type
    await ctx.gate("login", kind=GateKind.AUTH)  # expect: call-arg
    ctx.draining = ctx.cancelling  # expect: misc
