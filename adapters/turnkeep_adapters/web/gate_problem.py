"""A gate problem: a refusal or a doubt, as a web handler answers it."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from attrs import frozen

from turnkeep_adapters.web.gate_code import GateCode
from turnkeep_application.errors import Contended
from turnkeep_domain.approvals.grant_refusals import GrantBusy
from turnkeep_domain.approvals.refusals import AmbiguousGate, NotPending
from turnkeep_domain.decisions import Refused
from turnkeep_ports.errors import OutcomeUnknown, PayloadTooLarge, Unavailable

Doubt: TypeAlias = Contended | Unavailable | OutcomeUnknown
"""An error after which a client sends the same command again, under the same id."""


class Coded(Protocol):
    """The reason of any refusal: it has a code."""

    @property
    def code(self) -> str:
        """Its stable code."""
        ...


@frozen(kw_only=True)
class GateProblem:
    """What a client is told; it names nobody but who ruled, and repeats nothing of a call.

    Attributes:
        code: What went wrong.
        facts: What else helps: of a gate that has ended its `state` and `ruling`, of an ambiguous
            answer the `refs` to choose from, of a busy grant `until` when. Ready for JSON.
    """

    code: GateCode
    facts: dict[str, object]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.code.status)

    @property
    def body(self) -> dict[str, object]:
        """What is sent, ready for JSON."""
        return {"code": self.code.value, "retryable": self.code.retryable, **self.facts}

    @classmethod
    def of(cls, refused: Refused[Coded] | Doubt | PayloadTooLarge) -> GateProblem:
        """What a client is told of a refusal of any command on approvals, grants or consent.

        Raises:
            ValueError: The reason is of something else.
        """
        match refused:
            case Refused(reason):
                return cls(code=GateCode(reason.code), facts=_facts(reason))
            case Unavailable():
                # Its own code may say more, which is no business of a client.
                return cls(code=GateCode.UNAVAILABLE, facts={})
            case _:
                return cls(code=GateCode(refused.code), facts={})

    @classmethod
    def malformed(cls) -> GateProblem:
        """What a client is told that sent what cannot be read: no option, no id, no JSON."""
        return cls(code=GateCode.INVALID_INPUT, facts={})


def _facts(reason: object) -> dict[str, object]:
    match reason:
        case NotPending(state=state, ruling=ruling):
            told = None
            if ruling is not None:
                told = {
                    "verdict": ruling.verdict.value,
                    "decider": f"{ruling.decider.kind.value}:{ruling.decider.id}",
                    "at": ruling.at.isoformat(),
                }
            return {"state": state.value, "ruling": told}
        case AmbiguousGate(refs=refs):
            return {"refs": list(refs)}
        case GrantBusy(until=until):
            return {"until": until.isoformat()}
        case _:
            return {}
