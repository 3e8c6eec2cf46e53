"""Histories: commits and trims as Hypothesis draws them, and what an engine makes of them."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen
from hypothesis import strategies as st

from tests.memory.samples import ALL_EVENTS, NOON, after, commit, entry, event
from turnkeep_adapters.memory.commits import Judged
from turnkeep_adapters.memory.engine import Engine
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import DEPTH_MAX, OWNER_DEPTH, Scope, ScopePrefix
from turnkeep_ports.scans import Due, InScope, Query, Sorted
from turnkeep_ports.store import ABSENT, START, Cursor, Delete, Entry, EventPage, Put, Write

COLLECTIONS = ["n", "note"]
STATES = ["open", "shut", "o"]
SCOPES = [
    Scope.of("t", "u"),
    Scope.of("t", "u", agent="a"),
    Scope.of("t", "u", agent="a", thread="h"),
    Scope.of("t", "u", thread="h"),
    Scope.of("t", "ub"),
    Scope.of("t", None),
]
ADDRESSES = [Address(name, scope, id) for name in COLLECTIONS for scope in SCOPES for id in "xy"]
SORTS = ["", "a", "b", "ab", "\N{LATIN SMALL LETTER E WITH ACUTE}", "%"]


@frozen
class Step:
    """Entries to put (over whatever is there) or, where None, cells to delete; then a trim.

    Attributes:
        forget: How many of the present events to trim.
    """

    entries: dict[Address, Entry | None]
    forget: int


moments = st.integers(-2, 2).map(after)
entries = st.builds(
    entry,
    st.binary(max_size=3),
    state=st.sampled_from(STATES),
    due_at=st.none() | moments,
    sort=st.sampled_from(SORTS),
)
steps = st.builds(
    Step,
    st.dictionaries(st.sampled_from(ADDRESSES), st.none() | entries, min_size=1, max_size=4),
    st.integers(0, 2),
)
histories = st.lists(steps, max_size=30)

LogItem: TypeAlias = Judged | Cursor


def play(engine: Engine, history: list[Step]) -> list[LogItem]:
    """Lets a history happen, and tells what a log would have kept of it."""
    log: list[LogItem] = []
    for number, step in enumerate(history, 1):
        writes = [write for at, new in step.entries.items() for write in _write(engine, at, new)]
        if writes:
            events = tuple(event(write.address, body=str(number).encode()) for write in writes)
            judged = engine.judge(commit(number, *writes, events=events), NOON)
            assert isinstance(judged, Judged)
            engine.apply(judged)
            log.append(judged)
        if step.forget:
            page = engine.events(ALL_EVENTS, after=START, limit=step.forget)
            assert isinstance(page, EventPage)
            engine.trim(page.next)
            log.append(page.next)
    return log


def replay(engine: Engine, log: list[LogItem]) -> None:
    for item in log:
        if isinstance(item, Judged):
            engine.apply(item)
        else:
            engine.trim(item)


def _write(engine: Engine, at: Address, new: Entry | None) -> list[Write]:
    cell = engine.load([at], NOON).cells.get(at)
    if new is not None:
        return [Put(at, ABSENT if cell is None else cell.revision, new)]
    return [] if cell is None else [Delete(at, cell.revision)]


def _sorted(collection: str, scope: Scope, depth: int, state: str | None) -> Sorted:
    least = DEPTH_MAX if state is None else max(depth, OWNER_DEPTH)
    prefix = ScopePrefix(scope=scope, depth=least)
    return Sorted(collection=collection, prefix=prefix, state=state)


def _due(collection: str, states: frozenset[str], by: datetime) -> Due:
    return Due(collection=collection, states=states, by=by)


def _in_scope(collection: str, scope: Scope, depth: int) -> InScope:
    return InScope(collection=collection, prefix=ScopePrefix(scope=scope, depth=depth))


_collections, _scopes = st.sampled_from(COLLECTIONS), st.sampled_from(SCOPES)
_depths = st.integers(0, DEPTH_MAX)
queries: st.SearchStrategy[Query] = st.one_of(
    st.builds(_due, _collections, st.frozensets(st.sampled_from(STATES), min_size=1), moments),
    st.builds(_sorted, _collections, _scopes, _depths, st.none() | st.sampled_from(STATES)),
    st.builds(_in_scope, _collections, _scopes, _depths),
)
