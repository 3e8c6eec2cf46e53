"""Logged telemetry tells of use cases and updates in lines, and of nothing where nobody reads."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

import pytest

from turnkeep import (
    LoggedTelemetry,
    Observer,
    Principal,
    RequestId,
    RunContext,
    Scope,
    Worker,
    open_keep,
)
from turnkeep_adapters.telemetry import logged
from turnkeep_ports.observer import Outcome
from turnkeep_ports.telemetry import Counter

WORK: Final = Scope.of("acme", "ann")
LOGGER: Final = "turnkeep.telemetry"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [record for record in caplog.records if record.name == LOGGER]
    assert all(record.levelno == logging.DEBUG for record in told)
    return [re.sub(r"[0-9.]+ ms", "0 ms", record.getMessage()) for record in told]


async def test_a_use_case_and_its_update_are_a_line_each(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=LOGGER)
    async with open_keep("memory:", telemetry=LoggedTelemetry()) as keep:
        await keep.leases.acquire(WORK, "l", holder="me", request_id=RequestId("r"))
        await keep.leases.acquire(WORK, "l", holder="you", request_id=RequestId("s"))
        await keep.leases.get(WORK, "l")
    assert lines(caplog) == [
        "memory lease: changed after 1 attempts, lease.acquired",
        "memory leases.acquire: changed in 0 ms",
        "memory lease: refused after 1 attempts, nothing told",
        "memory leases.acquire: refused (held) in 0 ms",
        "memory leases.get: answered in 0 ms",
    ]


async def test_a_handler_is_a_line_too(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(ctx: RunContext) -> None:
        await asyncio.sleep(0)

    caplog.set_level(logging.DEBUG, logger=LOGGER)
    telemetry = LoggedTelemetry()
    async with open_keep("memory:", telemetry=telemetry) as keep, Worker(keep, handler):
        thread = Scope.of("acme", "ann", agent="clerk", thread="t")
        run = await keep.turns.submit(
            thread, actor=Principal.person("ann"), request_id=RequestId("m")
        )
        assert not hasattr(run, "reason")
        await keep.turns.wait(run.address)
    assert "memory handler: answered in 0 ms" in lines(caplog)


def test_what_does_not_happen_in_every_update_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=LOGGER)
    sink: Observer = LoggedTelemetry()
    for counter in Counter:
        sink.count("lease", counter, 3)
    told = lines(caplog)
    assert "lease: conflicts +3" in told
    assert len(told) == len(Counter) - 3


def test_nothing_is_put_together_where_nobody_reads(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
    monkeypatch.setattr(logged._LOG, "debug", lambda *_: pytest.fail("nobody reads it"))
    sink: Observer = LoggedTelemetry()
    sink.count("lease", Counter.CONFLICTS, 1)
    sink.updated("lease", Outcome.CHANGED, attempts=1, events=())
    sink.begin("leases.get").end(Outcome.ANSWERED, None)
