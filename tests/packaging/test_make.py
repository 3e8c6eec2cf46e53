"""The environment that make builds: all of it pinned, refused on an old interpreter."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import TOP

PROJECT: Final = tomllib.loads(TOP.joinpath("pyproject.toml").read_text(encoding="utf-8"))
# Groups that have environments of their own.
APART: Final = ("agentdojo", "bench")
LINES: Final = TOP.joinpath("constraints.txt").read_text(encoding="utf-8").splitlines()


def pins() -> set[str]:
    requirements = [Requirement(line) for line in LINES[1:]]
    assert all([pin.operator for pin in needed.specifier] == ["=="] for needed in requirements)
    return {canonicalize_name(needed.name) for needed in requirements}


def declared() -> Iterator[Requirement]:
    """Everything that pyproject.toml asks for, in a group, an extra or for the build.

    The peers of the benchmarks are left out: they have an environment of their own, and nobody here
    can tell what they need in turn.
    """
    lines: list[str] = [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
        *(
            line
            for name, group in PROJECT["dependency-groups"].items()
            if name not in APART
            for line in group
            if isinstance(line, str)
        ),
    ]
    return (Requirement(line) for line in lines)


def needed(requirement: Requirement, seen: set[str]) -> None:
    """Adds a distribution, and those that it needs in turn, to the seen."""
    name = canonicalize_name(requirement.name)
    if name in seen:
        return
    seen.add(name)
    for line in metadata.requires(name) or ():
        below = Requirement(line)
        extras = ["", *requirement.extras]
        if below.marker is None or any(below.marker.evaluate({"extra": e}) for e in extras):
            needed(below, seen)


def test_every_distribution_that_is_needed_is_pinned() -> None:
    seen = {"turnkeep"}
    for requirement in declared():
        needed(requirement, seen)
    assert {*seen, "pip"} - {"turnkeep"} - pins() == set()


@pytest.mark.parametrize("group", APART)
def test_what_has_an_environment_of_its_own_is_pinned(group: str) -> None:
    lines = [Requirement(line) for line in PROJECT["dependency-groups"][group]]
    assert {canonicalize_name(line.name) for line in lines} - pins() == set()


def test_the_environment_of_the_checks_has_nothing_of_the_others() -> None:
    commands = subprocess.run(
        ["make", "--dry-run", "--always-make", "--no-print-directory", "venv"],
        capture_output=True,
        check=True,
        cwd=TOP,
        text=True,
    ).stdout
    assert "--group check" in commands
    assert not any(group in commands for group in APART)


def test_the_pins_say_how_they_are_refreshed() -> None:
    assert LINES[0].startswith("#")
    assert "make constraints" in LINES[0]


def make(target: str, python: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Calls make in a copy of what it reads, with another interpreter."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(TOP / name, folder)
    return subprocess.run(
        ["make", "--no-print-directory", target, f"PYTHON={python}"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        text=True,
    )


def test_an_old_interpreter_is_refused_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "sys.version_info = (3, 10, 14)\n"
        "exec(sys.argv[sys.argv.index('-c') + 1])\n",
        encoding="utf-8",
    )
    old.chmod(0o755)
    done = make("venv", old, tmp_path)
    assert done.returncode != 0
    assert done.stdout == ""
    sentence, *verdict_of_make = done.stderr.splitlines()
    assert sentence.startswith("Turnkeep needs Python 3.11 or later")
    assert all(line.startswith("make: ") for line in verdict_of_make)
    assert not tmp_path.joinpath(".venv").exists()


def test_an_interpreter_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = make("venv", tmp_path / "nowhere", tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("Turnkeep needs Python 3.11 or later")
    assert not tmp_path.joinpath(".venv").exists()
