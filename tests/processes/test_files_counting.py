"""Several real processes on one directory: nothing is lost, doubled or torn."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.processes.counting import Brief, require_whole, scrubbed, workers
from turnkeep_adapters.files.inspection import inspect, verify

PROCESSES = 8
INCREMENTS = 500


def test_eight_processes_count_one_cell_to_four_thousand(tmp_path: Path) -> None:
    """F1: 8 x 500 increments end at 4,000, while every process compacts the log."""
    path = tmp_path / "store"
    briefs = [
        Brief(path=path, name=f"p{number}", ledger="hot", increments=INCREMENTS)
        for number in range(PROCESSES)
    ]
    with workers(*briefs) as running:
        for worker in running:
            worker.finish()
        told = [total for worker in running for total in worker.told]
    assert require_whole(path, told, ledger="hot", most=None) == PROCESSES * INCREMENTS
    verification = verify(path)
    assert verification.findings == ()
    assert verification.first > 0, "the log was never compacted"
    # Whoever ended while it compacted has left the rest to others.
    asyncio.run(scrubbed(path))
    facts = inspect(path)
    assert (facts.left, facts.trash, facts.unknown) == ((), (), ())
    assert require_whole(path, told, ledger="hot", most=None) == PROCESSES * INCREMENTS


def test_two_compactors_at_once_do_no_harm(tmp_path: Path) -> None:
    """F6: Two processes that both compact after nearly every commit."""
    path = tmp_path / "store"
    briefs = [
        Brief(path=path, name=f"p{number}", ledger=f"l{number}", increments=150)
        for number in range(2)
    ]
    with workers(*briefs) as running:
        for worker in running:
            worker.finish()
        for worker in running:
            ledger = worker.brief.ledger
            assert require_whole(path, worker.told, ledger=ledger, most=None) == 150
    verification = verify(path)
    assert verification.findings == ()
    assert len(inspect(path).checkpoints) == 2
