"""A target: where an account may be used: scheme, host, port, path and methods."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.credentials.limits import METHODS_MAX, URL_BYTES_MAX
from turnkeep_domain.credentials.urls import (
    DEFAULT_PORTS,
    PORT_MAX,
    Url,
    is_host,
    is_plain_path,
)
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.secrets.binding import number, optional, several, text

_METHOD: Final = re.compile(r"[A-Z]{1,16}", re.ASCII)


class PathMatch(Enum):
    """How a target's path is compared."""

    EXACT = "exact"
    PREFIX = "prefix"


@frozen(kw_only=True)
class Target:
    """What a request must be for to use an account.

    Attributes:
        scheme: ``"https"``, or ``"http"``.
        host: In lower case, as a URL spells it. It stands for itself alone, never for others
            below it.
        port: None for the scheme's own.
        path: From the first slash on, as a URL spells it, without a query; it is compared letter
            by letter.
        match: Whether the path must be equal, or may go on after it: at a slash, not in the
            middle of a segment.
        methods: In capitals, one at least.

    Raises:
        InvalidValue: A rule of a field is broken, or no URL could ever match.
    """

    scheme: str = field()
    host: str = field()
    port: int | None = field()
    path: str = field()
    match: PathMatch = field(validator=of_kind(PathMatch))
    methods: frozenset[str] = field(validator=deep_iterable(of_kind(str), of_kind(frozenset)))

    @scheme.validator
    def _is_known(self, _: object, scheme: str) -> None:
        if type(scheme) is not str or scheme not in DEFAULT_PORTS:
            raise InvalidValue("scheme", "must be https or http")

    @host.validator
    def _is_a_host(self, _: object, host: str) -> None:
        if type(host) is not str or not is_host(host) or host != host.lower():
            raise InvalidValue("host", "must be a host in lower case, as a URL spells it")

    @port.validator
    def _is_a_port(self, _: object, port: int | None) -> None:
        if port is not None and (type(port) is not int or not 1 <= port <= PORT_MAX):
            raise InvalidValue("port", f"must be 1 to {PORT_MAX}")

    @path.validator
    def _is_plain(self, _: object, path: str) -> None:
        require_kind("path", path, str)
        fits = len(path) <= URL_BYTES_MAX and path.isascii() and path.isprintable()
        if not fits or any(mark in path for mark in "?#\\ ") or not is_plain_path(path):
            raise InvalidValue("path", "must be that of a URL, without steps and escaped slashes")

    @methods.validator
    def _are_methods(self, _: object, methods: frozenset[str]) -> None:
        if not 1 <= len(methods) <= METHODS_MAX or not all(map(_METHOD.fullmatch, methods)):
            raise InvalidValue("methods", f"must be 1 to {METHODS_MAX} words in capitals")

    @classmethod
    def of(
        cls,
        host: str,
        path: str = "/",
        *,
        methods: Iterable[str],
        scheme: str = "https",
        port: int | None = None,
        match: PathMatch = PathMatch.PREFIX,
    ) -> Target:
        """A target as hosts usually write it."""
        return cls(
            scheme=scheme,
            host=host,
            port=port,
            path=path,
            match=match,
            methods=frozenset(methods),
        )

    def allows(self, url: Url, method: str) -> bool:
        """Whether a request is for this. In this order: scheme, host, port, method, path."""
        port = DEFAULT_PORTS[self.scheme] if self.port is None else self.port
        return (
            url.scheme == self.scheme
            and url.host == self.host
            and url.port == port
            and method in self.methods
            and self._leads_to(url.path)
        )

    def _leads_to(self, path: str) -> bool:
        if path == self.path or self.match is PathMatch.EXACT:
            return path == self.path
        return path.startswith(self.path if self.path.endswith("/") else f"{self.path}/")


def target_bytes(target: Target) -> bytes:
    """A target as a part of a binding."""
    return b"".join(
        (
            text(target.scheme),
            text(target.host),
            optional(target.port, number),
            text(target.path),
            text(target.match.value),
            several(sorted(target.methods), text),
        )
    )


def targets_bytes(targets: frozenset[Target]) -> bytes:
    """Targets as a part of a binding, in an order of their own."""
    return several(sorted(map(target_bytes, targets)), lambda encoded: encoded)
