"""A keyless cipher: the one of a keep that was given no master key."""

from __future__ import annotations

from typing import NoReturn

from attrs import frozen

from turnkeep_domain.secrets.binding import Binding
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.sealing import KeyId
from turnkeep_ports.key_errors import MasterKeyMissing


@frozen
class KeylessCipher:
    """Refuses every use, so that a keep without keys serves everything but secrets."""

    @property
    def primary(self) -> NoReturn:
        """There is none."""
        raise MasterKeyMissing

    @property
    def ring(self) -> frozenset[KeyId]:
        """It is empty."""
        return frozenset()

    def encrypt(self, material: Material, binding: Binding) -> NoReturn:
        """Refused."""
        raise MasterKeyMissing

    def decrypt(self, envelope: bytes, binding: Binding) -> NoReturn:
        """Refused."""
        raise MasterKeyMissing

    def seal(self, binding: Binding, envelope: bytes) -> NoReturn:
        """Refused."""
        raise MasterKeyMissing

    def verify(self, seal: bytes, binding: Binding, envelope: bytes) -> NoReturn:
        """Refused."""
        raise MasterKeyMissing

    def codes(self, arguments: bytes, material: Material) -> NoReturn:
        """Refused."""
        raise MasterKeyMissing
