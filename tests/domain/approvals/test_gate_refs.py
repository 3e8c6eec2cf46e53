"""Gate references: one spelling, one gate, and nothing that is nearly one."""

from __future__ import annotations

import pytest

from tests.domain.approvals.samples import question
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.gate_ref import GateRef
from turnkeep_domain.approvals.refusals import InvalidGateRef
from turnkeep_domain.errors import InvalidValue

ID = question().id


def test_a_reference_is_read_as_it_was_written() -> None:
    ref = GateRef(ID)
    assert str(ref) == f"approval:{ID}"
    assert GateRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "approval:",
        ID,
        f" approval:{ID}",
        f"approval:{ID} ",
        f"approval:{ID}\n",
        f"Approval:{ID}",
        f"approval:{ID.upper()}",
        f"approval:approval:{ID}",
        f"budget:{ID}",
        f"approval:{ID[:-1]}",
        f"approval:{ID}0",
        f"approval:{ID.replace('-', '')}",
        f"approval:{{{ID}}}",
        "approval:00000000-0000-4000-8000-000000000000",
        "approval:../../etc/passwd",
        f"approval:{ID[:-1]}\u0663",
    ],
)
def test_whatever_is_not_exactly_a_reference_names_no_gate(text: str) -> None:
    assert GateRef.parse(text) == InvalidGateRef()


def test_a_reference_that_is_no_text_is_the_hosts_mistake() -> None:
    with pytest.raises(InvalidValue):
        GateRef.parse(None)  # type: ignore[arg-type]  # what no host should hand over


def test_no_reference_is_made_of_what_is_no_approval_id() -> None:
    with pytest.raises(InvalidValue):
        GateRef(ApprovalId("a-1"))
