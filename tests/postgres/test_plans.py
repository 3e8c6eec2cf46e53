"""G11: the longest entry fits, and no plan sorts or reads what it does not need.

The plans are those that run: the server itself explains each statement inside the functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest

from tests.postgres.world import QUIET, execute, store_on
from turnkeep.testing import Caller
from turnkeep.testing.specimens import COLLECTION, EVERYBODY, NOON, SCOPE, address, draft, entry
from turnkeep_adapters.postgres.event_places import begins_of
from turnkeep_adapters.postgres.reading import byte_array
from turnkeep_adapters.postgres.requests import Contents, Request, call_of, encoded
from turnkeep_adapters.postgres.scanning import asked
from turnkeep_adapters.postgres.statements import COMMIT, COMMIT_PUT, EVENTS, LOAD, TRIM_BATCH
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.scans import Due, InScope, Query, Sorted
from turnkeep_ports.store import (
    ABSENT,
    Check,
    CommitId,
    Delete,
    EventQuery,
    Put,
    Revision,
    Write,
)

Plan = dict[str, Any]
ROWS: Final = 3_000
FILL: Final = (
    "INSERT INTO turnkeep.cell SELECT scope || id, owner, scope, id, 'specimen',"
    " CASE WHEN n %% 2 = 0 THEN 'open' ELSE 'shut' END, timestamptz '2031-05-17 12:00+00' +"
    " n * interval '1 second', lpad(n::text, 8, '0'), int8send(n) || int8send(n),"
    " int8send(n) || int8send(n), '\\x00' FROM (SELECT n, '\\x02'::bytea || n::text::bytea ||"
    " '\\x00' AS id, %s::bytea AS owner, %s::bytea AS scope FROM generate_series(1, %s) AS n) AS s"
)
EVENTS_FILL: Final = (
    "INSERT INTO turnkeep.event SELECT 1, pg_current_xact_id(), n, decode(repeat('00', 16), 'hex'),"
    " %s, 'k', clock_timestamp(), '\\x' FROM generate_series(1, %s) AS n"
)
OWNER: Final = ScopePrefix.owner(SCOPE)
EXACT: Final = ScopePrefix.exactly(SCOPE)
BY: Final = NOON + timedelta(days=1)
INDEXES: Final[dict[str, tuple[Query, set[str]]]] = {
    "due": (
        Due(collection=COLLECTION, states=frozenset({"open"}), by=BY),
        {"cell_due"},
    ),
    "due in two states": (
        Due(collection=COLLECTION, states=frozenset({"open", "shut"}), by=BY),
        {"cell_due", "cell_pkey"},
    ),
    "sorted of an owner": (
        Sorted(collection=COLLECTION, prefix=OWNER, state="open"),
        {"cell_owner"},
    ),
    "sorted of a scope": (
        Sorted(collection=COLLECTION, prefix=EXACT, state=None),
        {"cell_scope"},
    ),
    "sorted of a scope in a state": (
        Sorted(collection=COLLECTION, prefix=EXACT, state="open"),
        {"cell_owner"},
    ),
    "in a scope": (InScope(collection=COLLECTION, prefix=OWNER), {"cell_pkey"}),
    "in everything": (InScope(collection=COLLECTION, prefix=EVERYBODY), {"cell_pkey"}),
}


class Explainer:
    """A session whose server explains what it runs inside functions."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._told: list[str] = []
        self._connection.add_notice_handler(
            lambda notice: self._told.append(notice.message_primary or "")
        )
        for setting in (
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_nested_statements = on",
            "SET auto_explain.log_analyze = on",
            "SET auto_explain.log_timing = off",
            "SET auto_explain.log_format = json",
            "SET client_min_messages = log",
        ):
            self._connection.execute(setting.encode())

    def plans(self, statement: str, parameters: tuple[object, ...]) -> list[Plan]:
        """The plans of all that a statement ran, but for its own: a call of a function."""
        self._told.clear()
        self._connection.execute(statement.encode(), parameters).fetchall()
        found = []
        for told in self._told:
            if "plan:" in told:
                plan: Plan = json.loads(told.partition("plan:")[2])
                if "turnkeep." not in plan["Query Text"]:
                    found.append(plan["Plan"])
        return found

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(params=["empty", "grown", "analysed"])
def explainer(request: pytest.FixtureRequest, database: str) -> Iterator[Explainer]:
    """Over tables that are empty, that have grown without anybody counting, and counted ones."""
    if request.param != "empty":
        place = key_bytes(address("x"))
        scope = place[: place.rindex(b"\x02")]
        owner = scope[:-4]
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("ALTER TABLE turnkeep.cell SET (autovacuum_enabled = off)")
            connection.execute(FILL.encode(), (owner, scope, ROWS))
            connection.execute(EVENTS_FILL.encode(), (place, ROWS))
    if request.param == "analysed":
        execute(database, "ANALYZE")
    explainer = Explainer(database)
    yield explainer
    explainer.close()


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def assert_only_by_index(plans: list[Plan], indexes: set[str]) -> None:
    every = [node for plan in plans for node in nodes(plan)]
    used = {node["Index Name"] for node in every if "Index Name" in node}
    kinds = {node["Node Type"] for node in every}
    scans = [node for node in every if node["Node Type"] == "Seq Scan"]
    assert used == indexes, f"other indexes: {used}"
    assert {node["Relation Name"] for node in scans} <= {"meta"}, "a table is read as a whole"
    assert not kinds & {"Hash Join", "Merge Join", "Bitmap Heap Scan"}, kinds


