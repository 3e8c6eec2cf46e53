"""Plain text where an identifier is meant; a scope where a prefix is meant."""

from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix, TenantId, UserId
from turnkeep_ports.scans import InScope


def swapped(tenant: TenantId, user: UserId) -> Scope:
    return Scope(
        tenant=user,  # expect: arg-type
        user=tenant,  # expect: arg-type
        agent=None,
        project=None,
        mission=None,
        thread=None,
    )


def partial(tenant: TenantId) -> Scope:
    return Scope(tenant=tenant)  # expect: call-arg


def everything_of(scope: Scope) -> InScope:
    return InScope(collection="approvals", prefix=scope)  # expect: arg-type


def whole(scope: Scope) -> InScope:
    return InScope(collection="approvals", prefix=ScopePrefix.owner(scope))


def request() -> RequestId:
    return "r-1"  # expect: return-value
