"""Records: an immutable view in which only what was loaded can be read or written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.application.loop.ledger import LEDGERS, PERMANENT_LEDGERS, SCOPE, Ledger, opened
from turnkeep_application.records import Records
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Key, key
from turnkeep_domain.request_ids import RequestId

FIRST = key(LEDGERS, SCOPE, "l1")
SECOND = key(LEDGERS, SCOPE, "l2")
KEPT = key(PERMANENT_LEDGERS, SCOPE, "l1")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_what_was_not_requested_can_be_neither_read_nor_written() -> None:
    records = Records({FIRST.address: None})
    assert records[FIRST] is None
    assert FIRST in records
    assert SECOND not in records
    with pytest.raises(KeyError):
        records[SECOND]
    with pytest.raises(KeyError):
        records.put(SECOND, opened())
    with pytest.raises(KeyError):
        records.delete(SECOND)


def test_put_and_delete_return_a_new_view() -> None:
    before = Records({FIRST.address: None, SECOND.address: opened("l2")})
    after = before.put(FIRST, opened()).delete(SECOND)
    assert (before[FIRST], before[SECOND]) == (None, opened("l2"))
    assert (after[FIRST], after[SECOND]) == (opened(), None)
    assert list(before.written()) == []
    assert list(after.written()) == [(FIRST, opened()), (SECOND, None)]


def test_a_permanent_cell_is_never_deleted() -> None:
    with pytest.raises(TypeError, match="never deleted"):
        Records({KEPT.address: opened()}).delete(KEPT)


def test_a_record_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError):
        Records({FIRST.address: "text"})[FIRST]
    wrong: Key[object] = Key(LEDGERS, FIRST.address)
    with pytest.raises(TypeError):
        Records({FIRST.address: None}).put(wrong, "text")


def test_adopt_lifts_every_variant_of_a_decision() -> None:
    records = Records({FIRST.address: opened()})
    changed = opened().add(1, RequestId("r1"), FIRST.address, NOW)
    assert isinstance(changed, Changed)
    until = Changed(changed.state, 1, changed.events, NOW)
    lifted: Decision[Records, int, str] = records.adopt(FIRST, until)
    assert isinstance(lifted, Changed)
    assert lifted.state[FIRST] == changed.state
    assert (lifted.outcome, lifted.events, lifted.valid_until) == (1, changed.events, NOW)
    given: list[Decision[Ledger, int, str]] = [Unchanged(1), Refused("no")]
    assert [records.adopt(FIRST, decision) for decision in given] == given
    for tidy in (True, False):
        settled: Decision[Ledger, int, str] = Settled(changed.state, "no", (), tidy=tidy)
        stored = records.adopt(FIRST, settled)
        assert isinstance(stored, Settled)
        assert stored.state[FIRST] == changed.state
        assert (stored.reason, stored.tidy) == ("no", tidy)
