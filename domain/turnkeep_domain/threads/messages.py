"""A message: one entry of a thread, with its number, whoever wrote it.

Its number never changes, and nothing that was settled is edited: what a user sent is never
rewritten, what an assistant has ended stands. Redaction alone takes away, and for ever. The module
is long because the commands of one aggregate, and what its cells are, stand together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypedDict

from attrs import evolve, field, frozen
from attrs.validators import optional

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.claims import require_payload_digest
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.limits import MESSAGES_MAX, SLOT_MAX, require_whole_number
from turnkeep_domain.threads.message_events import (
    MessageAccepted,
    MessageAppended,
    MessageErased,
    MessageEvent,
    MessageFinalized,
    MessageInterrupted,
    MessageOpened,
    MessageRedacted,
    MessageRejectedBusy,
    MessageSubmitted,
)
from turnkeep_domain.threads.message_states import (
    Accepted,
    Draft,
    ErasureDone,
    ErasureDue,
    Finalized,
    Interrupted,
    MessageKind,
    MessagePhase,
    Redacted,
    RejectedBusy,
    Submitted,
    allowed,
    indexed_as,
    message_state,
    phase_due_at,
)
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.names import ClaimId, MessageId, name, optional_name, optional_ref
from turnkeep_domain.threads.new_messages import NewMessage, require_provider
from turnkeep_domain.threads.refusals import (
    AlreadyFinalized,
    AlreadyInterrupted,
    AlreadyRejected,
    AlreadySubmitted,
    DraftConflict,
    DraftEndRefusal,
    DraftRefusal,
    EventActorMismatch,
    EventPayloadMismatch,
    InboundRefusal,
    MarkRefusal,
    MessageConflict,
    MessageIsRedacted,
    ToolResultConflict,
    WrongMessageState,
)
from turnkeep_domain.threads.tool_results import ToolResult
from turnkeep_domain.turns.names import RunId, TurnId

_NAME: Final = "messages"
SEQUENCE_DIGITS: Final = 20


class _Facts(TypedDict):
    """What every event of a message tells."""

    address: Address
    at: datetime
    sequence: int
    message_kind: MessageKind
    run_id: RunId | None


@frozen(kw_only=True)
class Message:
    """An entry of a thread.

    Attributes:
        scope: The thread's own.
        sequence: Its number, from 1, without gaps.
        actor: Who wrote it, as the host has established.
        claim_id: The claim on the event that it came as; None where it came otherwise.
        turn_id, run_id: Of a user's message, what it was submitted as; of others, whose it is.
        slot: Which of its run's messages an assistant's is.
        tool: What a tool's message holds.
        provider: Private data of a provider; shown in windows that ask for it alone.
        payload_digest: Of what was delivered, to tell a repeat from another; None where erased.
        changed_at: When it was stored last.
    """

    scope: Scope = field(validator=of_kind(Scope))
    message_id: MessageId = field(validator=name)
    sequence: int = field()
    kind: MessageKind = field(validator=of_kind(MessageKind))
    state: MessagePhase = field()
    actor: str | None = field(validator=optional_identifier)
    source_binding: str | None = field(validator=optional_ref, repr=False)
    reply_binding: str | None = field(validator=optional_ref, repr=False)
    claim_id: ClaimId | None = field(validator=optional_name)
    turn_id: TurnId | None = field(validator=optional_name)
    run_id: RunId | None = field(validator=optional_name)
    slot: int | None = field()
    content: Content = field(validator=of_kind(Content))
    tool: ToolResult | None = field(validator=optional(of_kind(ToolResult)))
    provider: bytes | None = field(repr=False)
    payload_digest: bytes | None = field(repr=False)
    created_at: datetime = field(validator=instant)
    changed_at: datetime = field(validator=instant)

    @sequence.validator
    def _is_a_number(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)

    @state.validator
    def _fits_the_kind(self, _: object, state: MessagePhase) -> None:
        if not allowed(self.kind, state):
            raise InvalidValue("state", "must be one of the message's kind")

    @slot.validator
    def _is_a_slot(self, _: object, slot: int | None) -> None:
        if slot is not None:
            require_whole_number("slot", slot, least=0, most=SLOT_MAX)

    @provider.validator
    def _provider_fits(self, _: object, provider: bytes | None) -> None:
        require_provider(provider)

    @payload_digest.validator
    def _is_digest(self, _: object, digest: bytes | None) -> None:
        require_payload_digest(digest)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.state, Submitted) and None in (self.turn_id, self.run_id):
            raise InvalidValue("run_id", "must be there once a message is submitted")
        if isinstance(self.state, Redacted):
            if not self._is_cut():
                raise InvalidValue("state", "must leave nothing of a redacted message")
        elif (self.tool is None) == (self.kind is MessageKind.TOOL_RESULT):
            raise InvalidValue("tool", "must be there for results of tools alone")

    @classmethod
    def numbered(
        cls, given: NewMessage, *, scope: Scope, sequence: int, now: datetime, due_seconds: int
    ) -> Message:
        """A new message, with its number, and in the first state of its kind.

        Where it waits for something, it may wait `due_seconds` before somebody looks after it.
        """
        return cls(
            scope=scope,
            message_id=given.message_id,
            sequence=sequence,
            kind=given.kind,
            state=_born(given, now + timedelta(seconds=due_seconds)),
            actor=given.actor,
            source_binding=given.source_binding,
            reply_binding=given.reply_binding,
            claim_id=given.claim_id,
            turn_id=None,
            run_id=given.run_id,
            slot=given.slot,
            content=given.content,
            tool=given.tool,
            provider=given.provider,
            payload_digest=given.payload_digest,
            created_at=now,
            changed_at=now,
        )

    # ---- what is seen of it ---------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.message_id)

    def born(self) -> MessageEvent:
        """The event that it was appended."""
        told = self._told(self.created_at)
        match self.kind, self.state:
            case MessageKind.USER, _:
                return MessageAccepted(**told)
            case MessageKind.ASSISTANT, Draft():
                return MessageOpened(**told)
            case MessageKind.ASSISTANT, _:
                return MessageFinalized(**told)
            case _:
                return MessageAppended(**told)

    def receipt(self, *, new: bool, observation_dropped: bool = False) -> MessageReceipt:
        """What a command on it is told."""
        return MessageReceipt(
            message_id=self.message_id,
            sequence=self.sequence,
            state=message_state(self.state),
            version=self.state.version if isinstance(self.state, Draft) else None,
            turn_id=self.turn_id,
            run_id=self.run_id,
            new=new,
            observation_dropped=observation_dropped,
        )

    def view(self, *, with_provider: bool = False) -> MessageView:
        """It, as readers see it."""
        return MessageView(
            message_id=self.message_id,
            sequence=self.sequence,
            kind=self.kind,
            state=message_state(self.state),
            actor=self.actor,
            source_binding=self.source_binding,
            reply_binding=self.reply_binding,
            turn_id=self.turn_id,
            run_id=self.run_id,
            slot=self.slot,
            version=self.state.version if isinstance(self.state, Draft) else None,
            code=self.state.code if isinstance(self.state, Interrupted | Redacted) else None,
            content=self.content,
            tool=self.tool,
            created_at=self.created_at,
            changed_at=self.changed_at,
            provider=self.provider if with_provider else None,
        )

    # ---- users' messages ------------------------------------------------------------------------

    def delivered_again(
        self, given: NewMessage
    ) -> Unchanged[MessageReceipt] | Refused[InboundRefusal]:
        """The same event or request, delivered again: the message as it stands."""
        if self.kind is not given.kind:
            return Refused(MessageConflict(self.message_id))
        if not isinstance(self.state, Redacted):
            if self.actor != given.actor:
                return Refused(EventActorMismatch())
            if self.payload_digest not in (None, given.payload_digest):
                return Refused(EventPayloadMismatch())
        return Unchanged(self.receipt(new=False))

    def submit(
        self, *, turn_id: TurnId, run_id: RunId, now: datetime
    ) -> Decision[Message, MessageReceipt, MarkRefusal]:
        """A scheduler has made a turn and a run of it, once."""
        match self.state:
            case Accepted():
                after = evolve(
                    self, state=Submitted(), turn_id=turn_id, run_id=run_id, changed_at=now
                )
                event = MessageSubmitted(**after._told(now), turn_id=turn_id)
                return Changed(after, after.receipt(new=True), (event,))
            case Submitted() if (self.turn_id, self.run_id) == (turn_id, run_id):
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._not_marked("submit"))

    def reject_busy(self, *, now: datetime) -> Decision[Message, MessageReceipt, MarkRefusal]:
        """A scheduler turns it away, for good: the thread was busy."""
        match self.state:
            case Accepted():
                after = evolve(self, state=RejectedBusy(), changed_at=now)
                event = MessageRejectedBusy(**after._told(now))
                return Changed(after, after.receipt(new=True), (event,))
            case RejectedBusy():
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._not_marked("reject_busy"))

    # ---- assistants' messages -------------------------------------------------------------------

    def updated(
        self, *, version: int, content: Content, now: datetime, due_seconds: int
    ) -> Decision[Message, MessageReceipt, DraftRefusal]:
        """A draft says something else: all of it, under a higher version.

        A version that is not higher changes nothing, so late updates overwrite nothing.
        """
        match self.state:
            case Draft(version=present) if version > present:
                due_at = now + timedelta(seconds=due_seconds)
                state = Draft(version=version, due_at=due_at)
                after = evolve(self, state=state, content=content, changed_at=now)
                return Changed(after, after.receipt(new=True), ())
            case Draft(version=present) if version == present and content != self.content:
                return Refused(DraftConflict(present))
            case Draft():
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._not_drafted("update_draft"))

    def finalized(
        self, *, content: Content, provider: bytes | None, now: datetime
    ) -> Decision[Message, MessageReceipt, DraftEndRefusal]:
        """A run ends the text; the same text again changes nothing."""
        match self.state:
            case Draft():
                after = evolve(
                    self, state=Finalized(), content=content, provider=provider, changed_at=now
                )
                event = MessageFinalized(**after._told(now))
                return Changed(after, after.receipt(new=True), (event,))
            case Finalized() if self.kind is MessageKind.ASSISTANT and self.content == content:
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._not_drafted("finalize"))

    def interrupted(
        self, *, code: str, now: datetime
    ) -> Decision[Message, MessageReceipt, DraftEndRefusal]:
        """Nobody will end the draft; what it says so far stands."""
        match self.state:
            case Draft():
                after = evolve(self, state=Interrupted(code), changed_at=now)
                event = MessageInterrupted(**after._told(now), code=code)
                return Changed(after, after.receipt(new=True), (event,))
            case Interrupted(code=present) if present == code:
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._not_drafted("interrupt"))

    # ---- all others -----------------------------------------------------------------------------

    def resulted_again(
        self, given: NewMessage, *, now: datetime, observation_dropped: bool
    ) -> Decision[Message, MessageReceipt, ToolResultConflict]:
        """The same result of a tool again; what was not known of it before is filled in, once."""
        repeat = Unchanged(self.receipt(new=False, observation_dropped=observation_dropped))
        if isinstance(self.state, Redacted):
            return repeat
        conflict = Refused(ToolResultConflict(self.message_id))
        if self.tool is None or given.tool is None or self.content != given.content:
            return conflict
        mine, theirs = self.tool, given.tool
        if (mine.result_ref, mine.safe_summary) != (theirs.result_ref, theirs.safe_summary):
            return conflict
        if None not in (mine.observation, theirs.observation) and mine != theirs:
            return conflict
        if None not in (self.provider, given.provider) and self.provider != given.provider:
            return conflict
        filled = evolve(
            self,
            tool=mine if theirs.observation is None else theirs,
            provider=self.provider if given.provider is None else given.provider,
        )
        if filled == self:
            return repeat
        after = evolve(filled, changed_at=now)
        return Changed(after, after.receipt(new=False, observation_dropped=observation_dropped), ())

    def appended_again(
        self, given: NewMessage
    ) -> Unchanged[MessageReceipt] | Refused[MessageConflict]:
        """The same message of the system, preview or checkpoint again."""
        if self.kind is given.kind and isinstance(self.state, Redacted):
            return Unchanged(self.receipt(new=False))
        mine = (self.kind, self.content, self.actor, self.run_id)
        if mine == (given.kind, given.content, given.actor, given.run_id):
            return Unchanged(self.receipt(new=False))
        return Refused(MessageConflict(self.message_id))

    # ---- redaction ------------------------------------------------------------------------------

    def redact(
        self, *, code: str, by: str, now: datetime
    ) -> Changed[Message, MessageReceipt] | Unchanged[MessageReceipt]:
        """Cuts it to its identity, in any state; the first code stands."""
        if isinstance(self.state, Redacted):
            return Unchanged(self.receipt(new=False))
        erasure = ErasureDue(storage_keys=self.content.storage_keys)
        after = _cut(self, Redacted(code=code, by=by, at=now, erasure=erasure))
        after = evolve(after, changed_at=now)
        event = MessageRedacted(**after._told(now), code=code)
        return Changed(after, after.receipt(new=True), (event,))

    def host_erased(self, *, now: datetime) -> Decision[Message, MessageReceipt, WrongMessageState]:
        """The host has deleted what the storage keys named, which are forgotten."""
        match self.state:
            case Redacted(erasure=ErasureDue(storage_keys=keys)) if keys:
                state = evolve(self.state, erasure=ErasureDue(storage_keys=()))
                after = evolve(self, state=state, changed_at=now)
                return Changed(after, after.receipt(new=True), ())
            case Redacted():
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._wrong("confirm_erasure"))

    def erased(self, *, now: datetime) -> Decision[Message, MessageReceipt, WrongMessageState]:
        """The store was scrubbed after the host had deleted its files: nothing is left."""
        match self.state:
            case Redacted(erasure=ErasureDue(storage_keys=())):
                state = evolve(self.state, erasure=ErasureDone())
                after = evolve(self, state=state, changed_at=now)
                return Changed(after, after.receipt(new=True), (MessageErased(**after._told(now)),))
            case Redacted(erasure=ErasureDone()):
                return Unchanged(self.receipt(new=False))
            case _:
                return Refused(self._wrong("erase"))

    # ---- steps ----------------------------------------------------------------------------------

    def _told(self, now: datetime) -> _Facts:
        return _Facts(
            address=self.address,
            at=now,
            sequence=self.sequence,
            message_kind=self.kind,
            run_id=self.run_id,
        )

    def _is_cut(self) -> bool:
        said = (self.actor, self.source_binding, self.reply_binding, self.tool, self.provider)
        left = any(each is not None for each in (*said, self.payload_digest))
        return not left and self.content == Content.nothing()

    def _not_marked(self, attempted: str) -> MarkRefusal:
        match self.state:
            case Submitted() if self.turn_id is not None and self.run_id is not None:
                return AlreadySubmitted(turn_id=self.turn_id, run_id=self.run_id)
            case RejectedBusy():
                return AlreadyRejected(self.message_id)
            case Redacted():
                return MessageIsRedacted(self.message_id)
            case _:
                return self._wrong(attempted)

    def _not_drafted(self, attempted: str) -> DraftEndRefusal:
        match self.state:
            case Finalized() if self.kind is MessageKind.ASSISTANT:
                return AlreadyFinalized(self.view())
            case Interrupted(code=code):
                return AlreadyInterrupted(code)
            case Redacted():
                return MessageIsRedacted(self.message_id)
            case _:
                return self._wrong(attempted)

    def _wrong(self, attempted: str) -> WrongMessageState:
        return WrongMessageState(message_state(self.state), attempted)


def _born(given: NewMessage, due_at: datetime) -> MessagePhase:
    if given.kind is MessageKind.USER:
        return Accepted(due_at=due_at)
    return Draft(version=0, due_at=due_at) if given.draft else Finalized()


def _cut(message: Message, state: Redacted) -> Message:
    """The message's identity: its number, its kind, and the ids that led to it."""
    return evolve(
        message,
        state=state,
        actor=None,
        source_binding=None,
        reply_binding=None,
        content=Content.nothing(),
        tool=None,
        provider=None,
        payload_digest=None,
    )


def sorted_at(sequence: int) -> str:
    """What a message with this number is sorted by: digits of fixed width."""
    return f"{sequence:0{SEQUENCE_DIGITS}}"


MESSAGES: Final[Collection[Message]] = Collection(
    name=_NAME,
    members=(Message,),
    permanent=False,
    # Numbers are unique in a thread, and a scan of several breaks ties by the key.
    index=lambda message: Index(
        state=indexed_as(message.state),
        due_at=phase_due_at(message.state),
        sort=sorted_at(message.sequence),
    ),
    identity=lambda message: Identity(message.scope, message.message_id),
    marks=lambda _: None,
)
