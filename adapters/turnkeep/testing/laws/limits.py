"""Laws of limits: each holds, and one above is refused unwritten."""

from __future__ import annotations

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.refusal import refusal
from turnkeep.testing.specimens import (
    ALL_EVENTS,
    COLLECTION,
    EVERYBODY,
    NOON,
    address,
    addresses,
    draft,
    entry,
)
from turnkeep_domain.identifiers import COLLECTION_BYTES_MAX, IDENTIFIER_BYTES_MAX
from turnkeep_domain.keys import SORT_BYTES_MAX, STATE_BYTES_MAX
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import PayloadTooLarge
from turnkeep_ports.key_bytes import KEY_BYTES_MAX, key_bytes
from turnkeep_ports.limits import (
    BODY_BYTES_MAX,
    COMMIT_BYTES_MAX,
    EVENT_BYTES_MAX,
    EVENTS_MAX,
    KEYS_MAX,
    PAGE_MAX,
)
from turnkeep_ports.scans import Due, InScope, Query, Sorted
from turnkeep_ports.store import ABSENT, START, EventDraft, Put

PLACE = address("limited")
EVERYTHING = InScope(collection=COLLECTION, prefix=EVERYBODY)


async def _expect_too_large(caller: Caller, *puts: Put, events: list[EventDraft]) -> None:
    """Fails unless a commit is refused for its size, and nothing of it is written."""
    error = await refusal(PayloadTooLarge, caller.commit(*puts, events=events), "one above a limit")
    assert error.actual > error.limit
    assert await caller.found(EVERYTHING, limit=1) == []
    assert await caller.history() == []


def _longest_address() -> tuple[Scope, str, str]:
    """A scope, collection and id of the most bytes that they may have."""
    text = "\u00e4" * (IDENTIFIER_BYTES_MAX // 2)
    scope = Scope.of(text, text, agent=text, project=text, mission=text, thread=text)
    return scope, "c" * COLLECTION_BYTES_MAX, text


class LimitLaws:
    """Every store has the same limits."""

    @law
    async def test_a_load_may_have_1024_keys(self, harness: Harness) -> None:
        """P11: 1,024 keys a load; one above is refused."""
        places = addresses(KEYS_MAX + 1)
        async with calling(harness) as caller:
            await caller.put(places[0])
            assert set((await caller.load(*places[:KEYS_MAX])).cells) == {places[0]}
            await refusal(PayloadTooLarge, caller.load(*places), "a load of 1,025 keys")

    @law
    async def test_a_commit_may_have_the_declared_writes(self, harness: Harness) -> None:
        """P11: `writes_max` writes a commit; one above is refused unwritten."""
        async with calling(harness) as caller:
            most = caller.store.capabilities.writes_max
            puts = [Put(at, ABSENT, entry()) for at in addresses(most + 1)]
            await _expect_too_large(caller, *puts, events=[])
            await caller.committed(*puts[:most])
            assert len(await caller.found(EVERYTHING)) == most

    @law
    async def test_a_commit_may_have_1024_events(self, harness: Harness) -> None:
        """P11: 1,024 events a commit; one above is refused unwritten."""
        events = [draft(PLACE, b"%d" % number) for number in range(EVENTS_MAX + 1)]
        async with calling(harness) as caller:
            await _expect_too_large(caller, Put(PLACE, ABSENT, entry()), events=events)
            await caller.put(PLACE, events=events[:EVENTS_MAX])
            told = [event.body for event in await caller.history()]
            assert told == [event.body for event in events[:EVENTS_MAX]]

    @law
    async def test_a_body_may_have_one_mebibyte(self, harness: Harness) -> None:
        """P11: 1 MiB a body; one byte above is refused unwritten."""
        body = bytes(range(256)) * (BODY_BYTES_MAX // 256)
        async with calling(harness) as caller:
            await _expect_too_large(caller, Put(PLACE, ABSENT, entry(body + b"x")), events=[])
            await caller.put(PLACE, body)
            assert (await caller.present(PLACE)).entry.body == body

    @law
    async def test_an_event_may_have_16_kibibytes(self, harness: Harness) -> None:
        """P11: 16 KiB an event; one byte above is refused unwritten."""
        body = bytes(range(256)) * (EVENT_BYTES_MAX // 256)
        async with calling(harness) as caller:
            too_large = [draft(PLACE, body + b"x")]
            await _expect_too_large(caller, Put(PLACE, ABSENT, entry()), events=too_large)
            await caller.put(PLACE, events=[draft(PLACE, body)])
            assert [event.body for event in await caller.history()] == [body]

    @law
    async def test_a_commit_may_have_eight_mebibytes(self, harness: Harness) -> None:
        """P11: 8 MiB a commit, bodies and events together; one byte above is refused unwritten."""
        body = bytes(BODY_BYTES_MAX)
        puts = [Put(at, ABSENT, entry(body)) for at in addresses(COMMIT_BYTES_MAX // len(body))]
        async with calling(harness) as caller:
            await _expect_too_large(caller, *puts, events=[draft(PLACE, b"x")])
            await caller.committed(*puts, events=[draft(PLACE)])
            assert len(await caller.found(EVERYTHING)) == len(puts)

    @law
    async def test_a_page_may_have_500_answers(self, harness: Harness) -> None:
        """P11: A page has 1 to 500 cells or events; other limits are refused."""
        puts = [Put(at, ABSENT, entry()) for at in addresses(PAGE_MAX + 1)]
        async with calling(harness) as caller:
            half = len(puts) // 2 + 1
            most = min(half, caller.store.capabilities.writes_max)
            for begin in range(0, len(puts), most):
                some = puts[begin : begin + most]
                await caller.committed(*some, events=[draft(put.address) for put in some])
            assert len(await caller.found(EVERYTHING, limit=PAGE_MAX)) == len(puts)
            assert len(await caller.history()) == len(puts)
            for limit in (0, -1, PAGE_MAX + 1):
                scan = caller.store.scan(
                    EVERYTHING, after=None, limit=limit, deadline=caller.deadline()
                )
                await refusal(ValueError, scan, f"a scan of {limit} cells a page")
                events = caller.store.events(
                    ALL_EVENTS, after=START, limit=limit, deadline=caller.deadline()
                )
                await refusal(ValueError, events, f"a reading of {limit} events a page")

    @law
    async def test_the_longest_key_and_index_fit(self, harness: Harness) -> None:
        """P11: The longest key, state and sort are stored, found and told."""
        scope, collection, id = _longest_address()
        longest = address(id, collection=collection, scope=scope)
        assert len(key_bytes(longest)) <= KEY_BYTES_MAX
        state, sort = "s" * STATE_BYTES_MAX, "\u00e4" * (SORT_BYTES_MAX // 2) + "a"
        held = entry(b"longest", state=state, due_at=NOON, sort=sort)
        exactly = ScopePrefix.exactly(scope)
        queries: list[Query] = [
            Due(collection=collection, states=frozenset({state}), by=NOON),
            Sorted(collection=collection, prefix=exactly, state=state),
            Sorted(collection=collection, prefix=exactly, state=None),
            InScope(collection=collection, prefix=exactly),
        ]
        async with calling(harness) as caller:
            await caller.put(longest, held, events=[draft(longest)])
            cell = await caller.present(longest)
            assert cell.entry == held
            for query in queries:
                assert await caller.found(query, limit=1) == [cell]
            assert [event.address for event in await caller.history()] == [longest]
