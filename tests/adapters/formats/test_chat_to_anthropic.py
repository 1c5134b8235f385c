"""A chat client over Claude: what its request becomes, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats import anthropic, openai_chat
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from tests.adapters.formats import recordings

OLD, BUDGET, NEW, NEWEST = (
    "claude-3-5-sonnet-20241022",
    "claude-sonnet-4-20250514",
    "claude-opus-4-6",
    "claude-opus-4-7",
)


def convert(
    model: str = BUDGET, options: RequestOptions | None = None, **members: object
) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    request = openai_chat.decode_request(json.dumps(body).encode())
    encoded = anthropic.encode_request(request, model, options or RequestOptions())
    return json.loads(encoded.body), encoded.dropped


def messages(*said: dict[str, object]) -> list[dict[str, Any]]:
    body, _ = convert(messages=list(said))
    return body["messages"]  # type: ignore[no-any-return]


def answer(**members: object) -> dict[str, Any]:
    raw = json.dumps({**recordings.CLAUDE_ANSWER, **members}).encode()
    body: dict[str, Any] = json.loads(
        openai_chat.encode_response(anthropic.decode_response(raw), ResponseOptions(now_s=5)).body
    )
    return body


def test_a_plain_request_holds_nothing_that_the_client_did_not_ask_for() -> None:
    assert convert(max_tokens=200, temperature=0.3) == (
        {
            "model": BUDGET,
            "max_tokens": 200,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "temperature": 0.3,
        },
        (),
    )


@pytest.mark.parametrize(
    ("members", "limit"),
    [
        ({}, 2048),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": 0}, 2048),
        ({"max_tokens": 5, "max_completion_tokens": 0}, 5),
    ],
)
def test_the_limit_is_the_clients_else_the_default(members: dict[str, object], limit: int) -> None:
    assert convert(**members)[0]["max_tokens"] == limit


@pytest.mark.parametrize(
    ("member", "value", "written"),
    [
        ("stop", "END", {"stop_sequences": ["END"]}),
        ("stop", ["a", "b"], {"stop_sequences": ["a", "b"]}),
        ("user", "u1", {"metadata": {"user_id": "u1"}}),
        ("safety_identifier", "u1", {"metadata": {"user_id": "u1"}}),
        ("top_k", 5, {"top_k": 5}),
        ("service_tier", "default", {"service_tier": "standard_only"}),
        ("stream", True, {"stream": True}),
        ("thinking", {"type": "disabled"}, {"thinking": {"type": "disabled"}}),
    ],
)
def test_what_claude_has_a_member_for(member: str, value: object, written: dict[str, object]) -> None:
    body, dropped = convert(**{member: value})
    assert {name: body.get(name) for name in written} == written
    assert dropped == ()


@pytest.mark.parametrize(
    ("member", "value", "dropped"),
    [
        ("seed", 1, "seed"),
        ("n", 2, "n"),
        ("logprobs", True, "logprobs"),
        ("presence_penalty", 0.5, "presence_penalty"),
        ("frequency_penalty", 0.5, "frequency_penalty"),
        ("logit_bias", {"1": 2}, "logit_bias"),
        ("verbosity", "low", "verbosity"),
        ("store", True, "store"),
        ("metadata", {"a": "b"}, "metadata"),
        ("service_tier", "flex", "service_tier"),
        ("prompt_cache_key", "k", "prompt_cache_key"),
        ("modalities", ["text", "audio"], "modalities"),
        ("response_format", {"type": "json_object"}, "response_format"),
        ("temperature", 1.5, "temperature"),
        ("never_heard_of", 1, "never_heard_of"),
    ],
)
def test_what_claude_has_none_for_is_named(member: str, value: object, dropped: str) -> None:
    assert convert(**{member: value})[1] == (dropped,)


def test_defaults_that_lose_nothing_are_not_named() -> None:
    assert convert(n=1, logprobs=False, store=False, modalities=["text"], response_format={"type": "text"})[1] == ()


TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": recordings.SCHEMA}}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (None, {"type": "auto"}),
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ("any", {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
            {"type": "tool", "name": "f"},
        ),
    ],
)
def test_tool_choice(choice: object, written: dict[str, str]) -> None:
    body, dropped = convert(tools=[TOOL], tool_choice=choice)
    assert body["tool_choice"] == written
    assert body["tools"] == [{"name": "f", "description": "d", "input_schema": recordings.SCHEMA}]
    assert dropped == ()


def test_parallel_calls_can_be_forbidden() -> None:
    body, _ = convert(tools=[TOOL], parallel_tool_calls=False)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_a_tool_without_parameters_gets_an_empty_schema() -> None:
    body, _ = convert(tools=[{"type": "function", "function": {"name": "f"}}])
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {}}


def test_web_search_becomes_claudes_own() -> None:
    location = {"type": "approximate", "approximate": {"country": "FR"}}
    body, dropped = convert(web_search_options={"user_location": location, "search_context_size": "low"})
    assert body["tools"] == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "user_location": {"type": "approximate", "country": "FR"},
        }
    ]
    assert dropped == ("tools.search_context_size",)


@pytest.mark.parametrize(("model", "taken"), [(BUDGET, False), ("claude-sonnet-4-5-20250929", True), (NEW, True)])
def test_structured_output_where_the_model_has_it(model: str, *, taken: bool) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": recordings.SCHEMA}}
    body, dropped = convert(model, response_format=wanted)
    written = {"format": {"type": "json_schema", "schema": recordings.SCHEMA}}
    assert body.get("output_config") == (written if taken else None)
    assert dropped == (() if taken else ("response_format",))


@pytest.mark.parametrize(
    ("model", "members", "thinking", "effort", "limit", "dropped"),
    [
        (OLD, {"reasoning_effort": "low"}, None, None, 2048, ("reasoning_effort",)),
        (BUDGET, {"reasoning_effort": "low"}, {"type": "enabled", "budget_tokens": 2048}, None, 4096, ()),
        (
            BUDGET,
            {"reasoning_effort": "high", "max_tokens": 4000},
            {"type": "enabled", "budget_tokens": 2000},
            None,
            4000,
            (),
        ),
        (BUDGET, {"reasoning_effort": "high", "max_tokens": 1000}, None, None, 1000, ("reasoning_effort",)),
        (BUDGET, {"reasoning_effort": "none"}, {"type": "disabled"}, None, 2048, ()),
        (
            BUDGET,
            {"thinking": {"type": "enabled", "budget_tokens": 3000}, "max_tokens": 4000},
            {"type": "enabled", "budget_tokens": 3000},
            None,
            4000,
            (),
        ),
        (NEW, {"reasoning_effort": "minimal"}, {"type": "adaptive"}, "low", 2048, ()),
        (NEW, {"reasoning_effort": "xhigh"}, {"type": "adaptive"}, "high", 2048, ()),
        (NEWEST, {"reasoning_effort": "xhigh"}, {"type": "adaptive"}, "xhigh", 2048, ()),
        (NEWEST, {"thinking": {"type": "enabled", "budget_tokens": 9000}}, {"type": "adaptive"}, "medium", 2048, ()),
        (NEWEST, {"thinking": {"type": "adaptive"}}, {"type": "adaptive"}, None, 2048, ()),
        ("claude-opus-5", {"reasoning_effort": "none"}, {"type": "disabled"}, None, 2048, ()),
        ("claude-opus-5-5", {"reasoning_effort": "none"}, None, None, 2048, ("reasoning_effort",)),
        ("claude-fable-5", {"reasoning_effort": "none"}, None, None, 2048, ("reasoning_effort",)),
        ("claude-sonnet-5", {"reasoning_effort": "none"}, {"type": "disabled"}, None, 2048, ()),
        ("claude-sonnet-5-5", {"reasoning_effort": "none"}, {"type": "between_tools"}, None, 2048, ()),
        ("claude-haiku-5-5", {"reasoning_effort": "none"}, {"type": "disabled"}, None, 2048, ()),
        ("my-alias", {"reasoning_effort": "low"}, {"type": "adaptive"}, "low", 2048, ()),
    ],
)
def test_thinking_by_the_age_of_the_model(
    model: str, members: dict[str, object], thinking: object, effort: object, limit: int, dropped: tuple[str, ...]
) -> None:
    body, lost = convert(model, **members)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert body["max_tokens"] == limit
    assert lost == dropped


def test_the_url_can_ask_for_thinking() -> None:
    options = RequestOptions(thinking=True)
    assert convert(BUDGET, options, max_tokens=4000)[0]["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert convert(NEWEST, options)[0]["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "thinking" not in convert(OLD, options)[0]
    with pytest.raises(FormatError, match="max_tokens: must be greater than 1024"):
        convert(BUDGET, options, max_tokens=1024)


def test_a_forced_tool_and_thinking_do_not_go_together() -> None:
    body, dropped = convert(tools=[TOOL], tool_choice="required", reasoning_effort="low")
    assert "thinking" not in body
    assert dropped == ("reasoning_effort.tool_choice",)


@pytest.mark.parametrize(
    ("model", "forces"),
    [
        ("claude-opus-5", True),
        ("claude-opus-5-5", False),
        ("claude-sonnet-5-5", False),
        ("claude-haiku-5-5", True),
        ("claude-fable-5", True),
        ("anthropic.claude-fable-5-1-v1:0", False),
    ],
)
def test_newest_models_are_not_forced_to_use_tools(model: str, forces: bool) -> None:
    body, dropped = convert(model, tools=[TOOL], tool_choice="required")
    assert body["tool_choice"] == {"type": "any" if forces else "auto"}
    assert dropped == (() if forces else ("tool_choice",))
    thinking = convert(model, tools=[TOOL], tool_choice="required", reasoning_effort="low")[0].get("thinking")
    assert thinking == (None if forces else {"type": "adaptive"})


def test_sampling_gives_way_to_thinking_and_to_new_models() -> None:
    sampling = {"temperature": 0.5, "top_p": 0.5, "top_k": 5}
    assert convert(BUDGET, **sampling)[1] == ()
    assert convert(BUDGET, **sampling, reasoning_effort="low")[1] == ("temperature", "top_p", "top_k")
    assert convert("claude-opus-4-1-20250805", **sampling)[1] == ("top_p",)
    assert convert(NEWEST, **sampling)[1] == ("temperature", "top_p", "top_k")


def test_a_tool_loop_without_claudes_own_thoughts_goes_on_without_thinking() -> None:
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    body, dropped = convert(messages=history, tools=[TOOL], reasoning_effort="low")
    assert "thinking" not in body
    assert dropped == ("reasoning_effort.signature",)
    thought = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1"}
    history[1]["reasoning_details"] = [thought]
    body, dropped = convert(messages=history, tools=[TOOL], reasoning_effort="low")
    assert body["thinking"]["type"] == "enabled"
    assert body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    assert dropped == ()


def test_instructions_go_to_the_front() -> None:
    body, _ = convert(
        messages=[
            {"role": "system", "content": "A"},
            {"role": "user", "content": "Hi"},
            {"role": "developer", "content": "B"},
        ]
    )
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert (
        convert(messages=[{"role": "system", "content": "A"}, {"role": "user", "content": "Hi"}])[0]["system"] == "A"
    )


def test_all_results_of_a_round_are_one_message_in_front_of_what_the_user_adds() -> None:
    _, assistant, user = messages(
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "b", "type": "function", "function": {"name": "f", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "functions.f:0", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "And?"},
    )
    assert assistant["content"] == [
        {"type": "tool_use", "id": "functions_f_0", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {}},
    ]
    assert user["content"] == [
        {"type": "tool_result", "tool_use_id": "functions_f_0", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
        {"type": "text", "text": "And?"},
    ]


@pytest.mark.parametrize("arguments", ["[1]", '"x"', "{", "nonsense"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(FormatError, match="'a'"):
        messages({"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]})


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}),
        ({"type": "image_url", "image_url": "https://e.com/a.png"}, {"type": "image", "source": {"type": "url", "url": "https://e.com/a.png"}}),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}, {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}}),
        ({"type": "file", "file": {"file_data": "data:text/plain;base64,aGk="}}, {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}}),
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    ],
)  # fmt: skip
def test_parts_of_messages(part: object, block: object) -> None:
    assert messages({"role": "user", "content": [part]})[0]["content"] == [block]


def test_sound_has_no_place_and_is_named() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    body, dropped = convert(messages=[{"role": "user", "content": [{"type": "text", "text": "x"}, part]}])
    assert body["messages"][0]["content"] == [{"type": "text", "text": "x"}]
    assert dropped == ("messages.content.audio",)


def test_thoughts_without_claudes_signature_stay_out_and_are_named() -> None:
    body, dropped = convert(
        messages=[
            {"role": "user", "content": "2+2"},
            {"role": "assistant", "content": "4", "reasoning_content": "Add."},
            {"role": "user", "content": "3+3"},
        ]
    )
    assert body["messages"][1]["content"] == [{"type": "text", "text": "4"}]
    assert dropped == ("messages.content.reasoning",)


@pytest.mark.parametrize(
    ("platform", "version", "stream"),
    [("bedrock", "bedrock-2023-05-31", None), ("vertex", "vertex-2023-10-16", True)],
)
def test_other_platforms_have_the_model_in_the_url(platform: Any, version: str, stream: object) -> None:
    body, _ = convert(options=RequestOptions(platform=platform), stream=True)
    assert "model" not in body
    assert body["anthropic_version"] == version
    assert body.get("stream") == stream
    changes = anthropic.platform_changes(platform)
    assert changes == {"anthropic_version": version, "model": None} | ({} if stream else {"stream": None})


def test_claudes_answer_as_a_chat_completion() -> None:
    body = answer()
    assert (body["id"], body["object"], body["created"]) == ("chatcmpl-msg_1", "chat.completion", 5)
    message = body["choices"][0]["message"]
    assert message["content"] == "Looking."
    assert message["reasoning"] == "Hm."
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ['{"location":"Paris"}', "{}"]
    assert message["annotations"][0]["url_citation"]["url"] == "https://example.com"
    assert [detail["type"] for detail in message["reasoning_details"]] == ["reasoning.text", "reasoning.encrypted"]
    usage = body["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (110, 30, 140)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 60
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 30
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 12


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
    ],
)
def test_stop_reasons(stop: str, finish: str) -> None:
    assert answer(stop_reason=stop)["choices"][0]["finish_reason"] == finish


def test_an_error_in_a_200_is_a_failure() -> None:
    raw = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
    with pytest.raises(ProviderFailure, match="slow down") as caught:
        anthropic.decode_response(raw)
    assert caught.value.status == 429


def test_thoughts_and_signatures_survive_a_turn_through_a_chat_client() -> None:
    message = answer()["choices"][0]["message"]
    body, dropped = convert(messages=[{"role": "user", "content": "Hi"}, message])
    assert body["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "sealed"},
    ]
    assert dropped == ()


def test_a_custom_tool_goes_as_a_function_and_comes_back_as_itself() -> None:
    tool = {"type": "custom", "custom": {"name": "patch", "description": "P"}}
    body, dropped = convert(tools=[tool])
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    assert dropped == ()
    request = openai_chat.decode_request(
        json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}).encode()
    )
    call = {"type": "tool_use", "id": "a", "name": "patch", "input": {"input": "*** Begin"}}
    response = anthropic.decode_response(json.dumps({**recordings.CLAUDE_ANSWER, "content": [call]}).encode())
    message = json.loads(openai_chat.encode_response(response, ResponseOptions(request=request)).body)["choices"][0][
        "message"
    ]
    assert message["tool_calls"] == [{"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}]
