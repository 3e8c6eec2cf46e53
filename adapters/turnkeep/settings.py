"""Settings: every bound that a host may choose, in one frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen
from attrs.validators import deep_iterable, instance_of

from turnkeep.environment import Environment
from turnkeep_adapters.cipher.settings import KeySettings
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.event_settings import EventSettings
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.lease_settings import LeaseSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.store_parts import Feature
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.turns.turn_settings import TurnSettings

PREFIX: Final = "TURNKEEP"
"""What the variables of settings start with."""
ELSEWHERE: Final[Mapping[str, str]] = {
    "TURNKEEP_POSTGRES_UPDATE_SECONDS": "TURNKEEP_PACING_DEADLINE_SECONDS",
}


@frozen(kw_only=True)
class Settings:
    """What a keep is built with; the defaults suit a host that has no wishes.

    Attributes:
        keys: Where master keys are read from; without them, secrets are refused.
        pacing: Attempts, pauses and the deadline of every update.
        rounds: How updates of one process go together.
        last_seen: What updates remember of cells.
        approvals: Lifetimes, pages and waits of approvals.
        budgets: Times, pages and retention of budgets.
        events: For how long events are kept, and how followers poll.
        leases: Times of leases, and of those who wait for them.
        secrets: Times, quotas and pages of secrets and credentials.
        turns: Leases, backoffs and retention of runs.
        threads: Limits, pages, times of waiting and sweeps of threads.
        files: Grouping, compaction and durability of a store in files.
        postgres: The pool, times and hints of a store in PostgreSQL; its update deadline is
            always that of `pacing`.
        forgone: What the host does without, where its keep is on several stores.
    """

    keys: KeySettings = field(factory=KeySettings, validator=instance_of(KeySettings))
    pacing: Pacing = field(factory=Pacing, validator=instance_of(Pacing))
    rounds: RoundSettings = field(factory=RoundSettings, validator=instance_of(RoundSettings))
    last_seen: LastSeenSettings = field(
        factory=LastSeenSettings, validator=instance_of(LastSeenSettings)
    )
    approvals: ApprovalSettings = field(
        factory=ApprovalSettings, validator=instance_of(ApprovalSettings)
    )
    threads: ThreadSettings = field(factory=ThreadSettings, validator=instance_of(ThreadSettings))
    budgets: BudgetSettings = field(factory=BudgetSettings, validator=instance_of(BudgetSettings))
    events: EventSettings = field(factory=EventSettings, validator=instance_of(EventSettings))
    leases: LeaseSettings = field(factory=LeaseSettings, validator=instance_of(LeaseSettings))
    secrets: SecretSettings = field(factory=SecretSettings, validator=instance_of(SecretSettings))
    files: FilesSettings = field(factory=FilesSettings, validator=instance_of(FilesSettings))
    postgres: PostgresSettings = field(
        factory=PostgresSettings, validator=instance_of(PostgresSettings)
    )
    turns: TurnSettings = field(factory=TurnSettings, validator=instance_of(TurnSettings))
    forgone: frozenset[Feature] = field(
        default=frozenset(),
        validator=deep_iterable(instance_of(Feature), instance_of(frozenset)),
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The settings that variables of the environment name, and else the defaults.

        A variable is named by its group and its field: `TURNKEEP_PACING_ATTEMPTS_MAX`. Everything
        but the redactor of approvals, which is code, can be set. No variable holds a secret: those
        of keys name where keys are, and the URL of a store is the host's to keep.

        Args:
            environment: The variables; None for those of the process.

        Raises:
            InvalidSetting: A variable holds what its setting cannot be, or names a group and no
                setting of it, or misspells a setting; or several do not fit together.
        """
        texts = os.environ if environment is None else environment
        known = Environment(texts=texts, elsewhere=ELSEWHERE)
        known.require_known(cls, PREFIX)
        return known.read(cls, PREFIX)
