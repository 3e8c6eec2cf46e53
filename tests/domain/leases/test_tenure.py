"""The rules of whatever is held for a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.leases.tenure import Tenure

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TTL = timedelta(seconds=90)
TICK = timedelta(microseconds=1)
TENURE = Tenure.begun(holder="worker-1", ttl=TTL, now=NOW)


def test_a_tenure_is_over_at_its_deadline_and_not_a_microsecond_before() -> None:
    assert TENURE.is_over(NOW + TTL)
    assert not TENURE.is_over(NOW + TTL - TICK)


def test_a_renewal_lasts_from_now() -> None:
    later = NOW + timedelta(seconds=30)
    assert TENURE.renewed(ttl=TTL, now=later).until == later + TTL


def test_a_renewal_never_shortens() -> None:
    assert TENURE.renewed(ttl=TTL / 2, now=NOW) == TENURE


def test_a_renewal_does_not_pass_its_bound_and_the_bound_does_not_shorten() -> None:
    later = NOW + timedelta(seconds=30)
    bound = NOW + TTL + timedelta(seconds=10)
    assert TENURE.renewed(ttl=TTL, now=later, at_most=bound).until == bound
    assert TENURE.renewed(ttl=TTL, now=later, at_most=later) == TENURE


def test_a_tenure_lasts_some_time() -> None:
    with pytest.raises(InvalidValue):
        Tenure.begun(holder="worker-1", ttl=timedelta(0), now=NOW)
