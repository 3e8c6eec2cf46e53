"""Several real processes on one server: nothing is lost, doubled or torn."""

from __future__ import annotations

from tests.postgres.databases import shared
from tests.processes.postgres_counting import PostgresBrief, require_whole, workers

PROCESSES = 8
INCREMENTS = 500


def test_eight_processes_count_one_cell_to_four_thousand() -> None:
    """8 x 500 increments end at 4,000."""
    url = shared()[1].clone(for_good=True)
    briefs = [
        PostgresBrief(url=url, name=f"p{number}", ledger="hot", increments=INCREMENTS)
        for number in range(PROCESSES)
    ]
    with workers(*briefs) as running:
        for worker in running:
            worker.finish()
        told = [total for worker in running for total in worker.told]
    assert require_whole(url, told, ledger="hot", most=None) == PROCESSES * INCREMENTS
