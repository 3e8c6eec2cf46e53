"""An import that is watched: what importing modules does beside defining names.

Run as a program with the names of the modules; prints one line for each thing that they did.
"""

import importlib
import os
import sys
import threading
from unittest.mock import patch

ACTS = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.spawn",
    "os.system",
    "signal.setitimer",
    "socket.",
    "sqlite3.connect",
    "subprocess.Popen",
    "tempfile.",
)
# Writing, or creating what is not there.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

seen: list[str] = []


def observe(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(ACTS):
        seen.append(event)
    elif event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITING:
            seen.append(f"open for writing: {path}")


def main(names: list[str]) -> None:
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
    sys.addaudithook(observe)
    # No audit event tells of a thread before Python 3.12.
    start = threading.Thread.start

    def observed_start(thread: threading.Thread) -> None:
        seen.append("a thread started")
        start(thread)

    with patch.object(threading.Thread, "start", observed_start):
        for name in names:
            importlib.import_module(name)
    if os.path.isdir("/proc/self/fd") and set(os.listdir("/proc/self/fd")) - before:
        seen.append("a descriptor left open")
    for line in seen:
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
