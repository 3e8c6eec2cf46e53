"""The page for adapters: its store passes the suite, and breaks as the page shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.tree import TOP
from tests.docs.markdown import Document
from tests.typing.checking import findings

PAGE: Final = Document.read(TOP / "docs" / "adapters.md")
BREAKAGE, FAILURE = (
    next(block for block in PAGE.blocks if block.language == "text" and mark in block.lines[0])
    for mark in ("await asyncio.sleep(0)", "TestShelf.test_of_racers")
)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """The page's program, as its reader saves it."""
    path = tmp_path / "test_shelf.py"
    path.write_text(PAGE.program, encoding="utf-8")
    return path


def judged(module: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest as a stranger has it: strict, without a plugin for coroutines."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", module.name, "-W", "error", "--strict-markers"),
            *("-p", "no:asyncio", "-p", "no:cacheprovider", *options),
        ],
        capture_output=True,
        check=False,
        cwd=module.parent,
        text=True,
    )


def words(line: str) -> str:
    """A line without the rules that a terminal's width decides on."""
    return line.strip("_= ")


def test_the_store_of_the_page_obeys_all_laws(module: Path) -> None:
    done = judged(module, "-q", "-ra")
    assert done.returncode == 0, done.stdout
    assert " failed" not in done.stdout
    reported = [words(line) for line in done.stdout.splitlines()]
    (listed,) = (b for b in PAGE.blocks if "not judged" in b.lines[0])
    assert [line for line in map(words, listed.lines) if line not in reported] == []
    assert any(line.startswith("SKIPPED [1]") and "POWER" in line for line in reported)


def test_the_store_of_the_page_breaks_as_it_shows(module: Path) -> None:
    awaits, comment = BREAKAGE.lines
    whole = module.read_text(encoding="utf-8")
    assert whole.count(comment) == 1
    module.write_text(whole.replace(comment, f"{awaits}\n{comment}"), encoding="utf-8")
    done = judged(module, "-k", "of_racers_on_one_revision_one_wins")
    assert done.returncode == 1, done.stdout
    reported = [words(line) for line in done.stdout.splitlines()]
    assert [line for line in map(words, FAILURE.lines) if line not in reported] == []


def test_a_type_checker_takes_the_store_of_the_page_for_one(module: Path) -> None:
    assert findings([module], folder=module.parent) == {module: set()}
