"""A plain script: it may spend ten dollars in all, however often and on how many hosts it runs.

    python -m examples.script file:///var/lib/agents

One of those that run at the same time does the work; the others see that somebody does.
"""

from __future__ import annotations

import os
import sys

from turnkeep import (
    AccountRef,
    BlockingKeep,
    Ceiling,
    Dimension,
    LeaseHeld,
    Lifetime,
    Limits,
    NotReserved,
    Principal,
    RequestId,
    Scope,
    open_blocking_keep,
)

USD = Dimension.USD_NANO
DOLLAR = 10**9
WORK = Scope.of("acme", "nightly", project="digest")


def main(url: str) -> int:
    """Does the night's work, and tells with its exit code whether all of it was done."""
    with open_blocking_keep(url) as keep:
        limit(keep)
        try:
            with keep.leases.hold(
                WORK, "digest", holder=f"process-{os.getpid()}", patience_seconds=0
            ) as holding:
                for number in range(5):
                    if holding.is_lost or not digest(keep, number):
                        return 1
        except LeaseHeld:
            print("somebody else is at it")
    return 0


def limit(keep: BlockingKeep) -> None:
    """Sets the ceiling; with its request id, that happens once."""
    keep.budgets.set_limit(
        AccountRef.user("acme", "nightly"),
        Limits.of(Lifetime(), {USD: Ceiling.of(10 * DOLLAR)}),
        by=Principal.person("olga"),
        request_id=RequestId("ten dollars"),
    )


def digest(keep: BlockingKeep, number: int) -> bool:
    """Does one piece of work within the budget, or says that there is none left."""
    try:
        with keep.budgets.hold(
            WORK,
            id=RequestId(f"digest-{os.getpid()}-{number}"),
            estimate={USD: 3 * DOLLAR},
            owner="nightly",
        ) as hold:
            hold.use({USD: ask_model(number)})
    except NotReserved as error:
        print(f"digest {number}: {error.refused.reason.code}")
        return False
    print(f"digest {number}: done")
    return True


def ask_model(number: int) -> int:
    """Stands for a model: what the call has cost."""
    return (1 + number) * DOLLAR // 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["memory:"]))
