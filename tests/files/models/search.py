"""A search: every state that a model can reach, in the order of how soon."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

S = TypeVar("S", bound=Hashable)


def explore(
    beginning: S,
    successors: Callable[[S], Iterable[tuple[str, S]]],
    check: Callable[[S], None],
    *,
    states_max: int,
) -> int:
    """Checks each state once; answers how many there are.

    Raises:
        Exception: The first that a check or a step raises; a note tells the way there.
        AssertionError: There are more states than expected.
    """
    came: dict[S, tuple[S, str] | None] = {beginning: None}
    waiting = deque([beginning])
    while waiting:
        state = waiting.popleft()
        try:
            check(state)
            for step, after in successors(state):
                if after not in came:
                    came[after] = (state, step)
                    waiting.append(after)
        except Exception as error:
            error.add_note("; ".join(_way(came, state)))
            raise
        assert len(came) <= states_max, "the model has more states than the test expects"
    return len(came)


def _way(came: dict[S, tuple[S, str] | None], state: S) -> list[str]:
    steps = []
    while (before := came[state]) is not None:
        state, step = before
        steps.append(step)
    return steps[::-1]
