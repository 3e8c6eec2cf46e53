"""Laws of what a store declares, and of whether it is capable enough."""

from __future__ import annotations

from turnkeep.testing.caller import calling, calling_several
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.specimens import addresses, entry
from turnkeep_ports.limits import COMMAND_WRITES_MAX, WRITES_MAX
from turnkeep_ports.store import ABSENT, Atomicity, Capabilities, Check, Put, Stale, Write


class CapabilityLaws:
    """Nothing is assumed of a store that does not declare it."""

    @law
    async def test_a_store_declares_its_capabilities(self, harness: Harness) -> None:
        """W2: What a store promises is a declared value; nothing is unknown."""
        async with calling(harness) as caller:
            declared: object = getattr(caller.store, "capabilities", None)
            assert isinstance(declared, Capabilities), "the capabilities are not declared"
            assert declared == harness.capabilities

    @law
    async def test_a_store_is_atomic_over_several_cells(self, harness: Harness) -> None:
        """W2: A store below MULTI is refused when it is wired."""
        async with calling(harness) as caller:
            assert caller.store.capabilities.atomicity is Atomicity.MULTI

    @law
    async def test_the_declared_writes_fit_one_command(self, harness: Harness) -> None:
        """W2: `writes_max` lets each command through and stays below the common limit."""
        async with calling(harness) as caller:
            assert COMMAND_WRITES_MAX <= caller.store.capabilities.writes_max <= WRITES_MAX

    @law
    async def test_the_declared_writes_happen_together(self, harness: Harness) -> None:
        """W2: A store that declares MULTI commits all of `writes_max` writes, or none."""
        async with calling(harness) as caller:
            places = addresses(caller.store.capabilities.writes_max)
            last = places[-1]
            revision = await caller.put(last)
            puts: list[Write] = [Put(place, ABSENT, entry()) for place in places[:-1]]
            assert await caller.commit(*puts, Check(last, ABSENT)) == Stale(
                frozenset({last}), busy=False
            )
            assert set((await caller.load(*places)).cells) == {last}
            await caller.committed(*puts, Check(last, revision))
            assert set((await caller.load(*places)).cells) == set(places)

    @law
    async def test_capabilities_never_change(self, harness: Harness) -> None:
        """W2: Each handle declares the same, before and after work and when it is closed."""
        async with calling_several(harness, 2) as (one, other):
            declared = one.store.capabilities
            await one.put(addresses(1)[0])
            assert one.store.capabilities == declared
            assert other.store.capabilities == declared
        assert one.store.capabilities == declared
