"""The event log: numbers, floors and filters below what the port shows."""

import pytest

from tests.memory.samples import ALL_EVENTS, NOON, STORE_ID, address, commit_id
from turnkeep_adapters.memory.event_log import EXAMINED_MAX, EventLog
from turnkeep_adapters.memory.rows import EventRow
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import DEPTH_MAX, Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import START, Cursor, CursorLost, EventPage, EventQuery

MINE, THEIRS = address("mine", user="me"), address("theirs", user="them")
ONLY_MINE = EventQuery(collections=None, prefix=ScopePrefix.owner(MINE.scope))


def row(of: Address) -> EventRow:
    return EventRow(
        key=key_bytes(of), kind="note.written", at=NOON, commit_id=commit_id(1), body=b"fact"
    )


def log_of(*addresses: Address, floor: int = 0) -> EventLog:
    return EventLog(STORE_ID, floor=floor, rows=[row(each) for each in addresses])


def page(
    log: EventLog, after: Cursor, *, query: EventQuery = ALL_EVENTS, limit: int = 500
) -> EventPage:
    answer = log.page(query, after=after, limit=limit)
    assert isinstance(answer, EventPage)
    return answer


def cursor(number: int) -> Cursor:
    return Cursor(STORE_ID + number.to_bytes(8, "big"))


def test_a_page_examines_so_many_events_and_moves_on() -> None:
    log = log_of(*[THEIRS] * EXAMINED_MAX, MINE)
    first = page(log, START, query=ONLY_MINE)
    assert first == EventPage((), cursor(EXAMINED_MAX))
    second = page(log, first.next, query=ONLY_MINE)
    assert [event.address for event in second.events] == [MINE]


def test_a_full_page_goes_on_behind_its_last_event() -> None:
    log = log_of(MINE, THEIRS, MINE, THEIRS)
    first = page(log, START, query=ONLY_MINE, limit=1)
    assert first.next == first.events[-1].cursor == cursor(1)
    assert page(log, first.next, query=ONLY_MINE, limit=1).next == cursor(3)


def test_cursors_order_as_their_events_do() -> None:
    events = page(log_of(*[MINE] * 300), START).events
    assert sorted(events, key=lambda event: event.cursor) == list(events)
    assert len({event.cursor for event in events}) == 300


def test_the_head_of_an_empty_log_is_its_floor() -> None:
    assert page(log_of(floor=9), START) == EventPage((), cursor(9))


@pytest.mark.parametrize(
    "lost",
    [
        cursor(2),
        cursor(7),
        Cursor(bytes(16) + (4).to_bytes(8, "big")),
        Cursor(b"no cursor"),
        Cursor(cursor(4) + b"\x00"),
    ],
    ids=["below the floor", "beyond the head", "foreign", "short", "long"],
)
def test_a_cursor_of_no_kept_event_is_lost(lost: Cursor) -> None:
    log = log_of(MINE, MINE, MINE, floor=3)
    assert log.page(ALL_EVENTS, after=lost, limit=1) == CursorLost(cursor(3))


@pytest.mark.parametrize("number", [3, 6])
def test_floor_and_head_are_no_lost_cursors(number: int) -> None:
    log = log_of(MINE, MINE, MINE, floor=3)
    assert len(page(log, cursor(number)).events) == 6 - number


def test_trimming_keeps_what_comes_after_its_argument() -> None:
    log = log_of(MINE, THEIRS, MINE)
    assert log.trim(cursor(2)) == cursor(2)
    assert page(log, START).events == page(log_of(MINE, floor=2), START).events
    assert log.rows() == (row(MINE),)


@pytest.mark.parametrize("before", [START, cursor(0), cursor(1), cursor(2)])
def test_trimming_below_the_floor_changes_nothing(before: Cursor) -> None:
    log = log_of(MINE, MINE, floor=2)
    assert log.trim(before) == cursor(2)
    assert len(log.rows()) == 2


@pytest.mark.parametrize("before", [cursor(5), Cursor(bytes(24))])
def test_trimming_at_a_lost_cursor_keeps_everything(before: Cursor) -> None:
    log = log_of(MINE, MINE, floor=2)
    assert log.trim(before) == CursorLost(cursor(2))
    assert len(log.rows()) == 2


def test_events_go_on_above_a_log_that_was_trimmed_empty() -> None:
    log = log_of(MINE)
    log.trim(cursor(1))
    log.append([row(THEIRS)])
    assert [event.cursor for event in page(log, START).events] == [cursor(2)]


def test_a_store_id_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidValue):
        EventLog(bytes(15), floor=0, rows=[])


ADDRESSES = [
    Address(collection, scope, "one")
    for collection in ("note", "note2", "n")
    for scope in (
        Scope.of("t", "u"),
        Scope.of("t", None),
        Scope.of("t", "uu"),
        Scope.of(None, "u"),
        Scope.of("t", "u", agent="a", thread="h"),
        Scope.of("t", "u", agent="a"),
    )
]


@pytest.mark.parametrize("depth", range(DEPTH_MAX + 1))
@pytest.mark.parametrize("names", [None, {"note"}, {"note", "n"}, {"nothing"}])
def test_a_filter_on_bytes_is_the_ports_filter(depth: int, names: set[str] | None) -> None:
    log = log_of(*ADDRESSES)
    for each in ADDRESSES:
        query = EventQuery(
            collections=None if names is None else frozenset(names),
            prefix=ScopePrefix(scope=each.scope, depth=depth),
        )
        wanted = [other for other in ADDRESSES if query.wants(other)]
        assert [event.address for event in page(log, START, query=query).events] == wanted
