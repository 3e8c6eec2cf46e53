"""Laws of the log's ends: what was trimmed is gone for all, what was not stays for all."""

from __future__ import annotations

from turnkeep.testing.caller import Caller, calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import ALL_EVENTS, address, addresses, draft
from turnkeep_ports.store import START, Cursor, CursorLost, EventPage, StoredEvent

EVENTS = 12


async def _tell(caller: Caller) -> list[StoredEvent]:
    """Commits twelve events, three a commit, and answers the log."""
    for place in addresses(EVENTS // 3):
        await caller.put(place, events=[draft(place, b"%d" % n) for n in range(3)])
    history = await caller.history()
    assert len(history) == EVENTS
    return history


async def _expect_lost(caller: Caller, cursor: Cursor, *, floor: Cursor) -> None:
    """Fails unless a cursor is lost to readers, who learn the floor."""
    answer = await caller.store.events(
        ALL_EVENTS, after=cursor, limit=1, deadline=caller.deadline()
    )
    assert answer == CursorLost(floor)


class TrimmingLaws:
    """The floor only rises, and tells itself to whoever is below it."""

    @law
    async def test_an_expired_cursor_is_lost(self, harness: Harness) -> None:
        """E6: A cursor below the floor is `CursorLost`, with the floor to continue from."""
        async with calling_several(harness, 2) as (caller, other):
            history = await _tell(caller)
            floor = await caller.trim(history[6].cursor)
            for event in history[:6]:
                await _expect_lost(caller, event.cursor, floor=floor)
                await _expect_lost(other, event.cursor, floor=floor)
            assert await caller.history(after=floor) == history[7:]

    @law
    async def test_a_foreign_cursor_is_lost(self, harness: Harness) -> None:
        """E6: A cursor of another store is `CursorLost`, and trims nothing."""
        async with calling(harness) as caller, calling(harness.elsewhere()) as stranger:
            history = await _tell(caller)
            foreign = (await _tell(stranger))[5].cursor
            floor = await caller.trim(START)
            await _expect_lost(caller, foreign, floor=floor)
            trimmed = await caller.store.trim(foreign, deadline=caller.deadline())
            assert trimmed == CursorLost(floor)
            assert await caller.history() == history

    @law
    async def test_a_cursor_beyond_the_head_is_lost(self, harness: Harness) -> None:
        """E6: A cursor that was never handed out, as of a log that lost its end, is not answered.

        It is `CursorLost`; a store that signs its cursors may also call it a `ValueError`.
        """
        async with calling(harness) as caller:
            await _tell(caller)
            head = (await caller.events(after=await caller.close_history())).next
            for at in range(len(head)):
                beyond = Cursor(head[:at] + b"\xff" + head[at + 1 :])
                if beyond != head:
                    assert not await _is_answered(caller, beyond), f"changed at byte {at}"
            for other in (Cursor(head + b"\x00"), Cursor(head[:-1]), Cursor(b"\x00")):
                assert not await _is_answered(caller, other), "a cursor of another length"

    @law
    async def test_trim_keeps_everything_behind_its_argument(self, harness: Harness) -> None:
        """E8: `trim` keeps everything from its argument on, and forgets what is before."""
        async with calling_several(harness, 2) as (caller, other):
            history = await _tell(caller)
            for number in (0, 4, 5, 10):
                cursor = history[number].cursor
                assert await caller.trim(cursor) == cursor
                for reader in (caller, other):
                    assert await reader.history() == history[number + 1 :]
                    assert await reader.history(after=cursor) == history[number + 1 :]

    @law
    async def test_a_repeated_trim_changes_nothing(self, harness: Harness) -> None:
        """E8: `trim` is idempotent; trimming at the floor or at `START` leaves all there is."""
        async with calling(harness) as caller:
            assert await caller.history() == []
            history = await _tell(caller)
            floor = await caller.trim(history[4].cursor)
            for before in (history[4].cursor, floor, START):
                assert await caller.trim(before) == floor
                assert await caller.history() == history[5:]

    @law
    async def test_the_floor_is_never_lowered(self, harness: Harness) -> None:
        """E8: Trimming below the floor neither lowers it nor brings anything back."""
        async with calling_several(harness, 2) as (caller, late):
            history = await _tell(caller)
            floor = await caller.trim(history[8].cursor)
            answer = await late.store.trim(history[2].cursor, deadline=late.deadline())
            assert answer in (floor, CursorLost(floor))
            assert await late.trim(START) == floor
            assert await late.history() == history[9:]
            await _expect_lost(late, history[2].cursor, floor=floor)

    @law
    async def test_a_log_that_was_emptied_goes_on(self, harness: Harness) -> None:
        """E8: After all was trimmed, cursors go on where they were, and none comes again."""
        async with calling(harness) as caller:
            history = await _tell(caller)
            end = await caller.close_history()
            assert await caller.trim(end) == end
            page = await caller.events(after=end)
            assert (page.events, page.next) == ((), end)
            place = address("after")
            await caller.put(place, events=[draft(place, b"after")])
            (event,) = await caller.history()
            assert event.body == b"after"
            assert event.cursor > end
            await _expect_lost(caller, history[0].cursor, floor=end)


async def _is_answered(caller: Caller, after: Cursor) -> bool:
    try:
        answer = await caller.store.events(
            ALL_EVENTS, after=after, limit=1, deadline=caller.deadline()
        )
    except ValueError:
        return False
    return isinstance(answer, EventPage)
