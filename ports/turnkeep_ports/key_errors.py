"""Errors of keys: what is sealed or encrypted cannot be opened, and nothing was written."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.secrets.sealing import KeyId
from turnkeep_ports.errors import Corrupt


@frozen
class KeyMismatch(TurnkeepError):
    """A key is needed that the ring does not have, or that may no longer be written under.

    Attributes:
        key_id: Which one; its id tells nothing of the key.
        why: One clause.
    """

    code = "key_mismatch"
    sentence = "the master key {error.name} {error.why}"

    key_id: KeyId = field(repr=False)
    why: str = field()

    @property
    def name(self) -> str:
        """The first digits of its id, for people."""
        return self.key_id.hex()[:8]


@frozen
class Tampered(Corrupt):
    """A record is not what was sealed, though its key is held: its bytes were changed or moved.

    Attributes:
        why: One sanitised clause.
        address: The record concerned, for programs.
    """

    code = "tampered"
    sentence = "a stored {error.kind} was tampered with: {error.why}"


@frozen
class MasterKeyMissing(TurnkeepError):
    """No master key was given: secrets cannot be kept; everything else can."""

    code = "master_key_missing"
    sentence = "secrets need a master key, and none was given: name its source in the settings"


@frozen
class MasterKeyInvalid(TurnkeepError):
    """A source of a master key has none that may be used; no other source was asked instead.

    Attributes:
        source: Its kind, for example ``"file"``.
        rule: What it must be; nothing of what it is, is repeated.
    """

    code = "master_key_invalid"
    sentence = "the master key of the {error.source} source {error.rule}"

    source: str = field()
    rule: str = field()
