"""Listing: which threads there are, and which messages nobody has taken."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Unreadable
from turnkeep_application.thread_desk import ThreadDesk
from turnkeep_application.thread_keys import header_key
from turnkeep_application.thread_redacting import EVER
from turnkeep_application.thread_settings import LIST_MAX
from turnkeep_application.thread_views import (
    ThreadPage,
    ThreadView,
    WaitingMessage,
    WaitingPage,
)
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import THREADS, ThreadHeader, admitted
from turnkeep_domain.threads.limits import require_whole_number
from turnkeep_domain.threads.message_states import Accepted, MessageState
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.thread_states import ThreadState
from turnkeep_ports.scans import Due, Sorted, place_of

_LISTED: Final = frozenset({ThreadState.ACTIVE, ThreadState.ARCHIVED})


@frozen(kw_only=True)
class ListingCases(ThreadDesk):
    """The use cases of those who look for threads and messages."""

    async def list_threads(
        self,
        scope: Scope,
        *,
        state: ThreadState = ThreadState.ACTIVE,
        after: str | None = None,
        limit: int | None = None,
    ) -> ThreadPage:
        """The threads of exactly this owner scope, the latest activity first.

        A thread without activity while one pages is listed once, one with activity at most once.

        Args:
            scope: The owner's; it has no thread.
            state: `ACTIVE` or `ARCHIVED`.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200 threads; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The scope is no owner's, the state none that is listed, the limit out of
                bounds, or `after` no `next` of these very threads.
        """
        at_most = self.settings.list_page if limit is None else limit
        require_whole_number("limit", at_most, least=1, most=LIST_MAX)
        require_kind("scope", scope, Scope)
        scope.require_work()
        if scope.thread is not None:
            raise InvalidValue("scope", "must be an owner's, without a thread")
        if state not in _LISTED:
            raise InvalidValue("state", "must be active or archived")
        prefix = ScopePrefix.exactly(scope)
        query = Sorted(collection=THREADS.name, prefix=prefix, state=state.value)
        begin = position_of(after)
        if begin is not None:
            place_of(query, begin)  # refuses the position of another query, before any read
        page = await self.reading.page(
            query, after=begin, limit=at_most, deadline=self.reading.deadline()
        )
        records = [self.reading.decoded(THREADS, cell) for cell in page.cells]
        return ThreadPage(
            threads=tuple(ThreadView.of(one) for one in records if isinstance(one, ThreadHeader)),
            unreadable=tuple(one for one in records if isinstance(one, Unreadable)),
            next=token_of(page.next),
        )

    async def list_unsubmitted(
        self, *, after: str | None = None, limit: int | None = None
    ) -> WaitingPage:
        """The messages of all owners that were accepted a while ago, and that nobody has taken.

        Whoever accepted them was cut off before it could submit them: submit them now. What is in
        a thread that was deleted is left out.

        Args:
            after: The `next` of the page before; None for the first.
            limit: How many are looked at, 1 to 200; 50 unless the settings say otherwise.
        """
        at_most = self.settings.list_page if limit is None else limit
        require_whole_number("limit", at_most, least=1, most=LIST_MAX)
        states = frozenset({MessageState.ACCEPTED.value})
        query = Due(collection=MESSAGES.name, states=states, by=EVER)
        deadline = self.reading.deadline()
        page = await self.reading.page(
            query, after=position_of(after), limit=at_most, deadline=deadline
        )
        records = [self.reading.decoded(MESSAGES, cell) for cell in page.cells]
        due = [one for one in records if isinstance(one, Message) and _is_due(one, page.now)]
        ended = len(due) < sum(isinstance(one, Message) for one in records)
        return WaitingPage(
            messages=tuple(_waiting(one) for one in await self._living(due)),
            unreadable=tuple(one for one in records if isinstance(one, Unreadable)),
            next=None if ended else token_of(page.next),
        )

    async def _living(self, messages: list[Message]) -> list[Message]:
        """Those whose threads are there."""
        if not messages:
            return []
        keys = [header_key(ThreadAddress.of_scope(one.scope)) for one in messages]
        records = (await self.reading.moment(keys)).records
        return [
            one
            for one, at in zip(messages, keys, strict=True)
            if not isinstance(admitted(records[at], at.address.id), Refused)
        ]


def _is_due(message: Message, now: datetime) -> bool:
    match message.state:
        case Accepted(due_at=due_at):
            return due_at is not None and due_at <= now
        case _:
            return False


def _waiting(message: Message) -> WaitingMessage:
    return WaitingMessage(
        scope=message.scope,
        message_id=message.message_id,
        sequence=message.sequence,
        actor=message.actor,
        since=message.created_at,
    )
