"""The page about the store is run against a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import TOP
from tests.docs.markdown import Document
from tests.postgres.databases import Databases
from turnkeep_adapters.postgres.steps import all_steps


def test_what_the_page_shows_runs(databases: Databases, tmp_path: Path) -> None:
    program = tmp_path / "page.py"
    program.write_text(Document.read(TOP / "docs" / "postgres.md").program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(program)],
        capture_output=True,
        check=False,
        env={**os.environ, "DATABASE_URL": databases.empty()},
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert shown[0] == str([step.name for step in all_steps()])
    assert shown[1].startswith("Durability.POWER Notification.")
