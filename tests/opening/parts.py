"""Parts of a keep, as a host would make them, and what of a keep is made of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final, TypedDict

from tests.cipher.rings import KNOWN
from turnkeep import (
    Admission,
    Archive,
    Cipher,
    Clock,
    Ids,
    Random,
    RecordStore,
    Telemetry,
)
from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.cipher.keyless import KeylessCipher
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.admission import OpenAdmission
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.no_archive import NoArchive
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_adapters.telemetry.tallies import Tallies

CLASSES: Final[Mapping[str, tuple[type[object], ...]]] = {
    "admission": (OpenAdmission,),
    "archive": (NoArchive,),
    "cipher": (AesGcmCipher, KeylessCipher),
    "clock": (SystemClock,),
    "ids": (SystemIds,),
    "random": (SystemRandom,),
    "store": (MemoryRecordStore,),
    "telemetry": (SilentTelemetry, Tallies),
}
"""What each part may be in these tests, the container's own choice included."""
_OPAQUE: Final = (type, ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float)


class Parts(TypedDict):
    """Everything but the store, each unlike what the container would have made."""

    admission: Admission
    archive: Archive
    cipher: Cipher
    clock: Clock
    ids: Ids
    random: Random
    telemetry: Telemetry


def parts() -> Parts:
    """Parts of their own: equal to the container's at most, never the same."""
    return Parts(
        admission=OpenAdmission(),
        archive=NoArchive(),
        cipher=KNOWN,
        clock=SystemClock(),
        ids=SystemIds(),
        random=SystemRandom(),
        telemetry=Tallies(),
    )


def memory(clock: Clock) -> RecordStore:
    """A closed store in memory; its wall clock is no part that a test could mistake for another."""
    core = MemoryCore(store_id=bytes(16), wall_clock=lambda: datetime.now(UTC))
    return MemoryRecordStore(core=core, clock=clock)


def found(name: str, inside: object) -> set[int]:
    """The identities of all that plays a part in an object and what it is made of."""
    return {id(thing) for thing in _reachable(inside) if isinstance(thing, CLASSES[name])}


def _reachable(start: object) -> Iterator[object]:
    waiting, seen = [start], {id(start)}
    while waiting:
        thing = waiting.pop()
        yield thing
        for next in gc.get_referents(thing):
            if id(next) not in seen and not isinstance(next, _OPAQUE):
                seen.add(id(next))
                waiting.append(next)
