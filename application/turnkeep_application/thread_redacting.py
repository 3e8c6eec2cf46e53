"""Redacting: what a message said is taken away, from everywhere it is shown, and for ever.

In the store, nothing of it is left in any cell once the redaction has answered; and in no file of
the store once a sweep has scrubbed it. A database server's logs and all backups are the operator's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.thread_desk import missing
from turnkeep_application.thread_keys import (
    claim_key,
    family_key,
    header_key,
    message_key,
    summaries_key,
)
from turnkeep_application.thread_reading import ReadingCases
from turnkeep_application.thread_settings import LIST_MAX
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.families import Family
from turnkeep_domain.threads.headers import admitted
from turnkeep_domain.threads.limits import require_whole_number
from turnkeep_domain.threads.message_states import AWAITS_HOST, ErasureDue, Redacted
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.names import MessageId, require_code, require_name
from turnkeep_domain.threads.refusals import (
    GateRefusal,
    MessageNotFound,
    WrongMessageState,
)
from turnkeep_ports.scans import Due

EVER: Final = datetime.max.replace(tzinfo=UTC)
"""A scan by it finds whatever is due at all; who reads a page compares with the page's own now."""


@frozen(kw_only=True)
class PendingErasure:
    """A redacted message, files of which the host has still to delete.

    Attributes:
        scope: The thread's own, in which the message is kept.
        storage_keys: Which files.
        since: When it was redacted.
    """

    scope: Scope
    message_id: MessageId
    storage_keys: tuple[str, ...]
    since: datetime


@frozen(kw_only=True)
class ErasurePage:
    """Some erasures that wait for the host, the oldest first.

    Attributes:
        next: Where the next page begins; None at the end. A page may be empty before it.
    """

    erasures: tuple[PendingErasure, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class RedactingCases(ReadingCases):
    """The use cases of redaction."""

    async def redact(
        self, scope: Scope, thread_id: str, message_id: str, *, code: str, by: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound]:
        """Cuts a message to its identity, here and in every fork that shows it, in one commit.

        Gone with it are the digest by which a redelivery was compared, a title that was derived
        from it, and every summary that covers it. Titles that were set, goals and metadata are
        the caller's to change. A redelivery restores nothing. Idempotent: the first code stands.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: A thread that shows the message: its own, or a fork.
            message_id: The message, in any state.
            code: Why, as a word of the host's; it is kept and shown.
            by: Who does it.

        Returns:
            The message's receipt.
            A refusal of the gate; `MessageNotFound`.
        """
        require_name("message_id", message_id)
        require_code("code", code)
        require_identifier("by", by)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        home = await self._home_of(thread, MessageId(message_id))
        if isinstance(home, Refused):
            return home
        if home is None:
            return Refused(MessageNotFound(MessageId(message_id)))
        return await self._redact(thread, home, MessageId(message_id), code=code, by=by)

    async def erasures(self, *, after: str | None = None, limit: int | None = None) -> ErasurePage:
        """The redacted messages of all owners, files of which the host has still to delete.

        Args:
            after: The `next` of the page before; None for the first.
            limit: How many redacted messages are looked at, 1 to 200; 50 unless the settings say
                otherwise.
        """
        at_most = self.settings.list_page if limit is None else limit
        require_whole_number("limit", at_most, least=1, most=LIST_MAX)
        query = Due(collection=MESSAGES.name, states=frozenset({AWAITS_HOST}), by=EVER)
        page = await self.reading.page(
            query, after=position_of(after), limit=at_most, deadline=self.reading.deadline()
        )
        records = [self.reading.decoded(MESSAGES, cell) for cell in page.cells]
        messages = (each for each in records if isinstance(each, Message))
        return ErasurePage(
            erasures=tuple(_pending(messages)),
            unreadable=tuple(each for each in records if isinstance(each, Unreadable)),
            next=token_of(page.next),
        )

    async def confirm_erasure(
        self, scope: Scope, message_id: str
    ) -> MessageReceipt | Refused[MessageNotFound | WrongMessageState]:
        """Notes that the host has deleted the files of a redacted message, and forgets their keys.

        The erasure is done once the store was scrubbed afterwards, which a sweep does. Idempotent.

        Args:
            scope: The thread's own, as `erasures` answers it.
            message_id: The message.
        """
        require_name("message_id", message_id)
        thread = ThreadAddress.of_scope(scope)
        at = message_key(thread, MessageId(message_id))

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, MessageNotFound | WrongMessageState]:
            message = records[at]
            if message is None:
                return Refused(MessageNotFound(MessageId(message_id)))
            return records.adopt(at, message.host_erased(now=now))

        return await self.updates.update([at], decide)

    # ---- steps ----------------------------------------------------------------------------------

    async def _redact(
        self,
        thread: ThreadAddress,
        home: ThreadAddress,
        message_id: MessageId,
        *,
        code: str,
        by: str,
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound]:
        at, head, own_head = message_key(home, message_id), header_key(thread), header_key(home)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, MessageReceipt, GateRefusal | MessageNotFound] | Need:
            header = admitted(records[head], thread.thread_id)
            if isinstance(header, Refused):
                return header
            message, owner = records[at], records[own_head]
            if message is None or owner is None:
                return Refused(MessageNotFound(message_id))
            redacted = message.redact(code=code, by=by, now=now)
            if isinstance(redacted, Unchanged):
                return redacted
            family_at = family_key(thread, header.family)
            if family_at not in records:
                return Need([family_at])
            family = records[family_at] or Family.begun(thread.owner, header.family)
            showing = [thread.beside(id) for id in family.showing(home.thread_id, message.sequence)]
            further = missing(records, _touched_by(message, thread, showing))
            if further:
                return Need(further)
            after = records.put(at, redacted.state).put(family_at, family.redacted())
            after = after.put(own_head, owner.forgetting(message.sequence))
            after, dropped = _without_traces(after, message, thread, showing, now)
            return Changed(after, redacted.outcome, (*redacted.events, *dropped))

        return await self.updates.update([head, at, own_head], decide)


def _touched_by(
    message: Message, thread: ThreadAddress, showing: Iterable[ThreadAddress]
) -> list[ReadKey[object]]:
    """What may tell of a message, beside its own cell, its header and its family."""
    keys: list[ReadKey[object]] = [summaries_key(each) for each in showing]
    if message.claim_id is not None:
        keys.append(claim_key(thread, message.claim_id))
    return keys


def _without_traces(
    records: Records,
    message: Message,
    thread: ThreadAddress,
    showing: Iterable[ThreadAddress],
    now: datetime,
) -> tuple[Records, tuple[Event, ...]]:
    events: tuple[Event, ...] = ()
    for each in showing:
        kept = records[summaries_key(each)]
        left = None if kept is None else kept.without(message.sequence, now=now)
        if left is not None:
            records = records.put(summaries_key(each), left.state)
            events += left.events
    if message.claim_id is not None:
        at = claim_key(thread, message.claim_id)
        claim = records[at]
        if claim is not None:
            records = records.put(at, claim.cleared())
    return records, events


def _pending(messages: Iterable[Message]) -> Iterable[PendingErasure]:
    for message in messages:
        match message.state:
            case Redacted(at=since, erasure=ErasureDue(storage_keys=keys)) if keys:
                yield PendingErasure(
                    scope=message.scope,
                    message_id=message.message_id,
                    storage_keys=keys,
                    since=since,
                )
            case _:
                continue
