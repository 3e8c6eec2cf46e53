"""A child: a run that a handler spawns, once, however often its line is replayed."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.turns.child_orders import child_call, child_order
from turnkeep_application.turns.message_marks import MessageRefusal
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.step_values import digest
from turnkeep_domain.decisions import Refused
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import SpawnRefusal


@frozen(kw_only=True)
class ChildTurn:
    """What a child is to carry out; as of `RunContext.spawn`."""

    scope: Scope
    payload: bytes
    message_ref: Ref | None
    source_ref: Ref | None
    reply_ref: Ref | None
    policy: TurnPolicy | None


@frozen
class Children:
    """The runs that one handler spawns."""

    runner: Runner

    async def spawn(self, name: str, child: ChildTurn) -> RunAddress:
        """As `RunContext.spawn` promises."""
        runner = self.runner
        id = runner.journal.next_call(name)
        turns, claim = runner.turns, runner.claim
        arguments = digest(
            "child",
            [*child.scope.components()],
            child.payload,
            [child.message_ref, child.source_ref, child.reply_ref],
            _policy_parts(child.policy),
        )
        order = child_order(
            runner.run,
            id,
            scope=child.scope,
            payload=child.payload,
            message_ref=child.message_ref,
            source_ref=child.source_ref,
            reply_ref=child.reply_ref,
            policy=child.policy,
        )
        call = child_call(order, id, arguments)
        if await runner.entered(call) is not None:
            return order.run

        async def submit() -> RunView | Refused[SpawnRefusal | MessageRefusal]:
            return await turns.submit_child(
                claim,
                id,
                scope=child.scope,
                payload=child.payload,
                message_ref=child.message_ref,
                source_ref=child.source_ref,
                reply_ref=child.reply_ref,
                policy=child.policy,
                arguments=arguments,
            )

        return (await runner.make(call, lambda: runner.ask(submit))).address


def _policy_parts(policy: TurnPolicy | None) -> list[str | int | bool]:
    if policy is None:
        return []
    return [
        policy.turn_class.value,
        policy.journaled,
        policy.lost_max,
        policy.returned_max,
    ]
