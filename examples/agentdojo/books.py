"""The books of an environment: what was done in it, under which key, and what was ruled out.

A call is made each time it arrives, also under a key that was seen before, unless the caller asks
for it to be made once. So whoever calls must itself see to it that nothing is done twice; what the
books count shows whether it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from examples.agentdojo.suite import Plan, Task, ToolCall

FEE: Final = 1_000_000
PER_CHARACTER: Final = 1_000
COST_MAX: Final = 10_000_000
"""What a call costs, in nano-dollars: a fee, and something for each character of its answer."""


@frozen(kw_only=True)
class Deed:
    """One call that was made.

    Attributes:
        epoch: Of the claim under which it was made.
        cost: In nano-dollars.
    """

    key: str
    epoch: int
    tool: str
    answer: str = field(repr=False)
    cost: int


class RuledOut(Exception):
    """Somebody was told that this call was never made, so it is not made any more."""


@define
class _Book:
    task: Task
    deeds: list[Deed] = field(factory=list, init=False)
    ruled_out: set[tuple[str, int]] = field(factory=set, init=False)


@define
class Books:
    """The tasks of one run of a suite, each with what was done for it."""

    _books: dict[str, _Book]

    @classmethod
    def of(cls, tasks: Mapping[str, Task]) -> Books:
        """Books in which nothing is written yet."""
        return cls({name: _Book(task) for name, task in tasks.items()})

    @property
    def tasks(self) -> Iterable[str]:
        """The names of the tasks."""
        return self._books.keys()

    def plan(self, task: str) -> Plan:
        """How a task is solved."""
        return self._books[task].task.plan

    def use(self, task: str, call: ToolCall, *, key: str, epoch: int, once: bool = False) -> Deed:
        """Makes a call and writes it down.

        Args:
            task: In whose environment.
            call: Which tool, with what.
            key: The caller's idempotency key.
            epoch: Of the caller's claim.
            once: Whether a call that was made under this key is answered, and not made again.

        Raises:
            RuledOut: It was ruled out.
            ToolFailed: The tool said no; nothing is written.
        """
        book = self._books[task]
        if (key, epoch) in book.ruled_out:
            raise RuledOut
        earlier = self._made(book, key) if once else None
        if earlier is not None:
            return earlier
        answer = book.task.use(call)
        cost = min(FEE + PER_CHARACTER * len(answer), COST_MAX)
        deed = Deed(key=key, epoch=epoch, tool=call.tool, answer=answer, cost=cost)
        book.deeds.append(deed)
        return deed

    def found(self, task: str, *, key: str, epoch: int) -> Deed | None:
        """What was done under a key; if nothing, the call of that claim never will be."""
        book = self._books[task]
        deed = self._made(book, key)
        if deed is None:
            book.ruled_out.add((key, epoch))
        return deed

    def deeds(self, task: str) -> tuple[Deed, ...]:
        """Everything that was done for a task, in order."""
        return tuple(self._books[task].deeds)

    def is_solved(self, task: str) -> bool:
        """Whether the task's own check is content."""
        return self._books[task].task.is_solved()

    @property
    def count(self) -> int:
        """How many calls were made, for all tasks."""
        return sum(len(book.deeds) for book in self._books.values())

    def _made(self, book: _Book, key: str) -> Deed | None:
        return next((deed for deed in book.deeds if deed.key == key), None)
