"""Reading answers that pass through: usage, content, ends, errors."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.openai_chat import FormatError, WireUsage, read_error, read_piece
from adapters.pricing.usage import Usage


def piece(**members: object) -> object:
    return read_piece(json.dumps(members).encode())


def chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@pytest.mark.parametrize(
    ("delta", "text", "content"),
    [
        ({"role": "assistant", "content": ""}, "", False),
        ({"content": None}, "", False),
        ({"content": "Hi"}, "Hi", True),
        ({"content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]}, "Hi", True),
        ({"reasoning_content": "hm", "reasoning": "hm"}, "hm", True),
        ({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}, "f{}", True),
        ({"tool_calls": [{"function": {"arguments": {"a": 1}}}]}, '{"a":1}', True),
        ({"function_call": {"name": "f"}}, "f", True),
        ({"refusal": "no"}, "no", True),
        ({"audio": {"id": "x", "data": "UklG"}}, "", True),
        ({"unheard_of": 1}, "", False),
    ],
)
def test_what_counts_as_content(delta: dict[str, object], text: str, *, content: bool) -> None:
    got = read_piece(json.dumps(chunk(delta)).encode())
    assert (got.text, got.has_content) == (text, content)


def test_a_finish_reason_is_content_and_ends_the_answer() -> None:
    got = read_piece(json.dumps(chunk({}, "stop")).encode())
    assert got.finishes
    assert got.has_content


def test_azures_first_chunk_is_empty() -> None:
    assert read_piece(b'{"model":"","choices":[],"prompt_filter_results":[]}').is_empty
    assert not read_piece(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}').is_empty


@pytest.mark.parametrize("error", [b"null", b'""', b"{}", b"[]"])
def test_an_empty_error_member_is_none(error: bytes) -> None:
    assert read_piece(b'{"choices":[],"error":' + error + b"}").error is None


def test_an_error_inside_an_answer_is_seen() -> None:
    got = read_piece(b'{"error":{"message":"overloaded"}}')
    assert got.error == b'{"message":"overloaded"}'


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[]", b"\xff", b'{"choices":5}'])
def test_other_things_are_format_errors(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_piece(data)


counts = st.integers(0, 10**7)


@given(counts, counts, counts, counts, counts, counts)
def test_usage_buckets_are_disjoint_and_add_up(
    p: int, c: int, cached: int, a_in: int, a_out: int, thoughts: int
) -> None:
    raw = {
        "prompt_tokens": p,
        "completion_tokens": c,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": a_in},
        "completion_tokens_details": {"reasoning_tokens": thoughts, "audio_tokens": a_out},
    }
    usage = read_piece(json.dumps({"choices": [], "usage": raw}).encode()).usage
    if p == c == 0:
        assert usage is None
        return
    assert usage is not None
    assert (usage.prompt_total, usage.completion_total) == (p, c)
    assert min(usage.input, usage.cached_read, usage.output, usage.reasoning, usage.audio_input) >= 0


def test_deepseeks_cache_hits_are_cached_tokens() -> None:
    wire = WireUsage(prompt_tokens=10, completion_tokens=1, prompt_cache_hit_tokens=6)
    assert wire.normalised() == Usage(input=4, cached_read=6, output=1)


@pytest.mark.parametrize(
    ("body", "message", "kind"),
    [
        (b'{"error":{"message":"m","type":"t"}}', "m", "t"),
        (b'{"error":{"message":"m","type":null,"code":7}}', "m", ""),
        (b'{"error":"plain"}', "plain", "upstream_error"),
        (b'{"message":"m"}', "m", "upstream_error"),
        (b'{"msg":"m"}', "m", "upstream_error"),
        (b'{"err":"m"}', "m", "upstream_error"),
        (b'{"error_msg":"m"}', "m", "upstream_error"),
        (b'{"header":{"message":"m"}}', "m", "upstream_error"),
        (b'{"response":{"error":{"message":"m"}}}', "m", "upstream_error"),
        (b"{}", "bad response status code 418", "upstream_error"),
        (b"<html>secret host</html>", "bad response status code 418", "upstream_error"),
        (b"", "bad response status code 418", "upstream_error"),
    ],
)
def test_error_bodies_of_every_known_shape(body: bytes, message: str, kind: str) -> None:
    error = read_error(body, status=418)
    assert (error.message, error.type) == (message, kind)


@given(st.binary(max_size=200))
def test_no_error_body_raises(body: bytes) -> None:
    assert read_error(body, status=500).message
