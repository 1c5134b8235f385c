"""A Claude client over a chat provider: what its request becomes, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats import anthropic, openai_chat
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.pricing.usage import Usage
from tests.adapters.formats import recordings


def convert(
    options: RequestOptions | None = None, *, model: str = "gpt-4o", **members: object
) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}], **members}
    request = anthropic.decode_request(json.dumps(body).encode())
    encoded = openai_chat.encode_request(request, model, options or RequestOptions())
    return json.loads(encoded.body), encoded.dropped


def answer(message: dict[str, object] | None = None, **choice: object) -> dict[str, Any]:
    raw = {
        **recordings.CHAT_ANSWER,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", **(message or {"content": "Hi"})},
                **choice,
            }
        ],
    }
    response = openai_chat.decode_response(json.dumps(raw).encode())
    body: dict[str, Any] = json.loads(anthropic.encode_response(response, ResponseOptions(request_id="r1")).body)
    return body


def test_a_plain_request_holds_nothing_that_the_client_did_not_ask_for() -> None:
    assert convert() == ({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 64}, ())


@pytest.mark.parametrize(
    ("members", "written"),
    [
        ({"system": "S"}, {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]}),
        ({"stop_sequences": ["Z"]}, {"stop": ["Z"]}),
        ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
    ],
)
def test_what_chat_has_a_member_for(members: dict[str, object], written: dict[str, object]) -> None:
    body, dropped = convert(**members)
    assert {name: body.get(name) for name in written} == written
    assert dropped == ()


@pytest.mark.parametrize(
    ("members", "dropped"),
    [
        ({"top_k": 5}, "top_k"),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control"),
        ({"context_management": {"edits": []}}, "context_management"),
        ({"system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]}, "cache_control"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools.bash_20250124"),
    ],
)
def test_what_chat_has_none_for_is_named(members: dict[str, object], dropped: str) -> None:
    assert convert(**members)[1] == (dropped,)


def test_reasoning_models_get_the_members_that_they_know() -> None:
    options = RequestOptions(max_tokens_member="max_completion_tokens", system_role="developer")
    body, _ = convert(options, system="S")
    assert body["max_completion_tokens"] == 64
    assert "max_tokens" not in body
    assert body["messages"][0]["role"] == "developer"


def test_openrouter_gets_marks_budgets_and_signed_thoughts() -> None:
    options = RequestOptions(cache_marks=True, reasoning_style="object", reasoning_history="reasoning_details")
    body, dropped = convert(
        options,
        system=[{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        thinking={"type": "enabled", "budget_tokens": 2048},
        messages=[
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "x"}],
            },
            {"role": "user", "content": "Go on"},
        ],
    )
    assert body["messages"][0]["content"] == [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]
    assert body["reasoning"] == {"max_tokens": 2048}
    assert body["messages"][2]["reasoning_details"][0]["signature"] == "s"
    assert dropped == ()


@pytest.mark.parametrize(
    ("choice", "written", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "none"}, "none", None),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}, None),
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto", False),
    ],
)
def test_tool_choice(choice: object, written: object, *, parallel: bool | None) -> None:
    body, dropped = convert(tools=[{"name": "f", "input_schema": recordings.SCHEMA}], tool_choice=choice)
    assert body["tool_choice"] == written
    assert body.get("parallel_tool_calls") == parallel
    assert body["tools"] == [{"type": "function", "function": {"name": "f", "parameters": recordings.SCHEMA}}]
    assert dropped == ()


def test_a_tool_loop_with_pictures_in_results() -> None:
    request = anthropic.decode_request(json.dumps(recordings.CLAUDE_REQUEST).encode())
    encoded = openai_chat.encode_request(request, "m", RequestOptions(reasoning_history="reasoning_content"))
    body = json.loads(encoded.body)
    system, user, assistant, first, second, after = body["messages"]
    assert system["content"] == "Be brief."
    assert [part["type"] for part in user["content"]] == ["text", "image_url", "image_url", "text"]
    assert assistant["content"] == "Let me look."
    assert assistant["reasoning_content"] == "Hm."
    assert [call["function"] for call in assistant["tool_calls"]] == [
        {"name": "weather", "arguments": '{"location":"Paris"}'},
        {"name": "weather", "arguments": "{}"},
    ]
    assert first == {"role": "tool", "tool_call_id": "toolu_1", "content": "14C"}
    assert second == {"role": "tool", "tool_call_id": "toolu_2", "content": "no"}
    assert [part["type"] for part in after["content"]] == ["image_url", "text"]
    assert body["web_search_options"] == {}
    assert set(encoded.dropped) == {
        "cache_control",
        "messages.content.toolresult.is_error",
        "messages.content.reasoning.signature",
        "tools.allowed_domains",
        "tools.max_uses",
        "tools.bash_20250124",
        "context_management",
    }


def test_a_chat_completion_as_claudes_answer() -> None:
    response = openai_chat.decode_response(json.dumps(recordings.CHAT_ANSWER).encode())
    body = json.loads(anthropic.encode_response(response).body)
    assert body == {
        "id": "chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "gpt-4o",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": ""},
            {"type": "text", "text": "Looking."},
            {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"location": "Paris"}},
            {"type": "tool_use", "id": "call_2", "name": "weather", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 30,
            "cache_creation_input_tokens": 10,
            "cache_read_input_tokens": 60,
            "output_tokens": 30,
            "output_tokens_details": {"thinking_tokens": 12},
        },
    }


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("eos", "end_turn"),
        (None, "end_turn"),
    ],
)
def test_finish_reasons(finish: object, stop: str) -> None:
    assert answer(finish_reason=finish)["stop_reason"] == stop


def test_a_refusal_is_text_and_the_stop_reason() -> None:
    body = answer({"content": None, "refusal": "No."})
    assert body["content"] == [{"type": "text", "text": "No."}]
    assert body["stop_reason"] == "refusal"


def test_arguments_that_broke_off_reach_the_client_as_they_are() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    body = answer({"content": None, "tool_calls": [call]}, finish_reason="length")
    assert body["content"][0]["input"] == {"INVALID_JSON": '{"a":'}


def test_an_error_in_a_200_is_a_failure_with_its_status() -> None:
    with pytest.raises(ProviderFailure, match="no credits") as caught:
        openai_chat.decode_response(b'{"error":{"message":"no credits","code":402}}')
    assert caught.value.status == 402


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [{"role": "user", "content": "x"}]},
        {"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "x"}]},
        {"model": "m", "max_tokens": 5, "messages": []},
        {"max_tokens": 5, "messages": [{"role": "user", "content": "x"}]},
        {"model": "m", "max_tokens": 5, "messages": [{"role": "robot", "content": "x"}]},
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": ""}]},
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "image"}]}]},
    ],
)
def test_requests_that_claude_would_refuse_are_refused(body: object) -> None:
    with pytest.raises(FormatError):
        anthropic.decode_request(json.dumps(body).encode())


def test_counting_tokens_needs_no_limit() -> None:
    request = anthropic.decode_count_request(b'{"model":"m","messages":[{"role":"user","content":"x"}]}')
    assert request.max_output_tokens is None


def test_another_providers_signature_comes_back_to_it_and_never_goes_to_claude() -> None:
    thought = {"type": "reasoning.text", "text": "Hm.", "signature": "g", "format": "google-gemini-v1"}
    body = answer({"content": "Hi", "reasoning_details": [thought]})
    signature = body["content"][0]["signature"]
    assert signature not in {"", "g"}
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": body["content"]}]
    raw = json.dumps({"model": "m", "max_tokens": 5, "messages": history}).encode()
    part = anthropic.decode_request(raw).messages[1].parts[0]
    assert (part.signature, part.signature_format) == ("g", "gemini")  # type: ignore[union-attr]
    encoded = anthropic.encode_request(anthropic.decode_request(raw), "claude-opus-4-6")
    assert b"Hm." not in encoded.body
    assert encoded.dropped == ("messages.content.reasoning",)


@pytest.mark.parametrize(
    ("status", "given", "kind"),
    [
        (400, "one_api_error", "invalid_request_error"),
        (401, "one_api_error", "authentication_error"),
        (402, "one_api_error", "billing_error"),
        (403, "insufficient_quota", "permission_error"),
        (404, "x", "not_found_error"),
        (413, "x", "request_too_large"),
        (422, "x", "invalid_request_error"),
        (429, "rate_limit_error", "rate_limit_error"),
        (500, "x", "api_error"),
        (503, "x", "overloaded_error"),
        (504, "x", "timeout_error"),
        (529, "overloaded_error", "overloaded_error"),
    ],
)
def test_errors_in_claudes_own_envelope(status: int, given: str, kind: str) -> None:
    body = json.loads(anthropic.error_body(status=status, message="no", type=given, code="c", request_id="r1"))
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": "no (request id: r1)", "code": "c"},
        "request_id": "r1",
    }


@pytest.mark.parametrize(
    ("body", "message", "kind"),
    [
        (b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', "busy", "overloaded_error"),
        (b'{"message":"Too many requests"}', "Too many requests", "rate_limit_error"),
        (b'[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota"}}]', "quota", "RESOURCE_EXHAUSTED"),
        (b"<html>", "bad response status code 429", "upstream_error"),
    ],
)
def test_errors_of_claudes_platforms(body: bytes, message: str, kind: str) -> None:
    error = anthropic.read_error(body, 429)
    assert (error.message, error.type) == (message, kind)


def test_usage_of_a_stream_that_passes_adds_up() -> None:
    reader = anthropic.PieceReader()
    pieces = [reader.read(json.dumps(event).encode()) for event in recordings.CLAUDE_EVENTS]
    assert pieces[-2].usage == Usage(
        input=20,
        cached_read=60,
        cache_write_5m=10,
        cache_write_1h=20,
        output=18,
        reasoning=12,
        tool_calls=(("web_search", 2),),
    )
    assert "".join(piece.text for piece in pieces) == 'Hm.Looking.weather{"location":"Paris"}weather'
    assert [piece.finishes for piece in pieces].count(True) == 1
    whole = anthropic.read_piece(json.dumps(recordings.CLAUDE_ANSWER).encode())
    assert whole.usage == pieces[-2].usage
    assert whole.finishes
