"""A handler: a clerk that reads an invoice, asks a model about it, asks a person, and pays.

Run it from the shell, over a store that others submit to:

    turnkeep worker --app examples.clerk:clerk --store file:///var/lib/agents

Whatever it does to the world goes through its context, so that a worker which is killed anywhere in
it leaves nothing done twice: what is in the journal is not done again, and what may have happened
is left to an operator.
"""

from __future__ import annotations

from turnkeep import (
    Category,
    Dimension,
    Dispatch,
    Effect,
    GateClosed,
    GiveUp,
    IdempotencyKey,
    Json,
    Metered,
    Ref,
    RunContext,
)

ESTIMATE = {Dimension.USD_NANO: 20_000_000, Dimension.OUTPUT_TOKENS: 1_000}


async def read_invoice(key: IdempotencyKey) -> dict[str, int]:
    """Looks an invoice up; harmless to repeat."""
    del key
    return {"number": 4711, "amount": 1200}


async def ask_model(key: IdempotencyKey) -> Metered[str]:
    """Stands for a model: its answer, and what it cost."""
    del key
    used = {Dimension.USD_NANO: 7_000_000, Dimension.OUTPUT_TOKENS: 240}
    return Metered("The invoice is for last month's rent, and it is due.", used)


async def send_money(key: IdempotencyKey) -> str:
    """Stands for a bank, which takes the key so that it knows a repeated order again."""
    return f"receipt for {key}"


async def clerk(ctx: RunContext) -> Ref:
    """Carries out one turn."""
    invoice = await ctx.effect("read the invoice", read_invoice, mode="safe")
    # Reserved before the call and reconciled after it; a paused budget makes the run wait.
    advice = await ctx.spend("ask the model", ESTIMATE, ask_model, {"of": invoice["number"]})
    call: dict[str, Json] = {"to": "landlord", "amount": invoice["amount"]}
    try:
        await ctx.require_approval(
            "may I pay",
            action=Dispatch.of("send_money"),
            effects=frozenset({Effect.FINANCIAL}),
            input=call,
            reason=advice,
            display=f"Send {invoice['amount']} to landlord",
        )
    except GateClosed as closed:
        # Denied, or nobody has decided in time.
        raise GiveUp(Category(closed.disposition.value)) from closed
    receipt = await ctx.effect("send the money", send_money, call)
    return Ref(f"receipt:{receipt.rpartition(' ')[2]}")
