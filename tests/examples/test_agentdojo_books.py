"""The environment's books: they count what was done, and stop nobody from doing it again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from examples.agentdojo.asking import Asking
from examples.agentdojo.books import COST_MAX, FEE, PER_CHARACTER, Books, RuledOut
from examples.agentdojo.environment import LINE_BYTES_MAX, Environment, suite_of
from examples.agentdojo.kiosk import Kiosk
from examples.agentdojo.suite import Plan, SuiteMissing, ToolCall, ToolFailed
from turnkeep import StepNotDone

SELL = ToolCall(tool="sell_goods", args={"item": "tea", "pieces": 1, "cents": 150})


def books() -> Books:
    return Books.of(Kiosk().tasks())


# ---- the kiosk ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Kiosk().tasks())
def test_a_task_of_the_kiosk_is_solved_by_its_calls_and_by_nothing_less(name: str) -> None:
    task = Kiosk().tasks()[name]
    changing = [call for call in task.plan.calls if not call.tool.startswith("read_")]
    assert task.is_solved() == (not changing)
    for call in task.plan.calls:
        task.use(call)
    assert task.is_solved()


@pytest.mark.parametrize("name", Kiosk().tasks())
def test_a_call_of_the_kiosk_that_is_made_twice_is_found(name: str) -> None:
    for call in Kiosk().tasks()[name].plan.calls:
        if call.tool.startswith("read_"):
            continue
        task = Kiosk().tasks()[name]
        for each in task.plan.calls:
            task.use(each)
        try:
            task.use(call)
        except ToolFailed:
            continue  # there was nothing left to do it with
        assert not task.is_solved()


def test_tools_of_the_kiosk_say_no_and_do_nothing() -> None:
    task = Kiosk().tasks()["count"]
    for call in (
        ToolCall(tool="sell_goods", args={"item": "tea", "pieces": 99, "cents": 1}),
        ToolCall(tool="order_goods", args={"item": "tea", "pieces": 1, "cents": 100_000}),
        ToolCall(tool="burn_down", args={}),
    ):
        with pytest.raises(ToolFailed):
            task.use(call)
    assert task.is_solved()


# ---- the books ----------------------------------------------------------------------------------


def test_a_call_is_made_as_often_as_it_arrives() -> None:
    kept = books()
    for epoch in (1, 2):
        kept.use("sell", SELL, key="k", epoch=epoch)
    assert [(deed.key, deed.epoch) for deed in kept.deeds("sell")] == [("k", 1), ("k", 2)]
    assert kept.count == 2


def test_a_call_is_made_once_where_that_is_asked_for() -> None:
    kept = books()
    first = kept.use("sell", SELL, key="k", epoch=1, once=True)
    assert kept.use("sell", SELL, key="k", epoch=2, once=True) == first
    assert kept.deeds("sell") == (first,)


def test_a_call_costs_a_fee_and_something_for_its_answer() -> None:
    deed = books().use("sell", SELL, key="k", epoch=1)
    assert deed.answer == "8 left"
    assert deed.cost == FEE + 6 * PER_CHARACTER
    assert deed.cost < COST_MAX


def test_who_asks_what_was_done_is_told_and_what_was_not_never_will_be() -> None:
    kept = books()
    deed = kept.use("sell", SELL, key="k", epoch=1)
    assert kept.found("sell", key="k", epoch=1) == deed
    assert kept.found("sell", key="other", epoch=1) is None
    with pytest.raises(RuledOut):
        kept.use("sell", SELL, key="other", epoch=1)
    # A later claim may make it.
    assert kept.use("sell", SELL, key="other", epoch=2).epoch == 2


def test_what_a_tool_refused_is_not_written_down() -> None:
    kept = books()
    with pytest.raises(ToolFailed):
        kept.use("sell", ToolCall(tool="burn_down", args={}), key="k", epoch=1)
    assert kept.count == 0


# ---- over a socket ------------------------------------------------------------------------------


class Hasty:
    """A source of chance by which nothing takes time."""

    def random(self) -> float:
        return 0.0


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    socket = str(tmp_path / "s")
    environment = Environment(books(), Hasty())  # type: ignore[arg-type]  # all that is drawn
    server = await asyncio.start_unix_server(environment.serve, path=socket, limit=LINE_BYTES_MAX)
    async with server:
        yield Asking(socket)


async def test_an_environment_answers_what_its_books_say(asking: Asking) -> None:
    assert await asking.tasks() == list(Kiosk().tasks())
    plan = await asking.plan("sell")
    assert plan == Kiosk().tasks()["sell"].plan
    for number, call in enumerate(plan.calls):
        deed = await asking.use("sell", call, key=f"k{number}", epoch=1)
        assert deed == await asking.found("sell", key=f"k{number}", epoch=1)
    verdict = await asking.verdict("sell")
    assert verdict.solved
    assert [deed.key for deed in verdict.deeds] == ["k0", "k1", "k2"]
    assert await asking.count() == 3


@pytest.mark.parametrize(("tool", "category"), [("burn_down", "tool_failed"), ("", "ruled_out")])
async def test_a_call_that_was_surely_not_made_is_a_step_not_done(
    asking: Asking, tool: str, category: str
) -> None:
    if category == "ruled_out":
        assert await asking.found("sell", key="k", epoch=1) is None
    call = ToolCall(tool=tool or "read_till", args={})
    with pytest.raises(StepNotDone) as told:
        await asking.use("sell", call, key="k", epoch=1)
    assert told.value.category == category
    assert await asking.count() == 0


async def test_what_nobody_asks_is_answered_as_a_mistake(asking: Asking) -> None:
    assert await asking._ask(ask="the weather") == {"mistake": "nobody asks that"}


async def test_an_environment_that_has_gone_leaves_its_caller_in_doubt(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    socket = str(tmp_path / "s")
    async with await asyncio.start_unix_server(hang_up, path=socket):
        with pytest.raises(ConnectionError):
            await Asking(socket).count()


async def test_an_environment_ends_by_an_error_that_is_no_answer(tmp_path: Path) -> None:
    """Whether the call was made is not known, so nobody may be told that it was not."""

    class Broken:
        plan = Plan(prompt="", calls=(), output="")

        def use(self, call: ToolCall) -> str:
            raise ZeroDivisionError

        def is_solved(self) -> bool:
            return False

    socket = str(tmp_path / "s")
    environment = Environment(Books.of({"t": Broken()}))
    async with await asyncio.start_unix_server(environment.serve, path=socket):
        with pytest.raises(ConnectionError):
            await Asking(socket).use("t", SELL, key="k", epoch=1)
        with pytest.raises(ZeroDivisionError):
            await environment.until_broken()


# ---- the benchmark ------------------------------------------------------------------------------


class Record:
    """A stand-in for the package's models."""

    total: int

    def __init__(self, **fields: Any) -> None:
        self.__dict__ |= fields

    def model_copy(self, *, deep: bool) -> Record:
        assert deep
        return Record(**json.loads(json.dumps(self.__dict__)))

    def model_dump(self, *, mode: str) -> Mapping[str, Any]:
        assert mode == "json"
        return self.__dict__


