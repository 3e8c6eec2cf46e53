"""The blocking services are the async ones, name for name and word for word."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from attrs import AttrsInstance, field, fields, frozen, make_class, resolve_types

import turnkeep
from tests.blocking import generation
from tests.blocking.generation import NoForm
from turnkeep import BlockingBudgetHold, BlockingHolding, BlockingKeep, Keep
from turnkeep_application.budgets.budget_holding import BudgetHold
from turnkeep_application.lease_holding import Holding


def types(of: type[AttrsInstance]) -> dict[str, type[AttrsInstance]]:
    return {each.name: each.type for each in fields(resolve_types(of))}


def pairs() -> Iterator[tuple[str, object, object]]:
    """Each public method of an async service, with its blocking twin."""
    for service, cls in generation.services_of(Keep).items():
        for name, method in generation.methods(cls):
            twin: object = getattr(types(BlockingKeep)[service], name)
            yield f"{service}.{name}", inspect.unwrap(method), twin  # type: ignore[arg-type]  # a method


LONGER = {
    alias.asname: alias.name
    for node in ast.walk(ast.parse(generation.TARGET.read_text(encoding="utf-8")))
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
    if alias.asname is not None
}
"""Names that mean something else in another service, and what they are called in their own."""


def in_own_words(annotation: object) -> str:
    return re.sub(r"\w+", lambda word: LONGER.get(word[0], word[0]), str(annotation))


def parameters(function: Callable[..., object]) -> list[tuple[object, ...]]:
    return [
        (each.name, each.kind, each.default, in_own_words(each.annotation))
        for each in inspect.signature(function).parameters.values()
    ]


PAIRS = [pytest.param(method, twin, id=name) for name, method, twin in pairs()]


def test_what_is_written_down_is_what_the_services_are() -> None:
    written = generation.TARGET.read_text(encoding="utf-8")
    anew = generation.formatted(generation.source())
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(anew))


def test_a_blocking_keep_has_the_services_of_a_keep() -> None:
    blocking, services = types(BlockingKeep), generation.services_of(Keep)
    assert set(blocking) == {*services, "portal", "async_keep"}
    for name, service in services.items():
        assert blocking[name].__name__ == f"Blocking{service.__name__}"
        assert getattr(turnkeep, f"Blocking{service.__name__}") is blocking[name]


@pytest.mark.parametrize(("method", "twin"), PAIRS)
def test_a_method_takes_the_same_and_says_the_same(
    method: Callable[..., object], twin: Callable[..., object]
) -> None:
    assert parameters(twin) == parameters(method)
    assert inspect.getdoc(twin) == inspect.getdoc(method)
    if inspect.iscoroutinefunction(method):
        ours = inspect.signature(twin).return_annotation
        assert in_own_words(ours) == str(inspect.signature(method).return_annotation)
    assert not inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize(
    ("held", "face"), [(Holding, BlockingHolding), (BudgetHold, BlockingBudgetHold)]
)
def test_what_is_held_has_everything_that_its_async_twin_has(
    held: type[object], face: type[object]
) -> None:
    theirs = {name for name in dir(held) if not name.startswith("_")}
    ours = {name for name in dir(face) if not name.startswith("_")}
    # An event of a loop cannot be waited for by a thread.
    assert {"wait_lost" if name == "lost" else name for name in theirs} == ours
    for name in theirs & ours:
        method = getattr(held, name)
        if inspect.isfunction(method):
            assert parameters(getattr(face, name)) == parameters(method)


@frozen
class Item:
    name: str


@frozen
class Lists:
    """A service with what no service has yet, and one may have."""

    async def follow(self, after: int = 0) -> AsyncIterator[Item]:
        """Follows."""
        yield Item(str(after))

    def mint(self, prefix: str, *, size: int) -> Item:
        """Mints."""
        return Item(prefix * size)


@frozen
class KeepOfLists:
    """A keep.

    Attributes:
        lists: Keeps lists.
    """

    lists: Lists


def test_iterators_and_plain_functions_have_a_form() -> None:
    source = generation.source(KeepOfLists)
    assert "def follow(self, after: int=0) -> Generator[Item, None, None]:" in source
    assert "iterated(self._portal, self._service.follow(after))" in source
    assert "self._portal.ask(partial(self._service.mint, prefix, size=size))" in source


class Refusal:
    """Of a service, which another service has under the same name."""


class Other:
    """A service whose module has a refusal of its own."""

    async def put(self, refusal: Refusal) -> Refusal:
        """Puts."""
        return refusal


def test_a_name_that_means_two_things_has_a_longer_one_for_the_second() -> None:
    origins = generation.Origins(
        imports={"Refusal": ("turnkeep_domain.secrets.refusals", "Refusal")}
    )
    assert origins.resolve(iter(["Refusal", "str"]), Other.put) == {"Refusal": "BlockingRefusal"}
    assert origins.imports["BlockingRefusal"] == (__name__, "Refusal")
    origins.imports["BlockingRefusal"] = ("somewhere.else", "Refusal")
    with pytest.raises(NoForm):
        origins.resolve(iter(["Refusal"]), Other.put)


class Odd:
    @property
    def size(self) -> int:
        return 1

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Item]:
        yield Item("")

    async def visit(self, each: Callable[[Item], bool]) -> None:
        each(Item(""))

    async def put(self, *items: Item) -> None:
        del items

    @staticmethod
    async def made() -> None: ...


@pytest.mark.parametrize("name", ["size", "hold", "visit", "put", "made"])
def test_what_has_no_form_is_an_error_of_whoever_adds_it(name: str) -> None:
    one = frozen(type("One", (), {name: vars(Odd)[name], "__module__": __name__}))
    keep = make_class("KeepOfOne", {"one": field(type=one)})
    keep.__doc__ = "A keep.\n\nAttributes:\n    one: Is odd.\n"
    with pytest.raises(NoForm):
        generation.source(keep)
