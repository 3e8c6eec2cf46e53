"""The garbage collector of a process that does Turnkeep's work: it looks often, and finds nothing.

Records refer to nothing that refers to them, so they go the moment nobody needs them. The collector
does not know that: the more runs or commands are under way at once, the more often it looks through
all of them, and now and then through every module and class besides.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS_MIN: Final = 10_000
"""How many more objects than before let the collector look; Python's own answer is 700 to 2,000."""


def settle_collector() -> None:
    """Takes what is loaded out of the collector's sight, and lets it look less often.

    For the whole process, so it is for the program to decide and never called by a keep. Call it
    once the program has started: its modules imported, its keep open. What is there then, and later
    becomes garbage that refers to itself, is kept until the process ends. It may be called again.
    A collector that was disabled, or that looks less often already, stays so.
    """
    gc.collect()
    gc.freeze()
    young, middle, old = gc.get_threshold()
    if 0 < young < YOUNG_OBJECTS_MIN:
        gc.set_threshold(YOUNG_OBJECTS_MIN, middle, old)
