"""An installation: a directory of distributions, apart from the one that runs the tests."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from attrs import frozen
from packaging.requirements import Requirement


@frozen(kw_only=True)
class Installation:
    site: Path

    def run(self, *arguments: str, beside: Path) -> subprocess.CompletedProcess[str]:
        """Runs Python with the installation on its path, then `beside`, and no site of its own.

        The installation comes first, so that a name which it should not have hides the host's.
        """
        return subprocess.run(
            [sys.executable, "-P", "-S", "-B", "-W", "error", *arguments],
            capture_output=True,
            check=False,
            cwd=beside,
            env={"PYTHONPATH": f"{self.site}:{beside}"},
            text=True,
        )


def runtime_distributions(distribution: metadata.Distribution) -> Iterator[metadata.Distribution]:
    """The distributions that one needs without any extra, and those that they need in turn."""
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed = metadata.distribution(requirement.name)
            yield needed
            yield from runtime_distributions(needed)
