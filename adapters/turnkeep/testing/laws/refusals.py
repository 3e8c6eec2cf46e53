"""Laws of calls that are wrong in themselves: a `ValueError`, and nothing is written."""

from __future__ import annotations

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.refusal import refusal
from turnkeep.testing.specimens import COLLECTION, EVERYBODY, addresses, draft, entry
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import ABSENT, COMMIT_ID_BYTES, Check, CommitId, Delete, Put, Write

ONE, TWO = addresses(2)


async def _expect_refused(
    caller: Caller, what: str, *writes: Write, commit_id: CommitId | None = None
) -> None:
    """Fails unless a commit that carries an event is a `ValueError`."""
    call = caller.commit(*writes, events=[draft(ONE, b"lost")], commit_id=commit_id)
    await refusal(ValueError, call, what)


async def _expect_nothing_written(caller: Caller) -> None:
    assert await caller.found(InScope(collection=COLLECTION, prefix=EVERYBODY)) == []
    assert await caller.history() == []


class RefusalLaws:
    """A call that breaks a rule of the port is never guessed at."""

    @law
    async def test_a_load_of_nothing_is_refused(self, harness: Harness) -> None:
        """Port: A load names one cell at least."""
        async with calling(harness) as caller:
            await refusal(ValueError, caller.load(), "a load of no key")

    @law
    async def test_a_load_of_one_cell_twice_is_refused(self, harness: Harness) -> None:
        """Port: A load names distinct cells."""
        async with calling(harness) as caller:
            await refusal(ValueError, caller.load(ONE, TWO, ONE), "a load of one key twice")

    @law
    async def test_events_alone_are_refused(self, harness: Harness) -> None:
        """Port: A commit without a put or delete is refused, events or not."""
        async with calling(harness) as caller:
            await _expect_refused(caller, "a commit of events alone")
            await _expect_refused(caller, "a commit of checks alone", Check(ONE, ABSENT))
            await _expect_nothing_written(caller)

    @law
    async def test_a_cell_that_is_written_twice_is_refused(self, harness: Harness) -> None:
        """Port: The writes of a commit name distinct cells, whatever they do to them."""
        put = Put(ONE, ABSENT, entry(b"1"))
        async with calling(harness) as caller:
            await _expect_refused(caller, "a second put", put, Put(ONE, ABSENT, entry(b"2")))
            await _expect_refused(caller, "a check of the put cell", put, Check(ONE, ABSENT))
            revision = await caller.put(TWO)
            twice = (Delete(TWO, revision), Check(TWO, revision))
            await _expect_refused(caller, "a check of the deleted cell", *twice)
            await caller.delete(TWO, revision)
            await _expect_nothing_written(caller)

    @law
    async def test_a_commit_id_has_sixteen_bytes(self, harness: Harness) -> None:
        """Port: A commit id of any other length is refused."""
        put = Put(ONE, ABSENT, entry())
        async with calling(harness) as caller:
            for length in (0, 8, COMMIT_ID_BYTES - 1, COMMIT_ID_BYTES + 1, 32):
                odd = CommitId(b"\x01" * length)
                await _expect_refused(caller, f"a commit id of {length} bytes", put, commit_id=odd)
            await _expect_nothing_written(caller)
