"""A worker tidies up after every service of its keep, whichever of them fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import pytest

from tests.application.worker.sites import Host, VirtualSite, thread
from turnkeep_application.approvals import Approvals
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.event_pages import Recorded
from turnkeep_application.event_reading import EVERYBODY
from turnkeep_application.leases import Leases
from turnkeep_application.secrets import Secrets
from turnkeep_application.threads import Threads
from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.context import RunContext
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.request_ids import RequestId
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.key_errors import MasterKeyMissing
from turnkeep_ports.store import CursorLost

SERVICES: Final = [
    (Approvals, "sweep"),
    (Approvals, "prune"),
    (Budgets, "expire_due"),
    (Budgets, "expire_gates"),
    (Budgets, "prune"),
    (Leases, "sweep"),
    (Secrets, "sweep"),
    (Threads, "sweep"),
]
RUNS: Final = (Turns, "sweep")
MINUTES: Final = 15 * 60.0


async def never(ctx: RunContext) -> None:
    raise AssertionError("there is nothing to do")


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[type, str]]]:
    """Puts a note in place of every sweep, and an error where one is to fail."""

    def replaced(
        failing: tuple[type, str] | None = None, error: TurnkeepError | None = None
    ) -> list[tuple[type, str]]:
        called: list[tuple[type, str]] = []

        def instead(of: tuple[type, str]) -> Callable[..., object]:
            async def sweep(_: object, **__: object) -> object:
                called.append(of)
                if of == failing:
                    raise Unavailable("away") if error is None else error
                return None

            return sweep

        for of in SERVICES:
            monkeypatch.setattr(*of, instead(of))
        if failing == RUNS:
            monkeypatch.setattr(*RUNS, instead(RUNS))
        return called

    return replaced


async def _worked(site: VirtualSite, host: Host, seconds: float) -> None:
    async with host.worker(never):
        await site.sleep(seconds)


def test_every_service_is_tidied(
    virtual: VirtualSite, swept: Callable[..., list[tuple[type, str]]]
) -> None:
    called = swept()

    async def scenario() -> None:
        async with virtual.host() as host:
            await _worked(virtual, host, MINUTES)

    virtual.run(scenario)
    times = {of: called.count(of) for of in SERVICES}
    assert set(called) == set(SERVICES)
    # A sweep comes every 15 s, and each fourth one sees to the others.
    assert all(10 <= often <= 20 for often in times.values()), times


@pytest.mark.parametrize("failing", [*SERVICES, RUNS])
def test_one_that_fails_stops_no_other(
    virtual: VirtualSite,
    swept: Callable[..., list[tuple[type, str]]],
    caplog: pytest.LogCaptureFixture,
    failing: tuple[type, str],
) -> None:
    called = swept(failing)

    async def scenario() -> None:
        async with virtual.host() as host:
            await _worked(virtual, host, MINUTES)

    with caplog.at_level(logging.WARNING, logger="turnkeep.worker"):
        virtual.run(scenario)
    assert all(called.count(of) >= 10 for of in [*SERVICES, failing])
    warned = [record for record in caplog.records if "cut short" in record.message]
    assert len(warned) == called.count(failing)


def test_a_keep_without_keys_is_no_trouble(
    virtual: VirtualSite,
    swept: Callable[..., list[tuple[type, str]]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    called = swept((Secrets, "sweep"), MasterKeyMissing())

    async def scenario() -> None:
        async with virtual.host() as host:
            await _worked(virtual, host, MINUTES)

    virtual.run(scenario)
    assert (Threads, "sweep") in called
    assert not caplog.records


def test_what_is_over_is_noted(virtual: VirtualSite, caplog: pytest.LogCaptureFixture) -> None:
    """With the services as they are, and no keys."""

    async def scenario() -> None:
        async with virtual.host() as host:
            await host.keep.leases.acquire(
                thread(), "pen", holder="gone", request_id=RequestId("l"), ttl_seconds=60
            )
            await _worked(virtual, host, MINUTES)
            page = await host.keep.events.read(EVERYBODY)
            assert not isinstance(page, CursorLost)
            kinds = [entry.event.kind for entry in page.entries if isinstance(entry, Recorded)]
            assert kinds == ["lease.acquired", "lease.lapsed"]

    virtual.run(scenario)
    assert not caplog.records
