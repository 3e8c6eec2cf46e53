"""The entry: what the `turnkeep` command runs, whether or not its extra is installed."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

_EXTRA: Final = frozenset({"click", "rich"})
_USAGE: Final = 2
_INTERRUPTED: Final = 130


def main() -> NoReturn:
    """Runs the command line and exits.

    The exit code is 0 if all is well, 1 if a check failed, a worker died or a store is damaged, 2
    if the command, its input or a store cannot be used, 130 after an interrupt, 141 if nobody
    reads the output any more.
    """
    try:
        code = _run()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    sys.exit(code)


def _run() -> int:
    try:
        # The base install has no command line, and must be able to say so.
        from turnkeep_adapters.cli.command import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        print(
            "turnkeep: the command line needs the extra 'cli': pip install 'turnkeep[cli]'",
            file=sys.stderr,
        )
        return _USAGE
    return run(sys.argv[1:])
