"""A URL: where a request would go, taken apart strictly or not at all.

A parser that repairs what it is given (drops tabs and line feeds, turns backslashes) may see
another host or path than the client that sends the request. So nothing is repaired here: whatever
two parsers could read in two ways is no URL.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from turnkeep_domain.credentials.limits import URL_BYTES_MAX

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
PORT_MAX: Final = 65_535

_PRINTABLE: Final = re.compile(r"[!-~]+")
_ABSOLUTE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(\?.*)?")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_ADDRESS: Final = re.compile(r"\[[0-9A-Fa-f:.]+\]")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
# Between segments, some servers cut what follows a semicolon before they walk the path.
_PARAMETERS: Final = ";"


@frozen(kw_only=True)
class Url:
    """A URL that can be read in one way only.

    Attributes:
        scheme: In lower case.
        host: In lower case; an address of IP version 6 in its brackets.
        port: As it was spelt, or the scheme's own.
        path: As it was spelt, from the first slash on; ``"/"`` where there is none.
    """

    scheme: str
    host: str
    port: int
    path: str


def parsed(text: object) -> Url | None:
    """The URL that a text spells; None where it must be refused.

    In this order: at most 2,048 printable ASCII bytes; absolute; no user information, fragment or
    backslash; no segment of the path that after one decoding is a step (``.``, ``..``) or holds a
    slash, a backslash or a percent sign; a scheme, host and port that are known.
    """
    if type(text) is not str or len(text) > URL_BYTES_MAX or not _PRINTABLE.fullmatch(text):
        return None
    parts = _ABSOLUTE.fullmatch(text)
    if parts is None:
        return None
    scheme, authority, path = parts[1].lower(), parts[2], parts[3]
    if "@" in authority or "#" in text or "\\" in text:
        return None
    if not is_plain_path(path or "/"):
        return None
    place = _place(authority, DEFAULT_PORTS.get(scheme))
    if place is None:
        return None
    host, port = place
    return Url(scheme=scheme, host=host, port=port, path=path or "/")


def is_plain_path(path: str) -> bool:
    """Whether a path begins with a slash, and every segment of it means what it says."""
    return path.startswith("/") and all(map(_is_plain, path[1:].split("/")))


def is_host(text: str) -> bool:
    """Whether this is the name or the address of a host, as a URL spells it."""
    return bool(_NAME.fullmatch(text) or _ADDRESS.fullmatch(text))


def _is_plain(segment: str) -> bool:
    if not _PRINTABLE.fullmatch(segment or "-"):
        return False
    if segment.count("%") != len(_ESCAPE.findall(segment)):
        return False
    decoded = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), segment)
    if any(character in decoded for character in "/\\%") or not decoded.isprintable():
        return False
    return decoded.partition(_PARAMETERS)[0] not in (".", "..")


def _place(authority: str, default: int | None) -> tuple[str, int] | None:
    """Host and port; None where they are no ones."""
    host, port = authority, default
    head, colon, tail = authority.rpartition(":")
    if colon and not tail.endswith("]"):
        if not _PORT.fullmatch(tail) or int(tail) > PORT_MAX:
            return None
        host, port = head, int(tail)
    if port is None or not is_host(host):
        return None
    return host.lower(), port
