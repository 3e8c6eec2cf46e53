"""An observed handler: one call of a host's handler, told to whoever observes the keep."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from turnkeep_application.observing import Step, code_of, told
from turnkeep_application.worker.exits import CallRefused
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_ports.observer import Observer

T = TypeVar("T")


async def handled(observer: Observer | None, run: RunAddress, call: Step[T]) -> T:
    """Calls a handler, within a span of its own where somebody observes."""
    if observer is None:
        return await call()
    return await told(call, partial(observer.begin_handler, run), named=_code_of)


def _code_of(error: Exception) -> str | None:
    return code_of(error.reason if isinstance(error, CallRefused) else error)
