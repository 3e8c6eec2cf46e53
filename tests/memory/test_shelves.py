"""A shelf: a sorted list by any means, whose changes move little."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnkeep_adapters.memory.shelves import CHUNK_MAX, Shelf, Spot

MANY = 5 * CHUNK_MAX


def spot(number: int) -> Spot:
    """Spots in the order of their numbers; neighbours differ in their keys alone."""
    return (number // 7).to_bytes(4, "big"), number.to_bytes(4, "big")


def on(shelf: Shelf, after: Spot | None = None) -> list[Spot]:
    return list(shelf.after(after))


SHUFFLED = [spot(number * 7_919 % MANY) for number in range(MANY)]


@pytest.fixture
def shelf() -> Shelf:
    """Many spots, added one by one and out of order."""
    filled = Shelf()
    for each in SHUFFLED:
        filled.add(each)
    return filled


def test_spots_added_in_any_order_stand_in_theirs(shelf: Shelf) -> None:
    assert on(shelf) == sorted(SHUFFLED)
    assert len(shelf) == MANY


def test_a_shelf_that_was_made_of_spots_is_one_to_which_they_were_added(shelf: Shelf) -> None:
    assert on(Shelf(SHUFFLED)) == on(shelf)
    assert len(Shelf(SHUFFLED)) == len(shelf)


@pytest.mark.parametrize("number", [0, 1, CHUNK_MAX // 2 - 1, CHUNK_MAX // 2, MANY - 2, MANY - 1])
def test_what_comes_after_a_spot_begins_with_the_next(shelf: Shelf, number: int) -> None:
    for one in (shelf, Shelf(SHUFFLED)):
        assert on(one, spot(number)) == sorted(SHUFFLED)[number + 1 :]


def test_what_comes_after_a_spot_that_is_gone_begins_with_the_next(shelf: Shelf) -> None:
    for number in range(MANY):
        if number % 500:
            shelf.remove(spot(number))
    assert on(shelf, spot(777)) == [spot(number) for number in range(1_000, MANY, 500)]


def test_spots_removed_in_any_order_are_gone(shelf: Shelf) -> None:
    for each in SHUFFLED[1:]:
        shelf.remove(each)
    assert on(shelf) == SHUFFLED[:1]
    shelf.remove(SHUFFLED[0])
    assert on(shelf) == []
    assert not shelf


@pytest.mark.parametrize("missing", [-1, 10, MANY])
def test_a_spot_that_is_not_there_cannot_be_taken(missing: int) -> None:
    shelf = Shelf(spot(number) for number in range(MANY) if number != 10)
    absent = (b"", b"") if missing < 0 else spot(missing)
    with pytest.raises(LookupError, match="missing from its index"):
        shelf.remove(absent)
    assert len(on(shelf)) == len(shelf) == MANY - 1


def test_nothing_is_taken_from_an_empty_shelf() -> None:
    with pytest.raises(LookupError):
        Shelf().remove(spot(0))


def test_a_change_moves_no_more_than_a_chunk(shelf: Shelf) -> None:
    # How much moves shows in no answer, so this one test looks inside.
    lengths = [len(chunk) for one in (shelf, Shelf(SHUFFLED)) for chunk in one._chunks]
    assert max(lengths) <= CHUNK_MAX
    for each in SHUFFLED[:-3]:
        shelf.remove(each)
    assert all(shelf._chunks)


@settings(max_examples=50)
@given(
    changes=st.lists(st.tuples(st.booleans(), st.integers(0, MANY)), max_size=200),
    full=st.booleans(),
)
def test_a_shelf_is_a_sorted_set(changes: list[tuple[bool, int]], *, full: bool) -> None:
    begun = set(SHUFFLED) if full else set[Spot]()
    shelf = Shelf(begun)
    for adding, number in changes:
        if adding and spot(number) not in begun:
            begun.add(spot(number))
            shelf.add(spot(number))
        elif not adding and spot(number) in begun:
            begun.remove(spot(number))
            shelf.remove(spot(number))
    assert on(shelf) == sorted(begun)
    assert len(shelf) == len(begun)
    asked = spot(changes[0][1]) if changes else None
    assert on(shelf, asked) == sorted(each for each in begun if asked is None or each > asked)
