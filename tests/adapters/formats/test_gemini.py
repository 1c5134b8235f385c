"""What stands where in Gemini's requests and answers, and that Google's official client takes ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.events import End, Failure, Finish, PartEnd, PartStart, Ping, Start
from adapters.formats.neutral.parts import (
    Audio,
    Citation,
    File,
    Foreign,
    Image,
    Reasoning,
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
from adapters.pricing.usage import Usage
from adapters.sse import parse_event
from tests.adapters.formats import more_recordings as recordings
from tests.adapters.formats import recordings as first_recordings
from tests.adapters.formats.test_streams_chat_anthropic import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.neutral.events import StreamEvent

FLASH = "gemini-2.5-flash"
PLAIN = RequestOptions(default_max_tokens=0)
HI = [Message("user", [Text("Hi")])]
HI_CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]


def encoded(
    model: str = FLASH, options: RequestOptions = PLAIN, **members: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = Request(**{"format": "openai_chat", "model": "m", "messages": HI} | members)
    found = gemini.encode_request(request, model, options)
    return json.loads(found.body), found.dropped


def config(model: str = FLASH, options: RequestOptions = PLAIN, **members: Any) -> dict[str, Any]:
    found: dict[str, Any] = encoded(model, options, **members)[0].get("generation_config", {})
    return found


def answer_of(*parts: dict[str, object], **more: object) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, "finishReason": "STOP"}
    return json.dumps({"candidates": [candidate | more], "responseId": "abc"}).encode()


# Requests of clients -----------------------------------------------------------------------------------------


def test_a_request_is_read_part_by_part() -> None:
    request = gemini.decode_request(json.dumps(recordings.GEMINI_REQUEST).encode(), model=FLASH, stream=True)
    assert (request.model, request.stream, request.system) == (FLASH, True, [Text("Be brief.")])
    user, model, results = request.messages
    assert user.parts == [
        Text("What is it?"),
        Image(data="iVBORw0KGgo=", media_type="image/png"),
        File(data="JVBERi0=", media_type="application/pdf"),
        Image(url="https://example.com/a.png", media_type="image/png"),
    ]
    assert model.parts == [
        Reasoning(text="Hm.", signature="c2ln", signature_format="gemini"),
        Text("Let me look."),
        ToolCall(
            id="call_1",
            name="weather",
            arguments='{"location":"Paris"}',
            signature="c2ln",
            signature_format="gemini",
        ),
        ToolCall(id="call_2", name="weather", arguments='{"location":"Oslo"}'),
    ]
    assert results.parts == [
        ToolResult(call_id="call_1", name="weather", parts=[Text("14C")]),
        ToolResult(call_id="call_2", name="weather", parts=[Text("no such place")], is_error=True),
        Text("And tomorrow?"),
    ]
    weather, other, search, code = request.tools
    assert isinstance(weather, Tool)
    assert weather.parameters == {
        "type": "object",
        "properties": {"location": {"type": ["string", "null"], "maxLength": 40}},
        "required": ["location"],
    }
    assert isinstance(other, Tool)
    assert other.parameters == recordings.SCHEMA
    assert isinstance(search, HostedTool)
    assert isinstance(code, HostedTool)
    assert (search.kind, code.kind) == ("web_search", "codeExecution")
    assert request.tool_choice == ToolChoice(mode="required", names=["weather"])
    assert request.stop == ["END"]
    assert (request.top_k, request.seed, request.n, request.max_output_tokens) == (40, 7, 1, 300)
    assert request.response_format == ResponseFormat(
        kind="json_schema", schema={"type": "object", "properties": {"a": {"type": "string"}}}
    )
    assert request.reasoning == ReasoningOptions(enabled=True, budget_tokens=2048, shown=True)
    assert set(request.extra) == {"safetySettings", "generationConfig.mediaResolution"}


def test_what_only_gemini_knows_goes_back_to_gemini() -> None:
    request = gemini.decode_request(json.dumps(recordings.GEMINI_REQUEST).encode())
    found = gemini.encode_request(request, FLASH, RequestOptions(safety_threshold="BLOCK_NONE"))
    body = json.loads(found.body)
    assert body["safety_settings"] == recordings.GEMINI_REQUEST["safetySettings"]
    assert body["generation_config"]["mediaResolution"] == "MEDIA_RESOLUTION_LOW"
    assert {"codeExecution": {}} in body["tools"]
    assert found.dropped == ()


@pytest.mark.parametrize("target", [openai_chat, anthropic, openai_responses])
def test_what_only_gemini_knows_is_named_elsewhere(target: Any) -> None:
    request = gemini.decode_request(json.dumps(recordings.GEMINI_REQUEST).encode(), model="m")
    dropped = target.encode_request(request, "m", RequestOptions()).dropped
    assert {"safetySettings", "generationConfig.mediaResolution", "tools.codeExecution"} <= set(dropped)


@pytest.mark.parametrize("spelling", ["camel", "snake"])
def test_both_spellings_of_names_are_read(spelling: str) -> None:
    snake = {
        "contents": HI_CONTENTS,
        "system_instruction": {"parts": [{"text": "S"}]},
        "generation_config": {
            "max_output_tokens": 5,
            "stop_sequences": ["x"],
            "thinking_config": {"thinking_budget": 0},
        },
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
    }
    camel = {
        "contents": HI_CONTENTS,
        "systemInstruction": {"parts": [{"text": "S"}]},
        "generationConfig": {"maxOutputTokens": 5, "stopSequences": ["x"], "thinkingConfig": {"thinkingBudget": 0}},
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    }
    request = gemini.decode_request(json.dumps(camel if spelling == "camel" else snake).encode())
    assert request.system == [Text("S")]
    assert (request.max_output_tokens, request.stop) == (5, ["x"])
    assert request.reasoning == ReasoningOptions(enabled=False, budget_tokens=0)
    assert request.tool_choice == ToolChoice(mode="required", names=["f"])
    assert request.extra == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "contents: is required"),
        ({"contents": [{"role": "robot", "parts": []}]}, r"contents\[0\].role"),
        ({"contents": [{"parts": [{"inlineData": {"data": "x"}}]}]}, "inlineData.mimeType: is required"),
        ({"contents": [{"parts": [{"functionCall": {}}]}]}, "functionCall.name: is required"),
        ({"contents": HI_CONTENTS, "generationConfig": {"responseMimeType": "text/xml"}}, "responseMimeType"),
        ({"contents": HI_CONTENTS, "toolConfig": {"functionCallingConfig": {"mode": "X"}}}, "mode"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(body: dict[str, object], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        gemini.decode_request(json.dumps(body).encode())


def test_results_find_their_calls_by_id_else_by_order() -> None:
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "id": i}} for i in ("a", "b")]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "id": "b", "response": {"x": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "y"}}}]},
    ]
    request = gemini.decode_request(json.dumps({"contents": contents}).encode())
    first, second = request.messages[1].parts[0], request.messages[2].parts[0]
    assert first == ToolResult(call_id="b", name="f", parts=[Text('{"x":1}')])
    assert second == ToolResult(call_id="a", name="f", parts=[Text("y")])


# Requests to providers ---------------------------------------------------------------------------------------


def test_a_conversation_with_tools_goes_over_whole() -> None:
    request = openai_chat.decode_request(json.dumps(first_recordings.CHAT_REQUEST).encode())
    found = gemini.encode_request(request, "gemini-2.0-flash")
    body = json.loads(found.body)
    assert body["system_instruction"] == {"parts": [{"text": "Be brief."}]}
    user, model, results, again = body["contents"]
    assert [next(iter(part)) for part in user["parts"]] == ["text", "inlineData", "inlineData", "inlineData"]
    assert model["parts"][1:] == [
        {"functionCall": {"name": "weather", "args": {"location": "Paris"}}},
        {"functionCall": {"name": "weather", "args": {"location": "Oslo"}}},
    ]
    assert results["parts"] == [
        {"functionResponse": {"name": "weather", "response": {"result": "14C"}}},
        {"functionResponse": {"name": "weather", "response": {"result": "3C"}}},
    ]
    assert again == {"role": "user", "parts": [{"text": "And tomorrow?"}]}
    assert body["generation_config"]["stopSequences"] == ["END"]
    assert body["generation_config"]["seed"] == 7
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert {"logit_bias", "user", "parallel_tool_calls", "reasoning_effort", "tools.web_search"} <= set(found.dropped)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"max_output_tokens": 5}, {"maxOutputTokens": 5}),
        ({"n": 2}, {"candidateCount": 2}),
        ({"n": 1}, {}),
        ({"top_p": 0.5, "temperature": 2}, {"topP": 0.5, "temperature": 2}),
        ({"logprobs": True, "top_logprobs": 2}, {"responseLogprobs": True, "logprobs": 2}),
        ({"response_format": ResponseFormat(kind="json_object")}, {"responseMimeType": "application/json"}),
        ({"modalities": ["text", "image"]}, {"responseModalities": ["TEXT", "IMAGE"]}),
        (
            {"modalities": ["audio"], "audio": {"voice": "Kore"}},
            {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            },
        ),
    ],
)
def test_options_of_a_request(members: dict[str, Any], expected: dict[str, Any]) -> None:
    assert config(**members) == expected


def test_a_limit_is_set_where_the_client_gave_none() -> None:
    assert config(options=RequestOptions(default_max_tokens=2048))["maxOutputTokens"] == 2048
    assert config(options=RequestOptions(default_max_tokens=2048), max_output_tokens=9)["maxOutputTokens"] == 9


@pytest.mark.parametrize(
    ("model", "members", "settings"),
    [
        (
            "gemini-2.0-flash",
            {"max_tokens": 50, "temperature": 0.2},
            {"temperature": 0.2, "maxOutputTokens": 50, "responseModalities": ["TEXT"]},
        ),
        ("gemini-2.5-pro", {}, {"maxOutputTokens": 2048}),
    ],
)
def test_the_smallest_request(model: str, members: dict[str, object], settings: object) -> None:
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi"}]} | members
    request = openai_chat.decode_request(json.dumps(asked).encode())
    body = json.loads(gemini.encode_request(request, model, RequestOptions(safety_threshold="BLOCK_NONE")).body)
    harms = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"]
    assert body == {
        "contents": HI_CONTENTS,
        "safety_settings": [{"category": f"HARM_CATEGORY_{harm}", "threshold": "BLOCK_NONE"} for harm in harms],
        "generation_config": settings,
    }


@pytest.mark.parametrize(
    ("model", "modalities"),
    [
        ("gemini-2.0-flash", ["TEXT"]),
        ("gemini-2.0-flash-exp-image-generation", ["TEXT", "IMAGE"]),
        ("gemini-2.5-flash-image", ["TEXT", "IMAGE"]),
        ("gemini-2.5-pro", None),
        ("gemma-3-27b-it", None),
        ("aqa", None),
    ],
)
def test_what_a_model_answers_in(model: str, modalities: object) -> None:
    assert config(model).get("responseModalities") == modalities


def test_models_that_draw_take_no_temperature() -> None:
    body, dropped = encoded("gemini-2.5-flash-image", temperature=0.5)
    assert "temperature" not in body["generation_config"]
    assert dropped == ("temperature",)


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("gemini-2.5-flash", {"effort": "low"}, {"thinkingBudget": 2048, "includeThoughts": True}),
        ("gemini-2.5-flash", {"effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"effort": "none"}, {"thinkingBudget": 128}),
        (
            "gemini-2.5-pro",
            {"budget_tokens": 99_999, "enabled": True},
            {"thinkingBudget": 32_768, "includeThoughts": True},
        ),
        (
            "gemini-2.5-flash",
            {"budget_tokens": 99_999, "enabled": True},
            {"thinkingBudget": 24_576, "includeThoughts": True},
        ),
        (
            "gemini-2.5-flash-lite",
            {"budget_tokens": 100, "enabled": True},
            {"thinkingBudget": 512, "includeThoughts": True},
        ),
        ("gemini-2.5-flash", {"enabled": True, "adaptive": True}, {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-2.5-flash", {"enabled": False}, {"thinkingBudget": 0}),
        (
            "gemini-2.5-flash",
            {"effort": "high", "shown": False},
            {"thinkingBudget": 16_384, "includeThoughts": False},
        ),
        ("gemini-3-pro-preview", {"effort": "low"}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3-pro-preview", {"effort": "medium"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3-flash-preview", {"effort": "none"}, {"thinkingLevel": "MINIMAL"}),
        (
            "gemini-3.5-flash",
            {"budget_tokens": 2000, "enabled": True},
            {"thinkingLevel": "LOW", "includeThoughts": True},
        ),
        ("gemini-2.0-flash", {"effort": "low"}, None),
    ],
)
def test_thinking(model: str, reasoning: dict[str, Any], expected: object) -> None:
    body, dropped = encoded(model, reasoning=ReasoningOptions(**reasoning))
    assert body.get("generation_config", {}).get("thinkingConfig") == expected
    assert dropped == (() if expected else ("reasoning_effort",))


def test_the_url_parameter_turns_thinking_on() -> None:
    found = config(options=RequestOptions(thinking=True, default_max_tokens=0))
    assert found == {"thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True}}


@pytest.mark.parametrize(
    ("choice", "expected", "declared"),
    [
        (ToolChoice(mode="auto"), {"mode": "AUTO"}, ["f", "g"]),
        (ToolChoice(mode="none"), {"mode": "NONE"}, ["f", "g"]),
        (ToolChoice(mode="required"), {"mode": "ANY"}, ["f", "g"]),
        (ToolChoice(mode="required", names=["g"]), {"mode": "ANY", "allowedFunctionNames": ["g"]}, ["f", "g"]),
        (ToolChoice(mode="auto", names=["g"]), {"mode": "AUTO"}, ["g"]),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: object, declared: list[str]) -> None:
    body, _ = encoded(tools=[Tool(name="f"), Tool(name="g")], tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": expected}
    assert [tool["name"] for tool in body["tools"][0]["function_declarations"]] == declared


def test_functions_and_searches_go_together_since_gemini_3() -> None:
    tools = [Tool(name="f"), HostedTool(kind="web_search", format="anthropic", value={})]
    body, dropped = encoded("gemini-2.5-pro", format="anthropic", tools=tools)
    assert len(body["tools"]) == 1
    assert dropped == ("tools.web_search",)
    body, dropped = encoded("gemini-3-pro-preview", format="anthropic", tools=tools)
    assert body["tools"][1] == {"googleSearch": {}}
    assert dropped == ()


def test_custom_tools_become_functions_of_one_text() -> None:
    tool = Tool(name="patch", custom=True, parameters={"type": "grammar", "syntax": "lark", "definition": "start: X"})
    call = ToolCall(id="c", name="patch", arguments="*** Begin", custom=True)
    body, dropped = encoded(format="openai_responses", tools=[tool], messages=[Message("assistant", [call])])
    (declaration,) = body["tools"][0]["function_declarations"]
    assert "start: X" in declaration["description"]
    assert declaration["parameters"]["properties"] == {"input": {"type": "string"}}
    assert body["contents"][0]["parts"] == [{"functionCall": {"name": "patch", "args": {"input": "*** Begin"}}}]
    assert dropped == ()


def test_results_stand_in_the_order_of_their_calls_under_their_names() -> None:
    messages = [
        Message("assistant", [ToolCall(id=i, name="f") for i in "abc"]),
        Message("user", [ToolResult(call_id=i, parts=[Text(i)]) for i in "cab"]),
    ]
    body, _ = encoded(messages=messages)
    responses = [part["functionResponse"] for part in body["contents"][1]["parts"]]
    assert [response["response"]["result"] for response in responses] == ["a", "b", "c"]
    assert {response["name"] for response in responses} == {"f"}


@pytest.mark.parametrize(
    ("said", "is_error", "expected"),
    [
        ("14C", False, {"result": "14C"}),
        ('{"temp":14}', False, {"temp": 14}),
        ("[1]", False, {"result": "[1]"}),
        ("{broken", False, {"result": "{broken"}),
        ("no", True, {"error": "no"}),
    ],
)
def test_results(said: str, is_error: bool, expected: object) -> None:
    result = ToolResult(call_id="c", name="f", parts=[Text(said)], is_error=is_error)
    body, dropped = encoded(messages=[Message("user", [result])])
    assert body["contents"][0]["parts"][0]["functionResponse"]["response"] == expected
    assert dropped == ()


def test_pictures_in_results_stand_within_them_since_gemini_3() -> None:
    picture = Image(data="iVBORw0KGgo=", media_type="image/png")
    messages = [Message("user", [ToolResult(call_id="c", name="f", parts=[Text("Look"), picture])])]
    blob = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    old = encoded(messages=messages)[0]["contents"][0]["parts"]
    assert old[1] == blob
    new = encoded("gemini-3-pro-preview", messages=messages)[0]["contents"][0]["parts"]
    assert new[0]["functionResponse"]["parts"] == [blob]


def test_a_result_without_a_call_is_refused() -> None:
    with pytest.raises(FormatError, match="answers no call"):
        encoded(messages=[Message("user", [ToolResult(call_id="c")])])


def test_calls_of_others_pass_gemini_3s_check_of_signatures() -> None:
    calls = [ToolCall(id="a", name="f"), ToolCall(id="b", name="f")]
    body, _ = encoded("gemini-3-pro-preview", messages=[Message("assistant", [Text("x"), *calls])])
    signatures = [part.get("thoughtSignature") for part in body["contents"][0]["parts"]]
    assert signatures == [None, "skip_thought_signature_validator", None]
    signed = ToolCall(id="a", name="f", signature="c2ln", signature_format="gemini")
    body, _ = encoded("gemini-3-pro-preview", messages=[Message("assistant", [signed])])
    assert body["contents"][0]["parts"][0]["thoughtSignature"] == "c2ln"
    body, _ = encoded("gemini-2.5-pro", messages=[Message("assistant", calls)])
    assert "thoughtSignature" not in body["contents"][0]["parts"][0]


def test_instructions_stand_where_the_model_has_a_place_for_them() -> None:
    system = [Text("A"), Text("B")]
    later = [*HI, Message("system", [Text("C")])]
    body, _ = encoded(system=system, messages=later)
    assert body["system_instruction"] == {"parts": [{"text": "A\n\nB\n\nC"}]}
    assert body["contents"] == HI_CONTENTS
    body, _ = encoded("gemma-3-27b-it", system=[Text("A")])
    assert "system_instruction" not in body
    assert body["contents"][0]["parts"] == [{"text": "A"}]
    body, _ = encoded(system=[Text("A")], messages=[])
    assert body["contents"] == [{"role": "user", "parts": [{"text": "A"}]}]


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"top_p": 1.5}, "top_p"),
        ({"stop": list("abcdef")}, "stop[5:]"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"verbosity": "low"}, "verbosity"),
        ({"store": True}, "store"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"messages": [Message("assistant", [Reasoning(text="x")]), *HI]}, "messages.content.reasoning"),
        ({"messages": [Message("user", [Audio(id="a1")]), *HI]}, "messages.content.audio"),
        ({"messages": [Message("user", [Foreign(format="openai_chat", type="x", value={})])]}, "messages.content.x"),
        ({"tools": [Tool(name="f", strict=True)]}, "tools.strict"),
        ({"extra": {"logit_bias": {}}}, "logit_bias"),
    ],
)
def test_what_has_no_place_is_named_in_the_clients_words(members: dict[str, Any], name: str) -> None:
    assert encoded(**members)[1] == (name,)


# Answers -----------------------------------------------------------------------------------------------------


def test_an_answer_is_read_part_by_part() -> None:
    answer = gemini.decode_response(json.dumps(recordings.GEMINI_ANSWER).encode())
    choice = answer.choices[0]
    assert choice.stop_reason is StopReason.TOOL_CALLS
    assert [type(part) for part in choice.parts] == [Reasoning, ToolCall, ToolCall, Text]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert [call.id for call in calls] == ["call_abc-1_0_1", "call_abc-1_0_2"]
    assert calls[0].signature == "c2ln"
    said = choice.parts[3]
    assert isinstance(said, Text)
    assert said.citations == [Citation(url="https://example.com", title="E", quote="Ça va", start=0, end=4)]
    assert answer.usage == Usage(
        input=40 - 20 + 5,
        cached_read=60,
        audio_input=20,
        output=18,
        reasoning=12,
        tool_calls=(("web_search", 1),),
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", StopReason.STOP),
        ("MAX_TOKENS", StopReason.LENGTH),
        ("SAFETY", StopReason.CONTENT_FILTER),
        ("RECITATION", StopReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", StopReason.CONTENT_FILTER),
        ("SPII", StopReason.CONTENT_FILTER),
        ("IMAGE_SAFETY", StopReason.CONTENT_FILTER),
        ("MALFORMED_FUNCTION_CALL", StopReason.ERROR),
        ("SOMETHING_NEW", StopReason.ERROR),
    ],
)
def test_stop_reasons(word: str, reason: StopReason) -> None:
    answer = gemini.decode_response(answer_of({"text": "x"}, finishReason=word))
    assert answer.choices[0].stop_reason is reason


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, 400, "PROHIBITED_CONTENT"),
        ({"usageMetadata": {"promptTokenCount": 9}}, 502, "without candidates"),
        ({"candidates": []}, 502, "without candidates"),
        ({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, 502, "MALFORMED_FUNCTION_CALL"),
        ({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}, 429, "slow"),
        ({"error": {"message": "slow", "status": "UNAVAILABLE"}}, 503, "slow"),
    ],
)
def test_an_answer_without_one_is_a_failure_of_the_provider(body: object, status: int, message: str) -> None:
    with pytest.raises(ProviderFailure, match=message) as caught:
        gemini.decode_response(json.dumps(body).encode())
    assert caught.value.status == status


def test_several_candidates_are_several_choices() -> None:
    candidates = [{"index": i, "content": {"parts": [{"text": str(i)}]}, "finishReason": "STOP"} for i in (1, 0)]
    answer = gemini.decode_response(json.dumps({"candidates": candidates}).encode())
    assert [choice.parts for choice in answer.choices] == [[Text("0")], [Text("1")]]
    body = json.loads(gemini.encode_response(answer).body)
    assert [candidate["index"] for candidate in body["candidates"]] == [0, 1]


def test_searches_are_counted_as_the_model_bills_them() -> None:
    for model, uses in (("gemini-2.5-pro", 1), ("gemini-3-pro-preview", 2)):
        piece = gemini.read_piece(json.dumps(recordings.GEMINI_ANSWER | {"modelVersion": model}).encode())
        assert piece.usage is not None
        assert piece.usage.tool_calls == (("web_search", uses),)


def test_pieces_of_a_passing_stream_add_up_to_the_answer() -> None:
    pieces = [gemini.read_piece(json.dumps(chunk).encode()) for chunk in recordings.GEMINI_CHUNKS]
    whole = gemini.read_piece(json.dumps(recordings.GEMINI_ANSWER).encode())
    assert "".join(piece.text for piece in pieces) == whole.text
    assert [piece.finishes for piece in pieces] == [False, False, False, True]
    assert pieces[-1].usage == whole.usage
    array = gemini.read_piece(json.dumps(recordings.GEMINI_CHUNKS).encode())
    assert (array.text, array.usage) == (whole.text, whole.usage)
    assert not any(
        gemini.ends(parse_event(b"data: " + json.dumps(chunk).encode())) for chunk in recordings.GEMINI_CHUNKS
    )


def test_logprobs_go_over_in_both_directions() -> None:
    result = {
        "chosenCandidates": [{"token": "Hi", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "Yo", "logProbability": -1.5}]}],
    }
    answer = gemini.decode_response(answer_of({"text": "Hi"}, logprobsResult=result))
    assert answer.choices[0].logprobs == {
        "content": [
            {
                "token": "Hi",
                "logprob": -0.5,
                "bytes": [72, 105],
                "top_logprobs": [{"token": "Yo", "logprob": -1.5, "bytes": [89, 111]}],
            }
        ]
    }
    written = json.loads(gemini.encode_response(answer).body)
    assert written["candidates"][0]["logprobsResult"] == result


def test_the_error_envelope_is_googles() -> None:
    body = json.loads(gemini.error_body(status=429, message="slow", type="rate_limit", request_id="r1"))
    assert body["error"]["code"] == 429
    assert body["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert body["error"]["message"] == "slow (request id: r1)"


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: [body]])
def test_errors_of_providers_are_read_in_an_array_too(wrap: Callable[[object], object]) -> None:
    body = wrap({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}})
    error = gemini.read_error(json.dumps(body).encode(), 400)
    assert (error.message, error.code) == ("API key not valid.", 400)


def test_counting_goes_over_in_both_directions() -> None:
    whole = {"generateContentRequest": {"model": "models/m", "contents": HI_CONTENTS}}
    for body in (whole, {"contents": HI_CONTENTS}):
        request = gemini.decode_count_request(json.dumps(body).encode(), model="m")
        assert request.messages == HI
    asked = json.loads(gemini.encode_count_request(request, "gemini-2.5-pro").body)["generateContentRequest"]
    assert (asked["model"], asked["contents"]) == ("models/gemini-2.5-pro", HI_CONTENTS)
    assert gemini.decode_count_response(gemini.encode_count_response(31)) == 31


def test_a_stream_has_an_address_of_its_own() -> None:
    url = "https://example.com/v1beta/models/m:generateContent"
    assert gemini.stream_url(url) == "https://example.com/v1beta/models/m:streamGenerateContent?alt=sse"
    assert gemini.stream_url(url + "?key=k").endswith("?key=k&alt=sse")


# Google's client ---------------------------------------------------------------------------------------------


def client_for(
    body: bytes,
    *,
    content_type: str = "text/event-stream",
    status: int = 200,
    seen: list[httpx2.Request] | None = None,
) -> genai.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if seen is not None:
            seen.append(request)
        return httpx2.Response(status, headers={"content-type": content_type}, content=body)

    options = types.HttpOptions(base_url="http://gateway", client_args={"transport": httpx2.MockTransport(answer)})
    return genai.Client(api_key="k", http_options=options)


SOURCES = {
    openai_chat: first_recordings.chat_stream(),
    anthropic: first_recordings.claude_stream(),
    openai_responses: recordings.responses_stream(),
    gemini: recordings.gemini_stream(),
}


@pytest.mark.parametrize("source", SOURCES)
def test_googles_client_collects_our_streams(source: Any) -> None:
    encoder = gemini.StreamEncoder(ResponseOptions(model="m", request_id="r1"))
    body = b"".join(encoder.encode(event) for event in read(source, [SOURCES[source]]))
    with client_for(body) as client:
        chunks = list(client.models.generate_content_stream(model="m", contents="Hi"))
    parts = [part for chunk in chunks for part in (chunk.candidates or [])[0].content.parts]  # type: ignore[union-attr]
    calls = [part.function_call for part in parts if part.function_call]
    assert [call.name for call in calls] == ["weather"] * 2
    assert calls[0].args == {"location": "Paris"}
    assert any(part.thought and part.text for part in parts)
    assert any(part.text and not part.thought for part in parts)
    last = chunks[-1]
    assert (last.candidates or [])[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert last.usage_metadata.thoughts_token_count == 12
    assert last.model_version == "m"


@pytest.mark.parametrize("json_array", [False, True])
def test_heartbeats_do_not_disturb(json_array: bool) -> None:
    encoder = gemini.StreamEncoder(ResponseOptions(json_array=json_array))
    events: list[StreamEvent] = [Start(format="anthropic"), Ping(), PartStart(0, Text("Hi")), Ping(), PartEnd(0)]
    body = b"".join(encoder.encode(event) for event in [*events, Finish(StopReason.STOP), Ping(), End()])
    if json_array:
        assert len(json.loads(body)) == 2
        return
    with client_for(body) as client:
        assert [chunk.text for chunk in client.models.generate_content_stream(model="m", contents="Hi")] == ["Hi", ""]


def test_googles_client_reads_our_whole_answers() -> None:
    answer = Response(
        format="openai_chat",
        id="chatcmpl-1",
        choices=[
            Choice(
                parts=[
                    Reasoning(text="Hm.", signature="EqQB", signature_format="anthropic"),
                    Text("Hi", citations=[Citation(url="https://example.com", title="E", start=0, end=2)]),
                    ToolCall(id="call_1", name="f", arguments='{"a":1}'),
                    Image(data="iVBORw0KGgo=", media_type="image/png"),
                ],
                stop_reason=StopReason.LENGTH,
            )
        ],
        usage=Usage(input=3, cached_read=4, output=5, reasoning=6, audio_input=1),
    )
    with client_for(gemini.encode_response(answer).body, content_type="application/json") as client:
        read_back = client.models.generate_content(model="m", contents="Hi")
    candidate = (read_back.candidates or [])[0]
    assert candidate.finish_reason is types.FinishReason.MAX_TOKENS
    thought, said, call, picture = candidate.content.parts  # type: ignore[union-attr, misc]
    assert (thought.thought, said.text, call.function_call.args) == (True, "Hi", {"a": 1})
    assert picture.inline_data.mime_type == "image/png"
    assert candidate.grounding_metadata is not None
    usage = read_back.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.cached_content_token_count, usage.total_token_count) == (8, 4, 19)


def test_googles_client_raises_at_a_stream_that_failed() -> None:
    events: list[StreamEvent] = [
        Start(format="anthropic"),
        PartStart(0, Text("Hi")),
        Failure(message="gone", status=503),
    ]
    encoder = gemini.StreamEncoder()
    with client_for(b"".join(encoder.encode(event) for event in events)) as client:
        stream = client.models.generate_content_stream(model="m", contents="Hi")
        with pytest.raises(errors.ServerError, match="gone"):
            list(stream)


def test_googles_client_raises_at_our_error_body() -> None:
    body = gemini.error_body(status=400, message="wrong", type="invalid_request", code="c")
    with (
        client_for(body, content_type="application/json", status=400) as client,
        pytest.raises(errors.ClientError, match="INVALID_ARGUMENT"),
    ):
        client.models.generate_content(model="m", contents="Hi")


def test_requests_of_googles_client_are_read() -> None:
    seen: list[httpx2.Request] = []

    def weather(location: str) -> str:
        """Tell the weather.

        Args:
            location: where
        """
        return location

    wanted = types.GenerateContentConfig(
        system_instruction="S",
        temperature=0.1,
        max_output_tokens=5,
        tools=[weather, types.Tool(google_search=types.GoogleSearch())],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(thinking_budget=-1, include_thoughts=True),
        response_mime_type="application/json",
        response_schema=types.Schema(type=types.Type.OBJECT, properties={"a": types.Schema(type=types.Type.STRING)}),
    )
    contents: Any = [
        types.Content(role="user", parts=[types.Part.from_bytes(data=b"\xff\xfe\xfd", mime_type="image/png")]),
        types.Content(
            role="model", parts=[types.Part.from_function_call(name="weather", args={"location": "Paris"})]
        ),
        types.Content(
            role="user", parts=[types.Part.from_function_response(name="weather", response={"result": "1"})]
        ),
    ]
    with client_for(answer_of({"text": "{}"}), content_type="application/json", seen=seen) as client:
        client.models.generate_content(model=FLASH, contents=contents, config=wanted)
    request = gemini.decode_request(seen[0].read(), model=FLASH)
    assert [name.rpartition(".")[2] for name in request.extra] == ["responseJsonSchema"]
    assert request.messages[0].parts == [Image(data="//79", media_type="image/png")]
    assert request.messages[2].parts == [ToolResult(call_id="call_1", name="weather", parts=[Text("1")])]
    (tool,) = [tool for tool in request.tools if isinstance(tool, Tool)]
    assert tool.parameters is not None
    assert tool.parameters["properties"]["location"]["type"] == "string"  # type: ignore[index]
    assert request.reasoning == ReasoningOptions(enabled=True, adaptive=True, shown=True)


def test_googles_client_counts_lists_and_embeds() -> None:
    with client_for(gemini.encode_count_response(31), content_type="application/json") as client:
        assert client.models.count_tokens(model="m", contents="Hi").total_tokens == 31
    with client_for(gemini.models_body(["a", "embed-b"]), content_type="application/json") as client:
        assert [model.name for model in client.models.list()] == ["models/a", "models/embed-b"]
    with client_for(gemini.model_body("a"), content_type="application/json") as client:
        assert client.models.get(model="a").name == "models/a"
