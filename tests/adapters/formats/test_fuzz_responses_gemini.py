"""Whatever strangers send, the decoders of Responses and Gemini answer with values or with their own error type."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, embeddings, gemini, openai_chat, openai_responses
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.gemini.schema import json_schema, response_schema, tool_schema
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.sse import Event
from tests.adapters.formats import more_recordings as recordings
from tests.adapters.formats.test_fuzz_chat_anthropic import SCALARS, mutants

SOURCES = (openai_responses, gemini)
TARGETS = (openai_chat, anthropic, openai_responses, gemini)
MODELS = ("gemini-3-pro-preview", "gemini-2.5-flash", "gemma-3-27b-it", "gpt-5", "claude-sonnet-4-5")
NAMES = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "text",
        "index",
        "delta",
        "input",
        "output",
        "item",
        "item_id",
        "output_index",
        "content_index",
        "part",
        "response",
        "status",
        "error",
        "usage",
        "call_id",
        "name",
        "arguments",
        "summary",
        "encrypted_content",
        "annotations",
        "reasoning",
        "tools",
        "tool_choice",
        "instructions",
        "model",
        "id",
        "contents",
        "parts",
        "functionCall",
        "functionResponse",
        "args",
        "candidates",
        "usageMetadata",
        "finishReason",
        "thought",
        "thoughtSignature",
        "inlineData",
        "mimeType",
        "data",
        "generationConfig",
        "thinkingConfig",
        "responseSchema",
        "systemInstruction",
        "groundingMetadata",
        "groundingChunks",
        "groundingSupports",
        "logprobsResult",
        "promptFeedback",
        "blockReason",
        "properties",
        "items",
        "anyOf",
        "allOf",
        "$ref",
        "$defs",
        "enum",
        "required",
        "format",
        "code",
        "message",
        "values",
        "embedding",
        "embeddings",
        "requests",
    ]
)
WORDS = st.sampled_from(
    [
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "output_text",
        "input_text",
        "input_image",
        "user",
        "assistant",
        "model",
        "response.created",
        "response.completed",
        "response.output_item.added",
        "response.output_item.done",
        "error",
        "STOP",
        "object",
        "array",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.reasoning_summary_text.delta",
        "#/$defs/a",
        "#",
        "#/properties/a",
    ]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def run_request(raw: bytes) -> None:
    for source in SOURCES:
        with suppress(FormatError):
            request = source.decode_request(raw)
            for target in TARGETS:
                for model in MODELS:
                    with suppress(FormatError):
                        options = RequestOptions(thinking=True, safety_threshold="OFF")
                        json.loads(target.encode_request(request, model, options).body)
    with suppress(FormatError):
        gemini.encode_count_request(gemini.decode_count_request(raw), "m")
    for decode in (embeddings.decode_request, gemini.decode_embed_request):
        with suppress(FormatError):
            asked = decode(raw)
            gemini.encode_embed_request(asked, "m")
            embeddings.encode_request(asked, "m")


def run_answer(raw: bytes) -> None:
    for source in SOURCES:
        with suppress(FormatError, ProviderFailure):
            response = source.decode_response(raw)
            for target in TARGETS:
                with suppress(FormatError):
                    json.loads(target.encode_response(response, ResponseOptions()).body)
        with suppress(FormatError):
            source.read_piece(raw, None)
        source.read_error(raw, 500)
        source.ends(Event(raw, raw, None))
    with suppress(FormatError):
        gemini.decode_count_response(raw)
    for decode in (embeddings.decode_response, gemini.decode_embed_response):
        with suppress(FormatError):
            decode(raw)


def run_stream(datas: list[bytes]) -> None:
    for source in SOURCES:
        for target in TARGETS:
            decoder, encoder = source.StreamDecoder(), target.StreamEncoder()
            events = [event for data in datas for event in decoder.feed(Event(b"", data, None))]
            events += decoder.close()
            for event in events:
                encoder.encode(event)


def run_schema(value: object) -> None:
    if isinstance(value, dict):
        for convert in (response_schema, tool_schema, json_schema):
            with suppress(FormatError):
                json.dumps(convert(value))


@given(VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    raw = json.dumps(value).encode()
    run_request(raw)
    run_answer(raw)
    run_stream([raw])
    run_schema(value)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    run_request(raw)
    run_answer(raw)
    run_stream([raw])


@pytest.mark.parametrize("recording", [recordings.RESPONSES_REQUEST, recordings.GEMINI_REQUEST], ids=["r", "g"])
def test_mutated_requests_are_read_or_refused(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_request(json.dumps(value).encode())

    run()


@pytest.mark.parametrize("recording", [recordings.RESPONSES_ANSWER, recordings.GEMINI_ANSWER], ids=["r", "g"])
def test_mutated_answers_are_read_or_refused(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_answer(json.dumps(value).encode())

    run()


@pytest.mark.parametrize("recording", [recordings.RESPONSES_EVENTS, recordings.GEMINI_CHUNKS], ids=["r", "g"])
def test_mutated_streams_are_read_or_fail(recording: object) -> None:
    @given(mutants(recording))
    def run(value: object) -> None:
        run_stream([json.dumps(event).encode() for event in value or ()])  # type: ignore[attr-defined]

    run()


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"input":"\xff","model":"m"}',
        b'{"candidates":[{"content":{"parts":[{"text":"\\ud800"}]}}]}',
        b'{"candidates":[{"index":99999999999999999999}]}',
        b'{"usageMetadata":{"promptTokenCount":1e300},"candidates":[{}]}',
        b'{"output":[],"usage":{"input_tokens":1e300},"created_at":1e308}',
        b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":{"a":' + b"[" * 900 + b"]" * 900 + b"}}}]}]}",
        b'{"embeddings":[{"values":[1e308]}]}',
        b'{"data":[{"embedding":"AAAA"}]}',
    ],
    ids=range(9),
)
def test_json_at_its_limits_is_refused(raw: bytes) -> None:
    run_request(raw)
    run_answer(raw)
    run_stream([raw])
