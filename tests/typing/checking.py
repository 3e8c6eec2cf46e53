"""A checked program: what mypy finds in a host's file, with Turnkeep as hosts have it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, TypedDict

from attrs import frozen

STRICT: Final = (
    "--strict",
    "--warn-unreachable",
    "--enable-error-code=exhaustive-match",
    "--enable-error-code=possibly-undefined",
    "--enable-error-code=redundant-expr",
    "--enable-error-code=unused-awaitable",
)
EXPECTED: Final = re.compile(r"# expect: (?P<codes>[a-z-]+(?:, [a-z-]+)*)$")


@frozen(order=True)
class Finding:
    """One error: the line that it is in, and mypy's code for it."""

    line: int
    code: str


class _Row(TypedDict):
    file: str
    line: int
    code: str | None
    severity: str


def findings(paths: list[Path], *options: str, folder: Path) -> dict[Path, set[Finding]]:
    """Runs mypy over the files, in a folder that has no configuration, and with a cache there.

    A file of the answer that was not asked for is a source of Turnkeep itself.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file=", "--output=json"),
            *STRICT,
            *options,
            *map(str, paths),
        ],
        capture_output=True,
        check=False,
        cwd=folder,
        text=True,
    )
    assert done.stderr == ""
    assert done.returncode in (0, 1), done.stdout
    found: dict[Path, set[Finding]] = {path: set() for path in paths}
    for line in filter(None, done.stdout.splitlines()):
        row: _Row = json.loads(line)
        if row["severity"] == "error":
            at = folder / row["file"]
            found.setdefault(at, set()).add(Finding(row["line"], row["code"] or ""))
    return found


def expectations(path: Path) -> set[Finding]:
    """The errors that a sample says it has, by `# expect: code` at the end of their lines."""
    return {
        Finding(number, code)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (said := EXPECTED.search(line))
        for code in said["codes"].split(", ")
    }
