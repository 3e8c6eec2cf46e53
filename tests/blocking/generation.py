"""The blocking services, as a source: one method for each of the async ones, in their own words.

`python -m tests.blocking.generation` writes it down. What it meets and has no blocking form for is
an error, so that whoever adds such a thing to a service decides what it is for threads.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from attrs import AttrsInstance, define, field, fields, has, resolve_types

from tests.architecture import tree
from turnkeep_application.keep import Keep

TARGET: Final = tree.ROOTS["turnkeep"] / "turnkeep" / "blocking_services.py"
HELD: Final = {"BudgetHold": "BlockingBudgetHold", "Holding": "BlockingHolding"}
"""What a block works with, and its face for threads; these are written by hand."""
HEAD: Final = '''\
"""Blocking services: those of a keep, each method waiting for the one that it is named like.

Written from the async services by `python -m tests.blocking.generation`; not by hand. It is as long
as the services are.
"""

from __future__ import annotations
'''
SUPPORT: Final = {
    "field": "attrs",
    "frozen": "attrs",
    "Self": "typing",
    "Portal": "turnkeep.portal",
    "Keep": "turnkeep_application.keep",
}
"""What the classes themselves are made of."""


class NoForm(Exception):
    """Something of a service has no blocking form yet."""


@define
class Origins:
    """Where the names of annotations and defaults come from.

    Attributes:
        imports: Each name with its module, and its name there.
        variables: The type variables, which the module makes for itself.
    """

    imports: dict[str, tuple[str, str]] = field(factory=dict)
    variables: set[str] = field(factory=set)

    def support(self, name: str, module: str) -> None:
        """Has a name imported from a module."""
        if self.imports.setdefault(name, (module, name)) != (module, name):
            raise NoForm(f"{name} means two things")

    def resolve(self, names: Iterator[str], of: Callable[..., object]) -> dict[str, str]:
        """Finds out where a function has its names from, and what they are called here."""
        known: dict[str, str] = {}
        for name in names:
            if hasattr(builtins, name) or (name in self.imports and name not in of.__globals__):
                continue  # everybody's, or one of the form itself
            if isinstance(of.__globals__.get(name), TypeVar):
                self.variables.add(name)
                continue
            origin = _imports(of.__module__).get(name, (of.__module__, name))
            known[name] = self._known(name, origin)
        return known

    def _known(self, name: str, origin: tuple[str, str]) -> str:
        """The name, or one that says whose it is where the name has another meaning already."""
        if self.imports.setdefault(name, origin) == origin:
            return name
        owner = origin[0].split(".")[-2].removeprefix("turnkeep_").title().replace("_", "")
        longer = f"{owner}{name}"
        if self.imports.setdefault(longer, origin) != origin:
            raise NoForm(f"{name} means too many things")
        return longer


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    path = Path(inspect.getsourcefile(sys.modules[module]) or "")
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree.parse(path))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def source(keep: type[AttrsInstance] = Keep) -> str:
    """The module, unformatted."""
    origins = Origins()
    for name, module in SUPPORT.items():
        origins.support(name, module)
    services = services_of(keep)
    classes = [_class(service, origins) for service in services.values()]
    classes.append(_bundle(services, keep))
    imports = [
        f"from {module} import {name}" + (f" as {known}" if known != name else "")
        for known, (module, name) in sorted(origins.imports.items())
    ]
    variables = [f'{name} = TypeVar("{name}")' for name in sorted(origins.variables)]
    if variables:
        imports.append("from typing import TypeVar")
    return "\n".join([HEAD, *imports, "", *variables, "", "\n\n".join(classes), ""])


def services_of(keep: type[AttrsInstance]) -> dict[str, type[AttrsInstance]]:
    """The services of a keep, by name; what it may be without is none of them."""
    found = {each.name: each.type for each in fields(resolve_types(keep))}
    return {name: service for name, service in found.items() if has(service)}


def methods(service: type[AttrsInstance]) -> Iterator[tuple[str, object]]:
    """The public things that the classes of a service define, the first ones first."""
    seen: set[str] = set()
    data = {each.name for each in fields(service)}
    for cls in service.__mro__:
        for name, thing in vars(cls).items():
            if not name.startswith("_") and name not in seen | data:
                seen.add(name)
                yield name, thing


def _class(service: type[AttrsInstance], origins: Origins) -> str:
    origins.support(service.__name__, service.__module__)
    bodies = [_method(name, thing, origins) for name, thing in methods(service)]
    head = f'''
@frozen
class Blocking{service.__name__}:
    """`{service.__name__}` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: {service.__name__}
