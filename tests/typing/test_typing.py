"""A type checker sees what a host does wrong, and leaves alone what it does right."""

from pathlib import Path
from typing import Final

import pytest

from tests.typing.checking import Finding, expectations, findings

HERE: Final = Path(__file__).parent
HOST: Final = sorted(HERE.joinpath("host").glob("*.py"))
MISUSE: Final = sorted(HERE.joinpath("misuse").glob("*.py"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps its cache: both runs read the same installed packages."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture(scope="module")
def misuse(folder: Path) -> dict[Path, set[Finding]]:
    return findings(MISUSE, folder=folder)


def test_a_typed_host_passes_and_no_any_reaches_it(folder: Path) -> None:
    found = findings(HOST, "--disallow-any-expr", folder=folder)
    assert found == {path: set() for path in HOST}


@pytest.mark.parametrize("path", MISUSE, ids=lambda path: path.stem)
def test_a_misuse_is_seen_where_it_stands(path: Path, misuse: dict[Path, set[Finding]]) -> None:
    assert expectations(path) != set()
    assert misuse[path] == expectations(path)


def test_an_any_that_reaches_a_host_is_seen(tmp_path: Path, folder: Path) -> None:
    sample = tmp_path / "leak.py"
    sample.write_text("import json\n\nsize = len(json.loads('[]'))\n", encoding="utf-8")
    found = findings([sample], "--disallow-any-expr", folder=folder)
    assert found[sample] == {Finding(3, "misc")}


def test_a_sample_whose_error_is_not_expected_is_seen(tmp_path: Path, folder: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text("first: int = ''\nsecond: int = 2  # expect: assignment\n", encoding="utf-8")
    assert findings([sample], folder=folder)[sample] == {Finding(1, "assignment")}
    assert expectations(sample) == {Finding(2, "assignment")}
