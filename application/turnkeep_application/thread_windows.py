"""A window: what of a thread is visible to a model, gathered from the newest entry back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import define, field

from turnkeep_application.thread_views import Window
from turnkeep_domain.threads.message_states import MessageKind, MessageState
from turnkeep_domain.threads.message_views import MessageView
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.parts import ToolCallPart
from turnkeep_domain.threads.summaries import Summary
from turnkeep_domain.threads.texts import bytes_of
from turnkeep_domain.turns.names import RunId

_SETTLED: Final = frozenset({MessageState.ACCEPTED, MessageState.SUBMITTED, MessageState.FINALIZED})
_UNSEEN: Final = frozenset({MessageKind.PREVIEW, MessageKind.CHECKPOINT})


@define(kw_only=True)
class WindowBuilder:
    """Gathers entries, newest first, until there are enough.

    Attributes:
        summaries: All of the thread's.
        through: The last message of others.
        run_id: Whose messages are visible after it, too.
        cut: Whether an entry did not fit any more.
    """

    summaries: tuple[Summary, ...]
    through: int
    run_id: RunId | None
    entries_max: int
    bytes_max: int
    with_provider: bool
    cut: bool = field(default=False, init=False)
    _entries: list[MessageView | Summary] = field(factory=list, init=False)
    _bytes: int = field(default=0, init=False)

    @property
    def entries_left(self) -> int:
        """How many entries may still be added."""
        return self.entries_max - len(self._entries)

    def ending_at(self, sequence: int) -> Summary | None:
        """The summary that stands for a message and those before it; None where none does.

        One that reaches beyond `through` stands for nothing.
        """
        for summary in self._standing():
            if summary.end == sequence:
                return summary
        return None

    def summary_end_below(self, sequence: int) -> int:
        """The last message before another that a summary stands for; 0 where none does."""
        return max((each.end for each in self._standing() if each.end < sequence), default=0)

    def add_summary(self, summary: Summary) -> None:
        """The summary stands for its messages, once."""
        self._add(summary, bytes_of(summary.text))

    def add(self, message: Message, size_bytes: int) -> bool:
        """The message is the next entry, if it is visible; False once there is no room for it."""
        view = message.view(with_provider=self.with_provider)
        if self._is_visible(view):
            self._add(view, size_bytes)
        return not self.cut

    def window(self, basis: int) -> Window:
        """What was gathered, oldest first."""
        entries = tuple(_without_orphans(reversed(self._entries)))
        return Window(
            entries=entries,
            notes=tuple(
                each for each in self.summaries if not each.replaces and each.end <= self.through
            ),
            through=self.through,
            basis=basis,
            cut=self.cut,
        )

    def _standing(self) -> Iterable[Summary]:
        return (each for each in self.summaries if each.replaces and each.end <= self.through)

    def _is_visible(self, view: MessageView) -> bool:
        seen = view.sequence <= self.through or (
            self.run_id is not None and view.run_id == self.run_id
        )
        return seen and view.state in _SETTLED and view.kind not in _UNSEEN

    def _add(self, entry: MessageView | Summary, size_bytes: int) -> None:
        too_large = bool(self._entries) and self._bytes + size_bytes > self.bytes_max
        if too_large or not self.entries_left:
            self.cut = True
            return
        self._entries.append(entry)
        self._bytes += size_bytes


def _without_orphans(
    entries: Iterable[MessageView | Summary],
) -> Iterable[MessageView | Summary]:
    """The entries without results of tools whose calls were cut off before them.

    The calls may have been cut off at the beginning, and where a summary stands.
    """
    calls: set[tuple[RunId | None, str]] = set()
    after_a_cut = True
    for entry in entries:
        if isinstance(entry, Summary):
            after_a_cut = True
        elif entry.tool is None:
            asked = (part for part in entry.parts if isinstance(part, ToolCallPart))
            calls |= {(entry.run_id, part.result_ref) for part in asked}
            after_a_cut = False
        elif after_a_cut and (entry.run_id, entry.tool.result_ref) not in calls:
            continue
        yield entry
