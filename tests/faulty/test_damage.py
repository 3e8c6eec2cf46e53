"""Damaged bytes are no body of any codec whose bodies are JSON objects."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_adapters.faulty.damage import cut

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.text(), VALUES, max_size=3))
def test_a_cut_object_cannot_be_parsed(fields: dict[str, object]) -> None:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    with pytest.raises(ValueError, match=r".+"):
        json.loads(cut(body))


@given(st.binary())
def test_a_cut_body_is_another_body(body: bytes) -> None:
    assert cut(body) != body
