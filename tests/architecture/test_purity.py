"""The domain decides from values: it has no clock, no chance, no input and no output."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture import tree

IMPURE_MODULES: Final = {
    "asyncio",
    "concurrent",
    "contextvars",
    "ctypes",
    "glob",
    "http",
    "io",
    "locale",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "platform",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "warnings",
}
IMPURE_NAMES: Final = {"now", "today", "utcnow", "uuid1", "uuid4", "uuid7", "urandom"}
# `hash` and `id` differ from process to process.
IMPURE_BUILTINS: Final = {
    *("breakpoint", "compile", "eval", "exec", "hash", "id", "input", "open", "print"),
    "__import__",
}


def impurities(source: str) -> list[str]:
    """What in a source reaches beyond its arguments."""
    found: list[str] = []
    for node in tree.running(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.split(".")[0] in IMPURE_MODULES]
            case ast.ImportFrom(module=str(module), names=names):
                found += [module] if module.split(".")[0] in IMPURE_MODULES else []
                found += [a.name for a in names if a.name in IMPURE_NAMES]
            # A value's own `now` (`decision.now`) is a fact; only the call of one is a clock.
            case ast.Call(func=ast.Attribute(attr=name)) if name in IMPURE_NAMES:
                found.append(name)
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_BUILTINS:
                found.append(name)
            case ast.AsyncFunctionDef(name=name):
                found.append(f"async {name}")
            case ast.Global(names=globals_) | ast.Nonlocal(names=globals_):
                found += globals_
            case _:
                pass
    return found


@pytest.mark.parametrize("path", tree.sources("turnkeep_domain"), ids=tree.name_of)
def test_a_domain_module_is_pure(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "impurity"),
    [
        ("import time", "time"),
        ("import os.path", "os.path"),
        ("from random import Random", "random"),
        ("from uuid import uuid4", "uuid4"),
        ("import uuid\nuuid.uuid4()", "uuid4"),
        ("from datetime import UTC, datetime\ndatetime.now(UTC)", "now"),
        ("from datetime import date\ndate.today()", "today"),
        ("def read():\n    return open('x')", "open"),
        ("def bucket(key):\n    return hash(key) % 8", "hash"),
        ("async def load(): ...", "async load"),
        ("def count():\n    global seen", "seen"),
    ],
)
def test_an_impurity_is_seen(source: str, impurity: str) -> None:
    assert impurities(source) == [impurity]


def test_a_moment_that_was_handed_over_is_no_impurity() -> None:
    assert impurities("def expired(self, now):\n    return now >= self.until") == []
