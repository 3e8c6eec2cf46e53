"""The registry: every kind of record that Turnkeep keeps, by collection."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.grant import GRANTS
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS
from turnkeep_domain.budgets.account import ACCOUNTS as BUDGET_ACCOUNTS
from turnkeep_domain.budgets.pruned import GATES, RESERVATIONS
from turnkeep_domain.consent.consent_settings import CONSENT_SETTINGS
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES
from turnkeep_domain.credentials.account import ACCOUNTS as CREDENTIAL_ACCOUNTS
from turnkeep_domain.credentials.session import SESSIONS
from turnkeep_domain.event_readers.reader import EVENT_READERS
from turnkeep_domain.keys import Collection
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.secrets.canary import CANARIES
from turnkeep_domain.secrets.lease_roll import LEASE_ROLLS
from turnkeep_domain.secrets.secret import SECRETS
from turnkeep_domain.secrets.secret_lease import SECRET_LEASES
from turnkeep_domain.threads.claims import INBOUND
from turnkeep_domain.threads.families import FAMILIES
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.summary_set import SUMMARIES
from turnkeep_domain.transfers.import_mark import IMPORTS
from turnkeep_domain.turns.bucket import BUCKETS
from turnkeep_domain.turns.checkpoint import CHECKPOINTS
from turnkeep_domain.turns.effect import EFFECTS
from turnkeep_domain.turns.ended import RUNS
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES

BUDGETS: Final[tuple[Collection[object], ...]] = (BUDGET_ACCOUNTS, GATES, RESERVATIONS)
"""What budgets keep."""
VAULT: Final[tuple[Collection[object], ...]] = (
    CANARIES,
    CREDENTIAL_ACCOUNTS,
    LEASE_ROLLS,
    SECRETS,
    SECRET_LEASES,
    SESSIONS,
)
"""What secrets and credentials keep: all of it rests on one canary."""
WORK: Final[tuple[Collection[object], ...]] = (
    APPROVALS,
    APPROVAL_PAYLOADS,
    BUCKETS,
    CHECKPOINTS,
    CONSENT_SETTINGS,
    EFFECTS,
    FAMILIES,
    GRANTS,
    INBOUND,
    LANES,
    MESSAGES,
    RUNS,
    SPAWN_TREES,
    SUMMARIES,
    THREADLESS,
    THREADS,
    TOOL_POLICIES,
    TURN_STATES,
)
"""What runs go along with: their threads, their approvals and grants, consent, their queues."""
EVERYTHING: Final[tuple[Collection[object], ...]] = (
    EVENT_READERS,
    IMPORTS,
    LEASES,
    *BUDGETS,
    *VAULT,
    *WORK,
)
"""Every collection; a record of any other is none of Turnkeep's."""
