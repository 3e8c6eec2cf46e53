"""Mounting: a keep on several stores, each keeping whole parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from turnkeep_adapters.composite.mounts import REST, Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_application.store_parts import StorePart
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.store import RecordStore

S = TypeVar("S")


def composite_store(stores: Mapping[str, RecordStore]) -> RecordStore:
    """One store of several, closed; opening and closing it opens and closes them all.

    Args:
        stores: By the part that they keep (``"secrets"``, which are the credentials
            too, ``"leases"``, ``"budgets"``), and ``"rest"`` for everything else, which must be
            there. Parts that name the same store are together in it.

    Raises:
        InvalidValue: A part is unknown, or the rest is missing.
    """
    rest, others = grouped(stores)
    return CompositeRecordStore(
        rest,
        [
            Mount(
                name="_".join(part.value for part in parts),
                store=store,
                collections=frozenset[str]().union(*(part.collections for part in parts)),
            )
            for parts, store in others
        ],
    )


def grouped(places: Mapping[str, S]) -> tuple[S, list[tuple[list[StorePart], S]]]:
    """Where the rest is kept, and which parts are kept elsewhere, those of one place together.

    Raises:
        InvalidValue: A part is unknown, or the rest is missing.
    """
    known = {REST, *(part.value for part in StorePart)}
    if REST not in places or not known.issuperset(places):
        raise InvalidValue("stores", f"must name {REST}, and of {', '.join(sorted(known))} alone")
    rest = places[REST]
    others: list[tuple[list[StorePart], S]] = []
    for part in StorePart:
        place = places.get(part.value, rest)
        if place == rest:
            continue
        together = next((parts for parts, other in others if other == place), None)
        if together is None:
            others.append(([part], place))
        else:
            together.append(part)
    return rest, others