class Runtime:
    def __init__(self, tools: list[str]) -> None:
        self.tools = tools

    def run_function(
        self, environment: Record, tool: str, args: Mapping[str, Any]
    ) -> tuple[str, str | None]:
        if tool not in self.tools:
            return "", "unknown tool"
        environment.total += args["amount"]
        return str(environment.total), None


class Sum:
    """A stand-in for a task: it is solved by a total of three."""

    PROMPT = "Add up to three."
    GROUND_TRUTH_OUTPUT = "Three."
    looks_at_calls = False

    def init_environment(self, environment: Record) -> Record:
        return environment

    def ground_truth(self, environment: Record) -> list[Record]:
        environment.total = 99  # of a copy, or the check fails
        return [Record(function="add", args={"amount": amount}) for amount in (1, 2)]

    def utility(self, output: str, before: Record, after: Record) -> bool:
        return (output, before.total, after.total) == ("Three.", 0, 3)

    def utility_from_traces(
        self, output: str, before: Record, after: Record, calls: list[Record]
    ) -> bool | None:
        return len(calls) == 2 if self.looks_at_calls else None


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> type[Any]:
    """The example's adapter, over a stand-in for the package that it adapts."""
    suite = Record(
        tools=["add"],
        user_tasks={"user_task_0": Sum()},
        load_and_inject_default_environment=lambda injections: Record(total=0),
    )
    members: dict[str, dict[str, Any]] = {
        "agentdojo": {},
        "agentdojo.agent_pipeline": {},
        "agentdojo.agent_pipeline.tool_execution": {
            "tool_result_to_str": lambda result, dump: result
        },
        "agentdojo.functions_runtime": {"FunctionCall": Record, "FunctionsRuntime": Runtime},
        "agentdojo.task_suite": {},
        "agentdojo.task_suite.load_suites": {"get_suites": lambda release: {"sums": suite}},
    }
    for name, held in members.items():
        module = ModuleType(name)
        module.__dict__.update(held)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "examples.agentdojo.benchmark", raising=False)
    from examples.agentdojo import benchmark as module

    monkeypatch.setitem(sys.modules, "examples.agentdojo.benchmark", module)
    adapter: type[Any] = module.Benchmark
    return adapter


@pytest.mark.parametrize("looks_at_calls", [True, False])
def test_a_task_of_the_benchmark_is_judged_by_its_own_check(
    benchmark: type[Any], monkeypatch: pytest.MonkeyPatch, *, looks_at_calls: bool
) -> None:
    monkeypatch.setattr(Sum, "looks_at_calls", looks_at_calls)
    task = benchmark("sums").tasks()["user_task_0"]
    assert task.plan == Plan(
        prompt="Add up to three.",
        calls=(
            ToolCall(tool="add", args={"amount": 1}),
            ToolCall(tool="add", args={"amount": 2}),
        ),
        output="Three.",
    )
    for call, answer in zip(task.plan.calls, ("1", "3"), strict=True):
        assert not task.is_solved()
        assert task.use(call) == answer
    assert task.is_solved()
    with pytest.raises(ToolFailed, match="unknown tool"):
        task.use(ToolCall(tool="subtract", args={}))


def test_a_suite_that_the_benchmark_does_not_have_is_named(benchmark: type[Any]) -> None:
    with pytest.raises(SuiteMissing, match=r"no suite 'chess'; it has sums"):
        suite_of("chess").tasks()


def test_a_benchmark_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "examples.agentdojo.benchmark", raising=False)
    monkeypatch.setitem(sys.modules, "agentdojo", None)
    with pytest.raises(SuiteMissing, match="make agentdojo"):
        suite_of("banking")
