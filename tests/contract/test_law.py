"""How laws are run, skipped and told, whatever the store does to them."""

from __future__ import annotations

import asyncio
import gc
import inspect
from contextlib import suppress

import pytest
from attrs import evolve

from tests.contract.reference_harness import ReferenceHarness
from tests.contract.reference_store import CAPABILITIES
from turnkeep.testing import (
    Harness,
    Need,
    StoreContract,
    law,
    needs_power,
    needs_processes,
    needs_push,
)
from turnkeep.testing.need import needs_of, unmet
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import Durability, Notification


class Laws:
    @law
    async def test_that_holds(self, harness: Harness) -> None:
        """Sample: It holds.

        Further lines are no part of it.
        """

    @law
    async def test_that_is_broken(self, harness: Harness) -> None:
        """Sample: One is two.

        Further lines are no part of it.
        """
        assert [1] == [2]

    @law
    async def test_that_raises(self, harness: Harness) -> None:
        """Sample: Stores are there."""
        raise Unavailable("the disk is gone")

    @law
    async def test_that_hangs(self, harness: Harness) -> None:
        """Sample: It ends."""
        await asyncio.Event().wait()

    @law
    async def test_that_cannot_be_cancelled(self, harness: Harness) -> None:
        """Sample: It ends when it is told to."""
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    @law
    async def test_that_leaves_tasks(self, harness: Harness) -> None:
        """Sample: What it leaves is ended."""
        LEFT.append(asyncio.ensure_future(asyncio.Event().wait()))
        await asyncio.sleep(0)

    @needs_push
    @needs_processes
    @law
    async def test_with_needs(self, harness: Harness) -> None:
        """Sample: It needs much."""


LEFT: list[asyncio.Future[object]] = []


@pytest.fixture
def harness() -> Harness:
    harness = ReferenceHarness()
    harness.hang_seconds = 0.05
    return harness


def test_a_law_that_holds_is_silent(harness: Harness) -> None:
    Laws().test_that_holds(harness)


def test_a_broken_law_is_named_by_its_first_line(harness: Harness) -> None:
    with pytest.raises(AssertionError) as failure:
        Laws().test_that_is_broken(harness)
    assert failure.value.__notes__ == ["broken law: Sample: One is two."]


def test_what_a_store_raises_is_left_as_it_is(harness: Harness) -> None:
    with pytest.raises(Unavailable, match="the disk is gone") as failure:
        Laws().test_that_raises(harness)
    assert failure.value.__notes__ == ["broken law: Sample: Stores are there."]


@pytest.mark.parametrize("name", ["test_that_hangs", "test_that_cannot_be_cancelled"])
def test_a_law_that_does_not_end_fails_and_tells_where_it_waits(
    name: str, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnkeep.testing.judgement._ENDING_SECONDS", 0.05)
    with pytest.raises(AssertionError, match=rf"no end within 0\.05 s, waiting in Laws\.{name}"):
        getattr(Laws(), name)(harness)
    # asyncio logs an abandoned task when it is collected: here, and not in a later test.
    gc.collect()


def test_what_a_law_leaves_running_is_cancelled(harness: Harness) -> None:
    Laws().test_that_leaves_tasks(harness)
    assert LEFT.pop().cancelled()


def test_a_law_is_a_plain_function_that_takes_the_harness() -> None:
    test = StoreContract.test_an_absent_cell_is_missing
    assert not inspect.iscoroutinefunction(test)
    assert list(inspect.signature(test).parameters) == ["self", "harness"]


@pytest.mark.parametrize(
    ("durability", "notification", "missing"),
    [
        (Durability.VOLATILE, Notification.PUSH, needs_processes),
        (Durability.PROCESS, Notification.POLL, needs_push),
        (Durability.PROCESS, Notification.PUSH, None),
        (Durability.POWER, Notification.PUSH, None),
    ],
)
def test_a_need_is_met_by_what_is_declared(
    durability: Durability, notification: Notification, missing: Need | None
) -> None:
    declared = evolve(CAPABILITIES, durability=durability, notification=notification)
    assert needs_of(Laws.test_with_needs) == (needs_processes, needs_push)
    assert unmet(Laws.test_with_needs, declared) is missing


@pytest.mark.parametrize("durability", Durability)
def test_power_is_met_by_power_alone(durability: Durability) -> None:
    declared = evolve(CAPABILITIES, durability=durability)
    assert needs_power.is_met(declared) == (durability is Durability.POWER)


def test_a_reason_tells_what_is_needed_and_what_is_declared() -> None:
    reason = needs_push.reason(evolve(CAPABILITIES, notification=Notification.POLL))
    expected = (
        "needs commits that are pushed to waiters (PUSH); the store declares VOLATILE and POLL"
    )
    assert reason == expected


def test_each_law_tells_by_its_docstring_which_it_is() -> None:
    for name in dir(StoreContract):
        if name.startswith("test_"):
            line = (getattr(StoreContract, name).__doc__ or "").splitlines()[0]
            kind, _, sentence = line.partition(": ")
            assert kind == "Port" or kind[0] in "PESW"
            assert sentence.endswith(".")


def test_every_law_of_the_port_has_a_test() -> None:
    lines = [
        (getattr(StoreContract, name).__doc__ or "")
        for name in dir(StoreContract)
        if name.startswith("test_")
    ]
    laws = {line.partition(": ")[0] for line in lines}
    expected = {
        *(f"P{number}" for number in range(1, 20)),
        *(f"E{number}" for number in range(1, 9)),
        *(f"S{number}" for number in range(1, 7)),
        *("W2", "Port"),
    }
    assert laws == expected


async def test_a_harness_of_a_store_that_survives_must_say_how_it_crashes() -> None:
    with pytest.raises(AssertionError, match=r"needs Harness\.crash"):
        await ReferenceHarness().crash()
