"""The script spends what it may, however often it runs, and one of them at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from examples.script import WORK
from tests.architecture.tree import TOP
from turnkeep import open_blocking_keep


def ran(url: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.script", url],
        capture_output=True,
        check=False,
        cwd=TOP,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_stops_where_the_budget_is_used_up(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    first, told = ran(url)
    assert (first, told.count("done")) == (0, 5)
    second, told = ran(url)
    assert (second, told) == (1, "digest 0: budget.limit_exceeded\n")


def test_two_of_them_do_not_work_at_once(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    with open_blocking_keep(url) as keep, keep.leases.hold(WORK, "digest", holder="another"):
        assert ran(url) == (0, "somebody else is at it\n")
