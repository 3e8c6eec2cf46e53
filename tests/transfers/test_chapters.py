"""Chapters: commits again, in the order of the log, however a store has numbered them."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from turnkeep.testing.specimens import NOON, address, draft, entry
from turnkeep_application.transfers.chapters import Chapter, chapters
from turnkeep_application.transfers.pieces import pieces
from turnkeep_ports.limits import EVENTS_MAX
from turnkeep_ports.snapshots import KeptCell, KeptEvent
from turnkeep_ports.store import Cell, CommitId, EventDraft, Revision


def commit(name: str) -> CommitId:
    return CommitId(name.encode().ljust(16, b"."))


@frozen
class Told:
    """A snapshot that is told by the letters of its commits: cells by revision, events in order."""

    written: str
    log: str
    now: datetime = NOON

    @property
    def cell_count(self) -> int:
        return len(self.written)

    @property
    def event_count(self) -> int:
        return len(self.log)

    async def cells(self) -> AsyncIterator[KeptCell]:
        for number, letter in enumerate(self.written):
            cell = Cell(
                address=address(f"{letter}{number}"),
                entry=entry(),
                revision=Revision(number.to_bytes(8, "big") + commit(letter)[:8]),
                written_by=commit(letter),
            )
            yield KeptCell(cell=cell, siblings=self.written.count(letter), told=letter in self.log)

    async def events(self) -> AsyncIterator[KeptEvent]:
        for number, letter in enumerate(self.log):
            event = draft(address(letter), b"%d" % number)
            yield KeptEvent(
                event=event, commit_id=commit(letter), siblings=self.written.count(letter)
            )


def told(written: str, log: str) -> list[tuple[str, str, int]]:
    """Each chapter's commit, its cells by their numbers, and how many events it has."""

    async def read() -> list[Chapter]:
        return [chapter async for chapter in chapters(Told(written, log))]

    return [
        (
            chapter.commit_id.decode().rstrip("."),
            "".join(at.id[1:] for at, _ in chapter.cells),
            len(chapter.events),
        )
        for chapter in asyncio.run(read())
    ]


def test_silent_commits_come_where_their_revisions_are() -> None:
    assert told("abbc", "ac") == [("a", "0", 1), ("b", "12", 0), ("c", "3", 1)]


def test_commits_of_which_only_events_are_left_come_where_they_were_told() -> None:
    assert told("bd", "aabccd") == [("a", "", 2), ("b", "0", 1), ("c", "", 2), ("d", "1", 1)]


def test_commits_whose_numbers_are_interleaved_are_whole_again() -> None:
    assert told("abab", "ab") == [("a", "02", 1), ("b", "13", 1)]
    assert told("abab", "") == [("a", "02", 0), ("b", "13", 0)]


def test_the_order_of_the_log_counts_where_numbers_say_otherwise() -> None:
    assert told("bsa", "ab") == [("s", "1", 0), ("a", "2", 1), ("b", "0", 1)]


def test_nothing_is_lost_where_a_commit_id_comes_twice() -> None:
    found = told("aba", "aba")
    assert "".join(sorted("".join(cells for _, cells, _ in found))) == "012"
    assert sum(events for _, _, events in found) == 3


def test_records_whose_events_are_missing_are_not_lost() -> None:
    class Lost(Told):
        async def cells(self) -> AsyncIterator[KeptCell]:
            async for kept in super().cells():
                yield evolve(kept, told=True)

    async def read() -> list[CommitId]:
        return [chapter.commit_id async for chapter in chapters(Lost("ab", "a"))]

    assert asyncio.run(read()) == [commit("a"), commit("b")]


def events(number: int) -> Sequence[EventDraft]:
    return [draft(address("x"), b"%d" % n) for n in range(number)]


def test_a_chapter_is_one_piece_as_long_as_a_commit_carries_it() -> None:
    cells = tuple((address(f"{n}"), entry()) for n in range(9))
    chapter = Chapter(commit_id=commit("a"), cells=cells, events=tuple(events(EVENTS_MAX)))
    (piece,) = pieces(chapter, writes_max=10)
    assert (piece.commit_id, piece.cells, piece.events) == (commit("a"), cells, chapter.events)


def test_pieces_are_the_same_each_time_and_have_ids_of_their_own() -> None:
    cells = tuple((address(f"{n}"), entry()) for n in range(25))
    chapter = Chapter(commit_id=commit("a"), cells=cells, events=tuple(events(3)))
    every = tuple(pieces(chapter, writes_max=10))
    assert every == tuple(pieces(chapter, writes_max=10))
    assert [len(piece.cells) for piece in every] == [9, 9, 7]
    assert len({piece.commit_id for piece in every}) == 3
    assert every[0].commit_id == commit("a")
    assert sum((piece.cells for piece in every), ()) == cells
    assert sum((piece.events for piece in every), ()) == chapter.events


OVER: Final = EVENTS_MAX + 1


def test_events_that_one_commit_does_not_carry_go_on_in_the_next() -> None:
    chapter = Chapter(commit_id=commit("a"), cells=(), events=tuple(events(OVER)))
    first, second = pieces(chapter, writes_max=10)
    assert (len(first.events), len(second.events)) == (EVENTS_MAX, 1)
