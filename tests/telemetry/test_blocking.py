"""A blocking keep is told of as an async one is, within the spans of the threads that call it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.telemetry.ear import Ear
from turnkeep import RequestId, Scope, Tenancy, open_blocking_keep

WORK: Final = Scope.of("acme", "ann")


def test_a_use_case_has_its_span_within_that_of_the_calling_thread() -> None:
    ear = Ear()
    host = ear.tracers.get_tracer("host")

    with open_blocking_keep("memory:", telemetry=ear.observer) as keep:

        def acquire(number: int) -> None:
            with host.start_as_current_span(f"host {number}"):
                held = keep.leases.acquire(
                    WORK, f"l{number}", holder="me", request_id=RequestId(f"r{number}")
                )
                assert isinstance(held, Tenancy)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(acquire, range(8)))
    parents = [span.parent.span_id for span in ear.spans("turnkeep.leases.acquire") if span.parent]
    hosts = [ear.span(f"host {number}").context.span_id for number in range(8)]
    assert sorted(parents) == sorted(hosts)
