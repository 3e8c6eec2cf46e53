"""Runs the benchmarks and prints a line for each ratio: both sides, and how far apart they are.

Usage: python benchmarks/run.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import (
    p1_hot_budget,
    p1_hot_cell,
    p2_one_writer,
    p3_cost_growth,
    p4_convoy,
    p5_lifecycles,
    p5b_claimants,
    p6_durable_files,
    p7_processes,
    p8_loop,
    p9_footprint,
    p10_threads,
)
from benchmarks.figure import Benchmark
from turnkeep import settle_collector

BENCHMARKS: Final[tuple[Benchmark, ...]] = (
    p1_hot_budget.BENCHMARK,
    p1_hot_cell.BENCHMARK,
    p2_one_writer.BENCHMARK,
    p3_cost_growth.BENCHMARK,
    p4_convoy.BENCHMARK,
    p5_lifecycles.BENCHMARK,
    p5b_claimants.BENCHMARK,
    p6_durable_files.BENCHMARK,
    p7_processes.BENCHMARK,
    p8_loop.BENCHMARK,
    p9_footprint.BENCHMARK,
    p10_threads.BENCHMARK,
)


def main() -> None:
    """Measures all figures; a goal that is missed is a finding, not a failure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    figures = []
    for benchmark in BENCHMARKS:
        # Both sides alike: what this process has loaded for one must not cost the other.
        settle_collector()
        figure = benchmark.measure(benchmark.rounds_quick if options.quick else benchmark.rounds)
        figures.append(figure)
        for line in figure.lines():
            print(line, flush=True)
    if options.json is not None:
        report = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            "figures": [figure.facts() for figure in figures],
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
