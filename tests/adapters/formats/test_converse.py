"""Requests for Bedrock's Converse API, its answers and its events."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from adapters.formats import anthropic, openai_chat
from adapters.formats.assembly import assemble
from adapters.formats.errors import FormatError
from adapters.formats.neutral.answers import Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions
from adapters.formats.neutral.events import ArgumentsDelta, Failure, PartStart
from adapters.formats.neutral.parts import Reasoning, Text, ToolCall
from adapters.formats.table import PROVIDERS
from adapters.sse import EventScanner
from adapters.wires.bedrock.event_stream import EventStreamReader
from tests.support.frames import converse, exception

SIDE = PROVIDERS["converse"]
PNG = base64.b64encode(b"png").decode()


def encode(
    body: dict[str, Any], model: str = "qwen3-32b", *, claude: bool = False
) -> tuple[dict[str, Any], tuple[str, ...]]:
    decode = anthropic.decode_request if claude else openai_chat.decode_request
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}]} | body
    encoded = SIDE.encode_request(decode(json.dumps(asked).encode()), model, RequestOptions())
    return json.loads(encoded.body), encoded.dropped


def user(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


def test_limits_and_instructions_have_places_of_their_own() -> None:
    body, dropped = encode(
        {
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
            "max_tokens": 64,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["END"],
            "stream": True,
        }
    )
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    }
    assert dropped == ()


def test_what_it_cannot_say_is_named() -> None:
    _, dropped = encode({"seed": 1, "presence_penalty": 0.5, "user": "u", "n": 2, "reasoning_effort": "low"})
    assert set(dropped) == {"seed", "presence_penalty", "user", "n", "reasoning_effort"}


def test_pictures_and_documents_stand_by_their_kind() -> None:
    pdf = {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a_b/c.pdf"}}
    body, dropped = encode(
        {
            "messages": user(
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{PNG}"}},
                pdf,
                pdf,
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            )
        }
    )
    assert body["messages"][0]["content"] == [
        {"text": "look"},
        {"image": {"format": "jpeg", "source": {"bytes": PNG}}},
        {"document": {"format": "pdf", "name": "a b c pdf", "source": {"bytes": PNG}}},
        {"document": {"format": "pdf", "name": "a b c pdf 2", "source": {"bytes": PNG}}},
    ]
    assert dropped == ("messages.content.image",)


HISTORY = [
    {"role": "user", "content": "weather?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "call.1", "type": "function", "function": {"name": "look", "arguments": '{"at":"Rome"}'}},
            {"id": "call.2", "type": "function", "function": {"name": "look", "arguments": ""}},
        ],
    },
    {"role": "tool", "tool_call_id": "call.1", "content": "sunny"},
    {"role": "tool", "tool_call_id": "call.2", "content": ""},
    {"role": "user", "content": "and?"},
]


def test_calls_and_all_results_of_a_round_stand_in_two_turns() -> None:
    body, _ = encode({"messages": HISTORY})
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call_1", "name": "look", "input": {"at": "Rome"}}},
        {"toolUse": {"toolUseId": "call_2", "name": "look", "input": {}}},
    ]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "sunny"}]}},
        {"toolResult": {"toolUseId": "call_2", "content": []}},
        {"text": "and?"},
    ]


def test_a_history_with_calls_always_has_tools() -> None:
    body, _ = encode({"messages": HISTORY})
    assert body["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    }


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", None),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "look"}}, {"tool": {"name": "look"}}),
    ],
)
def test_choices_of_tools(choice: object, written: object) -> None:
    schema = {"type": "object", "properties": {"at": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": schema}}
    body, _ = encode({"tools": [tool], "tool_choice": choice})
    spec = {"name": "look", "description": "Looks.", "inputSchema": {"json": schema}}
    assert body["toolConfig"]["tools"] == [{"toolSpec": spec}]
    assert body["toolConfig"].get("toolChoice") == written


def test_no_tools_wanted_is_none_offered() -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    body, dropped = encode({"tools": [tool], "tool_choice": "none"})
    assert "toolConfig" not in body
    assert dropped == ()
    body, dropped = encode({"tools": [tool], "tool_choice": "none", "messages": HISTORY})
    assert "toolConfig" in body
    assert dropped == ("tool_choice",)


def test_signed_thoughts_go_back_and_others_are_named() -> None:
    signed = {"type": "thinking", "thinking": "hm", "signature": "s1"}
    sealed = {"type": "redacted_thinking", "data": "c2VhbA=="}
    turn = {"role": "assistant", "content": [signed, sealed, {"type": "text", "text": "4"}]}
    ask = {"role": "user", "content": "2+2"}
    body, dropped = encode({"max_tokens": 9, "messages": [ask, turn, ask]}, claude=True)
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s1"}}},
        {"reasoningContent": {"redactedContent": "c2VhbA=="}},
        {"text": "4"},
    ]
    assert dropped == ()
    told = {"role": "assistant", "content": "4", "reasoning_content": "hm"}
    _, dropped = encode({"messages": [ask, told, ask]})
    assert dropped == ("messages.content.reasoning",)


@pytest.mark.parametrize(
    "model", ["amazon-nova-pro", "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-x"]
)
def test_families_that_cache_get_cache_points(model: str) -> None:
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    tool = {"name": "look", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}
    asked = {"max_tokens": 9, "system": [marked], "messages": user(marked), "tools": [tool]}
    body, dropped = encode(asked, model, claude=True)
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "long"}, point]
    assert body["messages"][0]["content"] == [{"text": "long"}, point]
    assert body["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert dropped == ()


def test_families_that_do_not_cache_get_none() -> None:
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    body, dropped = encode({"max_tokens": 9, "messages": user(marked)}, claude=True)
    assert body["messages"][0]["content"] == [{"text": "long"}]
    assert dropped == ("cache_control",)


@pytest.mark.parametrize(
    ("model", "asked", "more"),
    [
        ("gpt-oss-120b", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}),
        ("amazon-nova-2-lite", {"reasoning_effort": "low"},
         {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        ("amazon-nova-2-lite", {"reasoning_effort": "none"}, {"reasoningConfig": {"type": "disabled"}}),
        ("mistral-large-2402", {"top_k": 5}, {"top_k": 5}),
        ("amazon-nova-pro", {"top_k": 5}, {"inferenceConfig": {"topK": 5}}),
    ],
)  # fmt: skip
def test_families_have_members_of_their_own(model: str, asked: dict[str, Any], more: dict[str, Any]) -> None:
    body, dropped = encode(asked, model)
    assert body["additionalModelRequestFields"] == more
    assert dropped == ()


def test_answers_are_held_to_a_schema_where_models_can_be() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    body, dropped = encode(wanted)
    shape = body["outputConfig"]["textFormat"]
    assert (shape["type"], shape["structure"]["jsonSchema"]["name"]) == ("json_schema", "n")
    assert json.loads(shape["structure"]["jsonSchema"]["schema"]) == schema
    assert dropped == ()
    body, dropped = encode(wanted, "llama3-3-70b-128k")
    assert "outputConfig" not in body
    assert dropped == ("response_format",)


def test_a_request_without_words_of_the_user_is_refused() -> None:
    with pytest.raises(FormatError, match="no message of the user"):
        encode({"messages": [{"role": "user", "content": " "}]})


# Answers --------------------------------------------------------------------------------------------------------

USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 45,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 10,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 6}],
}
WHOLE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s1"}}},
                {"text": "Let me look."},
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "Rome"}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": USAGE,
    "metrics": {"latencyMs": 1},
}
STREAM = (
    converse("messageStart", {"role": "assistant"}),
    converse("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "h"}}}),
    converse("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "m"}}}),
    converse("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "s1"}}}),
    converse("contentBlockStop", {"contentBlockIndex": 0}),
    converse("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Let me "}}),
    converse("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "look."}}),
    converse("contentBlockStop", {"contentBlockIndex": 1}),
    converse(
        "contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}
    ),
    converse("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"at":'}}}),
    converse("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"Rome"}'}}}),
    converse("contentBlockStop", {"contentBlockIndex": 2}),
    converse("messageStop", {"stopReason": "tool_use"}),
    converse("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
)


def decode(answer: dict[str, Any]) -> Response:
    return SIDE.decode_response(json.dumps(answer).encode())


def heard(*frames: bytes, closed: bool = True) -> list[Any]:
    reader, scanner, decoder = EventStreamReader(), EventScanner(), SIDE.stream_decoder()
    found = [one for event in scanner.feed(reader.feed(b"".join(frames))) for one in decoder.feed(event)]
    return found + (decoder.close() if closed else [])


def test_a_whole_answer() -> None:
    response = decode(WHOLE)
    thought, said, call = response.choices[0].parts
    assert thought == Reasoning(text="hm", signature="s1", signature_format="anthropic")
    assert said == Text("Let me look.")
    assert isinstance(call, ToolCall)
    assert (call.id, call.name, json.loads(call.arguments)) == ("t1", "look", {"at": "Rome"})
    assert response.choices[0].stop_reason is StopReason.TOOL_CALLS


def test_tokens_read_from_and_written_to_caches_are_apart_from_the_input() -> None:
    usage = decode(WHOLE).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.cached_read) == (10, 5, 20)
    assert (usage.cache_write_5m, usage.cache_write_1h) == (4, 6)


def test_a_stream_says_what_the_whole_answer_says() -> None:
    streamed = assemble(heard(*STREAM))
    whole = decode(WHOLE)
    assert streamed.choices[0].parts[:2] == whole.choices[0].parts[:2]
    call = streamed.choices[0].parts[2]
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"at": "Rome"}
    assert (streamed.choices[0].stop_reason, streamed.usage) == (whole.choices[0].stop_reason, whole.usage)


def test_calls_stream_as_they_come() -> None:
    events = heard(*STREAM[:11], closed=False)
    begun = next(one for one in events if isinstance(one, PartStart) and isinstance(one.part, ToolCall))
    assert [one.json for one in events if isinstance(one, ArgumentsDelta) and one.index == begun.index] == [
        '{"at":',
        '"Rome"}',
    ]


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", StopReason.STOP),
        ("stop_sequence", StopReason.STOP),
        ("max_tokens", StopReason.LENGTH),
        ("model_context_window_exceeded", StopReason.LENGTH),
        ("content_filtered", StopReason.CONTENT_FILTER),
        ("guardrail_intervened", StopReason.CONTENT_FILTER),
        ("malformed_tool_use", StopReason.ERROR),
    ],
)
def test_reasons_to_stop(reason: str, stop: StopReason) -> None:
    message = {"role": "assistant", "content": [{"text": "x"}]}
    assert decode({"output": {"message": message}, "stopReason": reason}).choices[0].stop_reason is stop


@pytest.mark.parametrize(
    ("kind", "status"),
    [("throttlingException", 429), ("serviceUnavailableException", 529), ("validationException", 400),
     ("modelTimeoutException", 504), ("internalServerException", 502), ("modelStreamErrorException", 502)],
)  # fmt: skip
def test_an_exception_within_a_stream_is_a_failure_with_its_status(kind: str, status: int) -> None:
    events = heard(*STREAM[:6], exception(kind, "no"))
    failure = events[-1]
    assert isinstance(failure, Failure)
    assert (failure.message, failure.status, failure.code) == ("no", status, kind)


def test_a_stream_without_an_end_is_a_failure() -> None:
    assert isinstance(heard(*STREAM[:7])[-1], Failure)


def test_words_around_citations_are_kept() -> None:
    cited = {"citationsContent": {"content": [{"text": "Rome"}], "citations": []}}
    answer = {"output": {"message": {"content": [{"text": "In "}, cited]}}, "stopReason": "end_turn"}
    assert decode(answer).choices[0].parts == [Text("In Rome")]
