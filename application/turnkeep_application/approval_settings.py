"""Settings of approvals: the bounds that a host may choose."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, gt, instance_of, is_callable, le

from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.limits import (
    CLAIM_SECONDS_DEFAULT,
    DISPATCH_SECONDS_DEFAULT,
    GRANT_SECONDS_DEFAULT,
    GRANT_SECONDS_MAX,
    GRANT_SECONDS_MIN,
    LIFETIME_SECONDS_DEFAULT,
    LIFETIME_SECONDS_MAX,
    LIFETIME_SECONDS_MIN,
    TENURE_SECONDS_MAX,
    TENURE_SECONDS_MIN,
)
from turnkeep_domain.consent.limits import (
    ALLOW_SECONDS_DEFAULT,
    AUTO_APPROVE_SECONDS_DEFAULT,
    CONSENT_SECONDS_MAX,
    CONSENT_SECONDS_MIN,
)
from turnkeep_domain.errors import InvalidValue

PENDING_MAX: Final = 1_000
PAGE_MAX: Final = 200
SWEEP_RECORDS_MAX: Final = 500
WAIT_SECONDS_DEFAULT: Final = 30.0


def as_it_is(text: str) -> str:
    """The redactor that hides nothing."""
    return text


@frozen(kw_only=True)
class ApprovalSettings:
    """The bounds of the use cases.

    Attributes:
        lifetime_seconds: How long a request may be decided where its raiser names no lifetime,
            10 to 2,592,000 (30 days); 86,400 (a day) unless set.
        grant_seconds: How long a grant may be used, from the yes that gave it on, 10 to 604,800 (7
            days); 3,600 (an hour) unless set.
        claim_seconds: How long a grant is claimed where the claimant names no time, 1 to 86,400 (a
            day); 60 unless set.
        dispatch_seconds: How long a call that was begun may last before its outcome counts as
            uncertain, where its holder names no time, 1 to 86,400; 900 (15 minutes) unless set.
        pending_max: How many requests may wait in one scope, 1 to 1,000. Soft: raisers who race
            may exceed it by their number.
        page: How many approvals a page lists where the caller names no limit, 1 to 200.
        poll_seconds: How long a wait sleeps at most before it looks again.
        read_seconds: When a read of the store is given up, all of its pages included.
        sweep_records: How many records one sweep deals with at most, 1 to 500; 100 unless set.
        payload_days: How long after the end of an approval its reason and display are kept; 7
            unless set, never longer than `retention_days`.
        retention_days: How long after its end an approval is kept before its tombstone takes its
            place, 1 to 36,500; 90 unless set.
        allow_seconds: How long an approval that is taken always, or an allow without a lifetime of
            its own, stands, 1 to 31,536,000 (365 days); 7,776,000 (90 days) unless set.
        auto_approve_seconds: How long auto-approval stays on where no lifetime is named, 1 to
            31,536,000 (365 days); 2,592,000 (30 days) unless set.
        always_asked: Effects that this host has asked about every time, whatever consent stands,
            beside those that always are: financial ones, and changes of approvals or budgets.
        redact: The host's redactor: what it returns is kept of reason and display. Control and
            format characters are escaped after it, in any case.
    """

    lifetime_seconds: int = field(
        default=LIFETIME_SECONDS_DEFAULT,
        validator=[ge(LIFETIME_SECONDS_MIN), le(LIFETIME_SECONDS_MAX)],
    )
    grant_seconds: int = field(
        default=GRANT_SECONDS_DEFAULT, validator=[ge(GRANT_SECONDS_MIN), le(GRANT_SECONDS_MAX)]
    )
    claim_seconds: int = field(
        default=CLAIM_SECONDS_DEFAULT, validator=[ge(TENURE_SECONDS_MIN), le(TENURE_SECONDS_MAX)]
    )
    dispatch_seconds: int = field(
        default=DISPATCH_SECONDS_DEFAULT,
        validator=[ge(TENURE_SECONDS_MIN), le(TENURE_SECONDS_MAX)],
    )
    pending_max: int = field(default=64, validator=[ge(1), le(PENDING_MAX)])
    page: int = field(default=50, validator=[ge(1), le(PAGE_MAX)])
    poll_seconds: float = field(default=1.0, validator=[gt(0), le(60)])
    read_seconds: float = field(default=15.0, validator=[gt(0), le(3_600)])
    sweep_records: int = field(default=100, validator=[ge(1), le(SWEEP_RECORDS_MAX)])
    payload_days: float = field(default=7.0, validator=[ge(0), le(36_500)])
    retention_days: float = field(default=90.0, validator=[ge(1), le(36_500)])
    allow_seconds: int = field(
        default=ALLOW_SECONDS_DEFAULT,
        validator=[ge(CONSENT_SECONDS_MIN), le(CONSENT_SECONDS_MAX)],
    )
    auto_approve_seconds: int = field(
        default=AUTO_APPROVE_SECONDS_DEFAULT,
        validator=[ge(CONSENT_SECONDS_MIN), le(CONSENT_SECONDS_MAX)],
    )
    always_asked: frozenset[Effect] = field(
        default=frozenset(), validator=deep_iterable(instance_of(Effect), instance_of(frozenset))
    )
    redact: Callable[[str], str] = field(default=as_it_is, validator=is_callable())

    @retention_days.validator
    def _outlasts_the_payload(self, _: object, days: float) -> None:
        if days < self.payload_days:
            raise InvalidValue("retention_days", "must not be less than payload_days")

    @property
    def payload_retention(self) -> timedelta:
        """How long after the end of an approval its payload is kept."""
        return timedelta(days=self.payload_days)

    @property
    def retention(self) -> timedelta:
        """How long after its end an approval is kept."""
        return timedelta(days=self.retention_days)
