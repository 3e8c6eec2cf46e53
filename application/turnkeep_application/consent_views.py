"""A view of consent: what stands for a user's tools, and what it says to a call."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Records
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.allow import Allow
from turnkeep_domain.consent.consent_settings import AutoApproval
from turnkeep_domain.consent.effective import Weighed
from turnkeep_domain.consent.overrides import Override
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.keys import ReadKey
from turnkeep_ports.store import Expectation


@frozen(kw_only=True)
class ToolConsent:
    """What stands for one tool of a user.

    Attributes:
        override: None where none is set.
        allows: Those that have not expired; none beside an override.
    """

    capability: CapabilityId
    override: Override | None
    allows: tuple[Allow, ...]


@frozen(kw_only=True)
class ConsentPage:
    """What stands for a user, tool by tool.

    Attributes:
        tools: In the order of their names, with the unreadable at most the limit asked for. Fewer,
            or none, does not mean that there are no more.
        auto_approve: Auto-approval, where it is on.
        unreadable: What could not be read, the user's settings included.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    tools: tuple[ToolConsent, ...]
    auto_approve: AutoApproval | None
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class ConsentRead:
    """One cell that an answer rests on.

    Attributes:
        key: Which one.
        revision: At which revision it was read; absent where there was nothing.
        record: What was read; None where there was nothing, or it is unreadable.
    """

    key: ReadKey[object]
    revision: Expectation
    record: object | None = field(repr=False)

    def stands(self, records: Records) -> bool:
        """Whether the records of a later moment have the cell as it was read."""
        return records[self.key] == self.record


@frozen(kw_only=True)
class EffectiveConsent:
    """What consent says to a call.

    A commit that acts on it has to check what it rests on: hand it to `Turns.intend`.

    Attributes:
        capability: What would be used.
        rule: The first of the ten whose condition is met.
        until: When what the rule rests on expires; None where it does not.
        read: What it rests on: grant, policy and settings, all at one moment.
        at: The store's now at that moment.
    """

    capability: CapabilityId
    rule: ConsentRule
    until: datetime | None
    read: tuple[ConsentRead, ...]
    at: datetime

    @property
    def answer(self) -> ConsentAnswer:
        """To let it pass, to ask a person, or to refuse it."""
        return self.rule.answer

    @property
    def keys(self) -> tuple[ReadKey[object], ...]:
        """The cells that it rests on."""
        return tuple(read.key for read in self.read)

    def stands(self, records: Records, now: datetime) -> bool:
        """Whether nothing that it rests on has changed or expired since.

        Args:
            records: Of a later moment; they hold all of `keys`.
            now: The store's now at that moment.
        """
        lasts = self.until is None or now < self.until
        return lasts and all(read.stands(records) for read in self.read)


@frozen(kw_only=True)
class ConsentExplanation:
    """Why consent says what it says to a call.

    Attributes:
        rule: The first of the ten whose condition is met.
        rules: All ten in their order, met or not, with who set what they rest on.
        at: The store's now for which it holds.
    """

    rule: ConsentRule
    rules: tuple[Weighed, ...]
    at: datetime

    @property
    def answer(self) -> ConsentAnswer:
        """To let it pass, to ask a person, or to refuse it."""
        return self.rule.answer


def tool_consent(policy: ToolPolicy, now: datetime) -> ToolConsent | None:
    """What stands for a tool; None where nothing does any more."""
    allows = policy.live_allows(now)
    if policy.override is None and not allows:
        return None
    return ToolConsent(capability=policy.capability, override=policy.override, allows=allows)
