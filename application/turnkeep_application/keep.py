"""A keep: the services of one store, as a host holds them."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.approvals import Approvals
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.event_log import EventLog
from turnkeep_application.threads import Threads
from turnkeep_application.turns.turns import Turns


@frozen(kw_only=True)
class Keep:
    """Everything that a host asks Turnkeep for. Safe to share among the tasks of one event loop.

    Attributes:
        approvals: Puts calls of agents before the people who may decide them.
        budgets: Says before metered work starts whether it may.
        events: Tells what has happened, in order.
        turns: Accepts what agents are asked to do, and has it carried out once.
        threads: Keeps the transcripts of conversations.
    """

    approvals: Approvals
    budgets: Budgets
    events: EventLog
    turns: Turns
    threads: Threads
