"""The wheel, built once, and installed beside exactly what its base install brings."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.packaging.installation import Installation, runtime_distributions


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    top = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, top],
        capture_output=True,
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Turnkeep from its wheel, and the distributions that its base install needs, and no others."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--target", site, wheel),
        ],
        capture_output=True,
        check=True,
    )
    for distribution in runtime_distributions(metadata.distribution("turnkeep")):
        for file in distribution.files or ():
            top = file.parts[0]
            if top != ".." and not site.joinpath(top).exists():
                site.joinpath(top).symlink_to(Path(str(distribution.locate_file(top))))
    return Installation(site=site)
