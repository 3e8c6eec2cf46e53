"""A refusal: a call that must raise, and the error that it raised."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

E = TypeVar("E", bound=Exception)


async def refusal(by: type[E], of: Awaitable[object], what: str) -> E:
    """Awaits a call that must be refused; fails with `what` where it is not."""
    try:
        await of
    except by as error:
        return error
    raise AssertionError(f"{what} is not refused")


def refusal_now(by: type[E], of: Callable[[], object], what: str) -> E:
    """Makes a call that must be refused; fails with `what` where it is not."""
    try:
        of()
    except by as error:
        return error
    raise AssertionError(f"{what} is not refused")
