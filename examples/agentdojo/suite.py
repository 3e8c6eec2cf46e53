"""A suite: tasks, each with the calls that solve it, and a check of what they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from turnkeep import Json


class ToolFailed(Exception):
    """A tool said no, and did nothing."""


class SuiteMissing(Exception):
    """There is no such suite; the only argument says why, in a sentence."""


@frozen(kw_only=True)
class ToolCall:
    """One use of one tool."""

    tool: str
    args: Mapping[str, Json] = field(repr=False)


@frozen(kw_only=True)
class Plan:
    """What a task asks for, and how it is known to be solved.

    Attributes:
        calls: In the order in which they are made.
        output: What the user is told in the end.
    """

    prompt: str
    calls: tuple[ToolCall, ...]
    output: str


class Task(Protocol):
    """One task, with an environment of its own that calls change. It is not safe to share."""

    @property
    def plan(self) -> Plan:
        """What is to be done, as it was before anything was."""
        ...

    def use(self, call: ToolCall) -> str:
        """Makes a call, each time it is asked to, and answers what the tool said.

        Raises:
            ToolFailed: The tool said no.
        """
        ...

    def is_solved(self) -> bool:
        """What the benchmark's own check says of the environment by now."""
        ...


class Suite(Protocol):
    """Tasks under their names."""

    def tasks(self) -> Mapping[str, Task]:
        """Every task, with a fresh environment."""
        ...
