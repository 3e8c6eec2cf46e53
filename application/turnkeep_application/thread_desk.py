"""A thread desk: what every use case of threads works with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from attrs import field, frozen

from turnkeep_application.reading import Reading
from turnkeep_application.records import Need, Records
from turnkeep_application.thread_keys import header_key
from turnkeep_application.thread_runs import NoRuns, RunWrite, ThreadRuns
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import ThreadHeader, admitted
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_at_most
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.refusals import GateRefusal
from turnkeep_domain.threads.texts import bytes_of
from turnkeep_ports.clock import Clock
from turnkeep_ports.codec import Codec
from turnkeep_ports.store import RecordStore

R = TypeVar("R")

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
# A byte of text takes at most six of JSON; providers, bindings and the like have their own bounds.
_JSON_BYTES_MAX: Final = 6
_BESIDE_CONTENT: Final = 96 << 10


@frozen(kw_only=True)
class ThreadDesk:
    """The collaborators of all use cases of threads.

    Attributes:
        store: Is scrubbed after redactions; everything else goes through `updates` and `reading`.
        codec: Measures messages before they are stored.
        runs: What is known of runs; by default nothing.
    """

    updates: Updates
    reading: Reading
    store: RecordStore
    codec: Codec
    clock: Clock
    runs: ThreadRuns = field(factory=NoRuns)
    settings: ThreadSettings = field(factory=ThreadSettings)

    async def _header(
        self, thread: ThreadAddress, epoch: int | None = None
    ) -> ThreadHeader | Refused[GateRefusal]:
        """The header of a thread that is there, read by itself."""
        moment = await self.reading.moment([header_key(thread)])
        return admitted(moment.records[header_key(thread)], thread.thread_id, epoch=epoch)

    def _require_storable(self, given: NewMessage, thread: ThreadAddress) -> None:
        """Refuses a message that would be larger than a message may be.

        Raises:
            ThreadLimitExceeded: It would.
        """
        limits = self.settings.limits
        given.content.require_within(limits)
        if given.provider is not None:
            require_at_most("provider", len(given.provider), limits.provider_bytes_max, "bytes")
        rough = _JSON_BYTES_MAX * _characters(given.content) + _BESIDE_CONTENT
        if rough <= limits.message_bytes_max:
            return
        longest = Message.numbered(
            given, scope=thread.scope, sequence=MESSAGES_MAX, now=_ANY_TIME, due_seconds=1
        )
        size = len(self.codec.encode(longest))
        require_at_most("message", size, limits.message_bytes_max, "bytes")


def missing(records: Records, keys: Sequence[ReadKey[object]]) -> tuple[ReadKey[object], ...]:
    """Those of some keys that were not loaded yet."""
    return tuple(key for key in keys if key not in records)


def judged(
    write: RunWrite[R] | None, records: Records, now: datetime
) -> datetime | Refused[R] | Need | None:
    """Until when a write is valid: as long as its run's right lasts; None for ever."""
    return None if write is None else write.judged(records, now)


def rights(write: RunWrite[R] | None) -> tuple[ReadKey[object], ...]:
    """The records that a run's right rests on."""
    return () if write is None else tuple(write.keys)


def _characters(content: Content) -> int:
    extracted = sum(len(each.extracted_text or "") for each in content.attachments)
    return content.text_bytes + extracted + bytes_of(content.metadata)
