"""Parts that are none, names that are not there, and settings of another kind."""

import turnkeep
from turnkeep import (  # expect: attr-defined
    Pacing,
    RecordStore,
    Scop,
    Settings,
    build_keep,
    open_keep,
)


class Silent:
    def count(self, collection: str) -> None:
        del collection


def built(store: RecordStore) -> None:
    build_keep()  # expect: call-arg
    build_keep(store="memory:")  # expect: arg-type
    build_keep(store=store, telemetry=Silent())  # expect: arg-type
    open_keep("memory:", pool="postgresql://")  # expect: arg-type
    open_keep("memory:", settings=Pacing())  # expect: arg-type
    Settings(pacing={"attempts_max": 3})  # expect: arg-type
    Settings.from_environment({"TURNKEEP_PACING_ATTEMPTS_MAX": 3})  # expect: dict-item
    del turnkeep.nothing  # expect: attr-defined
