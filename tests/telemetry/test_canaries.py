"""Nothing that a host said, and no id, is told to telemetry; and there is a bound on what is."""

from __future__ import annotations

import logging
import re
from typing import Final

import pytest

from tests.telemetry.canaries import KEY, KEYED, Day
from tests.telemetry.ear import Ear
from turnkeep import LoggedTelemetry, Outcome, open_keep

ATTRIBUTES: Final = {
    "error.type",
    "turnkeep.attempts",
    "turnkeep.collection",
    "turnkeep.dimension",
    "turnkeep.event",
    "turnkeep.outcome",
    "turnkeep.refusal",
    "turnkeep.store",
    "turnkeep.use_case",
}
# Hexadecimal digits in a row, as ids have them.
ID: Final = re.compile(r"[0-9a-f]{8}")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", KEY)


async def heard(*days: Day) -> Ear:
    ear = Ear()
    async with open_keep("memory:", settings=KEYED, telemetry=ear.observer) as keep:
        for day in days:
            await day.spent(keep)
    return ear


async def test_no_word_of_a_hosts_and_no_id_is_in_anything_exported() -> None:
    day = Day("one")
    ear = await heard(day)
    said = [(name, str(value)) for name, value in ear.everything()]
    assert len(day.words) > 50
    for name, value in said:
        assert not any(word in value or word in name for word in day.words), (name, value)
        assert not ID.search(value), (name, value)
    for span in ear.spans():
        assert not any(word in span.to_json() for word in day.words), span.name


async def test_attributes_are_those_that_are_documented_and_words_of_turnkeeps_own() -> None:
    ear = await heard(Day("one"))
    exported = dict(ear.everything())
    assert exported.keys() - {"name", "event", "status"} == ATTRIBUTES
    for name, value in ear.everything():
        if name in ATTRIBUTES - {"turnkeep.attempts"}:
            assert isinstance(value, str)
            assert re.fullmatch(r"[a-z_.]{1,40}|_OTHER", value), (name, value)
        if name == "turnkeep.outcome":
            assert value in {outcome.value for outcome in Outcome}


async def test_more_tenants_add_no_further_attributes() -> None:
    """What a sink holds does not grow with users, threads, runs or records."""
    one, three = await heard(Day("one")), await heard(Day("one"), Day("two"), Day("three"))
    for name, metric in three.instruments().items():
        mine = {frozenset((p.attributes or {}).items()) for p in metric.data.data_points}
        known = one.instruments()[name].data.data_points
        fewer = {frozenset((p.attributes or {}).items()) for p in known}
        # What races of a worker with itself come to differs; that is bounded by the words above.
        assert len(mine) <= len(fewer) + 8, name


async def test_no_word_of_a_hosts_and_no_id_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="turnkeep.telemetry")
    day = Day("one")
    async with open_keep("memory:", settings=KEYED, telemetry=LoggedTelemetry()) as keep:
        await day.spent(keep)
    lines = [
        record.getMessage() for record in caplog.records if record.name == "turnkeep.telemetry"
    ]
    assert len(lines) > 50
    for line in lines:
        assert not any(word in line for word in day.words), line
        assert not ID.search(line), line


def test_such_a_word_is_seen() -> None:
    ear = Ear()
    ear.tracers.get_tracer("careless").start_span("x", attributes={"id": "canary-one"}).end()
    assert ("id", "canary-one") in list(ear.everything())
    assert ID.search("m-0123456789abcdef")
