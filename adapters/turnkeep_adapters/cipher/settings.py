"""Settings of keys: where the master keys of a keep are read from. Never a key itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

OLDER_MAX: Final = 7
_KINDS: Final = ("env:", "file:", "keyring:")


def _sources(_: object, attribute: Attribute[tuple[str, ...]], sources: tuple[str, ...]) -> None:
    if type(sources) is not tuple:
        raise InvalidValue(attribute.name, "must be a tuple of sources")
    for source in sources:
        known = type(source) is str and source.startswith(_KINDS) and not source.endswith(":")
        if not known:
            raise InvalidValue(
                attribute.name, "must be env:NAME, file:/path or keyring:service/name each"
            )
        if source.startswith("keyring:") and not all(source[8:].partition("/")):
            raise InvalidValue(attribute.name, "must name a service and an entry of the keyring")


@frozen(kw_only=True)
class KeySettings:
    """The ring of a keep.

    Attributes:
        primary: Where the key is looked for under which is written: the first source that is set.
            None named: the keep has no keys, and serves everything but secrets.
        older: Where up to seven keys are that only open what was written under them; those that
            are not set are left out.
    """

    primary: tuple[str, ...] = field(default=(), validator=_sources)
    older: tuple[str, ...] = field(default=(), validator=_sources)

    @older.validator
    def _is_a_ring(self, _: object, older: tuple[str, ...]) -> None:
        if len(older) > OLDER_MAX:
            raise InvalidValue("older", f"must be {OLDER_MAX} at most")
        if older and not self.primary:
            raise InvalidValue("older", "must come with a primary")
