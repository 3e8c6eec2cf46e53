"""Secret-like text: what looks like a credential, and so must not be stored as a reference."""

from __future__ import annotations

import re
from typing import Final

from turnkeep_domain.errors import InvalidValue

# Marks that issuers put on credentials so that they are found where they do not belong.
_LIKE: Final = re.compile(
    r"""
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY
    | \b(?:bearer|basic|token)\s+[A-Za-z0-9+/=_.-]{16,}
    | \b(?:sk|pk|rk)[-_](?:[a-z0-9]+[-_])*[A-Za-z0-9_-]{16,}
    | \b(?:ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abprs]|hf|npm|pypi)[-_][A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,}
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}
    | ://[^/\s:@]*:[^/\s@]+@
    | \b(?:api[-_]?key|secret|password|passwd|access[-_]?token)\s*[=:]\s*\S{6,}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def require_no_secret(what: str, text: str) -> None:
    """Refuses text that looks like a key, a token, a password or a URL that has one.

    It finds what is marked as a secret; it cannot find what looks like any other name.

    Raises:
        InvalidValue: It does; the text is not repeated.
    """
    if _LIKE.search(text):
        raise InvalidValue(what, "must be a reference to a secret, never the secret itself")
