"""A program that fills a store from an export, and is killed where it is told to be."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from turnkeep import import_store, roll_back_import


def main(url: str, file: str, killed_at: int, what: str) -> None:
    calls = 0

    def further(done: int, total: int | None) -> None:
        nonlocal calls
        calls += 1
        if calls == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    if what == "clear":
        asyncio.run(roll_back_import(url, on_progress=further))
        return
    with open(file, "rb") as source:
        asyncio.run(import_store(url, source, on_progress=further))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
