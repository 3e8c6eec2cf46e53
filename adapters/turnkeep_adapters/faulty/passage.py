"""A passage: one call's way to the inner store and back, past whatever its rule puts there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, Never, TypeVar

from attrs import field, frozen

from turnkeep_adapters.faulty.actions import (
    AnswerBusy,
    AnswerStale,
    CommitAction,
    CorruptBytes,
    Delay,
    FailBefore,
    Hold,
    HoldAfter,
    LandLate,
    LoseAfter,
    LoseBefore,
    Stall,
)
from turnkeep_adapters.faulty.holds import Holds
from turnkeep_adapters.faulty.script import Rule
from turnkeep_ports.clock import Clock
from turnkeep_ports.errors import Unavailable

A = TypeVar("A")

_MILLISECONDS: Final = 1_000


async def _never_misled(_: CommitAction) -> Never:
    raise AssertionError("only a rule for commits has such an action")


def _never_damaged(_answer: object, _collection: str | None) -> Never:
    raise AssertionError("only a rule for answers with bodies has such an action")


@frozen
class Passage(Generic[A]):
    """How one call is handed over, and what only calls of its kind can suffer.

    Attributes:
        send: Hands the call over to the inner store.
        damage: Damages the answer's bodies of a collection (None: all).
        mislead: Answers in the inner store's place, whatever has become of the commit.
    """

    send: Callable[[], Awaitable[A]]
    damage: Callable[[A, str | None], A] = field(default=_never_damaged, kw_only=True)
    mislead: Callable[[CommitAction], Awaitable[A]] = field(default=_never_misled, kw_only=True)

    async def past(self, rule: Rule | None, holds: Holds, clock: Clock) -> A:
        """The answer, once the call has suffered the rule's action."""
        if rule is None:
            return await self.send()
        match rule.action:
            case FailBefore():
                raise Unavailable("the script fails this call")
            case Delay(milliseconds):
                await clock.sleep(milliseconds / _MILLISECONDS)
                return await self.send()
            case Stall():
                return await _stall()
            case Hold(name):
                await holds.wait_at(name)
                return await self.send()
            case HoldAfter(name):
                answer = await self.send()
                await holds.wait_at(name)
                return answer
            case CorruptBytes():
                return self.damage(await self.send(), rule.collection)
            case LoseBefore() | LoseAfter() | LandLate() | AnswerStale() | AnswerBusy() as action:
                return await self.mislead(action)


async def _stall() -> Never:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a stall ends by cancellation alone")