'''
    return "\n".join([head, *(textwrap.indent(body, "    ") for body in bodies)])


def _bundle(services: dict[str, type[AttrsInstance]], keep: type[AttrsInstance]) -> str:
    told = inspect.getdoc(keep) or ""
    lines = told[told.index("Attributes:\n") + len("Attributes:\n") :].splitlines()
    of_services = "\n".join(line for line in lines if line.strip().partition(":")[0] in services)
    fields = [f"    {name}: Blocking{cls.__name__}" for name, cls in services.items()]
    made = [
        f"            {name}=Blocking{cls.__name__}(portal, keep.{name}),"
        for name, cls in services.items()
    ]
    source = [
        "@frozen(kw_only=True, eq=False)",
        "class BlockingServices:",
        '    """The services of a keep, for synchronous callers; any thread may call.',
        "",
        "    Attributes:",
        "        portal: Where they run, for whoever adds to them.",
        "        async_keep: The keep itself; it is awaited in the portal, and nowhere else.",
        textwrap.indent(of_services, "    "),
        '    """',
        "",
        "    portal: Portal[object] = field(repr=False)",
        "    async_keep: Keep = field(repr=False)",
        *fields,
        "",
        "    @classmethod",
        "    def over(cls, keep: Keep, portal: Portal[object]) -> Self:",
        '        """The services of a keep that stands open in a portal."""',
        "        return cls(",
        "            portal=portal,",
        "            async_keep=keep,",
        *made,
        "        )",
    ]
    return "\n".join(source)


def _method(name: str, thing: object, origins: Origins) -> str:
    function = inspect.unwrap(thing) if callable(thing) else None
    if not inspect.isfunction(function):
        raise NoForm(f"{name} is no method")
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.returns is None:
        raise NoForm(f"{name} has no signature")
    _inline_numbers(node, function)
    result, body = _form(node, origins)
    spelt: list[ast.AST] = [node.args] if isinstance(result, str) else [node.args, result]
    _rename(spelt, origins.resolve(_names(*spelt), function))
    arguments = ast.unparse(node.args)
    returns = result if isinstance(result, str) else ast.unparse(result)
    doc = textwrap.indent(inspect.getdoc(function) or "", "    ").lstrip()
    ending = "\n    " if "\n" in doc else ""
    return f'def {name}({arguments}) -> {returns}:\n    """{doc}{ending}"""\n    return {body}\n'


def _form(
    node: ast.FunctionDef | ast.AsyncFunctionDef, origins: Origins
) -> tuple[ast.expr | str, str]:
    """What a method returns to a thread, and how it comes about."""
    decorators = [ast.unparse(each) for each in node.decorator_list]
    call = f"self._service.{node.name}({', '.join(_passed(node.args))})"
    assert node.returns is not None
    items = _item(node.returns, "AsyncIterator")
    if decorators == ["asynccontextmanager"] and items is not None:
        return _held(ast.unparse(items), call, origins)
    if decorators:
        raise NoForm(f"{node.name} is decorated")
    if items is not None:
        origins.support("iterated", "turnkeep.blocks")
        origins.support("Generator", "collections.abc")
        generator = ast.parse(f"Generator[{ast.unparse(items)}, None, None]", mode="eval").body
        return generator, f"iterated(self._portal, {call})"
    told = [each for each in _arguments(node.args) if "Callable[" in _annotation(each)]
    if told:
        return node.returns, _told(told, call, node, origins)
    if isinstance(node, ast.AsyncFunctionDef):
        return node.returns, f"self._portal.call({call})"
    passed = [f"self._service.{node.name}", *_passed(node.args)]
    if len(passed) == 1:
        return node.returns, f"self._portal.ask({passed[0]})"
    origins.support("partial", "functools")
    return node.returns, f"self._portal.ask(partial({', '.join(passed)}))"


def _held(held: str, call: str, origins: Origins) -> tuple[str, str]:
    if held not in HELD:
        raise NoForm(f"{held} needs a face for threads")
    origins.support("AbstractContextManager", "contextlib")
    origins.support("Block", "turnkeep.blocks")
    origins.support("partial", "functools")
    origins.support(HELD[held], "turnkeep.blocking_holds")
    face = f"partial({HELD[held]}, self._portal)"
    return f"AbstractContextManager[{HELD[held]}]", f"Block(self._portal, {call}, {face})"


def _told(
    told: list[ast.arg],
    call: str,
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    origins: Origins,
) -> str:
    (argument,) = told
    plain = isinstance(node, ast.AsyncFunctionDef) and _annotation(argument).endswith("], object]")
    if not plain:
        raise NoForm(f"{node.name} calls back for more than to tell")
    origins.support("telling", "turnkeep.blocks")
    return f"telling(self._portal, lambda {argument.arg}: {call}, {argument.arg})"


def _item(returns: ast.expr, container: str) -> ast.expr | None:
    match returns:
        case ast.Subscript(value=ast.Name(id=name), slice=inner) if name == container:
            return inner
        case _:
            return None


def _annotation(argument: ast.arg) -> str:
    return "" if argument.annotation is None else ast.unparse(argument.annotation)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise NoForm("a signature takes whatever comes")
    return [*arguments.args[1:], *arguments.kwonlyargs]


def _passed(arguments: ast.arguments) -> Iterator[str]:
    _arguments(arguments)
    yield from (each.arg for each in arguments.args[1:])
    yield from (f"{each.arg}={each.arg}" for each in arguments.kwonlyargs)


def _names(*nodes: ast.AST) -> Iterator[str]:
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                yield each.id


def _rename(nodes: Sequence[ast.AST], known: dict[str, str]) -> None:
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                each.id = known.get(each.id, each.id)


def _inline_numbers(
    node: ast.FunctionDef | ast.AsyncFunctionDef, function: Callable[..., object]
) -> None:
    """A default that names a number is replaced by it: its name may mean another one elsewhere."""

    def inlined(default: ast.expr | None) -> ast.expr | None:
        if isinstance(default, ast.Name):
            value: object = function.__globals__.get(default.id)
            if isinstance(value, int | float):
                return ast.Constant(value)
            if default.id.startswith("_"):
                raise NoForm(f"{default.id} is private")
        return default

    node.args.defaults = [kept for each in node.args.defaults if (kept := inlined(each))]
    node.args.kw_defaults = [inlined(each) for each in node.args.kw_defaults]


def formatted(module: str) -> str:
    """The module as the checks want it."""
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check", "--select", "I", "--fix-only"], ["format"]):
        module = subprocess.run(
            [ruff, *arguments, "--stdin-filename", str(TARGET), "-"],
            capture_output=True,
            check=True,
            cwd=tree.TOP,
            input=module,
            text=True,
        ).stdout
    return module


if __name__ == "__main__":
    TARGET.write_text(formatted(source()), encoding="utf-8")
