"""A tool policy: what one user has said of one tool, once for all further calls.

```text
               .-- allow, revoke --.       allow      adds or replaces one, and clears an override
               v                   |       override   removes every allow
    nothing --> allows: 0 to 64 ---'
       ^          |        ^
    clear      override  allow
       |          v        |
       '--- ask each time, or disabled
```

No allow stands beside the override that forbids it. Every command first asks the marks, which
remember the last 32 that changed something: one that changed nothing, or that 32 others have
followed, is judged anew where it is repeated, and an allow or a clearance among those widens again.
The module is long because the commands of one aggregate, and what its cells are, stand together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.consent_refusals import (
    AllowRefusal,
    PolicyRefusal,
    ToolDisabled,
    TooManyAllows,
)
from turnkeep_domain.approvals.limits import require_whole
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allow, Allowance
from turnkeep_domain.consent.events import (
    ToolAllowed,
    ToolDisallowed,
    ToolOverrideCleared,
    ToolOverrideSet,
    ToolPolicyEvent,
)
from turnkeep_domain.consent.limits import ALLOWS_MAX
from turnkeep_domain.consent.overrides import Override, OverrideKind
from turnkeep_domain.consent.owners import require_owner
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Digest,
    Mark,
    Marks,
    RequestId,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope

_NAME: Final = "tool_policy"


@frozen(kw_only=True)
class PolicyOutcome:
    """What stands for a tool after a command, small enough to be kept in a mark.

    Attributes:
        override: None where none stands.
        allows: How many stand, 0 to 64.
    """

    override: OverrideKind | None = field(validator=optional(of_kind(OverrideKind)))
    allows: int = field()

    @allows.validator
    def _within_bounds(self, _: object, allows: int) -> None:
        require_whole("allows", allows, least=0, most=ALLOWS_MAX)


@frozen(kw_only=True)
class ToolPolicy:
    """What a user has said of a tool.

    Attributes:
        scope: Tenant and user, nothing below.
        allows: In the order in which they were given, no two of one name; expired ones go with
            the next change.
        marks: The last 32 commands that changed it; what an approval allowed, that remembers.
    """

    scope: Scope = field(validator=of_kind(Scope))
    capability: CapabilityId = field(validator=identifier)
    override: Override | None = field(validator=optional(of_kind(Override)))
    allows: tuple[Allow, ...] = field(validator=deep_iterable(of_kind(Allow), of_kind(tuple)))
    marks: Marks[PolicyOutcome] = field(validator=of_kind(Marks))

    @scope.validator
    def _is_of_a_user(self, _: object, scope: Scope) -> None:
        require_owner(scope)

    @allows.validator
    def _fit_together(self, _: object, allows: tuple[Allow, ...]) -> None:
        if allows and self.override is not None:
            raise InvalidValue("allows", "must be none beside an override")
        if len(allows) > ALLOWS_MAX:
            raise InvalidValue("allows", f"must be at most {ALLOWS_MAX}")
        if len({allow.name for allow in allows}) != len(allows):
            raise InvalidValue("allows", "must be told apart by grantee, kinds and effects")

    @classmethod
    def unsaid(cls, scope: Scope, capability: CapabilityId) -> ToolPolicy:
        """The policy of a tool of which nothing was said; it is stored with its first change."""
        return cls(scope=scope, capability=capability, override=None, allows=(), marks=Marks.none())

    # ---- commands -------------------------------------------------------------------------------

    def allow(
        self, allowance: Allowance, *, request_id: RequestId, now: datetime
    ) -> Decision[ToolPolicy, PolicyOutcome, AllowRefusal]:
        """Adds an allow, or replaces the one of its name, and clears any override."""
        arguments = _allow_arguments(allowance)
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        allowed = self._with(allowance, now)
        if allowed is None:
            return Refused(TooManyAllows(ALLOWS_MAX))
        event = self._told_of(allowance, request_id, now)
        return allowed._remembering(request_id, arguments, event)

    def allow_always(
        self, allowance: Allowance, *, decision_id: RequestId, now: datetime
    ) -> Changed[ToolPolicy, PolicyOutcome] | Refused[ToolDisabled | TooManyAllows]:
        """The same where an approval was taken always; its repeat the approval itself answers.

        It ends that the tool asks each time, but does not enable what is disabled.
        """
        if self.is_disabled:
            return Refused(ToolDisabled(self.capability))
        allowed = self._with(allowance, now)
        if allowed is None:
            return Refused(TooManyAllows(ALLOWS_MAX))
        event = self._told_of(allowance, decision_id, now)
        return Changed(allowed, allowed._outcome(), (event,))

    def revoke(
        self, *, grantee: Principal | None, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
        """Removes what a grantee, or everybody, was allowed: every kind at once."""
        left = [a for a in self.allows if grantee is not None and a.grantee != grantee]
        whose = None if grantee is None else _named(grantee)
        arguments = digest_of("revoke", _named(by), whose)
        return self._disallow(
            left, arguments, grantee=grantee, source=None, by=by, request_id=request_id, now=now
        )

    def revoke_if_source(
        self, *, source: ApprovalId, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
        """Removes what one approval has allowed, unless newer consent has replaced it."""
        left = [allow for allow in self.allows if allow.source != source]
        arguments = digest_of("revoke_if_source", _named(by), source)
        return self._disallow(
            left, arguments, grantee=None, source=source, by=by, request_id=request_id, now=now
        )

    def set_override(
        self, kind: OverrideKind, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
        """Has the tool ask each time, or disables it; every allow ends."""
        arguments = digest_of("set_override", _named(by), kind.value)
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        if self.override is not None and self.override.kind is kind:
            return Unchanged(self._outcome())
        override = Override(kind=kind, by=by, at=now)
        event = ToolOverrideSet(
            address=self.address,
            at=now,
            capability=self.capability,
            by=by,
            request_id=request_id,
            override=kind,
        )
        after = evolve(self, override=override, allows=())
        return after._remembering(request_id, arguments, event)

    def clear_override(
        self, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
        """Ends that the tool asks each time or is disabled; no allow comes back."""
        arguments = digest_of("clear_override", _named(by))
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        if self.override is None:
            return Unchanged(self._outcome())
        event = ToolOverrideCleared(
            address=self.address,
            at=now,
            capability=self.capability,
            by=by,
            request_id=request_id,
        )
        return evolve(self, override=None)._remembering(request_id, arguments, event)

    # ---- what stands ----------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.capability)

    @property
    def is_disabled(self) -> bool:
        """Whether nothing may use the tool."""
        return self.override is not None and self.override.kind is OverrideKind.DISABLED

    @property
    def asks_each_time(self) -> bool:
        """Whether the user wants to be asked about every call."""
        return self.override is not None and self.override.kind is OverrideKind.ASK_EACH_TIME

    def live_allows(self, now: datetime) -> tuple[Allow, ...]:
        """The allows that have not expired."""
        return tuple(allow for allow in self.allows if allow.is_live_at(now))

    def allow_for(
        self, *, grantee: Principal, kind: ActionKind, effects: frozenset[Effect], now: datetime
    ) -> Allow | None:
        """The allow that covers such a call for longest; None where none does."""
        covering = (
            allow
            for allow in self.allows
            if allow.covers(grantee=grantee, kind=kind, effects=effects, now=now)
        )
        return max(covering, key=lambda allow: allow.expires_at, default=None)

    # ---- steps ----------------------------------------------------------------------------------

    def _with(self, allowance: Allowance, now: datetime) -> ToolPolicy | None:
        """The policy with one allow more; None where there are too many."""
        given = allowance.at(now)
        others = [allow for allow in self.live_allows(now) if allow.name != given.name]
        if len(others) >= ALLOWS_MAX:
            return None
        return evolve(self, override=None, allows=(*others, given))

    def _disallow(
        self,
        left: Iterable[Allow],
        arguments: Digest,
        *,
        grantee: Principal | None,
        source: ApprovalId | None,
        by: Principal,
        request_id: RequestId,
        now: datetime,
    ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        allows = tuple(left)
        if allows == self.allows:
            return Unchanged(self._outcome())
        event = ToolDisallowed(
            address=self.address,
            at=now,
            capability=self.capability,
            by=by,
            request_id=request_id,
            grantee=grantee,
            source=source,
        )
        return evolve(self, allows=allows)._remembering(request_id, arguments, event)

    def _remembering(
        self, request_id: RequestId, arguments: Digest, event: ToolPolicyEvent
    ) -> Changed[ToolPolicy, PolicyOutcome]:
        outcome = self._outcome()
        mark = Mark(request_id, arguments, outcome)
        marks = remember(self.marks, mark, bound=MARKS_MAX)
        return Changed(evolve(self, marks=marks), outcome, (event,))

    def _outcome(self) -> PolicyOutcome:
        override = None if self.override is None else self.override.kind
        return PolicyOutcome(override=override, allows=len(self.allows))

    def _told_of(self, allowance: Allowance, request_id: RequestId, now: datetime) -> ToolAllowed:
        return ToolAllowed(
            address=self.address,
            at=now,
            capability=self.capability,
            by=allowance.by,
            request_id=request_id,
            grantee=allowance.grantee,
            source=allowance.source,
            expires_at=allowance.at(now).expires_at,
        )


def _allow_arguments(allowance: Allowance) -> Digest:
    return digest_of(
        "allow",
        _named(allowance.by),
        _named(allowance.grantee),
        tuple(sorted(kind.value for kind in allowance.kinds)),
        tuple(sorted(effect.value for effect in allowance.effects)),
        allowance.lifetime_seconds,
        allowance.source,
    )


def _named(principal: Principal) -> tuple[str, ...]:
    return (principal.kind.value, principal.id)


def _state_of(policy: ToolPolicy) -> str:
    if policy.override is not None:
        return policy.override.kind.value
    return "allows" if policy.allows else "nothing"


TOOL_POLICIES: Final[Collection[ToolPolicy]] = Collection(
    name=_NAME,
    members=(ToolPolicy,),
    permanent=True,
    index=lambda policy: Index(state=_state_of(policy), due_at=None, sort=policy.capability),
    identity=lambda policy: Identity(policy.scope, policy.capability),
    marks=lambda policy: policy.marks,
)
