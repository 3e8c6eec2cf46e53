"""An approval's cells: the keys of it, of what people are shown of it, and of what a yes gives."""

from __future__ import annotations

from turnkeep_domain.approvals.approval import APPROVALS, ApprovalRecord
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS, ApprovalPayload
from turnkeep_domain.keys import Key, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope


def approval_key(scope: Scope, id: str) -> Key[ApprovalRecord]:
    """Where an approval, or its tombstone, is stored.

    Raises:
        InvalidValue: The scope is none in which work is done, or the id is no identifier.
    """
    require_kind("scope", scope, Scope)
    scope.require_work()
    return key(APPROVALS, scope, id)


def payload_key(scope: Scope, id: str) -> Key[ApprovalPayload]:
    """Where its reason and display are stored.

    Raises:
        InvalidValue: The scope is none in which work is done, or the id is no identifier.
    """
    require_kind("scope", scope, Scope)
    scope.require_work()
    return key(APPROVAL_PAYLOADS, scope, id)


def grant_key(scope: Scope, id: str) -> Key[Grant]:
    """Where the authority that it gave is stored, if it was approved.

    Raises:
        InvalidValue: The scope is none in which work is done, or the id is no identifier.
    """
    require_kind("scope", scope, Scope)
    scope.require_work()
    return key(GRANTS, scope, id)
