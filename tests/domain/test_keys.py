"""Keys and collections: typed by what they hold, equal by where they point."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.application.loop.ledger import LEDGERS, PERMANENT_LEDGERS, SCOPE, opened
from turnkeep_domain.decisions import Changed
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Identity, Index, ReadKey, key


def test_keys_are_equal_by_address() -> None:
    assert key(LEDGERS, SCOPE, "a") == key(LEDGERS, SCOPE, "a")
    assert key(LEDGERS, SCOPE, "a") != key(LEDGERS, SCOPE, "b")
    assert key(LEDGERS, SCOPE, "a") != key(PERMANENT_LEDGERS, SCOPE, "a")
    assert len({key(LEDGERS, SCOPE, "a"), key(LEDGERS, SCOPE, "a")}) == 1
    assert isinstance(key(LEDGERS, SCOPE, "a"), ReadKey)


def test_an_address_is_made_of_a_collection_name_and_an_identifier() -> None:
    with pytest.raises(InvalidValue):
        Address("No", SCOPE, "a")
    with pytest.raises(InvalidValue):
        Address("ledger", SCOPE, "")


def test_a_collection_knows_its_records_and_refuses_others() -> None:
    ledger = opened("a")
    assert LEDGERS.identity_of(ledger) == Identity(SCOPE, "a")
    assert LEDGERS.index_of(ledger) == Index(state="open", due_at=None, sort="a")
    assert LEDGERS.marks_of(ledger) == ledger.marks
    with pytest.raises(TypeError, match="a record of ledger was expected, not str"):
        LEDGERS.index_of("a")


@pytest.mark.parametrize(
    ("state", "sort"), [("", "a"), ("x" * 33, "a"), ("open", "x" * 256), ("open", "a\x00")]
)
def test_an_index_fits_every_store(state: str, sort: str) -> None:
    with pytest.raises(InvalidValue):
        Index(state=state, due_at=None, sort=sort)


@pytest.mark.parametrize(
    "due_at",
    [datetime(2030, 1, 1), datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=1)))],  # noqa: DTZ001
    ids=["naive", "elsewhere"],
)
def test_an_instant_is_in_utc(due_at: datetime) -> None:
    with pytest.raises(InvalidValue, match="UTC"):
        Index(state="open", due_at=due_at, sort="a")
    with pytest.raises(InvalidValue, match="UTC"):
        Changed(None, None, (), due_at)
    Index(state="open", due_at=datetime(2030, 1, 1, tzinfo=UTC), sort="a")
