"""A message's mark: the note on a thread's message that a turn was made of it.

It is put by the commit that accepts the turn, so that no message is taken and forgotten, and none
is taken twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from attrs import frozen

from turnkeep_application.records import Records
from turnkeep_application.thread_keys import header_key, message_key
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import admitted
from turnkeep_domain.threads.message_views import MessageReceipt
from turnkeep_domain.threads.names import MessageId
from turnkeep_domain.threads.refusals import GateRefusal, MarkRefusal, MessageNotFound
from turnkeep_domain.turns.names import Ref, RunId, TurnId

MessageRefusal: TypeAlias = GateRefusal | MessageNotFound | MarkRefusal
"""Why no turn can be made of a message."""

_MESSAGE_ID: Final = re.compile(r"m-[0-9a-f]{32}")


@frozen(kw_only=True)
class MessageMark:
    """The mark that a turn puts on the message that asks for it."""

    thread: ThreadAddress
    message_id: MessageId

    @classmethod
    def of(cls, scope: Scope, message_ref: Ref | None) -> MessageMark | None:
        """The mark, if a turn in this scope names a message of its thread; None if it does not.

        Only `m-` and 32 hexadecimal digits are such a name; every other reference is the host's
        own, and nobody looks at it.

        Raises:
            InvalidValue: It does, in a scope whose thread no thread can be called.
        """
        if scope.thread is None or message_ref is None or not _MESSAGE_ID.fullmatch(message_ref):
            return None
        return cls(thread=ThreadAddress.of_scope(scope), message_id=MessageId(message_ref))

    @property
    def keys(self) -> Sequence[ReadKey[object]]:
        """To be loaded as hints: the message is put, and appends may move the header."""
        return (header_key(self.thread), message_key(self.thread, self.message_id))

    def put(
        self, records: Records, *, turn_id: TurnId, run_id: RunId, now: datetime
    ) -> Decision[Records, MessageReceipt, MessageRefusal]:
        """Marks the message as submitted; one that is so marked already, with these ids, stays."""
        header = admitted(records[header_key(self.thread)], self.thread.thread_id)
        if isinstance(header, Refused):
            return header
        at = message_key(self.thread, self.message_id)
        message = records[at]
        if message is None:
            return Refused(MessageNotFound(self.message_id))
        return records.adopt(at, message.submit(turn_id=turn_id, run_id=run_id, now=now))
