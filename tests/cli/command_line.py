"""The command line in a process of its own, as a shell starts it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

PROGRAM: Final = "from turnkeep_adapters.cli.entry import main; main()"
_PROGRESS: Final = re.compile(r" turns? done")
# What a shell would hand on, and nothing that colours or moves the output.
ENVIRONMENT: Final = {
    name: value
    for name, value in os.environ.items()
    if name not in ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM", "TTY_COMPATIBLE")
}
# Of workers, too, which inherit no option.
ENVIRONMENT["PYTHONWARNINGS"] = "error"


def at(store: str | Path) -> tuple[str, str]:
    """The option that names a store."""
    return "--store", str(store)


def without_progress(said: str) -> str:
    """What was said, but for the progress, of which a busy machine makes a longer story."""
    return "".join(line for line in said.splitlines(True) if not _PROGRESS.search(line))


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    return [
        int(child)
        for children in Path("/proc", str(pid), "task").glob("*/children")
        for child in children.read_text(encoding="ascii").split()
    ]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]


def run(
    *arguments: str,
    input: bytes = b"",
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    stdout: IO[bytes] | int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, its standard input and output being pipes."""
    done = subprocess.run(
        command(*arguments),
        input=input,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
        timeout=120,
    )
    return subprocess.CompletedProcess(
        done.args,
        done.returncode,
        (done.stdout or b"").decode(),
        without_progress(done.stderr.decode()),
    )
