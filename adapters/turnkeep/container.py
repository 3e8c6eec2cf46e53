"""The container: where ports meet adapters, for entry points and for tests that override.

Nothing here opens or connects anything. The store is built closed; whoever uses the container
opens it with `async with container.store()` and then asks for `container.keep()`.
"""

from __future__ import annotations

from secrets import token_bytes

from dependency_injector import containers, providers
from dependency_injector.providers import Provider

from turnkeep.settings import Settings
from turnkeep_adapters.cipher.keyless import KeylessCipher
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.admission import OpenAdmission
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.no_archive import NoArchive
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_application.approvals import Approvals
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.credentials import Credentials
from turnkeep_application.event_log import EventLog
from turnkeep_application.keep import Keep
from turnkeep_application.leases import Leases
from turnkeep_application.observed_keep import observed
from turnkeep_application.policies import Policies
from turnkeep_application.reading import Reading
from turnkeep_application.secrets import Secrets
from turnkeep_application.thread_runs import ThreadRuns
from turnkeep_application.threads import Threads
from turnkeep_application.turns.scheduled_runs import ScheduledRuns
from turnkeep_application.turns.turns import Turns
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_application.updates import Updates
from turnkeep_application.vault import Vault
from turnkeep_domain.leases.guards import Guards
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock
from turnkeep_ports.codec import Codec
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import RecordStore
from turnkeep_ports.telemetry import Telemetry

STORE_ID_BYTES = 16


def memory_store(clock: Clock, wall_clock: SystemClock) -> MemoryRecordStore:
    """A memory store of its own, closed and empty."""
    store_id = token_bytes(STORE_ID_BYTES)
    core = MemoryCore(store_id=store_id, wall_clock=wall_clock.utc_now)
    return MemoryRecordStore(core=core, clock=clock)


class Container(containers.DeclarativeContainer):
    """A keep on a memory store; every port and every setting can be overridden.

    Each provider is a singleton of its container. With dependency-injector's own means, a host
    overrides one for good (`container.store.override(...)`) or for a while (`with`).
    """

    settings: Provider[Settings] = providers.Singleton(Settings)

    system_clock: Provider[SystemClock] = providers.Singleton(SystemClock)
    clock: Provider[Clock] = providers.Callable(lambda clock: clock, system_clock)
    random: Provider[Random] = providers.Singleton(SystemRandom)
    ids: Provider[Ids] = providers.Singleton(SystemIds)
    telemetry: Provider[Telemetry] = providers.Singleton(SilentTelemetry)
    codec: Provider[Codec] = providers.Singleton(
        JsonCodec, records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT
    )
    admission: Provider[Admission] = providers.Singleton(OpenAdmission)
    archive: Provider[Archive] = providers.Singleton(NoArchive)
    store: Provider[RecordStore] = providers.Singleton(
        memory_store, clock=clock, wall_clock=system_clock
    )

    updates: Provider[Updates] = providers.Singleton(
        UpdateLoop,
        store=store,
        codec=codec,
        clock=clock,
        random=random,
        ids=ids,
        telemetry=telemetry,
        pacing=settings.provided.pacing,
        rounds=settings.provided.rounds,
        last_seen=settings.provided.last_seen,
        forgone=settings.provided.forgone,
    )
    reading: Provider[Reading] = providers.Singleton(
        Reading,
        store=store,
        codec=codec,
        clock=clock,
        deadline_seconds=settings.provided.approvals.read_seconds,
    )
    approvals: Provider[Approvals] = providers.Singleton(
        Approvals,
        updates=updates,
        reading=reading,
        store=store,
        clock=clock,
        settings=settings.provided.approvals,
    )
    budgets: Provider[Budgets] = providers.Singleton(
        Budgets,
        updates=updates,
        reading=reading,
        ids=ids,
        settings=settings.provided.budgets,
    )
    events: Provider[EventLog] = providers.Singleton(
        EventLog,
        updates=updates,
        reading=reading,
        store=store,
        clock=clock,
        settings=settings.provided.events,
    )
    leases: Provider[Leases] = providers.Singleton(
        Leases,
        updates=updates,
        reading=reading,
        clock=clock,
        random=random,
        ids=ids,
        update_seconds=settings.provided.pacing.deadline_seconds,
        settings=settings.provided.leases,
    )
    policies: Provider[Policies] = providers.Singleton(
        Policies,
        updates=updates,
        reading=reading,
        settings=settings.provided.approvals,
    )
    guards: Provider[Guards] = providers.Singleton(Guards.of, LEASES, TURN_STATES, THREADLESS)
    cipher: Provider[Cipher] = providers.Singleton(KeylessCipher)
    vault: Provider[Vault] = providers.Singleton(Vault, updates=updates, cipher=cipher)
    secrets: Provider[Secrets] = providers.Singleton(
        Secrets,
        updates=updates,
        reading=reading,
        vault=vault,
        ids=ids,
        guards=guards,
        settings=settings.provided.secrets,
    )
    credentials: Provider[Credentials] = providers.Singleton(
        Credentials,
        updates=updates,
        reading=reading,
        vault=vault,
        ids=ids,
        settings=settings.provided.secrets,
    )
    turns: Provider[Turns] = providers.Singleton(
        Turns,
        updates=updates,
        reading=reading,
        store=store,
        clock=clock,
        random=random,
        ids=ids,
        admission=admission,
        archive=archive,
        settings=settings.provided.turns,
        approvals=settings.provided.approvals,
        budgets=settings.provided.budgets,
    )
    thread_runs: Provider[ThreadRuns] = providers.Singleton(
        ScheduledRuns, settings=settings.provided.turns
    )
    threads: Provider[Threads] = providers.Singleton(
        Threads,
        updates=updates,
        reading=reading,
        store=store,
        codec=codec,
        clock=clock,
        runs=thread_runs,
        settings=settings.provided.threads,
    )
    services: Provider[Keep] = providers.Singleton(
        Keep,
        approvals=approvals,
        budgets=budgets,
        credentials=credentials,
        events=events,
        leases=leases,
        policies=policies,
        secrets=secrets,
        threads=threads,
        turns=turns,
    )
    keep: Provider[Keep] = providers.Singleton(observed, services, telemetry)
