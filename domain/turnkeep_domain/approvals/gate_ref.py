"""A gate reference: what a prompt shows, and an answer names, so that it means one gate alone."""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.refusals import InvalidGateRef
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind

_PREFIX: Final = "approval:"
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@frozen
class GateRef:
    """The reference `approval:<uuid>`, in the one spelling that it has.

    Attributes:
        id: The approval's.

    Raises:
        InvalidValue: The id is no approval's.
    """

    id: ApprovalId = field()

    @id.validator
    def _is_an_approval_id(self, _: object, id: object) -> None:
        if not isinstance(id, str) or not _UUID.fullmatch(id):
            raise InvalidValue("id", "must be a UUID of version 8 in lower case")

    @classmethod
    def parse(cls, text: str) -> GateRef | InvalidGateRef:
        """The reference that a client has sent, taken as it stands: nothing is trimmed or folded.

        Raises:
            InvalidValue: It is no text.
        """
        require_kind("ref", text, str)
        id = text.removeprefix(_PREFIX)
        if id == text or not _UUID.fullmatch(id):
            return InvalidGateRef()
        return cls(ApprovalId(id))

    def __str__(self) -> str:  # type: ignore[explicit-override]  # not in Python 3.11
        return f"{_PREFIX}{self.id}"
