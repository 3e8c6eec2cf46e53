"""The site is built without a warning, and its reference has every name of the face."""

import subprocess
import sys
from pathlib import Path

import pytest

import turnkeep
from tests.architecture.tree import TOP


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"),
            *("-b", "html", "-c", str(TOP / "docs"), "-d", str(built / "doctrees")),
            *(str(TOP), str(built / "pages")),
        ],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return built / "pages"


def test_its_reference_has_every_name_of_the_face(site: Path) -> None:
    pages = site.joinpath("build", "reference").glob("*.html")
    told = "".join(page.read_text(encoding="utf-8") for page in pages)
    public = [name for name in turnkeep.__all__ if not name.startswith("_")]
    assert [name for name in public if f'id="turnkeep.{name}"' not in told] == []


def test_its_first_page_is_the_readme(site: Path) -> None:
    first = site.joinpath("index.html").read_text(encoding="utf-8")
    assert "make demo" in first
    assert "build/reference/index.html" in first
