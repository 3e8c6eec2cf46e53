"""A gate option: what an answer says of a gate, in the one word that a client sends."""

from __future__ import annotations

from enum import Enum


class GateOption(Enum):
    """Yes for this call, yes for all further ones of its kind, or no."""

    ALLOW_ONCE = "allow_once"
    ALWAYS_ALLOW = "always_allow"
    DENY = "deny"
