"""A keep: the services of one store, as a host holds them."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_application.approvals import Approvals
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.credentials import Credentials
from turnkeep_application.event_log import EventLog
from turnkeep_application.leases import Leases
from turnkeep_application.policies import Policies
from turnkeep_application.secrets import Secrets
from turnkeep_application.threads import Threads
from turnkeep_application.turns.turns import Turns
from turnkeep_ports.observer import Observer


@frozen(kw_only=True)
class Keep:
    """Everything that a host asks Turnkeep for. Safe to share among the tasks of one event loop.

    Attributes:
        approvals: Puts calls of agents before the people who may decide them.
        budgets: Says before metered work starts whether it may.
        credentials: Lets bearers of sessions use accounts for their targets; needs a master key.
        events: Tells what has happened, in order.
        leases: Lets one holder at a time own a named resource.
        policies: Keeps what users have allowed once for all, and says what that means for a call.
        secrets: Keeps material, and lends it a counted number of times; needs a master key.
        turns: Accepts what agents are asked to do, and has it carried out once.
        threads: Keeps the transcripts of conversations.
        observer: Is told of what its workers' handlers do; None for nobody.
    """

    approvals: Approvals
    budgets: Budgets
    credentials: Credentials
    events: EventLog
    leases: Leases
    policies: Policies
    secrets: Secrets
    turns: Turns
    threads: Threads
    observer: Observer | None = field(default=None, repr=False)
