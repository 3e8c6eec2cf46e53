"""A risk: what a tool may do, guessed from its name, as a host would know it from a manifest."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from turnkeep import Effect

_WORD: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READING: Final = _words(
    "check count describe fetch find get list look preview query read search show view"
)
_SECRETS: Final = _words(
    "credential credentials key keys otp passphrase password passwords secret secrets token tokens"
)
_MONEY: Final = _words(
    "buy charge deposit fund funds invoice money pay payment payments payout purchase refund "
    "transaction transactions transfer wire withdraw"
)
_DELETING: Final = _words(
    "delete destroy drop erase purge remove rm truncate uninstall unlink wipe"
)
_TALKING: Final = _words(
    "email forward invitation invite mail message notify post publish reply send share tweet"
)
_RUNNING: Final = _words(
    "deploy execute install launch merge migrate promote restart rollback run scale start stop"
)


class Risk(Enum):
    """What kind of harm a call could do."""

    LOOKS = "looks"
    CHANGES = "changes"
    RUNS = "runs"
    TALKS = "talks"
    DELETES = "deletes"
    SECRETS = "secrets"
    MONEY = "money"

    @property
    def is_grave(self) -> bool:
        """Whether it takes two people to allow it."""
        return self in (Risk.MONEY, Risk.SECRETS, Risk.DELETES)

    @property
    def effects(self) -> frozenset[Effect]:
        """What the call is said to do."""
        return _EFFECTS[self]


_EFFECTS: Final = {
    Risk.LOOKS: frozenset({Effect.READS}),
    Risk.CHANGES: frozenset({Effect.WRITES}),
    Risk.RUNS: frozenset({Effect.EXECUTES}),
    Risk.TALKS: frozenset({Effect.COMMUNICATES}),
    Risk.DELETES: frozenset({Effect.DELETES}),
    Risk.SECRETS: frozenset({Effect.WRITES}),
    Risk.MONEY: frozenset({Effect.FINANCIAL}),
}
_WORDS: Final = (
    (Risk.MONEY, _MONEY),
    (Risk.SECRETS, _SECRETS),
    (Risk.DELETES, _DELETING),
    (Risk.TALKS, _TALKING),
    (Risk.RUNS, _RUNNING),
)


def risk_of(tool: str) -> Risk:
    """The gravest risk that the words of a tool's name speak of; a tool that only looks has none.

    `send_money` is about money, `get_most_recent_transactions` only looks.
    """
    words = [word.lower() for word in _WORD.findall(tool)]
    if words and words[0] in _READING:
        return Risk.LOOKS
    return next((risk for risk, known in _WORDS if known.intersection(words)), Risk.CHANGES)


def is_secret(name: str) -> bool:
    """Whether a field's name says that its value must not be shown."""
    return not _SECRETS.isdisjoint(word.lower() for word in _WORD.findall(name))
