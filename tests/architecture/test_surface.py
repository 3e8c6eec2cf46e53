"""The public face: `turnkeep` exports what was agreed on, and every name of it is told."""

import inspect
from typing import Final

import pytest

import turnkeep

# A name that is added or taken away here is a decision about what hosts may rely on.
SURFACE: Final = [
    "ABSENT",
    "ANY",
    "EVERYBODY",
    "START",
    "AcquireRefusal",
    "Action",
    "ActiveLease",
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
    "Cipher",
    "Clock",
    "CommitId",
    "ConsumeRefusal",
    "ConsumedLease",
    "Container",
    "Contended",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Cursor",
    "CursorLost",
    "DeleteRefusal",
    "DiscardRefusal",
    "Dispatch",
    "Effect",
    "Erased",
    "Estimate",
    "Event",
    "EventLog",
    "Expected",
    "ExpireRefusal",
    "ExpiredLease",
    "FilesSettings",
    "GenerationMismatch",
    "Guard",
    "GuardLost",
    "Guarding",
    "Guards",
    "Handle",
    "Held",
    "HolderRefusal",
    "Holding",
    "IdSpent",
    "InputTooDeep",
    "InputTooLarge",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "IssueRefusal",
    "Json",
    "JsonText",
    "Keep",
    "KeyId",
    "KeyInUse",
    "KeyMismatch",
    "KeyRetired",
    "KeySettings",
    "LeaseAcquired",
    "LeaseConsumed",
    "LeaseEnd",
    "LeaseExpired",
    "LeaseHeld",
    "LeaseLapsed",
    "LeaseRef",
    "LeaseReleased",
    "LeaseRevoked",
    "LeaseSettings",
    "LeaseUnknown",
    "LeaseView",
    "Leases",
    "MasterKeyAdded",
    "MasterKeyInvalid",
    "MasterKeyMissing",
    "MasterKeyRetired",
    "Material",
    "MissingExtra",
    "NotDue",
    "NotEligible",
    "NotHolder",
    "NotPending",
    "Offer",
    "Opened",
    "OutcomeUnknown",
    "Pacing",
    "PayloadTooLarge",
    "PendingPage",
    "PostgresSettings",
    "Principal",
    "PrincipalKind",
    "PutRefusal",
    "Quorum",
    "QuotaFull",
    "RaiseRefusal",
    "Receipt",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Refused",
    "Rekeyed",
    "RequestId",
    "RequestIdReused",
    "RevokeCause",
    "RevokeRefusal",
    "RevokedLease",
    "Ruling",
    "SchemaTooNew",
    "Scope",
    "ScopePrefix",
    "SecretDeleted",
    "SecretExpired",
    "SecretLeaseEnded",
    "SecretLeaseIssued",
    "SecretLeasePage",
    "SecretLeaseUsed",
    "SecretLeaseView",
    "SecretMetadata",
    "SecretOutcome",
    "SecretPage",
    "SecretPut",
    "SecretSettings",
    "SecretState",
    "SecretUnknown",
    "Secrets",
    "Settings",
    "Spawn",
    "Spent",
    "StillPending",
    "Swept",
    "Tallies",
    "Tampered",
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
