"""The benchmark: suites of the package `agentdojo`, without any model.

Each task is solved by the calls that the benchmark itself records as its solution, and judged by
the benchmark's own check. The package is loaded by the environment's process alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from agentdojo.agent_pipeline.tool_execution import tool_result_to_str
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime
from agentdojo.task_suite.load_suites import get_suites
from attrs import define, field, frozen

from examples.agentdojo.suite import Plan, SuiteMissing, Task, ToolCall, ToolFailed

RELEASE: Final = "v1.2.2"
"""Of the benchmark's tasks, as the package counts them."""


@define
class BenchmarkTask:
    """One of the benchmark's user tasks, in an environment where nobody injects anything."""

    plan: Plan
    _task: Any = field(repr=False)
    _before: Any = field(repr=False)
    _environment: Any = field(repr=False)
    _runtime: FunctionsRuntime = field(repr=False)
    _made: list[FunctionCall] = field(factory=list, init=False, repr=False)

    @classmethod
    def of(cls, suite: Any, task: Any) -> BenchmarkTask:  # noqa: ANN401 - the package has no types
        """The task at its beginning."""
        environment = task.init_environment(suite.load_and_inject_default_environment({}))
        calls = task.ground_truth(environment.model_copy(deep=True))
        return cls(
            plan=Plan(
                prompt=task.PROMPT,
                calls=tuple(
                    ToolCall(tool=call.function, args=call.model_dump(mode="json")["args"])
                    for call in calls
                ),
                output=task.GROUND_TRUTH_OUTPUT,
            ),
            task=task,
            before=environment.model_copy(deep=True),
            environment=environment,
            runtime=FunctionsRuntime(suite.tools),
        )

    def use(self, call: ToolCall) -> str:
        """Makes a call."""
        answer, error = self._runtime.run_function(self._environment, call.tool, dict(call.args))
        if error is not None:
            raise ToolFailed(error)
        self._made.append(FunctionCall(function=call.tool, args=dict(call.args)))
        return str(tool_result_to_str(answer, partial(json.dumps, default=str)))

    def is_solved(self) -> bool:
        """What the benchmark's check says, of the calls where it looks at them."""
        seen = (self.plan.output, self._before, self._environment)
        by_calls = self._task.utility_from_traces(*seen, self._made)
        return bool(self._task.utility(*seen) if by_calls is None else by_calls)


@frozen
class Benchmark:
    """One suite of the benchmark."""

    name: str

    def tasks(self) -> Mapping[str, Task]:
        """Its user tasks.

        Raises:
            SuiteMissing: The benchmark has no such suite.
        """
        suites = get_suites(RELEASE)
        if self.name not in suites:
            known = ", ".join(sorted(suites))
            raise SuiteMissing(f"the benchmark has no suite {self.name!r}; it has {known}")
        suite = suites[self.name]
        return {name: BenchmarkTask.of(suite, task) for name, task in suite.user_tasks.items()}
