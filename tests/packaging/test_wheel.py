"""The wheel installs Turnkeep's own names, and takes none that a host may have."""

import re
from email.parser import Parser
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tests.architecture.tree import TOP

PACKAGES: Final = {
    "turnkeep",
    "turnkeep_adapters",
    "turnkeep_application",
    "turnkeep_domain",
    "turnkeep_ports",
}
BASE: Final = {"attrs", "cattrs", "dependency-injector", "orjson"}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def requirements(wheel: Path, dist_info: str) -> list[Requirement]:
    with ZipFile(wheel) as archive:
        text = archive.read(f"{dist_info}/METADATA").decode()
    return [Requirement(line) for line in Parser().parsestr(text).get_all("Requires-Dist", [])]


@pytest.fixture(scope="module")
def dist_info(names: set[str]) -> str:
    (found,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    return found


def test_its_top_level_names_are_turnkeeps_alone(names: set[str], dist_info: str) -> None:
    assert {name.split("/")[0] for name in names} == PACKAGES | {dist_info}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_each_package_is_typed_for_its_host(names: set[str], package: str) -> None:
    assert f"{package}/py.typed" in names
    assert f"{package}/__init__.py" in names


def test_it_carries_the_licence_and_the_command(names: set[str], dist_info: str) -> None:
    assert f"{dist_info}/licenses/LICENSE" in names
    assert f"{dist_info}/entry_points.txt" in names


def test_it_holds_every_source_and_nothing_made(names: set[str]) -> None:
    sources = {
        str(path.relative_to(TOP / root))
        for root in ("domain", "ports", "application", "adapters")
        for path in TOP.joinpath(root).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == sources


def test_the_base_install_needs_four_distributions(requirements: list[Requirement]) -> None:
    base = {needed.name for needed in requirements if needed.marker is None}
    assert base == BASE


def test_all_brings_every_extra(requirements: list[Requirement]) -> None:
    extra = re.compile(r'extra == "([a-z]+)"')
    brought: dict[str, set[str]] = {}
    for needed in requirements:
        if found := extra.search(str(needed.marker)):
            brought.setdefault(found[1], set()).add(needed.name)
    everything = brought.pop("all")
    assert everything == set().union(*brought.values())
    assert everything != set()
