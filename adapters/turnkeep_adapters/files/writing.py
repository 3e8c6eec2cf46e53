"""Writing: how commits that wait together become one segment, each with an answer of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import define, field

from turnkeep_adapters.files.desk import Committing, Moving, Outcomes, Trimming, Writing
from turnkeep_adapters.files.extending import Extending
from turnkeep_adapters.files.judging import Judgement
from turnkeep_adapters.files.looking import Looking
from turnkeep_adapters.files.premises import probe_links
from turnkeep_adapters.files.segment import Item, Trim
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_adapters.memory.commits import Judged, committed
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.errors import Unavailable

COMMITS_MAX: Final = 256
"""How many commits a segment may have."""

Pending: TypeAlias = tuple[Writing, Item | None]


@define(kw_only=True)
class Writer:
    """The writing side of an open store. Used by one thread at a time.

    Attributes:
        on_written: Called after each segment of ours, when its callers were answered.
        probed: Whether the file system was seen to keep links apart.
    """

    looking: Looking
    extending: Extending
    settings: FilesSettings
    outcomes: Outcomes
    on_written: Callable[[], None]
    probed: bool = field(default=False)

    def groups(self, writes: Sequence[Writing]) -> Iterator[list[Writing]]:
        """The writes, in order, as many together as may share a segment."""
        group: list[Writing] = []
        size_bytes = 0
        for request in writes:
            size = request.size_bytes if isinstance(request, Committing) else 0
            if group and not self._fits(request, group, size_bytes + size):
                yield group
                group, size_bytes = [], 0
            group.append(request)
            size_bytes += size
        if group:
            yield group

    def write(self, group: Sequence[Writing], *, fresh: bool) -> None:
        """Writes a group as one segment, however often others are faster.

        Args:
            group: Requests that were taken; each is answered.
            fresh: Whether the log was looked into since they were taken.
        """
        left = list(group)
        try:
            self.probe()
            while left:
                if not fresh:
                    self.looking.look()
                fresh = False
                time = self.looking.time()
                pending = self._judged(left, time)
                left = [request for request, _ in pending]
                if left and self._extend(pending, time):
                    return
        except TurnkeepError as error:
            for request in left:
                if request.outcome is None:
                    self.outcomes.fail(request, error)

    def probe(self) -> None:
        """Tries once, before the first write, whether the file system keeps links apart.

        Raises:
            Unsupported: It does not.
            Unavailable: Nothing can be written.
        """
        if self.probed:
            return
        home = self.looking.home
        home.require_place()
        try:
            keeps_marks = probe_links(home)
        except OSError as error:
            raise unavailable("writing to the store's directory", error) from error
        self.probed = True
        self.looking.following.heeds_marks = keeps_marks

    def _fits(self, request: Writing, group: Sequence[Writing], size_bytes: int) -> bool:
        if isinstance(request, Moving) or isinstance(group[-1], Moving):
            return False
        most = COMMITS_MAX if self.settings.grouping else 1
        return len(group) < most and size_bytes <= self.settings.group_bytes_max

    def _judged(self, group: Sequence[Writing], time: datetime) -> list[Pending]:
        """Those of a group that are to be written, and as what; the others are answered."""
        view = self.looking.following.view
        judgement = Judgement(view, self.settings.memory_bytes_max, time)
        pending: list[Pending] = []
        for request in group:
            try:
                if request.is_overdue():
                    raise Unavailable("its deadline came before it was written")
                item = self._item(request, judgement)
            except Unavailable as error:
                self.outcomes.fail(request, error)
                continue
            if request.outcome is None:
                pending.append((request, item))
        return pending

    def _item(self, request: Writing, judgement: Judgement) -> Item | None:
        match request:
            case Committing(commit=commit):
                judged = judgement.of(commit)
                if isinstance(judged, Judged):
                    return judged
                self.outcomes.answer(request, judged)
            case Trimming(before=before):
                engine = judgement.view.engine
                floor = engine.floor_of(before)
                if floor is not None and floor > engine.floor:
                    return Trim(floor)
                self.outcomes.answer(request, engine.trim(before))
            case Moving():
                pass
            case _:
                assert_never(request)
        return None

    def _extend(self, pending: Sequence[Pending], time: datetime) -> bool:
        items = [item for _, item in pending if item is not None]
        closes = any(isinstance(request, Moving) and request.closes for request, _ in pending)
        if not self.extending.extend(items, time, closes=closes):
            return False
        for request, item in pending:
            self._answer(request, item)
        self.outcomes.send()
        self.on_written()
        return True

    def _answer(self, request: Writing, item: Item | None) -> None:
        view = self.looking.following.view
        if isinstance(request, Committing) and isinstance(item, Judged):
            self.outcomes.answer(request, committed(request.commit, item))
        elif isinstance(request, Trimming):
            self.outcomes.answer(request, view.engine.trim(request.before))
        elif isinstance(request, Moving):
            self.outcomes.answer(request, view.checkpoint())
