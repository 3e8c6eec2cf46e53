"""Appending: a message takes the next number of its thread, or is found as it stands.

A write of a run may carry the run's right to write (`RunWrite`): it is then refused where the
right is gone, and stored only while it lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from attrs import evolve, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.thread_desk import ThreadDesk, judged, rights
from turnkeep_application.thread_keys import header_key, message_key
from turnkeep_application.thread_runs import RunWrite
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import ThreadHeader, admitted
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.refusals import GateRefusal, ThreadFull

R = TypeVar("R")
Q = TypeVar("Q")

Again: TypeAlias = Callable[[Message, datetime], Decision[Message, MessageReceipt, R]]
"""What becomes of a message that is there already."""


@frozen(kw_only=True)
class Append(Generic[Q, R]):
    """One message that is to be appended.

    Attributes:
        again: Decides, where the message is there.
        write: The run's right to write, if it writes by one.
    """

    thread: ThreadAddress
    given: NewMessage
    again: Again[Q]
    epoch: int | None
    write: RunWrite[R] | None
    settings: ThreadSettings

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, MessageReceipt, GateRefusal | ThreadFull | Q | R] | Need:
        """Gate, right, and then the message: as it stands, or new."""
        head = records[header_key(self.thread)]
        header = admitted(head, self.thread.thread_id, epoch=self.epoch)
        if isinstance(header, Refused):
            return header
        until = judged(self.write, records, now)
        if isinstance(until, Refused | Need):
            return until
        message = records[message_key(self.thread, self.given.message_id)]
        if message is not None:
            return valid_until(self._found(records, header, message, now), until)
        return valid_until(self._new(records, header, now), until)

    def _found(
        self, records: Records, header: ThreadHeader, message: Message, now: datetime
    ) -> Decision[Records, MessageReceipt, Q]:
        at = message_key(self.thread, message.message_id)
        decision = records.adopt(at, self.again(message, now))
        # An ending, which is told, is an activity; what is filled in is none.
        if isinstance(decision, Changed) and decision.events:
            after = decision.state.put(header_key(self.thread), header.touched(now))
            return evolve(decision, state=after)
        return decision

    def _new(
        self, records: Records, header: ThreadHeader, now: datetime
    ) -> Decision[Records, MessageReceipt, ThreadFull]:
        appended = header.append(
            self.given,
            now=now,
            messages_max=self.settings.limits.messages_max,
            due_seconds=self.settings.draft_seconds,
        )
        if isinstance(appended, Refused):
            return appended
        message = appended.state.message
        after = records.put(header_key(self.thread), appended.state.header)
        after = after.put(message_key(self.thread, message.message_id), message)
        return Changed(after, appended.outcome, appended.events)


@frozen(kw_only=True)
class AppendingCases(ThreadDesk):
    """What all use cases share that append."""

    async def _append(
        self,
        scope: Scope,
        thread_id: str,
        given: NewMessage,
        again: Again[Q],
        *,
        epoch: int | None,
        write: RunWrite[R] | None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | Q | R]:
        """Appends a message, or lets what is there decide."""
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        self._require_storable(given, thread)
        append = Append(
            thread=thread,
            given=given,
            again=again,
            epoch=epoch,
            write=write,
            settings=self.settings,
        )
        keys: list[ReadKey[object]] = [header_key(thread), message_key(thread, given.message_id)]
        keys += rights(write)
        return await self.updates.update(keys, append.decide)


def valid_until(
    decision: Decision[Records, MessageReceipt, Q], until: datetime | None
) -> Decision[Records, MessageReceipt, Q]:
    """The decision, to be stored only as long as a right lasts."""
    return evolve(decision, valid_until=until) if isinstance(decision, Changed) else decision
