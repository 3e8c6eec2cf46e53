"""A key source: where a master key is read from, as a short text names it.

``env:NAME`` is a variable of the environment, ``file:/path`` a file that nobody else can read,
``keyring:service/name`` an entry of the system's keyring. A blank or missing one is unset, and the
next is asked; a malformed one is an error, never a reason to ask the next.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from turnkeep_adapters.cipher.key_file import read_key_file
from turnkeep_adapters.cipher.master_key import MasterKey, Unfit, read_key
from turnkeep_adapters.cipher.settings import KeySettings
from turnkeep_ports.key_errors import MasterKeyInvalid, MasterKeyMissing


def keys_of(settings: KeySettings) -> tuple[MasterKey, ...]:
    """The keys of a ring: the primary first, each once.

    Raises:
        MasterKeyMissing: No source of the primary is set.
        MasterKeyInvalid: A source holds what is no key.
        ModuleNotFoundError: A keyring is named, and the package `keyring` is not installed.
    """
    primary = _first_set(settings.primary)
    if primary is None:
        raise MasterKeyMissing
    ring = {primary.id: primary}
    for source in settings.older:
        key = key_of(source)
        if key is not None:
            ring.setdefault(key.id, key)
    return tuple(ring.values())


def key_of(source: str) -> MasterKey | None:
    """The key of one source; None where it is not set.

    Raises:
        MasterKeyInvalid: It holds what is no key.
        ModuleNotFoundError: It is a keyring, and the package `keyring` is not installed.
    """
    kind, _, name = source.partition(":")
    # The text is never a local of a function that can raise.
    found = _spelt(_text_of(kind, name))
    if isinstance(found, Unfit):
        raise MasterKeyInvalid(kind, found.rule)
    return found


def _first_set(sources: Sequence[str]) -> MasterKey | None:
    for source in sources:
        key = key_of(source)
        if key is not None:
            return key
    return None


def _spelt(text: bytes | Unfit) -> MasterKey | Unfit | None:
    return text if isinstance(text, Unfit) else read_key(text)


def _text_of(kind: str, name: str) -> bytes | Unfit:
    match kind:
        case "env":
            return os.environ.get(name, "").encode(errors="replace")
        case "file":
            return read_key_file(name)
        case "keyring":
            return _from_keyring(name)
        case _:
            return Unfit("must be env:NAME, file:/path or keyring:service/name")


def _from_keyring(name: str) -> bytes | Unfit:
    # An extra of its own, for it brings the desktop's libraries along.
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError  # noqa: PLC0415

    service, _, entry = name.partition("/")
    try:
        return (keyring.get_password(service, entry) or "").encode(errors="replace")
    except KeyringError:
        return Unfit("cannot be read")
