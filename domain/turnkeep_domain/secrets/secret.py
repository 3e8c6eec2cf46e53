"""A secret: material under a handle of its owner, encrypted, replaced and deleted by generation.

```text
    absent --a--> Live --a--> Live        a  put: the generation rises by one
                    |                     b  deleted: it rises too, and the material is gone
                    '--b--> Deleted --a--> Live
```

Generations never fall and never repeat: a put over a tombstone goes on counting. That material is
over by its expiry is judged, never stored.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import (
    DIGEST_BYTES,
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, marked, moment, number, optional, raw, text
from turnkeep_domain.secrets.events import SecretDeleted, SecretPut
from turnkeep_domain.secrets.generations import Expected, generation, met, spelt
from turnkeep_domain.secrets.handles import Handle, handle
from turnkeep_domain.secrets.limits import REQUESTS_MAX
from turnkeep_domain.secrets.owners import owner
from turnkeep_domain.secrets.refusals import (
    GenerationMismatch,
    PutRefusal,
    SecretDeleteRefusal,
    SecretExpired,
)
from turnkeep_domain.secrets.sealing import UNSEALED, UNWRITTEN, envelope, seal
from turnkeep_domain.secrets.states import SecretOutcome, SecretState

_NAME: Final = "secret"

Requests: TypeAlias = Marks[SecretOutcome]


@frozen(kw_only=True)
class Secret:
    """A secret that has material.

    Attributes:
        envelope: The encrypted material.
        expires_at: From this instant on it is over; None: never.
        created_at: When the first put since it was absent was stored.
        marks: The last 64 puts and deletions.
    """

    owner: Scope = field(validator=owner)
    handle: Handle = field(validator=handle)
    generation: int = field(validator=generation)
    envelope: bytes = field(validator=envelope, repr=False)
    expires_at: datetime | None = field(validator=optional_instant)
    created_at: datetime = field(validator=instant)
    updated_at: datetime = field(validator=instant)
    marks: Requests = field(validator=of_kind(Marks))
    seal: bytes = field(validator=seal, repr=False)

    def is_over(self, now: datetime) -> bool:
        """Whether its expiry has come."""
        return self.expires_at is not None and self.expires_at <= now

    def binding(self) -> Binding:
        """Everything that it says, but for seal and envelope."""
        return Binding.of(
            "turnkeep/secret/v1",
            address_of(self.owner, self.handle),
            number(self.generation),
            optional(self.expires_at, moment),
            moment(self.created_at),
            moment(self.updated_at),
            marked(self.marks, _outcome_bytes),
        )


@frozen(kw_only=True)
class DeletedSecret:
    """What is left of a deleted secret, for ever; a put makes a secret of it again.

    Attributes:
        digest: The SHA-256 of the last envelope, which tells nothing of what was in it.
        envelope: Nothing; it is not stored.
    """

    owner: Scope = field(validator=owner)
    handle: Handle = field(validator=handle)
    generation: int = field(validator=generation)
    created_at: datetime = field(validator=instant)
    deleted_at: datetime = field(validator=instant)
    digest: Digest = field(repr=False)
    marks: Requests = field(validator=of_kind(Marks))
    seal: bytes = field(validator=seal, repr=False)

    @digest.validator
    def _is_digest(self, _: object, digest: Digest) -> None:
        if type(digest) is not bytes or len(digest) != DIGEST_BYTES:
            raise InvalidValue("digest", f"must have {DIGEST_BYTES} bytes")

    @property
    def envelope(self) -> bytes:
        """There is none."""
        return b""

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/secret-deleted/v1",
            address_of(self.owner, self.handle),
            number(self.generation),
            moment(self.created_at),
            moment(self.deleted_at),
            raw(self.digest),
            marked(self.marks, _outcome_bytes),
        )


SecretRecord: TypeAlias = Secret | DeletedSecret
"""What a cell of the collection holds."""


def address_of(owner: Scope, handle: Handle) -> Address:
    """Where a secret is kept."""
    return Address(_NAME, owner, handle)


def put_secret(
    record: SecretRecord | None,
    *,
    owner: Scope,
    handle: Handle,
    expires_at: datetime | None,
    expected: Expected,
    request_id: RequestId,
    arguments: tuple[Digest, ...],
    now: datetime,
) -> Decision[SecretRecord, SecretOutcome, PutRefusal]:
    """Material takes the place of whatever is there. In this order: repeat, expected, expiry.

    The envelope is left to be written, by whoever has the material and a key.

    Args:
        record: What is there.
        owner: Whose the secret is.
        handle: Its name.
        expires_at: When the material is over.
        expected: What must be there.
        request_id: The idempotency key.
        arguments: The request's keyed codes, one for each key of the ring, the primary's first: a
            plain digest of material would let anybody confirm a guess. A repeat whose key is gone
            cannot be told from another request, and is refused as one.
        now: The store's.
    """
    marks: Requests = Marks.none() if record is None else record.marks
    replay = _replayed(marks, request_id, arguments)
    if replay is not None:
        return replay
    known = 0 if record is None else record.generation
    if not met(expected, generation=known, absent=not isinstance(record, Secret)):
        return Refused(GenerationMismatch(known))
    if expires_at is not None and expires_at <= now:
        return Refused(SecretExpired())
    outcome = SecretOutcome(state=SecretState.LIVE, generation=known + 1)
    mark = Mark(request_id, arguments[0], outcome)
    secret = Secret(
        owner=owner,
        handle=handle,
        generation=known + 1,
        envelope=UNWRITTEN,
        expires_at=expires_at,
        created_at=record.created_at if isinstance(record, Secret) else now,
        updated_at=now,
        marks=remember(marks, mark, bound=REQUESTS_MAX),
        seal=UNSEALED,
    )
    return Changed(secret, outcome, (_told_of(secret, request_id),), expires_at)


def delete_secret(
    record: SecretRecord | None, *, expected: Expected, request_id: RequestId, now: datetime
) -> Decision[SecretRecord, SecretOutcome, SecretDeleteRefusal]:
    """The material goes, a tombstone stays. In this order: repeat, nothing there, expected."""
    if record is None:
        return Unchanged(SecretOutcome(state=SecretState.DELETED, generation=0))
    arguments = digest_of("delete", spelt(expected))
    replay = _replayed(record.marks, request_id, (arguments,))
    if replay is not None:
        return replay
    if isinstance(record, DeletedSecret):
        return Unchanged(SecretOutcome(state=SecretState.DELETED, generation=record.generation))
    if not met(expected, generation=record.generation, absent=False):
        return Refused(GenerationMismatch(record.generation))
    outcome = SecretOutcome(state=SecretState.DELETED, generation=record.generation + 1)
    tombstone = DeletedSecret(
        owner=record.owner,
        handle=record.handle,
        generation=outcome.generation,
        created_at=record.created_at,
        deleted_at=now,
        digest=Digest(hashlib.sha256(record.envelope).digest()),
        marks=remember(record.marks, Mark(request_id, arguments, outcome), bound=REQUESTS_MAX),
        seal=UNSEALED,
    )
    event = SecretDeleted(
        address=address_of(record.owner, record.handle),
        at=now,
        generation=outcome.generation,
        request_id=request_id,
    )
    return Changed(tombstone, outcome, (event,))


def state_of(record: SecretRecord, now: datetime) -> SecretState:
    """Where it stands; material that is over is expired, though nobody noted it."""
    match record:
        case Secret():
            return SecretState.EXPIRED if record.is_over(now) else SecretState.LIVE
        case DeletedSecret():
            return SecretState.DELETED
        case _:
            assert_never(record)


def _told_of(secret: Secret, request_id: RequestId) -> SecretPut:
    return SecretPut(
        address=address_of(secret.owner, secret.handle),
        at=secret.updated_at,
        generation=secret.generation,
        request_id=request_id,
        expires_at=secret.expires_at,
    )


def _replayed(
    marks: Requests, request_id: RequestId, arguments: tuple[Digest, ...]
) -> Unchanged[SecretOutcome] | Refused[RequestIdReused] | None:
    for mark in marks.entries:
        if mark.request_id == request_id:
            known = mark.arguments in arguments
            return Unchanged(mark.outcome) if known else Refused(RequestIdReused(request_id))
    return None


def _outcome_bytes(outcome: SecretOutcome) -> bytes:
    return text(outcome.state.value) + number(outcome.generation)


def _index(record: SecretRecord) -> Index:
    # Nothing is ever due: expiry is judged, not stored.
    state = SecretState.LIVE if isinstance(record, Secret) else SecretState.DELETED
    return Index(state=state.value, due_at=None, sort=record.handle)


SECRETS: Final[Collection[SecretRecord]] = Collection(
    name=_NAME,
    members=(Secret, DeletedSecret),
    permanent=True,
    index=_index,
    identity=lambda record: Identity(record.owner, record.handle),
    marks=lambda record: record.marks,
)
