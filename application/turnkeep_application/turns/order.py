"""An order: what a turn is submitted with, from which its ids and its digest follow."""

from __future__ import annotations

import hashlib
from datetime import datetime

from attrs import field, frozen

from turnkeep_application.turns.message_marks import MessageMark
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import Ref, RunId, optional_ref, ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.turn import Turn, run_id, turn_id
from turnkeep_ports.admission import Submission


@frozen(kw_only=True)
class Order:
    """What somebody, or a run, wants to be carried out.

    Attributes:
        operation: `submit` or `submit_child`: one request id may serve each once.
        payload: What was asked; only its digest is ever kept.
        lineage: Where the run would stand in its tree.
    """

    operation: str
    scope: Scope = field(validator=of_kind(Scope))
    actor: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)
    payload: bytes = field(validator=of_kind(bytes), repr=False)
    message_ref: Ref | None = field(validator=optional_ref)
    source_ref: Ref | None = field(validator=optional_ref)
    reply_ref: Ref | None = field(validator=optional_ref)
    origin: Ref = field(validator=ref)
    policy: TurnPolicy = field(validator=of_kind(TurnPolicy))
    lineage: Lineage

    @scope.validator
    def _is_work(self, _: object, scope: Scope) -> None:
        scope.require_work()

    def __attrs_post_init__(self) -> None:
        # Whatever is wrong with the message's name is told before anything is read.
        MessageMark.of(self.scope, self.message_ref)

    @property
    def run(self) -> RunAddress:
        """Where its run is found, whoever repeats it."""
        return RunAddress(self.scope, self._run_id)

    @property
    def mark(self) -> MessageMark | None:
        """The mark on the message that asks for it, if that is one of its own thread."""
        return MessageMark.of(self.scope, self.message_ref)

    @property
    def submitter(self) -> Actor:
        """Whoever submits it; of a child, whoever submitted the parent."""
        return Actor.submitter(self.actor)

    @property
    def digest(self) -> Digest:
        """What tells a repeat from another order under the same request id."""
        policy = self.policy
        return digest_of(
            self.operation,
            hashlib.sha256(self.payload).hexdigest(),
            (self.actor.kind.value, self.actor.id),
            self.message_ref,
            self.source_ref,
            self.reply_ref,
            self.origin,
            policy.turn_class.value,
            int(policy.journaled),
            policy.lost_max,
            policy.returned_max,
        )

    def turn(self, now: datetime) -> Turn:
        """The turn, once it is accepted."""
        return Turn(
            id=turn_id(self.scope, self.request_id),
            scope=self.scope,
            actor=self.actor,
            message_ref=self.message_ref,
            source_ref=self.source_ref,
            reply_ref=self.reply_ref,
            origin=self.origin,
            payload=self.digest,
            created_at=now,
        )

    def submission(self) -> Submission:
        """What the host's policy is asked."""
        return Submission(
            scope=self.scope,
            actor=self.actor,
            origin=self.origin,
            message_ref=self.message_ref,
            policy=self.policy,
            parent=self.lineage.parent,
        )

    @property
    def _run_id(self) -> RunId:
        return run_id(self.scope, self.operation, self.request_id)
