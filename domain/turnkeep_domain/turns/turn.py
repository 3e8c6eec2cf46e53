"""A turn: one accepted request to an agent, immutable."""

from __future__ import annotations

import json
from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.limits import RETRIES_MAX
from turnkeep_domain.turns.names import Ref, RunId, TurnId, optional_ref, ref
from turnkeep_domain.version_8 import version_8


@frozen(kw_only=True)
class Turn:
    """Who wants what done, by references alone: no prompt and no secret is kept here.

    Attributes:
        actor: Whoever submitted it.
        message_ref: The message that asks for it; None where none does.
        source_ref: Where it came from, for example a channel.
        reply_ref: Where an answer belongs.
        origin: What brought it about, in the host's words (`chat`, `schedule`); of a child, `run`.
        payload: The digest of what was submitted, so that a reused request id is told.
    """

    id: TurnId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    actor: Principal = field(validator=of_kind(Principal))
    message_ref: Ref | None = field(validator=optional_ref)
    source_ref: Ref | None = field(validator=optional_ref)
    reply_ref: Ref | None = field(validator=optional_ref)
    origin: Ref = field(validator=ref)
    payload: Digest = field(validator=of_kind(bytes), repr=False)
    created_at: datetime = field(validator=instant)


def turn_id(scope: Scope, request_id: RequestId) -> TurnId:
    """The id of the turn that this request submits, whoever repeats it."""
    return TurnId(_derived(scope, "turn", request_id))


def run_id(scope: Scope, operation: str, request_id: RequestId) -> RunId:
    """The id of the run that this request begins, whoever repeats it.

    Args:
        scope: The full scope of the thread.
        operation: `submit` or `submit_child`: one request id may serve each once.
        request_id: The caller's; of a child, derived from its place in the journal.
    """
    return RunId(_derived(scope, operation, request_id))


def retry_id(scope: Scope, failed: RunId) -> RunId:
    """The id of the one run that does another again, whoever asks for it and how often.

    So there is never a second live run on one journal, and no retry goes past a step that a later
    run of the journal has left uncertain.

    Args:
        scope: The full scope of the thread.
        failed: The run that failed; or a retry of it that was called off.
    """
    return RunId(_derived(scope, "retry", failed))


def retry_ids(scope: Scope, failed: RunId) -> tuple[RunId, ...]:
    """The ids of the runs that may repeat a failed run, each the one before: 8 at most.

    Whoever stands on a run's journal after it is one of them, so that nothing has to be read to
    tell, or to find, them.
    """
    ids, last = list[RunId](), failed
    for _ in range(RETRIES_MAX):
        last = retry_id(scope, last)
        ids.append(last)
    return tuple(ids)


def _derived(scope: Scope, operation: str, of: str) -> str:
    parts = [*scope.components(), operation, of]
    return version_8(json.dumps(parts, separators=(",", ":")).encode())
