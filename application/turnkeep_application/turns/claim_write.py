"""A claim's write: the right of a run's holder to write to a thread, as long as the claim lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import field, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import run_key, state_of, turn_state_key
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.refusals import ClaimRefusal, LeaseLost


@frozen
class ClaimWrite:
    """The `RunWrite` of a claim.

    What carries it passes a runner's checks, is valid until the claim's deadline by the store's
    clock, and checks the turn state in its commit: the runner may have ended its own claim in
    another task meanwhile. A run that is called off may write until its claim ends, so that it can
    end what it has begun to say.
    """

    claim: Claim = field(validator=of_kind(Claim))

    @property
    def keys(self) -> Sequence[ReadKey[object]]:
        """The turn state that the claim stands in."""
        return (turn_state_key(self.claim.run),)

    def judged(self, records: Records, now: datetime) -> datetime | Refused[ClaimRefusal] | Need:
        """The claim's deadline; where the run is gone, its record tells how the claim ended."""
        state, recorded = state_of(records, self.claim.run, now), run_key(self.claim.run)
        stands = state.active is not None and state.active.id == self.claim.run.id
        if not stands and recorded not in records:
            return Need([recorded])
        ended = None if stands else records[recorded]
        run = state.held(claim=self.claim, ended=ended, now=now)
        if isinstance(run, Refused):
            return run
        return Refused(LeaseLost()) if run.lease is None else run.lease.tenure.until
