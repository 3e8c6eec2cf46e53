"""Building a keep: the services over parts that a host has made, with no container of its own."""

from __future__ import annotations

from dependency_injector import providers

from turnkeep.container import Container
from turnkeep.settings import Settings
from turnkeep_application.keep import Keep
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import RecordStore
from turnkeep_ports.telemetry import Telemetry


def build_keep(
    *,
    store: RecordStore,
    settings: Settings | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    ids: Ids | None = None,
    telemetry: Telemetry | None = None,
    cipher: Cipher | None = None,
    admission: Admission | None = None,
    archive: Archive | None = None,
) -> Keep:
    """The services over a store, for a host that wires by hand or with a container of its own.

    Nothing is opened or read. The store is the host's to open, in the event loop that it is used
    in, before it asks for anything, and to close. With a cipher, `await keep.secrets.begin()` comes
    first: it finds out whether the store was written under the cipher's keys. Two keeps share
    nothing but what both were given; one keep for each store and process is best, for updates that
    meet in one keep go together.

    Args:
        store: Where the records are.
        settings: Bounds of the host's choice; None for the defaults. Those of files and postgres
            concern only stores that `open_keep` makes, and those of keys only its ciphers.
        clock: Measures deadlines and pauses; None for the system's.
        random: Where the jitter of pauses comes from; None for the system's.
        ids: Where new ids come from; None for the system's.
        telemetry: Where the update loop counts; None for nowhere.
        cipher: What seals secrets; None for none, and secrets are refused.
        admission: Who may submit what; None to admit everybody.
        archive: What takes ended runs over; None for nothing, and no run is ever retired.

    Raises:
        Unsupported: The store cannot change several cells at once.
    """
    container = Container()
    parts = {
        "store": store,
        "settings": settings,
        "clock": clock,
        "random": random,
        "ids": ids,
        "telemetry": telemetry,
        "cipher": cipher,
        "admission": admission,
        "archive": archive,
    }
    for name, part in parts.items():
        if part is not None:
            container.providers[name].override(providers.Object(part))
    keep: Keep = container.keep()
    return keep
