"""Admission: the host's own say on who may submit what, asked before anything is decided."""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.names import Ref, optional_ref, ref
from turnkeep_domain.turns.policy import TurnPolicy


@frozen(kw_only=True)
class Submission:
    """What somebody wants to submit.

    Attributes:
        message_ref: The message that asks for it; None where none does.
        parent: The run that wants to spawn it; None where somebody submits it from outside.
    """

    scope: Scope = field(validator=of_kind(Scope))
    actor: Principal = field(validator=of_kind(Principal))
    origin: Ref = field(validator=ref)
    message_ref: Ref | None = field(validator=optional_ref)
    policy: TurnPolicy = field(validator=of_kind(TurnPolicy))
    parent: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))


class Admission(Protocol):
    """The host's policy on new turns."""

    async def admits(self, submission: Submission) -> bool:
        """Whether it may be submitted.

        It is asked once for each call, before the thread and the limits are looked at, and its
        answer is used only where the request is not one that was accepted before: a repeat gets
        its run whatever the policy says by then. It must not wait for long, for the caller waits
        with it, and it may be asked again for the same submission.

        Raises:
            Exception: Whatever it raises reaches the caller of `submit` unchanged, unless the
                request was accepted before; nothing is written.
        """
        ...
