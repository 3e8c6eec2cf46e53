"""What the tests of upkeep share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transfers import places as kinds
from tests.transfers.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    yield from kinds.places(tmp_path)
