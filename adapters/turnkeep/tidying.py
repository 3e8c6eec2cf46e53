"""Tidying a store: all sweeps and retentions of its keep, in earnest or as a rehearsal."""

from __future__ import annotations

from collections.abc import Callable

from turnkeep.building import build_keep
from turnkeep.opening import cipher_of, closed_store, open_keep
from turnkeep.settings import Settings
from turnkeep_adapters.rehearsal.store import RehearsalStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.transfers.wholeness import require_whole
from turnkeep_application.upkeep import ChoreDone, Upkeep
from turnkeep_ports.clock import Deadline


async def tidy_store(
    url: str,
    *,
    dry_run: bool,
    settings: Settings | None = None,
    on_chore: Callable[[ChoreDone], None] | None = None,
) -> tuple[ChoreDone, ...]:
    """Does, once and to its end, what workers do in small doses: notes what time has decided.

    What is long over becomes a tombstone, or is forgotten, as the settings say; runs are retired
    where something archives them, which a host's own keep knows: see `Upkeep`.

    Args:
        url: Which store, as `open_keep` takes it.
        dry_run: Do it all on a rehearsal store, on which nothing is written, and tell the same.
        settings: Retentions and bounds; None for the defaults.
        on_chore: Is told of each chore as soon as it is done.

    Raises:
        What `open_keep` raises. A chore that fails is told of, and stops none of the others.
    """
    chosen = Settings() if settings is None else settings
    if not dry_run:
        async with open_keep(url, settings=chosen) as keep:
            return await Upkeep(keep=keep).run(on_chore)
    rehearsal = RehearsalStore(closed_store(url, chosen))
    cipher = cipher_of(chosen.keys)
    keep = build_keep(store=rehearsal, settings=chosen, cipher=cipher)
    async with rehearsal:
        deadline = Deadline.after(SystemClock(), chosen.pacing.deadline_seconds)
        await require_whole(rehearsal, deadline=deadline)
        if cipher is not None:
            await keep.secrets.begin()
        return await Upkeep(keep=keep).run(on_chore)
