"""A thread archive: a whole thread as lines of JSON, which prove that none is missing or altered.

The first line has the thread, then come its messages by their numbers and a line with all of its
summaries. The last line closes the archive with their counts and the SHA-256 of all lines before
it; without that line it is no archive. Lines are stored records in the codec's own spelling,
without what is private: whose the thread is, providers' data, digests, claims and request ids.
Forks are flattened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

from attrs import evolve, frozen

from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.request_ids import Marks
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import THREADS, ThreadHeader
from turnkeep_domain.threads.message_states import (
    Accepted,
    Draft,
    ErasureDone,
    Interrupted,
    MessageKind,
    MessagePhase,
    Redacted,
)
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.new_messages import payload_digest
from turnkeep_domain.threads.refusals import ImportInvalid
from turnkeep_domain.threads.summaries import Summary
from turnkeep_domain.threads.summary_set import SUMMARIES, SummarySet
from turnkeep_domain.threads.thread_states import Active, Archived
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Corrupt, SchemaTooNew

T = TypeVar("T")

IMPORTED: Final = "imported"
"""The code of drafts that were cut off by being exported."""

_NAME: Final = ThreadId("archive")
_OWNER: Final = Scope.of("archive", "archive")
_PLACE: Final = ThreadAddress(owner=_OWNER, thread_id=_NAME)
_ENDS_MAX: Final = 1_000


@frozen(kw_only=True)
class Closing:
    """What the last line says of all lines before it."""

    messages: int
    summaries: int
    sha256: str

    def line(self) -> str:
        """The line itself."""
        facts = {"messages": self.messages, "sha256": self.sha256, "summaries": self.summaries}
        return json.dumps({"closing": facts}, separators=(",", ":"))


class Sealing:
    """The lines of an archive while it is written: counted, and hashed one after the other."""

    def __init__(self, codec: Codec) -> None:
        """Begins an archive."""
        self._codec = codec
        self._hash = hashlib.sha256()
        self._messages = 0

    def header(self, header: ThreadHeader) -> str:
        """The first line."""
        return self._line(
            evolve(
                header,
                scope=_OWNER,
                thread_id=_NAME,
                epoch=1,
                base=(),
                family=_NAME,
                origin=None,
                requests=Marks.none(),
            )
        )

    def message(self, message: Message) -> str:
        """The line of the next message."""
        self._messages += 1
        return self._line(
            evolve(
                message,
                scope=_PLACE.scope,
                state=_exported(message.state, message.changed_at),
                claim_id=None,
                provider=None,
                payload_digest=None,
            )
        )

    def end(self, summaries: Sequence[Summary]) -> tuple[str, str]:
        """The line of the summaries, and the last one."""
        kept = evolve(SummarySet.empty(_PLACE), summaries=tuple(summaries))
        line = self._line(kept)
        closing = Closing(
            messages=self._messages, summaries=len(kept.summaries), sha256=self._hash.hexdigest()
        )
        return line, closing.line()

    def _line(self, record: object) -> str:
        body = self._codec.encode(record)
        self._hash.update(body + b"\n")
        return body.decode()


@frozen(kw_only=True)
class Archive:
    """An archive that was checked, from the first line to the last.

    Attributes:
        digest: The SHA-256 of what was closed: what it is known by, to go on with its import.
        header: The thread, in no owner's scope.
        summaries: Of the thread.
    """

    digest: bytes
    header: ThreadHeader
    summaries: tuple[Summary, ...]
    _codec: Codec
    _lines: Sequence[str]

    @property
    def messages(self) -> int:
        """How many messages the thread has."""
        return self.header.committed

    def size_bytes(self, sequence: int) -> int:
        """How many bytes a message takes."""
        return len(self._lines[sequence].encode())

    def message(self, sequence: int, thread: ThreadAddress) -> Message:
        """A message, as it is to be kept in a thread: nothing of it is due."""
        found = _message(self._codec, self._lines[sequence])
        if found.kind is MessageKind.USER and not isinstance(found.state, Redacted):
            bindings = (found.source_binding, found.reply_binding)
            digest = payload_digest(found.actor, bindings, found.content)
            found = evolve(found, payload_digest=digest)
        return evolve(found, scope=thread.scope, state=_imported(found.state))

    def summary_set(self, thread: ThreadAddress) -> SummarySet:
        """The summaries, as they are to be kept for a thread."""
        return evolve(SummarySet.empty(thread), summaries=self.summaries)


class _Invalid(Exception):
    """A line breaks a rule: its number, or None, and the rule."""


def read_archive(codec: Codec, text: str, *, messages_max: int) -> Archive | ImportInvalid:
    """Checks an archive whole, and reads it as far as its messages.

    Args:
        codec: Reads the lines.
        text: All of it.
        messages_max: How many messages a thread may have.
    """
    try:
        return _read(codec, text, messages_max)
    except _Invalid as invalid:
        return ImportInvalid(*invalid.args)


def _read(codec: Codec, text: str, messages_max: int) -> Archive:
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    closing = _closing(lines)
    before = "".join(f"{line}\n" for line in lines[:-1])
    try:
        digest = hashlib.sha256(before.encode())
    except UnicodeEncodeError:
        raise _Invalid(None, "must be text in UTF-8") from None
    if digest.hexdigest() != closing.sha256:
        raise _Invalid(None, "must have the SHA-256 that its last line says")
    if len(lines) != closing.messages + 3:
        raise _Invalid(None, "must have as many messages as its last line says")
    header = _decoded(codec, THREADS, Address(THREADS.name, _OWNER, _NAME), 1, lines[0])
    kept_at = Address(SUMMARIES.name, _PLACE.scope, _NAME)
    kept = _decoded(codec, SUMMARIES, kept_at, len(lines) - 1, lines[-2])
    _require_agreement(header, kept, closing, messages_max)
    _require_messages(codec, lines[1:-2])
    return Archive(
        digest=digest.digest(),
        header=header,
        summaries=kept.summaries,
        codec=codec,
        lines=lines,
    )


def _closing(lines: Sequence[str]) -> Closing:
    if len(lines) < 3 or len(lines[-1]) > _ENDS_MAX:
        raise _Invalid(None, "must begin with a thread and end with its closing line")
    match _json(len(lines), lines[-1]):
        case {
            "closing": {
                "messages": int(messages),
                "summaries": int(summaries),
                "sha256": str(sha256),
            }
        }:
            return Closing(messages=messages, summaries=summaries, sha256=sha256)
        case _:
            raise _Invalid(len(lines), "must be the closing line")


def _require_agreement(
    header: ThreadHeader, kept: SummarySet, closing: Closing, messages_max: int
) -> None:
    if not isinstance(header.state, Active | Archived) or header.base:
        raise _Invalid(1, "must be a thread that is there and no fork")
    if header.committed != closing.messages:
        raise _Invalid(1, "must have as many messages as follow")
    if header.committed > messages_max:
        raise _Invalid(1, f"must have at most {messages_max} messages")
    if len(kept.summaries) != closing.summaries:
        raise _Invalid(None, "must have as many summaries as its last line says")
    if any(each.end > header.committed for each in kept.summaries):
        raise _Invalid(None, "must have summaries of its own messages alone")


def _require_messages(codec: Codec, lines: Sequence[str]) -> None:
    seen: set[str] = set()
    for sequence, line in enumerate(lines, start=1):
        message = _message(codec, line, number=sequence + 1)
        if message.sequence != sequence or message.message_id in seen:
            raise _Invalid(sequence + 1, "must be the next message")
        seen.add(message.message_id)


def _message(codec: Codec, line: str, *, number: int = 0) -> Message:
    match _json(number, line):
        case {"d": {"message_id": str(id)}} if id:
            try:
                at = Address(MESSAGES.name, _PLACE.scope, id)
            except ValueError:
                raise _Invalid(number, "must be a message") from None
            return _decoded(codec, MESSAGES, at, number, line)
        case _:
            raise _Invalid(number, "must be a message")


def _decoded(codec: Codec, of: Collection[T], at: Address, number: int, line: str) -> T:
    try:
        return codec.decode(of, at, line.encode())
    except Corrupt:
        raise _Invalid(number, f"must be a record of {of.name}") from None
    except SchemaTooNew:
        raise _Invalid(number, "must be of this release or an older one") from None


def _json(number: int, line: str) -> object:
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError):
        raise _Invalid(number, "must be JSON") from None
    return parsed


def _exported(state: MessagePhase, changed_at: datetime) -> MessagePhase:
    match state:
        case Accepted():
            return Accepted(due_at=None)
        case Draft():
            return evolve(state, due_at=changed_at)
        case Redacted():
            return evolve(state, erasure=ErasureDone())
        case _:
            return state


def _imported(state: MessagePhase) -> MessagePhase:
    return Interrupted(IMPORTED) if isinstance(state, Draft) else state
