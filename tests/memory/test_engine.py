"""The engine: replay makes the same state, and nothing of what was removed stays behind."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.memory.histories import ADDRESSES, LogItem, Step, histories, play, queries, replay
from tests.memory.samples import (
    ALL_EVENTS,
    NOON,
    STORE_ID,
    address,
    commit,
    entry,
    event,
    judged,
    land,
    put,
    revision_of,
)
from turnkeep_adapters.memory.engine import EMPTY, Engine
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Due, InScope, Position, Query, Sorted, place
from turnkeep_ports.store import ABSENT, START, Cell, Check, Delete, EventPage, Put

ONE, TWO = address("one"), address("two")


def scanned(engine: Engine, query: Query, *, limit: int) -> list[Cell]:
    """All cells of a scan, paged."""
    cells: list[Cell] = []
    position: Position | None = None
    while True:
        page = engine.scan(query, after=position, limit=limit, now=NOON)
        cells.extend(page.cells)
        assert len(cells) <= len(ADDRESSES)
        assert len(page.cells) == limit or page.next is None
        if page.next is None:
            return cells
        position = page.next


def answers(query: Query, cell: Cell) -> bool:
    """Whether a cell is an answer, as the port words it."""
    at, index = cell.address, cell.entry.index
    match query:
        case Due():
            due = index.due_at is not None and index.due_at <= query.by
            return at.collection == query.collection and due and index.state in query.states
        case Sorted():
            in_state = query.state is None or index.state == query.state
            return at.collection == query.collection and query.prefix.covers(at.scope) and in_state
        case InScope():
            return at.collection == query.collection and query.prefix.covers(at.scope)


@given(histories)
def test_a_replayed_log_makes_an_equal_state(history: list[Step]) -> None:
    played, replayed = Engine(STORE_ID), Engine(STORE_ID)
    replay(replayed, play(played, history))
    assert replayed.state() == played.state()
    assert replayed.shelf_sizes() == played.shelf_sizes()


@given(histories, st.data())
def test_a_checkpoint_and_the_rest_of_the_log_make_an_equal_state(
    history: list[Step], data: st.DataObject
) -> None:
    played, first = Engine(STORE_ID), Engine(STORE_ID)
    log: list[LogItem] = play(played, history)
    cut = data.draw(st.integers(0, len(log)))
    replay(first, log[:cut])
    second = Engine(STORE_ID, first.state())
    replay(second, log[cut:])
    assert second.state() == played.state()
    assert second.shelf_sizes() == played.shelf_sizes()


@given(histories, queries, st.integers(1, 3))
def test_a_scan_is_the_ports_definition_at_any_page_size(
    history: list[Step], query: Query, limit: int
) -> None:
    engine = Engine(STORE_ID)
    play(engine, history)
    present = engine.load(ADDRESSES, NOON).cells.values()
    expected = sorted(
        (cell for cell in present if answers(query, cell)),
        key=lambda cell: place(query, cell.entry.index, key_bytes(cell.address)),
    )
    assert scanned(engine, query, limit=limit) == expected
    assert scanned(Engine(STORE_ID, engine.state()), query, limit=limit) == expected


@given(histories)
def test_no_shelf_stays_behind_when_everything_is_deleted(history: list[Step]) -> None:
    engine = Engine(STORE_ID)
    play(engine, history)
    play(engine, [Step(dict.fromkeys(ADDRESSES), 0)])
    assert engine.shelf_sizes() == {}
    assert engine.state().rows == {}


def test_a_row_that_moves_leaves_no_shelf_behind() -> None:
    engine = Engine(STORE_ID)
    land(engine, commit(1, Put(ONE, ABSENT, entry(state="open", due_at=NOON, sort="a"))))
    before = engine.shelf_sizes()
    land(engine, commit(2, Put(ONE, revision_of(engine, ONE), entry(state="shut", sort="b"))))
    assert {kind for kind, _, _ in before} == {"key", "due", "owner", "scope"}
    assert {kind: state for kind, _, state in engine.shelf_sizes()} == {
        "key": None,
        "owner": "shut",
        "scope": None,
    }


def test_a_judged_commit_applies_once() -> None:
    engine = Engine(STORE_ID)
    once = land(engine, commit(1, put(ONE), events=(event(ONE),)))
    before = engine.state()
    with pytest.raises(ValueError, match="applied once"):
        engine.apply(once)
    assert engine.state() == before


def test_a_commit_that_only_deletes_applies_once() -> None:
    engine = Engine(STORE_ID)
    land(engine, commit(1, put(ONE), put(TWO)))
    once = land(engine, commit(2, Delete(ONE, revision_of(engine, ONE))))
    with pytest.raises(ValueError, match="applied once"):
        engine.apply(once)


def test_a_commit_does_not_apply_before_its_predecessor() -> None:
    engine, other = Engine(STORE_ID), Engine(STORE_ID)
    first, second = commit(1, put(ONE)), commit(2, put(TWO))
    land(engine, first)
    later = judged(engine, second)
    with pytest.raises(ValueError, match="after all that were judged before"):
        other.apply(later)
    assert other.state() == EMPTY


def test_a_check_touches_nothing() -> None:
    engine = Engine(STORE_ID)
    land(engine, commit(1, put(ONE)))
    before = engine.load([ONE], NOON).cells[ONE]
    land(engine, commit(2, put(TWO), Check(ONE, before.revision)))
    assert engine.load([ONE], NOON).cells[ONE] == before


def test_a_state_is_a_copy() -> None:
    engine = Engine(STORE_ID)
    land(engine, commit(1, put(ONE), events=(event(ONE),)))
    state = engine.state()
    for owner in (engine, Engine(STORE_ID, state)):
        land(owner, commit(2, put(ONE, revision_of(owner, ONE), b"other"), events=(event(ONE),)))
        assert state.rows[key_bytes(ONE)].body == b"body"
        assert (state.sequence, len(state.events)) == (1, 1)


def test_what_was_trimmed_or_deleted_is_no_more_in_the_state() -> None:
    engine = Engine(STORE_ID)
    land(engine, commit(1, put(ONE, body=b"secret"), events=(event(ONE, body=b"secret"),)))
    land(engine, commit(2, Delete(ONE, revision_of(engine, ONE))))
    page = engine.events(ALL_EVENTS, after=START, limit=1)
    assert isinstance(page, EventPage)
    engine.trim(page.next)
    assert b"secret" not in pickle.dumps(engine.state())
