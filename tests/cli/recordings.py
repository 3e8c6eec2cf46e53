"""Recordings for tests: lines with what agents were asked to do, made up as they are needed."""

import json
import random
from collections.abc import Iterator
from typing import Final

TOOLS: Final = (
    "read_file",
    "send_money",
    "delete_files",
    "send_email",
    "deploy",
    "set_price",
    "reset_password",
)


def line(task: object = "desk/1", prompt: object = "Do it.", calls: object = None) -> bytes:
    """One line of a recording; a call of one harmless tool unless others are given."""
    some = [{"tool": "read_file", "args": {"path": "notes.txt"}}] if calls is None else calls
    return json.dumps({"task": task, "prompt": prompt, "calls": some}).encode()


def lines(tasks: int, seed: int = 1) -> Iterator[bytes]:
    """So many tasks of one to four calls each."""
    chance = random.Random(seed)
    for number in range(tasks):
        calls = [
            {"tool": chance.choice(TOOLS), "args": {"item": chance.randrange(1_000)}}
            for _ in range(chance.randint(1, 4))
        ]
        yield line(f"made-up/{number}", "Do what is needed.", calls)


def file_of(*content: bytes) -> bytes:
    return b"".join(one + b"\n" for one in content)
