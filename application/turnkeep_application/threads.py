"""Threads: the durable transcripts of conversations, in order, for ever or until they are deleted.

A thread owns the order of its messages, who may see what of them, redaction, summaries, and that
what is delivered twice is accepted once. It knows nothing of runs but their ids, and keeps no
bytes of attachments. Nothing is edited in place: whoever wants another past forks before it.

The host stamps scope and actor; clients supply neither. A thread of another scope is absent. Time
is the store's alone. Commands answer a receipt, or `Refused` with a reason that has a stable
`code`; they raise what `Updates.update` raises. Reads raise `Unavailable`, `Corrupt` and
`SchemaTooNew`. Every use case raises `InvalidValue`, or its kind `ThreadLimitExceeded`, for what
breaks a bound, before anything is read and without repeating it.

After a crash, or an `OutcomeUnknown`, repeat the same call: it finds what it has done, or does it.
"""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.thread_drafting import DraftingCases
from turnkeep_application.thread_forking import ForkingCases
from turnkeep_application.thread_inbound import InboundCases
from turnkeep_application.thread_listing import ListingCases
from turnkeep_application.thread_redacting import RedactingCases
from turnkeep_application.thread_summarising import SummarisingCases
from turnkeep_application.thread_sweeping import SweepingCases
from turnkeep_application.thread_transferring import TransferringCases
from turnkeep_application.thread_writing import WritingCases


@frozen(kw_only=True)
class Threads(
    InboundCases,
    DraftingCases,
    WritingCases,
    SummarisingCases,
    RedactingCases,
    ForkingCases,
    ListingCases,
    TransferringCases,
    SweepingCases,
):
    """The use cases of threads; safe to share between tasks.

    Each group of them stands in a module of its own; all work with the same collaborators, which
    `ThreadDesk` names.
    """
