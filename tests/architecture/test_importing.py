"""W4: importing connects nothing, starts nothing, writes nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.architecture import tree

OBSERVER: Final = Path(__file__).with_name("observed_import.py")


def done_by_importing(*modules: str, beside: Path = tree.TOP) -> list[str]:
    """What importing the modules did, in a process of its own that starts in `beside`."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", str(OBSERVER), *modules],
        capture_output=True,
        check=False,
        env={"PYTHONPATH": str(beside)},
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_importing_turnkeep_connects_nothing() -> None:
    assert done_by_importing("turnkeep") == []


def test_importing_every_module_connects_nothing() -> None:
    names = [name for package in tree.ROOTS for name in tree.module_names(package)]
    assert done_by_importing(*names) == []


@pytest.mark.parametrize(
    ("body", "act"),
    [
        ("import socket; socket.socket().close()", "socket.__new__"),
        ("import threading; threading.Thread(target=int).start()", "a thread started"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("open('left', 'w').close()", "open for writing: left"),
        ("import os; kept = os.open('.', os.O_RDONLY)", "a descriptor left open"),
    ],
    ids=["socket", "thread", "process", "file", "descriptor"],
)
def test_an_import_that_acts_is_seen(
    body: str, act: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("acting.py").write_text(body, encoding="utf-8")
    assert any(line.startswith(act) for line in done_by_importing("acting", beside=tmp_path))


def test_using_every_name_of_turnkeep_needs_no_extra() -> None:
    extras = {"click", "cryptography", "keyring", "psycopg", "pytest", "rich"}
    code = f"import sys; from turnkeep import *; print(*sorted({extras} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []
