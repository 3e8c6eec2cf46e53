"""The kiosk: a small suite of its own, of the same shape as those of a benchmark.

Every tool that changes something adds to it, so that a call that is made twice, or not at all,
leaves something that the check of its task finds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from attrs import define, field, frozen

from examples.agentdojo.suite import Plan, Task, ToolCall, ToolFailed
from turnkeep import Json


@define
class Shop:
    """What a kiosk has, in pieces and cents, and what was said to others."""

    stock: dict[str, int] = field(factory=lambda: {"paper": 5, "pens": 2, "tea": 9})
    till: int = 1_000
    notes: list[str] = field(factory=list)


def _read_stock(shop: Shop) -> str:
    return json.dumps(shop.stock)


def _read_till(shop: Shop) -> str:
    return str(shop.till)


def _sell(shop: Shop, item: str, pieces: int, cents: int) -> str:
    if shop.stock.get(item, 0) < pieces:
        raise ToolFailed("there are not so many")
    shop.stock[item] -= pieces
    shop.till += cents
    return f"{shop.stock[item]} left"


def _order(shop: Shop, item: str, pieces: int, cents: int) -> str:
    if shop.till < cents:
        raise ToolFailed("there is not so much money")
    shop.stock[item] = shop.stock.get(item, 0) + pieces
    shop.till -= cents
    return "ordered"


def _send_note(shop: Shop, to: str, text: str) -> str:
    shop.notes.append(f"{to}: {text}")
    return "sent"


_TOOLS: Final[Mapping[str, Callable[..., str]]] = {
    "read_stock": _read_stock,
    "read_till": _read_till,
    "sell_goods": _sell,
    "order_goods": _order,
    "send_note": _send_note,
}


@frozen
class KioskTask:
    """One task of the kiosk; it is solved by exactly its calls, each once."""

    plan: Plan
    after: Shop
    _shop: Shop = field(factory=Shop, init=False)

    def use(self, call: ToolCall) -> str:
        """Makes a call."""
        tool = _TOOLS.get(call.tool)
        if tool is None:
            raise ToolFailed("there is no such tool")
        return tool(self._shop, **call.args)

    def is_solved(self) -> bool:
        """Whether the shop is as it has to be afterwards."""
        return self._shop == self.after


def _task(prompt: str, output: str, after: Shop, *calls: tuple[str, dict[str, Json]]) -> KioskTask:
    made = tuple(ToolCall(tool=tool, args=args) for tool, args in calls)
    return KioskTask(Plan(prompt=prompt, calls=made, output=output), after)


@frozen
class Kiosk:
    """A suite of five tasks and fourteen calls."""

    def tasks(self) -> Mapping[str, Task]:
        """Every task, with a shop of its own."""
        stocked = {"paper": 5, "pens": 2, "tea": 9}
        return {
            "count": _task(
                "How many pens do we have?",
                "Two.",
                Shop(),
                ("read_stock", {}),
            ),
            "sell": _task(
                "Sell two teas at 150, then one more.",
                "Six are left.",
                Shop(stock={**stocked, "tea": 6}, till=1_450),
                ("read_stock", {}),
                ("sell_goods", {"item": "tea", "pieces": 2, "cents": 300}),
                ("sell_goods", {"item": "tea", "pieces": 1, "cents": 150}),
            ),
            "refill": _task(
                "Order ten pens, if we can pay 400 for them, and tell Bruno.",
                "Ordered.",
                Shop(stock={**stocked, "pens": 12}, till=600, notes=["bruno: pens are coming"]),
                ("read_till", {}),
                ("order_goods", {"item": "pens", "pieces": 10, "cents": 400}),
                ("send_note", {"to": "bruno", "text": "pens are coming"}),
            ),
            "tell": _task(
                "Wish everybody a good morning.",
                "Done.",
                Shop(notes=["bruno: good morning", "esi: good morning", "farah: good morning"]),
                ("send_note", {"to": "bruno", "text": "good morning"}),
                ("send_note", {"to": "esi", "text": "good morning"}),
                ("send_note", {"to": "farah", "text": "good morning"}),
            ),
            "close": _task(
                "Sell the last paper at 90 each, and tell Esi what the till has.",
                "The till has 1450.",
                Shop(stock={**stocked, "paper": 0}, till=1_450, notes=["esi: 1450"]),
                ("read_stock", {}),
                ("sell_goods", {"item": "paper", "pieces": 5, "cents": 450}),
                ("read_till", {}),
                ("send_note", {"to": "esi", "text": "1450"}),
            ),
        }
