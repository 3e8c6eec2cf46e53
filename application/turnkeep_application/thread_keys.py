"""A thread's keys: where each of its records is kept."""

from __future__ import annotations

from turnkeep_domain.keys import Key, key
from turnkeep_domain.scope import ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.claims import INBOUND, InboundClaim
from turnkeep_domain.threads.families import FAMILIES, Family
from turnkeep_domain.threads.headers import THREADS, ThreadHeader
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.names import ClaimId, MessageId
from turnkeep_domain.threads.summary_set import SUMMARIES, SummarySet


def header_key(thread: ThreadAddress) -> Key[ThreadHeader]:
    """The header."""
    return key(THREADS, thread.owner, thread.thread_id)


def message_key(thread: ThreadAddress, message_id: MessageId) -> Key[Message]:
    """One message of its own."""
    return key(MESSAGES, thread.scope, message_id)


def summaries_key(thread: ThreadAddress) -> Key[SummarySet]:
    """Its summaries."""
    return key(SUMMARIES, thread.scope, thread.thread_id)


def claim_key(thread: ThreadAddress, claim_id: ClaimId) -> Key[InboundClaim]:
    """The claim on an event, which all threads of an owner share."""
    return key(INBOUND, thread.owner, claim_id)


def family_key(thread: ThreadAddress, root: ThreadId) -> Key[Family]:
    """The family of a thread that is no fork, and of all its forks."""
    return key(FAMILIES, thread.owner, root)
