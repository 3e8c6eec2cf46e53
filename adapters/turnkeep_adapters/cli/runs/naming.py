"""A name: how the command line names a run, its owner, and who acts on it."""

from __future__ import annotations

from attrs import frozen

from turnkeep import (
    Actor,
    Principal,
    RunAddress,
    RunId,
    RunView,
    Scope,
    ScopePrefix,
    Turns,
)
from turnkeep_adapters.cli.asking import Unclear


@frozen(kw_only=True)
class Owner:
    """Whose runs are meant: a scope as far as it was named."""

    tenant: str
    user: str
    agent: str | None
    project: str | None
    mission: str | None
    thread: str | None

    @property
    def scope(self) -> Scope:
        """The scope that was named; what was not is absent."""
        return Scope.of(
            self.tenant,
            self.user,
            agent=self.agent,
            project=self.project,
            mission=self.mission,
            thread=self.thread,
        )

    @property
    def prefix(self) -> ScopePrefix:
        """Everything under the deepest component that was named."""
        named = (self.tenant, self.user, self.agent, self.project, self.mission, self.thread)
        depth = max(place for place, name in enumerate(named, start=1) if name is not None)
        return ScopePrefix(scope=self.scope, depth=depth)

    async def run(self, turns: Turns, id: str) -> RunView:
        """The run of that id, wherever under this owner it is.

        Raises:
            Unclear: There is none.
        """
        view = await turns.get(RunAddress(self.scope, RunId(id)))
        after: str | None = None
        while view is None:
            page = await turns.list(self.prefix, after=after, limit=200)
            view = next((run for run in page.runs if run.id == id), None)
            after = page.next
            if view is None and after is None:
                raise Unclear("there is no such run of this tenant and user")
        return view


def operator(by: Principal) -> Actor:
    """Whoever uses the command line is an operator: they hold the store."""
    return Actor.operator(by)
