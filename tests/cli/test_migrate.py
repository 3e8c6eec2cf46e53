"""`turnkeep migrate`: previews, applies once, and says what is in its way in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.postgres.databases import shared
from turnkeep_adapters.cli.migrate import migrate


@pytest.fixture
def empty_database() -> Iterator[str]:
    _, databases = shared()
    yield databases.empty()
    databases.drop()


def told(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(migrate, arguments, standalone_mode=True)
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
