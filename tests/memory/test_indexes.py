"""The indexes: a page looks at what it answers, whatever else is there."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest
from attrs import evolve

from tests.memory.samples import EVERYBODY, NOON, after, commit_id, entry
from turnkeep_adapters.memory.indexes import Indexes
from turnkeep_adapters.memory.rows import Row
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Due, InScope, Query, Sorted
from turnkeep_ports.store import Revision

STATES = ("a", "b", "c", "d")
THREAD = Scope.of("t", "u", thread="h")
MANY = 1_000


class Looks:
    """How often keys were looked at: compared, or asked what they begin with."""

    def __init__(self) -> None:
        self.count = 0


class SeenKey(bytes):
    """A key that counts the looks at it."""

    looks: Looks

    def __lt__(self, other: bytes) -> bool:  # type: ignore[explicit-override]  # 3.11 has none
        self.looks.count += 1
        return super().__lt__(other)

    def __eq__(self, other: object) -> bool:  # type: ignore[explicit-override]  # 3.11 has none
        self.looks.count += 1
        return super().__eq__(other)

    def startswith(  # type: ignore[explicit-override]  # 3.11 has none
        self, *begins: Any
    ) -> bool:
        self.looks.count += 1
        return super().startswith(*begins)

    __hash__ = bytes.__hash__


def row(state: str = "a", *, due_in: float = 0.0, sort: str = "") -> Row:
    made = entry(b"", state=state, due_at=after(due_in), sort=sort)
    return Row.of(made, Revision(bytes(16)), commit_id(1))


def filled(rows: Iterable[tuple[Scope, str, Row]], looks: Looks) -> Indexes:
    kept: dict[bytes, Row] = {}
    indexes = Indexes(kept)
    for scope, id, each in rows:
        key = SeenKey(key_bytes(Address("note", scope, id)))
        key.looks = looks
        kept[key] = each
        indexes.add(key, each)
    looks.count = 0
    return indexes


@pytest.mark.parametrize(
    "query",
    [
        Due(collection="note", states=frozenset(STATES), by=NOON),
        Sorted(collection="note", prefix=ScopePrefix.owner(THREAD), state="b"),
        Sorted(collection="note", prefix=ScopePrefix.exactly(THREAD), state=None),
        InScope(collection="note", prefix=EVERYBODY),
    ],
    ids=["due", "sorted in a state", "sorted in a scope", "in scope"],
)
def test_a_page_looks_at_few_of_many_rows(query: Query) -> None:
    looks = Looks()
    rows = [(THREAD, f"{number:04}", row(STATES[number % 4])) for number in range(4 * MANY)]
    indexes = filled(rows, looks)
    first = list(islice(indexes.scan(query, None), 20))
    middle = list(islice(indexes.scan(query, first[-1]), 20))
    assert len(first + middle) == 40
    assert len(set(first + middle)) == 40
    assert looks.count < 400


def test_due_rows_of_several_states_come_in_one_order() -> None:
    rows = [(THREAD, f"{n:02}", row(STATES[n % 4], due_in=-n)) for n in range(40)]
    query = Due(collection="note", states=frozenset(STATES), by=after(-10))
    found = list(filled(rows, Looks()).scan(query, None))
    assert found == sorted(found)
    assert len(found) == 30


def test_one_thread_in_one_state_is_found_on_the_shorter_shelf() -> None:
    looks = Looks()
    other = Scope.of("t", "u", thread="busy")
    rows = [(other, f"{n:04}", row(sort="m")) for n in range(MANY)]
    few = [(THREAD, id, row(state, sort="z")) for id, state in (("x", "a"), ("y", "b"))]
    indexes = filled(rows + few, looks)
    query = Sorted(collection="note", prefix=ScopePrefix.exactly(THREAD), state="a")
    found = [key for _, key in indexes.scan(query, None)]
    assert found == [key_bytes(Address("note", THREAD, "x"))]
    assert looks.count < 10


@pytest.mark.parametrize(
    ("depth", "found"),
    [(2, "abcd"), (3, "bcd"), (4, "bcd"), (5, "bcd"), (6, "c")],
)
def test_one_state_below_the_owner_passes_over_what_lies_beside(depth: int, found: str) -> None:
    scopes = {
        "a": Scope.of("t", "u"),
        "b": Scope.of("t", "u", agent="g"),
        "c": Scope.of("t", "u", agent="g", thread="h"),
        "d": Scope.of("t", "u", agent="g", thread="hh"),
        "e": Scope.of("t", "uu", agent="g", thread="h"),
    }
    indexes = filled([(scope, id, row()) for id, scope in scopes.items()], Looks())
    prefix = ScopePrefix(scope=scopes["c"], depth=depth)
    keys = [
        key for _, key in indexes.scan(Sorted(collection="note", prefix=prefix, state="a"), None)
    ]
    assert keys == [key_bytes(Address("note", scopes[id], id)) for id in found]


def test_a_row_that_was_never_added_cannot_be_taken_away() -> None:
    indexes = filled([(THREAD, id, row(sort=id)) for id in ("x", "z")], Looks())
    key = key_bytes(Address("note", THREAD, "x"))
    with pytest.raises(LookupError, match="missing from its index"):
        indexes.remove(key, row(sort="other"))


@pytest.mark.parametrize(
    "found", [(state, due, sort) for state in "ab" for due in (0, 1, None) for sort in "xy"]
)
@pytest.mark.parametrize("left", [("a", 0, "x"), ("a", None, "x")])
def test_a_move_is_as_removing_and_adding(
    left: tuple[str, int | None, str], found: tuple[str, int | None, str]
) -> None:
    """Whatever changes, and the key stays the one object that it was, where it stood before."""
    old, new = indexed(*left), indexed(*found)
    key, same = key_bytes(Address("note", THREAD, "x")), key_bytes(Address("note", THREAD, "x"))
    moved, anew = Indexes({key: new}), Indexes({key: new})
    for indexes in (moved, anew):
        indexes.remove(key, new)
        indexes.add(key, old)
    moved.move(same, old, new)
    anew.remove(key, old)
    anew.add(key, new)
    assert moved.sizes() == anew.sizes()
    for query in (
        Due(collection="note", states=frozenset(STATES), by=after(9)),
        Sorted(collection="note", prefix=ScopePrefix.owner(THREAD), state=new.state),
        Sorted(collection="note", prefix=ScopePrefix.exactly(THREAD), state=None),
        InScope(collection="note", prefix=EVERYBODY),
    ):
        spots = list(moved.scan(query, None))
        assert spots == list(anew.scan(query, None))
        alone = isinstance(query, Due) and old.due_at is None and left[::2] == found[::2]
        assert all((at is key) is not alone for _, at in spots)


def indexed(state: str, due_in: int | None, sort: str) -> Row:
    made = row(state, due_in=0.0 if due_in is None else due_in, sort=sort)
    return evolve(made, due_at=None) if due_in is None else made
