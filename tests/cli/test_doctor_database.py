"""`turnkeep doctor` on a database: whether a keep can be opened on it, and on what terms."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from attrs import evolve

from tests.cli.conftest import CommandLine
from tests.postgres.databases import Databases, shared
from turnkeep_adapters.cli.doctor.database import DatabaseDiagnosis
from turnkeep_adapters.postgres.inspection import OldestWriter, inspect


@pytest.fixture
def databases() -> Iterator[Databases]:
    _, made = shared()
    yield made
    made.drop()


async def test_what_can_be_wrong_with_a_database_is_told_with_what_to_do(
    databases: Databases,
) -> None:
    found = await inspect(databases.clone())
    wrong = {
        "turnkeep migrate brings it": evolve(found, schema=found.schema_newest - 1),
        "use a newer one": evolve(found, schema=found.schema_newest + 1),
        "turnkeep adopt": evolve(found, system_identifier=1, server_identifier=2),
        "a power cut": evolve(found, fsync=False),
        "process 7": evolve(found, oldest_writer=OldestWriter(7, 61.0)),
        "a prepared one": evolve(found, oldest_writer=OldestWriter(None, 61.0)),
    }
    well = evolve(found, fsync=True, oldest_writer=OldestWriter(7, 59.0))
    assert DatabaseDiagnosis(well).sound
    for sentence, inspection in wrong.items():
        diagnosis = DatabaseDiagnosis(inspection)
        assert sentence in " ".join(diagnosis.findings)
        assert sentence in diagnosis.as_text()
        assert not diagnosis.sound


def test_a_database_is_looked_at_and_told_of(turnkeep: CommandLine, databases: Databases) -> None:
    url = databases.clone()
    told = turnkeep("doctor", url, "--json")
    facts = json.loads(told.stdout)
    assert (facts["schema"], facts["needs_adoption"]) == (facts["schema_newest"], False)
    assert facts["sound"] is (told.returncode == 0)
    assert facts["sound"] is (facts["findings"] == [])
    text = turnkeep("doctor", url)
    assert text.stdout.startswith("PostgreSQL ")
    assert f"Schema {facts['schema']} of {facts['schema']}." in text.stdout


def test_a_database_without_a_schema_is_not_sound(
    turnkeep: CommandLine, databases: Databases
) -> None:
    done = turnkeep("doctor", databases.empty())
    assert (done.returncode, done.stderr) == (1, "")
    assert "turnkeep migrate makes it" in done.stdout


def test_what_cannot_be_looked_at_is_one_sentence(turnkeep: CommandLine) -> None:
    away = turnkeep("doctor", "postgresql://ann:s3cret@127.0.0.1:1/none")
    assert (away.returncode, away.stdout) == (2, "")
    assert "s3cret" not in away.stderr
    assert "Traceback" not in away.stderr
    walk = turnkeep("doctor", "postgresql://127.0.0.1:1/none", "--verify")
    assert walk.returncode == 2
    assert "--verify walks the log of a files store" in walk.stderr
