"""The filed store, faultless: the laws of what survives can be kept, and are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.filed_store import FiledHarness
from turnkeep.testing import Harness
from turnkeep.testing.laws.changes import ChangeLaws
from turnkeep.testing.laws.crashes import CrashLaws
from turnkeep.testing.laws.handles import HandleLaws
from turnkeep.testing.laws.instants import InstantLaws
from turnkeep.testing.laws.processes import ProcessLaws


class TestFiled(HandleLaws, ChangeLaws, InstantLaws, CrashLaws, ProcessLaws):
    """The laws that a store in memory is spared, and those that wait for real time."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FiledHarness(tmp_path)
