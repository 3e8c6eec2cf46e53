"""A line of a recording is a task, is empty, or is named with the reason why it is neither."""

import json
from typing import Final

import pytest

from tests.cli.recordings import line
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Task, ToolCall, Unusable, read

NOT_READ: Final[dict[str, tuple[bytes, str]]] = {
    "torn": (b'{"task": "desk/1"', "it is not JSON (column 18: Expecting ',' delimiter)"),
    "two objects": (b"{} {}", "it is not JSON (column 4: Extra data)"),
    "latin 1": ('{"task": "\u00e9"}'.encode("latin-1"), "it is not text in UTF-8"),
    "binary": (b"\x7fELF\x00\x80", "it is not text in UTF-8"),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, "it nests too deep to be read"),
    "digits": (b"9" * 5_000, "it has a number of too many digits"),
    "twice": (b'{"task": "a", "task": "b"}', "an object in it names a field twice"),
    "list": (b"[]", "it is not an object"),
    "null": (b"null", "it is not an object"),
    "no task": (b'{"prompt": "", "calls": []}', "task is missing"),
    "no prompt": (b'{"task": "a", "calls": []}', "prompt is missing"),
    "no calls": (b'{"task": "a", "prompt": ""}', "calls is missing"),
    "task": (line(task=7), "task is not text"),
    "prompt": (line(prompt=None), "prompt is not text"),
    "calls": (line(calls={}), "calls is not a list"),
    "call": (line(calls=["read_file"]), "call 1 is not an object"),
    "no tool": (line(calls=[{"args": {}}]), "tool of call 1 is missing"),
    "no args": (line(calls=[{"tool": "t"}]), "args of call 1 is missing"),
    "tool": (line(calls=[{"tool": "t", "args": {}}, {"tool": 1}]), "tool of call 2 is not text"),
    "args": (line(calls=[{"tool": "t", "args": []}]), "args of call 1 is not an object"),
}


def test_a_task_is_read_with_its_calls_in_order() -> None:
    calls = [{"tool": "a", "args": {"x": 1}}, {"tool": "b", "args": {}, "other": True}]
    assert read(Line(7, line("desk/7", "Do it.", calls))) == Task(
        line=7,
        id="desk/7",
        prompt="Do it.",
        calls=(ToolCall(1, "a", {"x": 1}), ToolCall(2, "b", {})),
    )


def test_a_task_may_need_no_call() -> None:
    task = read(Line(1, line(calls=[])))
    assert isinstance(task, Task)
    assert task.calls == ()


@pytest.mark.parametrize("content", [b"", b"  ", b"\r", b"\t \r"])
def test_an_empty_line_says_nothing(content: bytes) -> None:
    assert read(Line(3, content)) is None


@pytest.mark.parametrize(("content", "reason"), NOT_READ.values(), ids=NOT_READ)
def test_a_line_that_is_no_task_is_named_with_its_reason(content: bytes, reason: str) -> None:
    assert read(Line(5, content)) == Unusable(5, reason)


def test_a_line_that_is_too_long_is_named() -> None:
    assert read(Line(5, None)) == Unusable(5, "it has more than 8388608 bytes")


def test_a_mark_of_byte_order_is_passed_over_where_files_begin_with_it() -> None:
    marked = b"\xef\xbb\xbf" + line()
    assert isinstance(read(Line(1, marked)), Task)
    assert isinstance(read(Line(2, marked)), Unusable)


def test_what_only_the_keep_can_judge_is_left_to_it() -> None:
    content = line(calls=[]).replace(b"[]", b'[{"tool": "t", "args": {"x": NaN, "y": 1e999}}]')
    task = read(Line(1, content))
    assert isinstance(task, Task)
    assert json.dumps(task.calls[0].args) == '{"x": NaN, "y": Infinity}'


def test_what_is_unusable_says_where_and_why() -> None:
    assert Unusable(4, "task is missing").sentence == "line 4: task is missing"
