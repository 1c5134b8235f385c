"""Whatever strangers send, decoders answer with values or with their own error type."""

from __future__ import annotations

import copy
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, openai_chat
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.sse import Event
from tests.adapters.formats import recordings

CODECS = (openai_chat, anthropic)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["text", "tool_use", "assistant", "user", "thinking", "function", "image_url", "{}", "data:,", ""]
    ),
)
NAMES = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "text",
        "index",
        "delta",
        "choices",
        "message",
        "messages",
        "model",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "input",
        "id",
        "usage",
        "source",
        "tools",
        "tool_choice",
        "thinking",
        "error",
        "content_block",
        "finish_reason",
        "stop_reason",
        "reasoning_details",
        "citations",
        "max_tokens",
        "stop",
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=20
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a JSON value."""
    found = [path]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            found += places(inner, (*path, place))
    return found


def changed(value: object, path: tuple[object, ...], to: object) -> object:
    """A copy of `value` with another value, or nothing, at one place."""
    if not path:
        return to
    value = copy.deepcopy(value)
    at = value
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]
    if to is ...:
        del at[path[-1]]  # type: ignore[attr-defined]
    else:
        at[path[-1]] = to  # type: ignore[index]
    return value


@st.composite
def mutants(draw: st.DrawFn, value: object) -> object:
    for _ in range(draw(st.integers(1, 3))):
        value = changed(value, draw(st.sampled_from(places(value))), draw(VALUES | st.just(...)))
        if value is ... or not isinstance(value, (dict, list)):
            return None
    return value


def run_request(raw: bytes) -> None:
    for source in CODECS:
        with suppress(FormatError):
            request = source.decode_request(raw)
            for target in CODECS:
                with suppress(FormatError):
                    json.loads(target.encode_request(request, "claude-sonnet-4-5").body)


def run_answer(raw: bytes) -> None:
    for source in CODECS:
        with suppress(FormatError, ProviderFailure):
            response = source.decode_response(raw)
            for target in CODECS:
                with suppress(FormatError):
                    json.loads(target.encode_response(response, ResponseOptions()).body)
        with suppress(FormatError):
            source.read_piece(raw, None)
        source.read_error(raw, 500)


def run_stream(datas: list[bytes]) -> None:
    for source in CODECS:
        for target in CODECS:
            decoder, encoder = source.StreamDecoder(), target.StreamEncoder()
            events = [event for data in datas for event in decoder.feed(Event(b"", data, None))]
            events += decoder.close()
            for event in events:
                encoder.encode(event)
        reader = anthropic.PieceReader()
        for data in datas:
            with suppress(FormatError):
                reader.read(data)


@given(VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    raw = json.dumps(value).encode()
    run_request(raw)
    run_answer(raw)
    run_stream([raw])


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    run_request(raw)
    run_answer(raw)
    run_stream([raw])


@pytest.mark.parametrize("recording", [recordings.CHAT_REQUEST, recordings.CLAUDE_REQUEST], ids=["chat", "claude"])
def test_mutated_requests_are_read_or_refused(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_request(json.dumps(value).encode())

    run()


@pytest.mark.parametrize("recording", [recordings.CHAT_ANSWER, recordings.CLAUDE_ANSWER], ids=["chat", "claude"])
def test_mutated_answers_are_read_or_refused(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_answer(json.dumps(value).encode())

    run()


@pytest.mark.parametrize("recording", [recordings.CHAT_CHUNKS, recordings.CLAUDE_EVENTS], ids=["chat", "claude"])
def test_mutated_streams_are_read_or_fail(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_stream([json.dumps(event).encode() for event in value or ()])  # type: ignore[attr-defined]

    run()


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"messages":[{"role":"user","content":"\xff"}]}',
        b'{"seed":1e400}',
        b"\xef\xbb\xbf{}",
        b'{"error":{"message":1e400}}',
        b'{"error":{"message":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"usage":{"prompt_tokens":1e300}}',
        b'{"choices":[{"message":{"content":"\\ud800"}}]}',
    ],
    ids=range(9),
)
def test_json_at_its_limits_is_refused(raw: bytes) -> None:
    run_request(raw)
    run_answer(raw)
    run_stream([raw])
