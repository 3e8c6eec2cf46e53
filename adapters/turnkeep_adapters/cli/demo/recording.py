"""A recording: what agents were asked to do and the tool calls that they made, one task a line.

A line is a JSON object with `task` (an identifier), `prompt` (text) and `calls`, a list of objects
with `tool` (an identifier) and `args` (an object). Other fields are left alone; empty lines are
skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import field, frozen

from turnkeep import Json
from turnkeep_adapters.cli.demo.lines import LINE_BYTES_MAX, Line

_MARK_OF_ORDER: Final = b"\xef\xbb\xbf"


@frozen
class ToolCall:
    """One call of a tool.

    Attributes:
        position: Its place among the calls of its task, from 1.
        args: As parsed; whether they can be put before people is for the keep to say.
    """

    position: int
    tool: str
    args: Mapping[str, Json] = field(repr=False)


@frozen
class Task:
    """What one line says: something that was asked for, and the calls that do it, in order."""

    line: int
    id: str
    prompt: str = field(repr=False)
    calls: tuple[ToolCall, ...]


@frozen
class Unusable:
    """A line that cannot be worked through.

    Attributes:
        line: Its number.
        reason: Why, as the end of a sentence; it repeats nothing of the line.
    """

    line: int
    reason: str

    @property
    def sentence(self) -> str:
        """Where it is and why it cannot be used."""
        return f"line {self.line}: {self.reason}"


Entry: TypeAlias = Task | Unusable


class _Broken(Exception):
    """The line breaks a rule, which is its only argument."""


def read(line: Line) -> Entry | None:
    """What one line says; None where it is empty."""
    if line.content is None:
        return Unusable(line.number, f"it has more than {LINE_BYTES_MAX} bytes")
    content = line.content.removeprefix(_MARK_OF_ORDER) if line.number == 1 else line.content
    if not content.strip():
        return None
    try:
        return _task(line.number, _parsed(content))
    except _Broken as broken:
        return Unusable(line.number, str(broken))


def _parsed(content: bytes) -> Json:
    try:
        parsed: Json = json.loads(content.decode(), object_pairs_hook=_distinct)
    except UnicodeDecodeError:
        raise _Broken("it is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _Broken(f"it is not JSON (column {error.colno}: {error.msg})") from None
    except ValueError:
        raise _Broken("it has a number of too many digits") from None
    except RecursionError:
        raise _Broken("it nests too deep to be read") from None
    return parsed


def _distinct(pairs: Iterable[tuple[str, Json]]) -> Json:
    held: dict[str, Json] = {}
    for name, value in pairs:
        if name in held:
            raise _Broken("an object in it names a field twice")
        held[name] = value
    return held


def _task(number: int, parsed: Json) -> Task:
    line = _object("it", parsed)
    return Task(
        line=number,
        id=_text("task", _field(line, "task")),
        prompt=_text("prompt", _field(line, "prompt")),
        calls=tuple(
            _call(position, call)
            for position, call in enumerate(_list("calls", _field(line, "calls")), start=1)
        ),
    )


def _call(position: int, parsed: Json) -> ToolCall:
    call = _object(f"call {position}", parsed)
    return ToolCall(
        position,
        _text(f"tool of call {position}", _field(call, "tool", of=f" of call {position}")),
        _object(f"args of call {position}", _field(call, "args", of=f" of call {position}")),
    )


def _field(held: Mapping[str, Json], name: str, *, of: str = "") -> Json:
    if name not in held:
        raise _Broken(f"{name}{of} is missing")
    return held[name]


def _text(what: str, parsed: Json) -> str:
    if not isinstance(parsed, str):
        raise _Broken(f"{what} is not text")
    return parsed


def _list(what: str, parsed: Json) -> Sequence[Json]:
    if not isinstance(parsed, list):
        raise _Broken(f"{what} is not a list")
    return parsed


def _object(what: str, parsed: Json) -> Mapping[str, Json]:
    if not isinstance(parsed, dict):
        raise _Broken(f"{what} is not an object")
    return parsed
