"""An observed keep: one whose use cases are told to an observer as they begin and end.

Each of its services is of a subclass, made here, whose public coroutines tell the observer. So a
use case has its span in one place, whoever calls it, and a keep that nobody observes is made of
the plain services and pays nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import TypeVar

from attrs import evolve, fields

from turnkeep_application.keep import Keep
from turnkeep_application.observing import told
from turnkeep_ports.observer import Observer
from turnkeep_ports.telemetry import Telemetry

S = TypeVar("S")


def observed(keep: Keep, telemetry: Telemetry) -> Keep:
    """The keep whose use cases, and whose workers' handlers, an observer is told of.

    It is the keep itself where the sink only counts.
    """
    if not isinstance(telemetry, Observer):
        return keep
    services = {
        part.name: _observed_service(getattr(keep, part.name), part.name, telemetry)
        for part in fields(Keep)
        if part.name != "observer"
    }
    return evolve(keep, observer=telemetry, **services)


def _observed_service(service: S, name: str, observer: Observer) -> S:
    """A service of the same parts whose public coroutines are told to an observer."""
    plain = type(service)
    members = {
        method: _observed_method(member, f"{name}.{method}", observer)
        for method, member in inspect.getmembers(plain, inspect.iscoroutinefunction)
        if not method.startswith("_")
    }
    about = {name: getattr(plain, name) for name in ("__doc__", "__module__", "__qualname__")}
    seen: type[S] = type(plain.__name__, (plain,), {"__slots__": (), **about, **members})
    # A service is an attrs class; what it makes of its parts, it makes anew.
    parts = fields(plain)  # type: ignore[arg-type] # S is not bound to attrs' protocol
    given = {part.alias: getattr(service, part.name) for part in parts if part.init}
    return seen(**given)


def _observed_method(
    method: Callable[..., Coroutine[object, object, object]], name: str, observer: Observer
) -> object:
    @wraps(method)
    async def observed_call(*args: object, **arguments: object) -> object:
        return await told(partial(method, *args, **arguments), partial(observer.begin, name))

    return observed_call
