"""A cost: what a call of a demonstration may use, and what it has used, drawn from the seed."""

from __future__ import annotations

from typing import Final

from turnkeep import Dimension
from turnkeep_adapters.cli.demo.errand import Call, Errand, drawn

MONEY: Final = Dimension.USD_NANO
PLACES: Final = Dimension.CONCURRENCY_SLOTS
_MONEY_MAX: Final = 10_000_000


def estimate_of(errand: Errand, call: Call, seed: int) -> dict[Dimension, int]:
    """What a call may use at most: money, and one of the places at which tools are used."""
    chance = drawn(seed, "estimate", errand.name, call.position)
    return {MONEY: chance.randint(1, _MONEY_MAX), PLACES: 1}


def cost_of(key: str, at_most: int, seed: int) -> int:
    """What a call has used of the money that it might use: the same each time, under one key."""
    return drawn(seed, "cost", key).randint(0, at_most)


def allowance_of(errand: Errand, seed: int) -> int:
    """What all calls of an errand may use at most."""
    return sum(estimate_of(errand, call, seed)[MONEY] for call in errand.calls)
