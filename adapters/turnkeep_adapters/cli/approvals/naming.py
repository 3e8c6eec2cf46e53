"""A name: how the command line names a gate, and where it looks for it."""

from __future__ import annotations

from typing import Final, TypedDict

from turnkeep import Approvals, GateRef, InvalidGateRef, Principal, RequestId, Scope
from turnkeep_adapters.cli.asking import Unclear
from turnkeep_adapters.cli.runs.naming import Owner

_PAGE: Final = 200
_PREFIX: Final = "approval:"


class OwnerOptions(TypedDict):
    """The options that name an owner, as click hands them over."""

    tenant: str
    user: str
    agent: str | None
    project: str | None
    mission: str | None
    thread: str | None


class DecidedOptions(OwnerOptions):
    """Those and the options of whoever decides."""

    by: Principal
    request_id: RequestId
    url: str
    as_json: bool


def gate_of(text: str) -> GateRef:
    """The gate that `approval:<uuid>`, or the id alone, names.

    Raises:
        Unclear: It names none.
    """
    ref = GateRef.parse(text if text.startswith(_PREFIX) else f"{_PREFIX}{text}")
    if isinstance(ref, InvalidGateRef):
        raise Unclear("a gate is named as approval: and its id, as the list shows them")
    return ref


async def scope_of(owner: Owner, approvals: Approvals, ref: GateRef) -> Scope:
    """Where a gate is: in exactly the scope that was named, or pending anywhere below it.

    Raises:
        Unclear: It is not there.
    """
    if await approvals.get(owner.scope, ref.id) is not None:
        return owner.scope
    after: str | None = None
    while True:
        page = await approvals.list_pending(owner.prefix, after=after, limit=_PAGE)
        for view in page.approvals:
            if view.id == ref.id:
                return view.scope
        after = page.next
        if after is None:
            raise Unclear(
                "no such gate waits there; one that has ended needs its whole scope: "
                "--agent, --project, --mission and --thread, as far as it has them"
            )
