"""What stands where in requests and answers of the Responses API, and that its official client takes ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.events import Failure, PartStart, Start, TextDelta
from adapters.formats.neutral.parts import (
    Citation,
    File,
    Foreign,
    Image,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from adapters.formats.neutral.requests import (
    HostedTool,
    Message,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
)
from adapters.formats.neutral.terms import CacheMark
from adapters.pricing.usage import Usage
from tests.adapters.formats import more_recordings as recordings
from tests.adapters.formats import recordings as first_recordings
from tests.adapters.formats.test_streams_chat_anthropic import read
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from adapters.formats.neutral.events import StreamEvent

SCHEMA = recordings.SCHEMA


def decoded(**members: object) -> Request:
    body = {"model": "m", "input": "Hi"} | members
    return openai_responses.decode_request(json.dumps(body).encode())


def encoded(options: RequestOptions | None = None, **members: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = Request(**{"format": "openai_chat", "model": "m"} | members)
    found = openai_responses.encode_request(request, "gpt-5", options or RequestOptions())
    return json.loads(found.body), found.dropped


def test_a_request_is_read_item_by_item() -> None:
    request = openai_responses.decode_request(json.dumps(recordings.RESPONSES_REQUEST).encode())
    assert request.system == [Text("Be brief."), Text("In French.")]
    user, assistant, results = request.messages
    assert user.parts == [
        Text("What is it?"),
        Image(data="iVBORw0KGgo=", media_type="image/png", detail="low"),
        File(data="JVBERi0=", media_type="application/pdf", name="a.pdf"),
    ]
    assert assistant.parts == [
        Reasoning(text="Hm.", signature="gAAA", signature_format="openai_responses", id="rs_1"),
        Text("Let me look."),
        ToolCall(id="call_1", name="weather", arguments='{"location":"Paris"}', item_id="fc_1"),
        ToolCall(id="call_2", name="weather", arguments='{"location":"Oslo"}', item_id="fc_2"),
        ToolCall(id="call_3", name="patch", arguments="*** Begin", custom=True, item_id="ctc_1"),
    ]
    assert results.role == "user"
    assert results.parts[:3] == [
        ToolResult(call_id="call_1", name="weather", parts=[Text("14C")]),
        ToolResult(call_id="call_2", name="weather", parts=[Text("3C")]),
        ToolResult(call_id="call_3", name="patch", parts=[Text("done")], custom=True),
    ]
    assert results.parts[3:] == [Text("And tomorrow?")]
    assert request.response_format == ResponseFormat(kind="json_schema", name="n", schema=SCHEMA, strict=True)
    assert request.reasoning == ReasoningOptions(effort="low", summary="auto", shown=True)
    assert request.tool_choice == ToolChoice(mode="required", names=["weather"])
    assert request.extra == {"include": ["reasoning.encrypted_content"], "truncation": "auto"}
    search = request.tools[2]
    assert isinstance(search, HostedTool)
    assert (search.kind, search.allowed_domains, search.context_size) == ("web_search", ["example.com"], "low")


@pytest.mark.parametrize(
    "members",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"background": True},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"id": "msg_1"}]},
    ],
)
def test_what_only_a_provider_that_keeps_conversations_knows_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(FormatError, match="Responses API"):
        decoded(**members)


def test_stateful_requests_can_be_read_for_a_provider_of_the_same_format() -> None:
    body = {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}
    request = openai_responses.decode_request(json.dumps(body).encode(), stateless=False)
    assert request.extra == {"previous_response_id": "resp_1"}
    assert json.loads(openai_responses.encode_request(request, "m2").body)["previous_response_id"] == "resp_1"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"input": None}, "either input or prompt is required"),
        ({"input": 5}, "input: expected an array"),
        ({"model": ""}, "model: is required"),
        ({"input": [{"role": "robot", "content": "x"}]}, r"input\[0\].role"),
        ({"input": [{"type": "function_call", "name": "f"}]}, r"input\[0\].call_id: is required"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "needs image_url or file_id"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"tools": [{"name": "f"}]}, r"tools\[0\].type: is required"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(members: dict[str, object], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decoded(**members)


def test_members_that_say_what_happens_anyway_are_not_foreign() -> None:
    request = decoded(truncation="disabled", background=False, include=[], text={"format": {"type": "text"}})
    assert request.extra == {}
    assert request.response_format is None


def test_forcing_a_hosted_tool_is_named_as_dropped_elsewhere() -> None:
    request = decoded(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert "tool_choice" in openai_chat.encode_request(request, model="m").dropped
    assert json.loads(openai_responses.encode_request(request, "m").body)["tool_choice"] == {"type": "web_search"}


def test_a_chat_request_becomes_items() -> None:
    request = openai_chat.decode_request(json.dumps(first_recordings.CHAT_REQUEST).encode())
    found = openai_responses.encode_request(request, "gpt-5")
    body = json.loads(found.body)
    assert body["instructions"] == "Be brief."
    user, assistant, first, second, *others = body["input"]
    assert [part["type"] for part in user["content"]] == ["input_text", "input_image", "input_audio", "input_file"]
    assert user["content"][1]["detail"] == "low"
    assert assistant == {"role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]}
    assert (first["type"], first["call_id"], first["arguments"]) == (
        "function_call",
        "call_1",
        '{"location":"Paris"}',
    )
    assert second["call_id"] == "call_2"
    assert [item["type"] for item in others[:2]] == ["function_call_output"] * 2
    assert [item["output"] for item in others[:2]] == ["14C", "3C"]
    assert others[2] == {"role": "user", "content": [{"type": "input_text", "text": "And tomorrow?"}]}
    assert body["tools"][0]["parameters"] == SCHEMA
    assert body["tool_choice"] == "required"
    assert body["reasoning"] == {"effort": "low"}
    assert set(found.dropped) >= {"stop", "seed", "logit_bias", "cache_control"}
    assert "messages.content.reasoning" in found.dropped


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_output_tokens": 5}, {"max_output_tokens": 5}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"response_format": ResponseFormat(kind="json_object")}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"reasoning": ReasoningOptions(enabled=True, budget_tokens=9000)},
            {"reasoning": {"effort": "medium", "summary": "auto"}},
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"include": ["message.output_text.logprobs"], "top_logprobs": 3}),
        ({"service_tier": "flex", "store": True}, {"service_tier": "flex", "store": True}),
        ({"n": 1}, {}),
        ({"stream": True}, {"stream": True}),
    ],
)
def test_options_of_a_request(members: dict[str, Any], expected: dict[str, Any]) -> None:
    body, dropped = encoded(**members)
    assert body == {"model": "gpt-5", "input": []} | expected
    assert dropped == ()


@pytest.mark.parametrize(
    ("source", "members", "name"),
    [
        ("openai_chat", {"n": 2}, "n"),
        ("anthropic", {"stop": ["x"]}, "stop_sequences"),
        ("anthropic", {"top_k": 3}, "top_k"),
        ("gemini", {"seed": 3}, "generationConfig.seed"),
        ("openai_chat", {"modalities": ["text", "audio"]}, "modalities"),
        ("anthropic", {"cache": CacheMark()}, "cache_control"),
        ("gemini", {"extra": {"cachedContent": "x"}}, "cachedContent"),
        (
            "anthropic",
            {"messages": [Message("user", [ToolResult(call_id="a", is_error=True)])]},
            "messages.content.toolresult.is_error",
        ),
        ("openai_chat", {"messages": [Message("user", [Text("x")], "Bob")]}, "messages.name"),
        ("anthropic", {"tools": [HostedTool(kind="bash", format="anthropic", value={})]}, "tools.bash"),
    ],
)
def test_what_has_no_place_is_named_in_the_clients_words(source: str, members: dict[str, Any], name: str) -> None:
    _, dropped = encoded(format=source, **members)
    assert dropped == (name,)


def test_reasoning_models_get_what_they_take() -> None:
    options = RequestOptions(fixed_sampling=True, default_effort="high")
    body, dropped = encoded(options, temperature=0.2, top_p=0.5)
    assert (body["temperature"], body["reasoning"]) == (1, {"effort": "high"})
    assert "top_p" not in body
    assert dropped == ("temperature", "top_p")
    assert "temperature" not in encoded(options)[0]
    assert encoded(options, reasoning=ReasoningOptions(effort="minimal"))[0]["reasoning"] == {"effort": "minimal"}


def test_models_that_do_not_think_are_not_asked_to_by_claudes_clients() -> None:
    request = Request(format="anthropic", model="m", reasoning=ReasoningOptions(enabled=True, budget_tokens=2000))
    found = openai_responses.encode_request(request, "gpt-4.1")
    assert b"reasoning" not in found.body
    assert found.dropped == ("thinking",)
    assert b'"effort":"low"' in openai_responses.encode_request(request, "gpt-5").body


def test_ids_that_are_too_long_are_cut_alike_in_call_and_result() -> None:
    long = "toolu_" + "x" * 80
    messages = [
        Message("assistant", [ToolCall(id=long, name="f")]),
        Message("user", [ToolResult(call_id=long, parts=[Text("1")])]),
    ]
    body, _ = encoded(messages=messages)
    call, result = body["input"]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_results_with_pictures_are_lists() -> None:
    result = ToolResult(call_id="c", parts=[Text("Look"), Image(data="iVBORw0KGgo=", media_type="image/png")])
    body, dropped = encoded(messages=[Message("user", [result])])
    assert [part["type"] for part in body["input"][0]["output"]] == ["input_text", "input_image"]
    assert dropped == ()


def test_an_answer_is_read_item_by_item() -> None:
    answer = openai_responses.decode_response(json.dumps(recordings.RESPONSES_ANSWER).encode())
    choice = answer.choices[0]
    assert choice.stop_reason is StopReason.TOOL_CALLS
    assert [type(part) for part in choice.parts] == [Reasoning, Foreign, Text, Refusal, ToolCall, ToolCall]
    said = choice.parts[2]
    assert isinstance(said, Text)
    assert said.citations == [Citation(url="https://example.com", title="E", start=0, end=4)]
    assert answer.usage == Usage(
        input=30, cached_read=60, cache_write_5m=10, output=18, reasoning=12, tool_calls=(("web_search", 1),)
    )


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"status": "completed"}, StopReason.STOP),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, StopReason.LENGTH),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, StopReason.CONTENT_FILTER),
    ],
)
def test_stop_reasons(members: dict[str, object], reason: StopReason) -> None:
    answer = openai_responses.decode_response(json.dumps({"output": []} | members).encode())
    assert answer.choices[0].stop_reason is reason


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "oops"}, "output": []}, 502),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "oops"}}, 429),
        ({"error": {"message": "oops"}}, 502),
        ({"status": "cancelled", "output": []}, 502),
    ],
)
def test_a_failed_response_is_a_failure_of_the_provider(body: dict[str, object], status: int) -> None:
    with pytest.raises(ProviderFailure) as caught:
        openai_responses.decode_response(json.dumps(body).encode())
    assert caught.value.status == status


def test_uses_of_hosted_tools_are_counted_as_they_are_billed() -> None:
    output = [
        {"type": "web_search_call", "action": {"type": "search"}},
        {"type": "web_search_call", "action": {"type": "open_page"}},
        {"type": "file_search_call"},
        {"type": "code_interpreter_call"},
    ]
    usage = {"input_tokens": 1, "output_tokens": 1}
    body = {"model": "gpt-4o", "output": output, "usage": usage, "tools": [{"type": "web_search_preview"}]}
    found = openai_responses.read_piece(json.dumps(body).encode()).usage
    assert found is not None
    assert dict(found.tool_calls) == {"web_search_preview_non_reasoning": 1, "file_search": 1, "code_interpreter": 1}


def test_pieces_of_a_passing_stream_add_up_to_the_answer() -> None:
    words, usage, finished = "", None, 0
    for event in recordings.RESPONSES_EVENTS:
        piece = openai_responses.read_piece(json.dumps(event).encode())
        words += piece.text
        usage = piece.usage or usage
        finished += piece.finishes
    assert words == 'Hm.So.Let me look.Not that.weatherweather{"location"{"location":"Oslo"}:"Paris"}'
    assert finished == 1
    assert usage is not None
    assert usage.prompt_total == 100


def test_errors_in_a_passing_stream_are_seen() -> None:
    failed = {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "oops"}}}
    for event in (failed, {"type": "error", "message": "oops", "code": None}):
        assert b"oops" in (openai_responses.read_piece(json.dumps(event).encode()).error or b"")


# The official client -----------------------------------------------------------------------------------------


def client_for(body: bytes, *, content_type: str = "text/event-stream", status: int = 200) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        del request
        return httpx2.Response(status, headers={"content-type": content_type}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer), verify=no_tls())
    return openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http, max_retries=0)


def stream_for(source: Any) -> bytes:
    raw = {
        openai_chat: first_recordings.chat_stream(),
        anthropic: first_recordings.claude_stream(),
        openai_responses: recordings.responses_stream(),
        gemini: recordings.gemini_stream(),
    }[source]
    return written(read(source, [raw]))


def written(events: list[StreamEvent]) -> bytes:
    request = openai_responses.decode_request(json.dumps(recordings.RESPONSES_REQUEST).encode())
    encoder = openai_responses.StreamEncoder(ResponseOptions(model="m", request_id="r1", now_s=1, request=request))
    return b"".join(encoder.encode(event) for event in events)


@pytest.mark.parametrize("source", [openai_chat, anthropic, openai_responses, gemini])
def test_the_official_client_collects_our_streams(source: Any) -> None:
    with client_for(stream_for(source)) as client, client.responses.stream(model="m", input="Hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == final.output_text
    assert said
    calls = [item for item in final.output if item.type == "function_call"]
    assert json.loads(calls[0].arguments) == {"location": "Paris"}
    assert len(calls) == 2
    assert final.usage is not None
    assert final.usage.input_tokens >= final.usage.input_tokens_details.cached_tokens > 0
    assert final.usage.output_tokens_details.reasoning_tokens == 12
    assert final.instructions == "Be brief.\n\nIn French."
    assert final.model == "m"


@pytest.mark.parametrize("source", [openai_chat, anthropic, openai_responses, gemini])
def test_every_event_of_ours_fits_the_clients_types(source: Any) -> None:
    with client_for(stream_for(source)) as client:
        events = list(client.responses.create(model="m", input="Hi", stream=True))
    assert events[-1].type == "response.completed"
    for event in events:
        type(event).model_validate(event.to_dict(), strict=False)


def test_the_official_client_reads_our_whole_answers() -> None:
    answer = Response(
        format="anthropic",
        id="msg_1",
        model="claude",
        choices=[
            Choice(
                parts=[
                    Reasoning(text="Hm.", signature="s", signature_format="anthropic"),
                    Text("Hi", citations=[Citation(url="https://example.com", title="E", start=0, end=2)]),
                    ToolCall(id="toolu_1", name="f", arguments='{"a":1}'),
                ],
                stop_reason=StopReason.TOOL_CALLS,
            )
        ],
        usage=Usage(input=3, cached_read=4, output=5, reasoning=6),
    )
    body = openai_responses.encode_response(answer, ResponseOptions(now_s=1)).body
    with client_for(body, content_type="application/json") as client:
        response = client.responses.create(model="m", input="Hi")
    type(response).model_validate(response.to_dict())
    assert response.output_text == "Hi"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (7, 11)


def test_the_official_client_raises_at_a_stream_that_failed() -> None:
    events: list[StreamEvent] = [
        Start(format="gemini"),
        PartStart(0, Text()),
        TextDelta(0, "Hi"),
        Failure(message="gone", status=503),
    ]
    with client_for(written(events)) as client:
        stream = client.responses.create(model="m", input="Hi", stream=True)
        with pytest.raises(openai.APIError, match="gone"):
            list(stream)


def test_the_official_client_raises_at_our_error_body() -> None:
    body = openai_responses.error_body(status=429, message="slow", type="rate_limit", code="c", request_id="r1")
    with (
        client_for(body, content_type="application/json", status=429) as client,
        pytest.raises(openai.RateLimitError),
    ):
        client.responses.create(model="m", input="Hi")


def test_requests_of_the_official_client_are_read() -> None:
    seen: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.read())
        return httpx2.Response(200, json=recordings.RESPONSES_ANSWER)

    http = httpx2.Client(transport=httpx2.MockTransport(answer), verify=no_tls())
    with openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http) as client:
        first = client.responses.create(model="m", input="Hi")
        history = [{"role": "user", "content": "Hi"}, *[item.to_dict() for item in first.output]]
        history.append({"type": "function_call_output", "call_id": "call_1", "output": "14C"})
        client.responses.create(model="m", input=history)  # type: ignore[call-overload]
    request = openai_responses.decode_request(seen[1])
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert not request.extra
    assert isinstance(request.messages[1].parts[0], Reasoning)


def test_tools_without_parameters_get_an_empty_object() -> None:
    body, _ = encoded(tools=[Tool(name="f")], messages=[Message("user", [Text("x")])])
    assert body["tools"] == [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
