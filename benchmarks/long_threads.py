"""A long thread: as many messages as it would have after years, put into a store at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import evolve

from turnkeep import Content, InboundRequest, RequestId, Scope, ThreadAddress
from turnkeep_domain.threads.headers import THREADS, ThreadHeader
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.metadata import metadata_of
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.store import ABSENT, CommitId, Committed, Entry, Put, RecordStore

OWNER: Final = Scope.of("acme", "ann", agent="clerk", project="books")
# Fixed, and long ago, so that whatever is appended is an activity.
BEGAN_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
WORDS: Final = (
    "The landlord writes that the rent is 1,185.00 from March on; shall I change it? " * 4
)
_BATCH: Final = 500


def thread_called(name: str) -> ThreadAddress:
    """The address of a thread of the owner."""
    address = ThreadAddress.of(OWNER, name)
    assert isinstance(address, ThreadAddress)
    return address


async def put_thread(
    store: RecordStore, codec: Codec, clock: Clock, name: str, messages: int
) -> None:
    """Puts a thread with so many messages into a store, past every use case."""
    thread = thread_called(name)
    created = ThreadHeader.created(
        thread, created_by="ann", title="Rent", metadata=metadata_of(None), now=BEGAN_AT
    ).state
    header = evolve(created, next_sequence=messages + 1)
    puts = [
        Put(
            header.address, ABSENT, Entry(body=codec.encode(header), index=THREADS.index_of(header))
        )
    ]
    for put in _messages(codec, thread, messages):
        puts.append(put)
        if len(puts) == _BATCH:
            await _commit(store, clock, puts)
            puts = []
    if puts:
        await _commit(store, clock, puts)


def _messages(codec: Codec, thread: ThreadAddress, count: int) -> Iterator[Put]:
    content = Content.of(WORDS)
    for sequence in range(1, count + 1):
        request = InboundRequest(request_id=RequestId(f"old {sequence}"))
        given = NewMessage.inbound(request, content, actor="ann", reply_binding=None)
        message = Message.numbered(
            given, scope=thread.scope, sequence=sequence, now=BEGAN_AT, due_seconds=300
        )
        index = MESSAGES.index_of(message)
        yield Put(message.address, ABSENT, Entry(body=codec.encode(message), index=index))


async def _commit(store: RecordStore, clock: Clock, puts: Sequence[Put]) -> None:
    answer = await store.commit(
        CommitId(secrets.token_bytes(16)),
        puts,
        (),
        valid_until=None,
        deadline=Deadline.after(clock, 60.0),
    )
    assert isinstance(answer, Committed)
