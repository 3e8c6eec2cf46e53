"""`turnkeep migrate`: previews, applies once, and says what is in its way in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import click
import psycopg
import pytest
from click.testing import CliRunner

from tests.postgres.databases import shared
from turnkeep_adapters.cli.migrate import adopt, migrate


@pytest.fixture
def empty_database() -> Iterator[str]:
    _, databases = shared()
    yield databases.empty()
    databases.drop()


def told(*arguments: str, command: click.Command = migrate) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, standalone_mode=True)
    return done.exit_code, done.output


def test_a_preview_tells_and_changes_nothing(empty_database: str) -> None:
    for _ in range(2):
        code, output = told(empty_database, "--preview")
        assert code == 0
        assert output.startswith("Would apply")


def test_migrating_applies_every_step_once(empty_database: str) -> None:
    code, output = told(empty_database)
    assert code == 0
    assert output.startswith("Applied")
    code, output = told(empty_database)
    assert code == 0
    assert output.startswith("The schema is up to date")


def test_a_server_that_is_not_there_is_one_sentence_without_the_password() -> None:
    code, output = told("postgresql://user:secret@127.0.0.1:1/none")
    assert code == 1
    assert "cannot be reached" in output
    assert "secret" not in output
    assert "Traceback" not in output


def test_where_nothing_was_restored_there_is_nothing_to_adopt(empty_database: str) -> None:
    code, output = told(empty_database, command=adopt)
    assert code == 1
    assert "turnkeep migrate" in output
    told(empty_database)
    code, output = told(empty_database, command=adopt)
    assert code == 0
    assert output.startswith("There is nothing to adopt")


def test_a_restored_database_is_adopted_once(empty_database: str) -> None:
    told(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("UPDATE turnkeep.meta SET system_identifier = system_identifier + 1")
    code, output = told(empty_database, command=adopt)
    assert code == 0
    assert output.startswith("Adopted: epoch")
    _, output = told(empty_database, command=adopt)
    assert output.startswith("There is nothing to adopt")
