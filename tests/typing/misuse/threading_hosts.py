"""A blocking keep that is awaited, asked for what there is not, or given to an async host."""

from turnkeep import (
    BlockingKeep,
    BlockingWorker,
    Keep,
    Principal,
    RequestId,
    RunContext,
    RunView,
    Scope,
    Worker,
    open_blocking_keep,
)

RENT = Scope.of("acme", "ann", thread="rent")


async def handler(ctx: RunContext) -> None:
    del ctx


async def awaited(keep: BlockingKeep) -> None:
    await keep.leases.get(RENT, "desk")  # expect: misc
    async with keep.leases.hold(RENT, "desk", holder="me"):  # expect: attr-defined
        pass


def asked(keep: BlockingKeep, async_keep: Keep) -> None:
    keep.turns.submit(RENT, request_id=RequestId("1"))  # expect: call-arg
    keep.turns.submit(RENT, actor="ann", request_id=RequestId("1"))  # expect: arg-type
    run: RunView = keep.turns.submit(  # expect: assignment
        RENT, actor=Principal.person("ann"), request_id=RequestId("1")
    )
    keep.turns.followed(run)  # expect: attr-defined
    async_keep.leases.get(RENT, "desk")  # expect: unused-coroutine
    with keep.leases.hold(RENT, "desk", holder="me") as holding:
        holding.lost.wait()  # expect: attr-defined
    Worker(keep, handler)  # expect: arg-type
    BlockingWorker(async_keep, handler)  # expect: arg-type
    open_blocking_keep()  # expect: call-arg
    keep.run(keep.leases.get)  # expect: arg-type
