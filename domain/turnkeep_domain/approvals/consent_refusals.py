"""A refusal: why consent was not given. A closed set, each with a stable code."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.request_ids import RequestIdReused


@frozen
class ToolDisabled:
    """The user has disabled the tool: nothing uses it until that is lifted."""

    code: ClassVar[str] = "tool_disabled"

    capability: CapabilityId


@frozen
class TooManyAllows:
    """The tool has `allows_max` allows already that have not expired; revoke some."""

    code: ClassVar[str] = "too_many_allows"

    allows_max: int


@frozen
class ConsentChanged:
    """What the consent to a call rested on has changed or expired since: ask for it again."""

    code: ClassVar[str] = "consent_changed"

    capability: CapabilityId


@frozen
class ConsentDenied:
    """The call may not be made, whoever is asked.

    Attributes:
        rule: Which rule says so: what the host declares, or the user's override.
    """

    code: ClassVar[str] = "consent_denied"

    rule: ConsentRule


@frozen
class ConsentWithheld:
    """The call may not be made unasked; a person may allow it.

    Attributes:
        rule: Which rule says so.
    """

    code: ClassVar[str] = "consent_withheld"

    rule: ConsentRule


PolicyRefusal: TypeAlias = RequestIdReused
AllowRefusal: TypeAlias = RequestIdReused | TooManyAllows
