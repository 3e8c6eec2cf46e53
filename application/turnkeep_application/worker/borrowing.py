"""Borrowing: a secret's material, lent to one claim for one use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen

from turnkeep_application.secret_lending import Opened
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.worker.exits import RunLeft
from turnkeep_application.worker.runner import Runner
from turnkeep_domain.decisions import Refused
from turnkeep_domain.leases.guards import Guard
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.refusals import GuardLost, RevokeCause, SecretLeaseRevoked

T = TypeVar("T")


@frozen
class Borrowing:
    """The secrets that one run may receive, guarded by its claim; nothing of it is journaled."""

    runner: Runner

    async def material(self, handle: str, *, owner: Scope | None) -> Material:
        """As `RunContext.secret` promises."""
        scope = self.runner.run.scope
        whose = Scope.of(scope.tenant, scope.user) if owner is None else owner
        while True:
            # A use that was counted and whose answer was lost is spent: a further lease is issued.
            lent = await self._lent(handle, whose)
            if lent is not None:
                return lent

    async def _lent(self, handle: str, owner: Scope) -> Material | None:
        secrets, runner = self.runner.keep.secrets, self.runner
        request_id = RequestId(runner.turns.ids.commit_id().hex())
        guard = Guard(turn_state_key(runner.run.address).address, runner.claim.epoch)
        ref = await self._answer(
            lambda: secrets.issue(
                runner.run.scope, owner=owner, handle=handle, request_id=request_id, guard=guard
            )
        )
        answer = await self._answer(lambda: secrets.consume(ref, request_id=request_id))
        if not isinstance(answer, Opened):
            return None
        try:
            # While it was on its way, the handler may have been told to go.
            runner.tenancy.require_open()
        except BaseException:
            answer.material.wipe()
            raise
        return answer.material

    async def _answer(self, request: Callable[[], Awaitable[T | Refused[object]]]) -> T:
        runner = self.runner
        answer = await runner.insistence.until_answered(
            request, allowed=runner.tenancy.require_open
        )
        if not isinstance(answer, Refused):
            return answer
        match answer.reason:
            case GuardLost() | SecretLeaseRevoked(cause=RevokeCause.GUARD_LOST):
                runner.tenancy.lose()
                raise RunLeft
            case reason:
                return await runner.refused(reason)
