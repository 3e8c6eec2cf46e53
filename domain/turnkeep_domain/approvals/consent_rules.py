"""A consent rule: one of the ten by which a call is allowed, asked about or denied.

They are tried in this order, and the first whose condition is met answers.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class ConsentAnswer(Enum):
    """What consent says to a call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class ConsentRule(Enum):
    """Why consent says it, in the order in which the rules are tried."""

    FORBIDDEN = "forbidden"
    """The origin or the manifest forbids it."""
    DISABLED = "disabled"
    """The user has disabled the tool."""
    UNREADABLE = "unreadable"
    """What would tell is damaged, so a person must."""
    GRANTED = "granted"
    """A live grant for this very call covers its effects."""
    HARD_FLOOR = "hard_floor"
    """It must be asked every time, whatever was allowed before."""
    ASK_EACH_TIME = "ask_each_time"
    """The user wants to be asked each time."""
    EXEMPT = "exempt"
    """The manifest exempts it."""
    ALLOWED = "allowed"
    """A live allow covers it, and the manifest permits standing consent."""
    AUTO_APPROVED = "auto_approved"
    """Auto-approval is on, and the manifest makes it eligible."""
    OTHERWISE = "otherwise"
    """Nothing else applies, as where there is no manifest."""

    @property
    def answer(self) -> ConsentAnswer:
        """What the rule says to a call."""
        return _ANSWERS[self]


_ANSWERS: Final = {
    ConsentRule.FORBIDDEN: ConsentAnswer.DENY,
    ConsentRule.DISABLED: ConsentAnswer.DENY,
    ConsentRule.UNREADABLE: ConsentAnswer.ASK,
    ConsentRule.GRANTED: ConsentAnswer.ALLOW,
    ConsentRule.HARD_FLOOR: ConsentAnswer.ASK,
    ConsentRule.ASK_EACH_TIME: ConsentAnswer.ASK,
    ConsentRule.EXEMPT: ConsentAnswer.ALLOW,
    ConsentRule.ALLOWED: ConsentAnswer.ALLOW,
    ConsentRule.AUTO_APPROVED: ConsentAnswer.ALLOW,
    ConsentRule.OTHERWISE: ConsentAnswer.ASK,
}
