"""A call: what was asked of a faulty store, what it suffered, and how it ended."""

from __future__ import annotations

from attrs import define, evolve, field, frozen

from turnkeep_adapters.faulty.actions import Action, Operation
from turnkeep_ports.store import CommitId


@frozen(kw_only=True)
class Call:
    """One operation, as it was asked.

    Attributes:
        collections: What it concerns; None is all.
        commit_id: Which commit it is; None for every other operation.
        action: What it suffered; None where no rule matched.
        answer: The class of what it answered or raised (a cancellation is one); None while it is
            on its way.
    """

    operation: Operation
    collections: frozenset[str] | None
    commit_id: CommitId | None
    action: Action | None
    answer: type[object] | None

    @classmethod
    def of(
        cls,
        operation: Operation,
        collections: frozenset[str] | None,
        commit_id: CommitId | None = None,
    ) -> Call:
        """A call that has met no rule yet."""
        return cls(
            operation=operation,
            collections=collections,
            commit_id=commit_id,
            action=None,
            answer=None,
        )


@define(eq=False)
class CallRecord:
    """Every call of one store, in the order in which they began."""

    _calls: list[Call] = field(factory=list, init=False)

    def begin(self, call: Call) -> int:
        """Notes a call that is on its way; answers its number."""
        self._calls.append(call)
        return len(self._calls) - 1

    def end(self, number: int, answer: type[object]) -> None:
        """Notes how a call ended."""
        self._calls[number] = evolve(self._calls[number], answer=answer)

    def all(self) -> tuple[Call, ...]:
        """The calls so far."""
        return tuple(self._calls)
