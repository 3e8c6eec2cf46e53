"""Details: what a host notes of an account for people: a label and some words, kept encrypted."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import field, frozen

from turnkeep_domain.credentials.limits import DETAILS_BYTES_MAX
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.secrets.material import Material


@frozen(kw_only=True)
class AccountDetails:
    """A label and metadata, together at most 8 KiB as JSON; nothing of them is shown.

    Raises:
        InvalidValue: They are no texts, or too long.
    """

    label: str = field(validator=of_kind(str), repr=False)
    metadata: Mapping[str, str] = field(factory=dict, repr=False)

    @metadata.validator
    def _are_texts(self, _: object, metadata: Mapping[str, str]) -> None:
        require_kind("metadata", metadata, Mapping)
        for name, value in metadata.items():
            require_kind("metadata", name, str)
            require_kind("metadata", value, str)

    def __attrs_post_init__(self) -> None:
        try:
            size = len(self._encoded())
        except UnicodeEncodeError:
            raise InvalidValue("details", "must be text without surrogates") from None
        if size > DETAILS_BYTES_MAX:
            raise InvalidValue("details", f"must have at most {DETAILS_BYTES_MAX} bytes")

    def as_material(self) -> Material:
        """The details as they are encrypted."""
        return Material(self._encoded())

    @classmethod
    def from_material(cls, material: Material) -> AccountDetails:
        """The details that were encrypted.

        Raises:
            ValueError: They are none.
        """
        held = json.loads(material.reveal())
        return cls(label=held["label"], metadata=held["metadata"])

    def _encoded(self) -> bytearray:
        held = {"label": self.label, "metadata": dict(sorted(self.metadata.items()))}
        return bytearray(json.dumps(held, ensure_ascii=False, separators=(",", ":")).encode())
