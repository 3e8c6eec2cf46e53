"""The contract suite: the laws of the store port, for every store that wants to be one."""

from __future__ import annotations

import pytest

from turnkeep.testing.harness import Harness
from turnkeep.testing.laws.atomicity import AtomicityLaws
from turnkeep.testing.laws.cancellation import CancellationLaws
from turnkeep.testing.laws.capabilities import CapabilityLaws
from turnkeep.testing.laws.cells import CellLaws
from turnkeep.testing.laws.changes import ChangeLaws
from turnkeep.testing.laws.crashes import CrashLaws
from turnkeep.testing.laws.doubts import DoubtLaws
from turnkeep.testing.laws.errors import ErrorLaws
from turnkeep.testing.laws.events import EventLaws
from turnkeep.testing.laws.handles import HandleLaws
from turnkeep.testing.laws.instants import InstantLaws
from turnkeep.testing.laws.keys import KeyLaws
from turnkeep.testing.laws.limits import LimitLaws
from turnkeep.testing.laws.paging import PagingLaws
from turnkeep.testing.laws.processes import ProcessLaws
from turnkeep.testing.laws.races import RaceLaws
from turnkeep.testing.laws.refusals import RefusalLaws
from turnkeep.testing.laws.revisions import RevisionLaws
from turnkeep.testing.laws.scans import ScanLaws
from turnkeep.testing.laws.tailing import TailingLaws
from turnkeep.testing.laws.trimming import TrimmingLaws
from turnkeep.testing.need import unmet
from turnkeep.testing.unjudged import Unjudged


class StoreContract(
    CapabilityLaws,
    HandleLaws,
    CellLaws,
    RevisionLaws,
    AtomicityLaws,
    RaceLaws,
    KeyLaws,
    LimitLaws,
    RefusalLaws,
    ScanLaws,
    PagingLaws,
    EventLaws,
    TailingLaws,
    TrimmingLaws,
    ChangeLaws,
    InstantLaws,
    DoubtLaws,
    CancellationLaws,
    ErrorLaws,
    CrashLaws,
    ProcessLaws,
):
    """All laws of the store port, as tests; a subclass says by a fixture what is judged.

    Example:
        ::

            class TestMine(StoreContract):
                @pytest.fixture
                def harness(self, tmp_path: Path) -> Harness:
                    return MyHarness(tmp_path)

    A law that needs a capability which the store does not declare is skipped, with the reason; the
    end of the report lists these.
    """

    @pytest.fixture(autouse=True)
    def _needs_are_met(self, request: pytest.FixtureRequest, harness: Harness) -> None:
        law: object = getattr(request.node, "function", None)
        need = unmet(law, harness.capabilities)
        if need is not None:
            reason = need.reason(harness.capabilities)
            Unjudged.of(request.config).add(request.node, reason)
            pytest.skip(reason)
