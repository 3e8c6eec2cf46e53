"""Writes the golden files that are missing: `python -m tests.codec.write_golden`.

A file that exists is never written again. If one has other bytes than this release writes, the
format has changed: raise its schema, add the upcaster, and the new number gets a file of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.codec.golden_files import DIRECTORY, GoldenName, newest_bodies


def write(bodies: Mapping[GoldenName, bytes], directory: Path) -> list[str]:
    """Writes what is missing and answers its names; a file that differs stops all.

    Raises:
        FileExistsError: A file exists with other bytes; nothing was written.
    """
    paths = {directory / name.file_name: body for name, body in bodies.items()}
    changed = [path.name for path, body in paths.items() if _differs(path, body)]
    if changed:
        raise FileExistsError(f"golden files are never overwritten: {', '.join(changed)}")
    missing = {path: body for path, body in paths.items() if not path.exists()}
    for path, body in missing.items():
        with path.open("xb") as file:
            file.write(body)
    return [path.name for path in missing]


def _differs(path: Path, body: bytes) -> bool:
    return path.exists() and path.read_bytes() != body


if __name__ == "__main__":
    try:
        for written in write(newest_bodies(), DIRECTORY):
            print(written)
    except FileExistsError as refusal:
        sys.exit(str(refusal))
