"""The source tree: its packages, layer by layer, and the modules that they hold."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).resolve().parents[2]

ROOTS: Final = {
    "turnkeep_domain": TOP / "domain",
    "turnkeep_ports": TOP / "ports",
    "turnkeep_application": TOP / "application",
    "turnkeep_adapters": TOP / "adapters",
    "turnkeep": TOP / "adapters",
}


def sources(package: str) -> list[Path]:
    """Every module file of a package, `__init__.py` included."""
    return sorted((ROOTS[package] / package).rglob("*.py"))


def every_source() -> list[Path]:
    return [path for package in ROOTS for path in sources(package)]


def name_of(path: Path) -> str:
    """The dotted name under which a source of one of the packages is imported."""
    root = next(root for root in ROOTS.values() if path.is_relative_to(root))
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_names(package: str) -> list[str]:
    return [name_of(path) for path in sources(package)]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def is_type_checking(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, whose body never runs."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return True
        case _:
            return False


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that can run: all but what only a type checker reads."""
    for child in ast.iter_child_nodes(tree):
        if is_type_checking(child):
            assert isinstance(child, ast.If)
            for alternative in child.orelse:
                yield alternative
                yield from running(alternative)
        else:
            yield child
            yield from running(child)


def imports(tree: ast.AST) -> set[str]:
    """The dotted names of the modules that running the source may import."""
    found: set[str] = set()
    for node in running(tree):
        match node:
            case ast.Import(names=names):
                found.update(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case _:
                pass
    return found
