"""The stores over which the laws of the worker hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application.approvals.keep import STORES
from tests.application.worker.sites import PostgresSite, Site, VirtualSite
from tests.postgres.databases import shared

# In virtual time a database gives no hints; it is tried as it is.
EMBEDDED = [name for name in STORES if name != "postgres"]


@pytest.fixture(params=[*EMBEDDED, "postgres"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """One store after the other: three in virtual time, and a server in real time."""
    if request.param != "postgres":
        yield VirtualSite(STORES[request.param])
        return
    _, databases = shared()
    yield PostgresSite(databases.clone())
    databases.drop()


@pytest.fixture(params=EMBEDDED)
def virtual(request: pytest.FixtureRequest) -> VirtualSite:
    """The stores whose time can be let pass."""
    return VirtualSite(STORES[request.param])
