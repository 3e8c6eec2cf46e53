"""Safety of tool text: what may be shown to a model or a person without being taken for more.

A text is unsafe if it could steer a terminal or a renderer (controls, formats that turn the
direction of writing, brackets, backticks, slashes) or if a part of it looks like a credential.
"""

from __future__ import annotations

import re
from typing import Final

from turnkeep_domain.approvals.payload import escaped

_MARKS: Final = re.compile(r"[()\[\]{}<>`/\\]")
_CREDENTIALS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i)-----BEGIN [A-Z ]*KEY",
        r"(?i)\b(?:pass(?:word|wd|phrase)?|secret|token|api[ _-]?key|credentials?)\s*[:=]\s*\S",
        r"(?i)\bbearer\s+[a-z0-9._~+-]{8,}",
        r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}",
        r"\bgh[opsur]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{16,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}",
        r"\bAIza[A-Za-z0-9_-]{20,}",
        r"\beyJ[A-Za-z0-9_-]{8,}",
        # Long and mixed, as keys and digests are and words are not.
        r"(?=[A-Za-z0-9_+=-]*[0-9])(?=[A-Za-z0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{32,}",
    )
)


def fault_of(text: str) -> str | None:
    """The rule that a text breaks, as the end of a sentence; None where it is safe."""
    if escaped(text) != text:
        return "must have no control or format characters"
    if _MARKS.search(text):
        return "must have no bracket, backtick, slash or backslash"
    if any(shape.search(text) for shape in _CREDENTIALS):
        return "must have nothing that looks like a credential"
    return None
