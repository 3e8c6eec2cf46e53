"""A broken store: a reference store that differs in one place, and the laws that must see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import frozen

from tests.contract.reference_store import ReferenceStore

S = TypeVar("S", bound=type[ReferenceStore])


@frozen
class Break:
    """One law that one broken store breaks, and the test that must say so."""

    store: type[ReferenceStore]
    law: str
    test: str


BREAKS: list[Break] = []


def breaks(law: str, *tests: str) -> Callable[[S], S]:
    """Marks a store as breaking a law, which each of these tests must see."""

    def mark(store: S) -> S:
        BREAKS.extend(Break(store, law, f"test_{test}") for test in tests)
        return store

    return mark