@pytest.mark.parametrize("name", INDEXES)
def test_a_scan_uses_its_index_and_never_sorts(explainer: Explainer, name: str) -> None:
    """G11"""
    query, indexes = INDEXES[name]
    statement, parameters = asked(query, None, 51)
    plans = explainer.plans(statement, parameters)
    assert_only_by_index(plans, indexes)
    for plan in plans:
        for node in nodes(plan):
            if "Sort" in node["Node Type"]:
                # Of several states a page each is merged, and no more.
                assert len(indexes) == 2
                assert node["Actual Rows"] <= 2 * 51
            if node["Node Type"] in ("Index Scan", "Index Only Scan"):
                assert node["Actual Rows"] <= 51, "more is read than a page"


def test_a_later_page_reads_no_more_than_the_first(explainer: Explainer) -> None:
    """G11"""
    start, end = key_bytes(address("1"))[:-3], b"\xff"
    key = key_bytes(address("2500"))
    later = NOON + timedelta(seconds=2_500)
    for statement, parameters in (
        (asked(INDEXES["in a scope"][0], None, 51)[0], (start, end, key, 51)),
        (
            asked(INDEXES["due"][0], None, 51)[0],
            (COLLECTION, "open", BY.isoformat(), later.isoformat(), key, 51),
        ),
    ):
        for plan in explainer.plans(statement, parameters):
            for node in nodes(plan):
                assert node.get("Rows Removed by Filter", 0) == 0, "the beginning is read again"
                assert node.get("Actual Rows", 0) <= 51


def test_a_load_reads_its_cells_alone(explainer: Explainer) -> None:
    """G11"""
    keys = [key_bytes(address(f"{n}")) for n in range(1, 51)]
    plans = explainer.plans(LOAD, (byte_array(keys),))
    assert_only_by_index(plans, {"cell_pkey"})


def test_a_commit_reads_and_writes_its_cells_alone(explainer: Explainer) -> None:
    """G11"""
    writes: list[Write] = [Put(address(f"new{n}"), ABSENT, entry()) for n in range(20)]
    for n in range(1, 21):
        revision = Revision(n.to_bytes(8, "big") * 2)
        writes.append(Put(address(f"{n}"), revision, entry()))
        writes.append(Delete(address(f"{n + 100}"), Revision((n + 100).to_bytes(8, "big") * 2)))
        writes.append(Check(address(f"{n + 200}"), Revision((n + 200).to_bytes(8, "big") * 2)))
    contents = Contents(
        commit_id=CommitId(b"c" * 16),
        writes=tuple(writes),
        events=(draft(address("1")),),
        valid_until=None,
    )
    request = Request(contents, None, None)  # type: ignore[arg-type]  # nobody waits for it
    for wait in (True, False):
        plans = explainer.plans(COMMIT, (encoded([request]), wait, 2000))
        assert_only_by_index(plans, {"cell_pkey"})


def test_a_put_reads_and_writes_its_cell_alone(explainer: Explainer) -> None:
    """G11"""
    revision = Revision((1).to_bytes(8, "big") * 2)
    contents = Contents(
        commit_id=CommitId(b"c" * 16),
        writes=(Put(address("1"), revision, entry()),),
        events=(draft(address("1")),),
        valid_until=None,
    )
    request = Request(contents, None, None)  # type: ignore[arg-type]  # nobody waits for it
    statement, parameters = call_of([request])
    assert statement == COMMIT_PUT
    for wait in (True, False):
        plans = explainer.plans(statement, (*parameters, wait, 2000))
        assert_only_by_index(plans, {"cell_pkey"})


def test_events_are_read_in_order_by_their_index(explainer: Explainer) -> None:
    """G11"""
    begins, owned = begins_of(EventQuery(collections=None, prefix=EVERYBODY))
    assert begins is None
    for plan in (
        explainer.plans(EVENTS, (None, None, None, None, None, owned, 50, 10_000)),
        explainer.plans(EVENTS, (1, 1, 1, b"\x00" * 8, None, owned, 50, 10_000)),
    ):
        assert not [node for one in plan for node in nodes(one) if "Sort" in node["Node Type"]]
        assert_only_by_index(plan, {"event_pkey"})


def test_trimming_reads_what_it_deletes(explainer: Explainer) -> None:
    """G11"""
    plans = explainer.plans(TRIM_BATCH, (1_000,))
    every = [node for plan in plans for node in nodes(plan)]
    assert not [node for node in every if "Sort" in node["Node Type"]]
    assert {node["Relation Name"] for node in every if node["Node Type"] == "Seq Scan"} <= {"meta"}


async def test_the_longest_entry_fits(database: str) -> None:
    """G11: incompressible, in every index at once."""
    text = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(66)) + "ab"
    scope = Scope.of(text, text, agent=text, project=text, mission=text, thread=text)
    longest = address(text, collection="c" * 32, scope=scope)
    assert len(key_bytes(longest)) == 1_448
    sort = "".join(chr(0x4E00 + (n * 6007) % 20_000) for n in range(85))
    held = entry(b"x", state="s" * 32, due_at=NOON, sort=sort)
    async with store_on(database, QUIET) as store:
        caller = Caller(store)
        await caller.put(longest, held, events=[draft(longest)])
        assert (await caller.present(longest)).entry == held
        for query in (
            Due(collection="c" * 32, states=frozenset({"s" * 32}), by=NOON),
            Sorted(collection="c" * 32, prefix=ScopePrefix.exactly(scope), state="s" * 32),
            Sorted(collection="c" * 32, prefix=ScopePrefix.exactly(scope), state=None),
        ):
            assert [cell.address for cell in await caller.found(query)] == [longest]
