"""The client's body: read once, edited without touching what we do not know."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.body import RequestBody
from gateway.relay.errors import Invalid

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=6))
def test_editing_one_member_leaves_all_others(members: dict[str, object]) -> None:
    body = RequestBody(json.dumps(members).encode())
    assert json.loads(body.edited({"model": "other"})) == members | {"model": "other"}
    assert body.edited({}) is body.raw


def test_numbers_beyond_python_floats_survive_an_edit() -> None:
    raw = b'{"seed": 123456789012345678901234567890, "t": 1e400, "x": 0.10000000000000000555}'
    edited = RequestBody(raw).edited({"model": "m"})
    for text in (b"123456789012345678901234567890", b"1e400", b"0.10000000000000000555"):
        assert text in edited


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"model": "gpt', b"\xff\xfe", b'"text"', b'{"a":1}x'])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        RequestBody(raw)


@pytest.mark.parametrize(
    ("members", "limit"),
    [
        ({}, None),
        ({"max_tokens": None}, None),
        ({"max_tokens": 0}, None),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "max_completion_tokens": 0}, 7),
        ({"max_tokens": 16.0}, 16),
        ({"max_tokens": 1 << 30}, 1 << 30),
    ],
)
def test_output_limit(members: dict[str, object], limit: int | None) -> None:
    assert RequestBody(json.dumps(members).encode()).output_limit() == limit


@pytest.mark.parametrize("value", [-1, (1 << 30) + 1, 1.5, "ten", [1]])
def test_output_limit_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(Invalid, match="max_tokens is invalid"):
        RequestBody(json.dumps({"max_tokens": value}).encode()).output_limit()
