"""The command: `python -m examples.agentdojo banking slack`, with options for store and kills."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from examples.agentdojo.processes import ProcessDied
from examples.agentdojo.trial import Trial
from turnkeep import TurnkeepError

_SUITES: Final = ("banking", "slack")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.agentdojo",
        description="Suites of a benchmark, carried out by workers that are killed meanwhile.",
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="kiosk, banking, slack, ...")
    parser.add_argument("--store", metavar="URL", help="a store; a new one in files unless given")
    parser.add_argument("--workers", type=int, default=3, help="how many work at once")
    parser.add_argument("--kills", type=int, default=12, help="how many are killed, for each suite")
    parser.add_argument("--seed", type=int, default=1, help="what chance is drawn from")
    return parser


async def _hold(trials: Sequence[Trial]) -> bool:
    passed = True
    for trial in trials:
        report = await trial.held()
        print("\n".join(report.lines()), flush=True)
        passed = passed and report.passed
    return passed


def main(arguments: Sequence[str] | None = None) -> int:
    """Holds the trials that are asked for.

    Returns:
        0 if every task of each has passed, 1 if one has not, 2 if a trial broke off.
    """
    asked = _parser().parse_args(arguments)
    trials = [
        Trial(
            suite=suite,
            store=asked.store,
            workers=asked.workers,
            kills=asked.kills,
            seed=asked.seed,
        )
        for suite in asked.suites or _SUITES
    ]
    try:
        return 0 if asyncio.run(_hold(trials)) else 1
    except* (ProcessDied, TimeoutError, TurnkeepError) as errors:
        print(f"a trial broke off: {_first_of(errors)}", file=sys.stderr)
    return 2


def _first_of(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
