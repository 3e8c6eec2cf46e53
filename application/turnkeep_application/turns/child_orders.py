"""A child order: what a run wants a child of its own to carry out, as the parent's journal has it.

All of it follows from the parent as it was claimed and from the call, so that whoever replays the
call names the same child, whether or not the store is asked.
"""

from __future__ import annotations

from typing import Final

from turnkeep_application.turns.order import Order
from turnkeep_domain.request_ids import Digest, RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.effect import EffectKind, JournalCall, Mode
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.run import Run

SPAWNED: Final = Ref("run")
"""The origin of every turn that a run has spawned."""


def child_order(
    parent: Run,
    effect: EffectId,
    *,
    scope: Scope,
    payload: bytes,
    message_ref: Ref | None,
    source_ref: Ref | None,
    reply_ref: Ref | None,
    policy: TurnPolicy | None,
) -> Order:
    """The order of a child, as of `Turns.submit_child`.

    Its actor and, unless one is given, its policy are the parent's. Its id follows from the call's
    place in the parent's journal.

    Raises:
        InvalidValue: A part of it is none.
    """
    return Order(
        operation="submit_child",
        scope=scope,
        actor=parent.turn.actor,
        request_id=RequestId(effect.cell_id(parent.journal)),
        payload=payload,
        message_ref=message_ref,
        source_ref=source_ref,
        reply_ref=reply_ref,
        origin=SPAWNED,
        policy=parent.policy if policy is None else policy,
        lineage=parent.lineage.child_of(parent.address),
    )


def child_call(order: Order, effect: EffectId, arguments: Digest) -> JournalCall:
    """The call as the journal enters it, so that a replay spawns the same or nothing.

    Args:
        order: The child's.
        effect: The call's place.
        arguments: The digest of what the handler gave it.
    """
    return JournalCall(
        id=effect,
        kind=EffectKind.CHILD,
        mode=Mode.KEYED,
        arguments=digest_of("spawn", arguments.hex(), order.digest.hex(), order.run.id),
    )
