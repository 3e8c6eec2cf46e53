"""A worker refuses settings under which two could believe that they hold one run."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.application.worker.sites import VirtualSite
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.worker import Worker
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.policy import TurnClass


async def handler(ctx: RunContext) -> None:
    raise AssertionError("there is nothing to do")


@pytest.mark.parametrize(
    "bad",
    [
        {"fence_seconds": 30.0},
        {"heartbeat_seconds": 75.0},
        {"heartbeat_seconds": 0.01},
        {"poll_seconds": 0.0},
        {"sweep_seconds": 0.01},
        {"sweep_records": 0},
        {"drain_seconds": -1.0},
        {"unwind_seconds": 0.0},
        {"parting_seconds": -0.1},
    ],
)
def test_settings_have_bounds(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad)).split("_")[0]):
        evolve(WorkerSettings(), **bad)  # type: ignore[arg-type]  # times alone are given


def test_a_fence_is_shorter_than_the_lease(virtual: VirtualSite) -> None:
    async def scenario() -> None:
        async with virtual.host() as host:
            lease_seconds = host.pace.turns.lease_seconds
            host.worker(handler, fence_seconds=lease_seconds - 0.1)
            with pytest.raises(InvalidValue):
                host.worker(handler, fence_seconds=lease_seconds)

    virtual.run(scenario)


def test_a_worker_has_bounds(virtual: VirtualSite) -> None:
    async def scenario() -> None:
        async with virtual.host() as host:
            for bad in (
                {"concurrency": 0},
                {"concurrency": 1_001},
                {"classes": ()},
                {"holder": " w1"},
            ):
                with pytest.raises(ValueError, match=next(iter(bad))):
                    Worker(host.keep, handler, **bad)
            assert Worker(host.keep, handler).holder != Worker(host.keep, handler).holder
            twice = [TurnClass.BACKGROUND, TurnClass.BACKGROUND]
            assert Worker(host.keep, handler, classes=twice).classes == (TurnClass.BACKGROUND,)

    virtual.run(scenario)
