"""`turnkeep completion`: a shell that has read the script completes commands and options."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import ENVIRONMENT, PROGRAM
from tests.cli.conftest import CommandLine


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(turnkeep: CommandLine, shell: str) -> None:
    done = turnkeep("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_TURNKEEP_COMPLETE" in done.stdout


def test_another_shell_is_refused(turnkeep: CommandLine) -> None:
    done = turnkeep("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash'" in done.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["turnkeep", "ev"], "events"), (["turnkeep", "events", "fo"], "follow")],
    ids=["command", "subcommand"],
)
def test_bash_completes_what_is_typed(tmp_path: Path, typed: list[str], offered: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    program = tmp_path / "turnkeep"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    words = " ".join(typed)
    script = (
        "source <(turnkeep completion bash); "
        f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; "
        'complete -p turnkeep >&2; _turnkeep_completion turnkeep; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={**ENVIRONMENT, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert offered in done.stdout.split()
