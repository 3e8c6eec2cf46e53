"""One noun a module, short functions, packages that are empty but for the face."""

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture import tree

FACES: Final = {"turnkeep", "turnkeep.testing"}
NAMES_THAT_SAY_NOTHING: Final = {
    *("base", "bases", "common", "commons", "core", "helper", "helpers", "lib"),
    *("manager", "managers", "misc", "shared", "stuff", "tools", "util", "utils"),
}
FUNCTION_LINES_MAX: Final = 40

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


def says_nothing(name: str) -> bool:
    return any(word in NAMES_THAT_SAY_NOTHING for word in name.strip("_").split("_"))


def lines_of(function: type_of_function) -> int:
    """The lines of a function, its docstring apart: a contract may be as long as it needs."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    match function.body[0]:
        case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
            return lines - (last - first + 1)
        case _:
            return lines


@pytest.mark.parametrize("package", tree.ROOTS)
def test_a_package_is_marked_as_typed(package: str) -> None:
    assert (tree.ROOTS[package] / package / "py.typed").is_file()


@pytest.mark.parametrize("package", tree.ROOTS)
def test_every_directory_of_a_package_is_a_package(package: str) -> None:
    directories = {path.parent for path in tree.sources(package)}
    assert {path for path in directories if not (path / "__init__.py").is_file()} == set()


@pytest.mark.parametrize(
    "path",
    [path for path in tree.every_source() if path.name == "__init__.py"],
    ids=tree.name_of,
)
def test_a_package_is_empty_unless_it_is_the_face(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == "" or tree.name_of(path) in FACES


def test_no_module_has_a_name_that_says_nothing() -> None:
    folders = ["domain", "ports", "application", "adapters", "tests", "benchmarks", "examples"]
    modules = [path for folder in folders for path in (tree.TOP / folder).rglob("*.py")]
    named = {
        path.relative_to(tree.TOP)
        for path in modules
        if says_nothing(path.stem) or says_nothing(path.parent.name)
    }
    assert named == set()


@pytest.mark.parametrize("name", ["utils", "test_helpers", "record_manager", "_common"])
def test_a_name_that_says_nothing_is_seen(name: str) -> None:
    assert says_nothing(name)


@pytest.mark.parametrize("path", tree.every_source(), ids=tree.name_of)
def test_no_function_is_long(path: Path) -> None:
    long = {
        node.name: lines_of(node)
        for node in ast.walk(tree.parse(path))
        if isinstance(node, type_of_function) and lines_of(node) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_a_docstring_does_not_make_a_function_long() -> None:
    source = 'def renew():\n    """Renews.\n\n    The holder keeps it.\n    """\n    return 1\n'
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert lines_of(function) == 2
