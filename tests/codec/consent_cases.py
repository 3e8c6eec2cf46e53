"""The cases of consent's golden files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allowance
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.events import (
    AutoApproveSet,
    ToolAllowed,
    ToolDisallowed,
    ToolOverrideCleared,
    ToolOverrideSet,
)
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
UNTIL: Final = NOW + timedelta(seconds=60)
SCOPE: Final = Scope.of("acme", "zoë")
ZOE: Final = Principal.person("zoë")
OPS: Final = Principal.service("ops")
WRITER: Final = Principal.agent("writer")
TOOL: Final = CapabilityId("mail.send ü")
SOURCE: Final = ApprovalId("5f1e0c6a-9f1b-8c3d-a1b2-c3d4e5f60718")
REQUEST: Final = RequestId("r-1")


def allowed(policy: ToolPolicy, given: Allowance, id: str) -> ToolPolicy:
    decision = policy.allow(given, request_id=RequestId(id), now=NOW)
    assert isinstance(decision, Changed)
    return decision.state


def overridden(policy: ToolPolicy, kind: OverrideKind) -> ToolPolicy:
    decision = policy.set_override(kind, by=OPS, request_id=RequestId("o-1"), now=UNTIL)
    assert isinstance(decision, Changed)
    return decision.state


def switched(settings: ConsentSettings, seconds: int | None, id: str) -> ConsentSettings:
    decision = settings.set_auto_approve(seconds, by=ZOE, request_id=RequestId(id), now=NOW)
    assert isinstance(decision, Changed)
    return decision.state


def allowance(source: ApprovalId | None, *kinds: ActionKind) -> Allowance:
    return Allowance(
        grantee=WRITER,
        kinds=frozenset(kinds),
        effects=frozenset({Effect.WRITES, Effect.COMMUNICATES}),
        by=ZOE,
        lifetime_seconds=60,
        source=source,
    )


UNSAID: Final = ToolPolicy.unsaid(SCOPE, TOOL)
ALLOWED: Final = allowed(
    allowed(UNSAID, allowance(SOURCE, ActionKind.DISPATCH), "r-1"),
    allowance(None, ActionKind.DISPATCH, ActionKind.SPAWN),
    "r-2",
)
ON: Final = switched(ConsentSettings.unsaid(SCOPE), 60, "r-1")

CONSENT_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("tool_policy", "unsaid"): UNSAID,
    ("tool_policy", "allowed"): ALLOWED,
    ("tool_policy", "asking"): overridden(ALLOWED, OverrideKind.ASK_EACH_TIME),
    ("tool_policy", "disabled"): overridden(UNSAID, OverrideKind.DISABLED),
    ("consent_settings", "on"): ON,
    ("consent_settings", "off"): switched(ON, None, "r-2"),
}

CONSENT_EVENTS: Final[dict[tuple[str, str], Event]] = {
    ("tool_policy.allowed", "plain"): ToolAllowed(
        address=UNSAID.address,
        at=NOW,
        by=ZOE,
        request_id=REQUEST,
        capability=TOOL,
        grantee=WRITER,
        source=None,
        expires_at=UNTIL,
    ),
    ("tool_policy.allowed", "always"): ToolAllowed(
        address=UNSAID.address,
        at=NOW,
        by=ZOE,
        request_id=REQUEST,
        capability=TOOL,
        grantee=WRITER,
        source=SOURCE,
        expires_at=UNTIL,
    ),
    ("tool_policy.disallowed", "all"): ToolDisallowed(
        address=UNSAID.address,
        at=NOW,
        by=OPS,
        request_id=REQUEST,
        capability=TOOL,
        grantee=None,
        source=None,
    ),
    ("tool_policy.disallowed", "one"): ToolDisallowed(
        address=UNSAID.address,
        at=NOW,
        by=OPS,
        request_id=REQUEST,
        capability=TOOL,
        grantee=WRITER,
        source=SOURCE,
    ),
    ("tool_policy.override_set", "asking"): ToolOverrideSet(
        address=UNSAID.address,
        at=NOW,
        by=OPS,
        request_id=REQUEST,
        capability=TOOL,
        override=OverrideKind.ASK_EACH_TIME,
    ),
    ("tool_policy.override_set", "disabled"): ToolOverrideSet(
        address=UNSAID.address,
        at=NOW,
        by=OPS,
        request_id=REQUEST,
        capability=TOOL,
        override=OverrideKind.DISABLED,
    ),
    ("tool_policy.override_cleared", "plain"): ToolOverrideCleared(
        address=UNSAID.address, at=NOW, by=OPS, request_id=REQUEST, capability=TOOL
    ),
    ("consent_settings.auto_approve_set", "on"): AutoApproveSet(
        address=ON.address, at=NOW, by=ZOE, request_id=REQUEST, expires_at=UNTIL
    ),
    ("consent_settings.auto_approve_set", "off"): AutoApproveSet(
        address=ON.address, at=NOW, by=ZOE, request_id=REQUEST, expires_at=None
    ),
}
