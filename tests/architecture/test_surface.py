"""The public face: `turnkeep` exports what was agreed on, and every name of it is told."""

import inspect
from typing import Final

import pytest

import turnkeep

# A name that is added or taken away here is a decision about what hosts may rely on.
SURFACE: Final = [
    "EVERYBODY",
    "START",
    "AcquireRefusal",
    "Action",
    "Address",
    "Amount",
    "ApprovalApproved",
    "ApprovalDenied",
    "ApprovalDiscarded",
    "ApprovalErased",
    "ApprovalExpired",
    "ApprovalId",
    "ApprovalOutcome",
    "ApprovalPayload",
    "ApprovalRaised",
    "ApprovalSettings",
    "ApprovalState",
    "ApprovalView",
    "ApprovalVoted",
    "Approvals",
    "CapabilityId",
    "Clock",
    "CommitId",
    "Container",
    "Contended",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Cursor",
    "CursorLost",
    "DiscardRefusal",
    "Dispatch",
    "Effect",
    "Erased",
    "Estimate",
    "Event",
    "EventLog",
    "ExpireRefusal",
    "FilesSettings",
    "Held",
    "HolderRefusal",
    "Holding",
    "IdSpent",
    "InputTooDeep",
    "InputTooLarge",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "Json",
    "JsonText",
    "Keep",
    "LeaseAcquired",
    "LeaseHeld",
    "LeaseLapsed",
    "LeaseReleased",
    "LeaseSettings",
    "LeaseView",
    "Leases",
    "MissingExtra",
    "NotDue",
    "NotEligible",
    "NotHolder",
    "NotPending",
    "Offer",
    "OutcomeUnknown",
    "Pacing",
    "PayloadTooLarge",
    "PendingPage",
    "PostgresSettings",
    "Principal",
    "PrincipalKind",
    "Quorum",
    "RaiseRefusal",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Refused",
    "RequestId",
    "RequestIdReused",
    "Ruling",
    "SchemaTooNew",
    "Scope",
    "ScopePrefix",
    "Settings",
    "Spawn",
    "StillPending",
    "Tallies",
    "Telemetry",
    "Tenancy",
    "Tenure",
    "TenureExpired",
    "TenureReleased",
    "TooManyPending",
    "TurnkeepError",
    "Unavailable",
    "Unknown",
    "Unreadable",
    "UnreadableEvent",
    "Unsupported",
    "Verdict",
    "Vote",
    "VoteRefusal",
    "open_keep",
]


def test_the_surface_is_the_one_agreed_on() -> None:
    assert list(turnkeep.__all__) == SURFACE


def test_the_face_says_what_it_is() -> None:
    assert inspect.getdoc(turnkeep)


@pytest.mark.parametrize("name", SURFACE)
def test_a_public_name_resolves(name: str) -> None:
    assert hasattr(turnkeep, name)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in SURFACE
        if inspect.isclass(thing := getattr(turnkeep, name, None)) or inspect.isroutine(thing)
    ],
)
def test_a_public_class_or_function_has_a_docstring_of_its_own(name: str) -> None:
    thing = getattr(turnkeep, name)
    # A class inherits neither a docstring that counts nor, from Enum, one that says nothing.
    assert vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__


def test_a_name_from_elsewhere_is_not_public_by_accident() -> None:
    defined = {name for name in vars(turnkeep) if not name.startswith("_")}
    inner = {name for name in defined if inspect.ismodule(getattr(turnkeep, name))}
    assert defined - inner == set(SURFACE)
