"""Error bodies of every shape that providers are known for, as clients are told of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import openai_chat
from adapters.formats.table import PASSING, PROVIDERS

PLAIN = ("upstream_error", "bad_response_status_code", "422")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "a"}, "a"),
        ({"msg": "a", "err": "b"}, "a"),
        ({"err": "a"}, "a"),
        ({"error_msg": "a", "error_code": 17}, "a"),
        ({"header": {"message": "a", "code": 11200}}, "a"),
        ({"response": {"error": {"message": "a"}}}, "a"),
        ({"Message": "a"}, "a"),
        ({"Header": {"MESSAGE": "a"}}, "a"),
        ({"error": "a"}, "a"),
        ({"errors": [{"message": "a", "code": 7009}]}, "a"),
        ({"errors": ["a"]}, "a"),
        ({"errors": {"message": "a"}}, "a"),
        ({"detail": "a"}, "a"),
        ({"detail": [{"loc": ["body"], "msg": "a"}]}, "a"),
        ({"detail": {"message": "a"}}, "a"),
        ({"object": "error", "message": {"detail": [{"msg": "a"}]}}, "a"),
        ({"title": "a", "status": 422}, "a"),
        ({"message": "", "detail": "a"}, "a"),
        ({"message": "a", "error": {"code": 5}}, "a"),
        ({"base_resp": {"status_code": 1004, "status_msg": "a"}}, "a"),
        ("a", "bad response status code 422"),
        ({}, "bad response status code 422"),
        ([], "bad response status code 422"),
        ({"message": 5, "detail": [[[[[[["too deep"]]]]]]]}, "bad response status code 422"),
    ],
)
def test_words_are_found_wherever_they_stand(body: object, message: str) -> None:
    error = openai_chat.read_error(json.dumps(body).encode(), 422)
    assert (error.message, error.type, error.code, error.param) == (message, *PLAIN)


@pytest.mark.parametrize(
    "wrap", [lambda error: {"error": error}, lambda error: [{"error": error}], lambda error: {"Error": error}]
)
def test_openais_own_members_are_told_as_they_are(wrap: object) -> None:
    body = json.dumps(wrap({"message": "a", "type": "t", "code": 400, "param": None})).encode()  # type: ignore[operator]
    error = openai_chat.read_error(body, 400)
    assert (error.message, error.type, error.code, error.param) == ("a", "t", 400, "")


def test_members_that_are_missing_are_told_as_empty() -> None:
    error = openai_chat.read_error(b'{"error":{"message":"a"}}', 500)
    assert (error.message, error.type, error.code, error.param) == ("a", "", None, "")


@pytest.mark.parametrize(
    ("code", "status"), [(429, 429), (503, 503), ("429", 0), (399, 0), (600, 0), (True, 0), (None, 0)]
)
def test_a_status_may_stand_in_the_code(code: object, status: int) -> None:
    body = json.dumps({"error": {"message": "a", "code": code}}).encode()
    assert openai_chat.read_error(body, 200).status == status


def test_pages_of_proxies_are_not_repeated() -> None:
    error = openai_chat.read_error(b"<html><h1>502 Bad Gateway</h1></html>", 502)
    assert error.message == "bad response status code 502"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "Message", "code", "type", "errors", "detail", "Response", "Error", "base_resp"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=30) | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_becomes_an_error(body: bytes) -> None:
    readers = {side.read_error for side in (*PROVIDERS.values(), *PASSING.values())}
    for read in readers:
        assert read(body, 500).message
