"""The repository speaks of no machine, no package index, and of nothing left undone."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.architecture import tree

# Hidden directories are kept by tools and editors for themselves, but for these.
OURS: Final = {".ci", ".github"}
MADE: Final = {"__pycache__", "build", "dist"}

# Each pattern is written so that it does not match its own line.
MACHINE_PATH: Final = re.compile(
    r"(?<![\w.])/(?:home|root|work|tmp|Users|private|farm|mnt|opt|var/tmp)/\w|\b[A-Z]:\\Users"
)
PACKAGE_INDEX: Final = re.compile(
    r"[-]-(?:extra-)?index-url|find[-_]links|\b(?:pypi\.org|pythonhosted\.org)|https?://\S+/simple\b",
    re.IGNORECASE,
)
UNDONE: Final = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")


def files(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = [
            name
            for name in folders
            if name not in MADE and (not name.startswith(".") or name in OURS)
        ]
        yield from (Path(folder, name) for name in names)


def lines_with(pattern: re.Pattern[str], top: Path = tree.TOP) -> list[str]:
    found: list[str] = []
    for path in files(top):
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [
            f"{path.relative_to(top)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if pattern.search(line)
        ]
    return found


def test_no_file_names_a_path_of_a_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


def test_no_file_names_a_package_index() -> None:
    assert lines_with(PACKAGE_INDEX) == []


def test_no_file_notes_what_is_left_undone() -> None:
    assert lines_with(UNDONE) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "path = '" + "/home" + "/ada/keep'"),
        (MACHINE_PATH, "see " + "/tmp" + "/keep.log"),
        (PACKAGE_INDEX, "pip install -" + "-index-url http://localhost"),
        (PACKAGE_INDEX, "https" + "://packages.example/root/" + "simple"),
        (UNDONE, "# TO" + "DO: later"),
    ],
)
def test_such_a_line_is_seen(pattern: re.Pattern[str], line: str, tmp_path: Path) -> None:
    tmp_path.joinpath("notes.md").write_text(f"first\n{line}\n", encoding="utf-8")
    assert lines_with(pattern, tmp_path) == [f"notes.md:2: {line}"]
