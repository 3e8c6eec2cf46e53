"""A deferred name: one that a module has, and imports from its home when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def deferred(
    names: dict[str, object], homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a module whose names are deferred.

    Several threads may ask at once: each finds the same thing.

    Args:
        names: The module's own, in which a name stands once it was asked for.
        homes: The module that each deferred name is imported from.
    """
    module = str(names["__name__"])

    def find(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        found: object = getattr(import_module(home), name)
        names[name] = found
        return found

    def listed() -> list[str]:
        return sorted({*names, *homes})

    return find, listed
