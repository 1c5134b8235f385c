"""What wires of providers' own are sent beyond plain texts: pictures, functions, shapes of answers, thoughts; and what
they cannot carry, by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats.dialects import zhipu
from adapters.formats.dialects.dialect import RICH
from adapters.formats.neutral.encoding import Encoded, RequestOptions
from adapters.formats.table import CLIENTS, PROVIDERS

PIXEL = "iVBORw0KGgo="
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
REMOTE = {"type": "image_url", "image_url": {"url": "https://p.example/1.png"}}
ASK = [{"role": "user", "content": "Who?"}]
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "W", "parameters": SCHEMA}}
OTHER = {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Oslo"}'}}
HISTORY = [
    {"role": "user", "content": "In Oslo?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "3 degrees"},
]
SHAPE = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}


def written(name: str, model: str = "m", **asked: Any) -> tuple[dict[str, Any], Encoded]:
    settings = asked.pop("settings", {})
    body = {"model": model, "messages": asked.pop("messages", ASK), **asked}
    request = CLIENTS["openai_chat"].decode_request(json.dumps(body).encode())
    encoded = PROVIDERS[name].encode_request(request, model, RequestOptions(settings=settings))
    value: dict[str, Any] = json.loads(encoded.body)
    return value, encoded


# --- Ali ---------------------------------------------------------------------------------------------------


def test_ali_is_shown_pictures_elsewhere_and_in_parts_without_types() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "?"}, PICTURE]},
    ]
    body, encoded = written("dashscope", messages=messages)
    assert encoded.endpoint == RICH
    assert body["input"]["messages"] == [
        {"role": "system", "content": [{"text": "Be brief."}]},
        {"role": "user", "content": [{"text": "?"}, {"image": f"data:image/png;base64,{PIXEL}"}]},
    ]
    assert written("dashscope")[1].endpoint == ""


def test_ali_is_told_functions_shapes_and_thoughts_among_its_parameters() -> None:
    body, encoded = written(
        "dashscope", messages=HISTORY, tools=[TOOL], tool_choice="auto", response_format=SHAPE, reasoning_effort="high",
        stop=["x"], n=2, seed=5, top_p=1, top_logprobs=2, logprobs=True, enable_search=True, repetition_penalty=1.1, odd=1,
    )  # fmt: skip
    assert body["input"]["messages"][1]["tool_calls"][0]["function"]["name"] == "weather"
    assert body["input"]["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "3 degrees"}
    assert body["parameters"] == {
        "result_format": "message", "stop": ["x"], "n": 2, "seed": 5, "top_p": 0.9999, "logprobs": True,
        "top_logprobs": 2, "tools": [TOOL], "tool_choice": "auto", "response_format": SHAPE, "enable_thinking": True,
        "enable_search": True, "repetition_penalty": 1.1,
    }  # fmt: skip
    assert encoded.dropped == ("odd",)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"reasoning_effort": "none"}, {"enable_thinking": False}),
        ({"thinking": {"type": "enabled", "budget_tokens": 500}}, {"enable_thinking": True, "thinking_budget": 500}),
        ({}, {}),
    ],
)
def test_ali_thinks_as_it_is_told(asked: dict[str, Any], expected: dict[str, Any]) -> None:
    body, _ = written("dashscope", **asked)
    assert {name: value for name, value in body["parameters"].items() if "thinking" in name} == expected


# --- Baidu -------------------------------------------------------------------------------------------------


def test_baidu_has_functions_as_early_openai_had_them() -> None:
    messages = [{"role": "system", "content": "A."}, {"role": "system", "content": "B."}, *HISTORY]
    body, encoded = written(
        "baidu", messages=messages, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "weather"}},
        frequency_penalty=0.5, max_tokens=9, user="u", response_format={"type": "json_object"}, n=2, seed=1,
    )  # fmt: skip
    assert body == {
        "system": "A.\n\nB.",
        "messages": [
            {"role": "user", "content": "In Oslo?"},
            {
                "role": "assistant",
                "content": "",
                "function_call": {"name": "weather", "arguments": '{"place":"Oslo"}'},
            },
            {"role": "function", "name": "weather", "content": "3 degrees"},
        ],
        "penalty_score": 0.5,
        "max_output_tokens": 9,
        "user_id": "u",
        "response_format": "json_object",
        "functions": [{"name": "weather", "description": "W", "parameters": SCHEMA}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }
    assert set(encoded.dropped) == {"n", "seed"}


def test_baidu_is_offered_no_functions_that_may_not_be_called() -> None:
    body, encoded = written("baidu", tools=[TOOL], tool_choice="none")
    assert "functions" not in body
    assert encoded.dropped == ()
    body, encoded = written("baidu", tools=[TOOL], tool_choice="required", response_format=SHAPE)
    assert "tool_choice" not in body
    assert set(encoded.dropped) == {"tool_choice", "response_format"}


# --- Cohere ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [{"tools": [TOOL]}, {"response_format": {"type": "json_object"}}, {"reasoning_effort": "low"},
     {"messages": [{"role": "user", "content": [PICTURE]}]}, {"messages": HISTORY}],
)  # fmt: skip
def test_cohere_is_asked_in_its_second_version_for_more_than_texts(asked: dict[str, Any]) -> None:
    body, encoded = written("cohere", "command-r", **asked)
    assert encoded.endpoint == RICH
    assert "messages" in body


def test_cohere_offers_only_the_functions_that_are_wanted() -> None:
    named = {"type": "function", "function": {"name": "time"}}
    body, encoded = written(
        "cohere",
        tools=[TOOL, OTHER],
        tool_choice=named,
        response_format=SHAPE,
        stop=["x"],
        top_p=0.5,
        reasoning_effort="none",
    )
    assert [tool["function"]["name"] for tool in body["tools"]] == ["time"]
    assert body["tool_choice"] == "REQUIRED"
    assert body["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert body["thinking"] == {"type": "disabled"}
    assert (body["p"], body["stop_sequences"]) == (0.5, ["x"])
    assert encoded.dropped == ()
    assert written("cohere", tools=[TOOL], tool_choice="none")[0]["tool_choice"] == "NONE"


def test_cohere_searches_in_its_first_version_only() -> None:
    body, encoded = written("cohere", "command-r-internet", tools=[TOOL], preamble="P")
    assert body == {
        "model": "command-r", "message": "Who?", "connectors": [{"id": "web-search"}], "preamble": "P",
    }  # fmt: skip
    assert encoded.dropped == ("tools",)


# --- Coze, DeepL, AI Proxy ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "user", "expected"), [({"user_id": "c"}, "u", "c"), ({}, "u", "u"), ({}, "", "one-api")]
)
def test_coze_is_told_a_user(settings: dict[str, str], user: str, expected: str) -> None:
    body, encoded = written("coze", "bot-7", settings=settings, user=user, temperature=1)
    assert (body["bot_id"], body["user"]) == ("7", expected)
    assert encoded.dropped == (("temperature", "user") if settings else ("temperature",))


@pytest.mark.parametrize(
    ("model", "language"), [("deepl-en-GB", "en-GB"), ("deepl-zh", "zh"), ("deepl", "ZH"), ("deepl-", "ZH")]
)
def test_deepl_translates_the_last_question_into_the_models_language(model: str, language: str) -> None:
    messages = [{"role": "user", "content": "old"}, {"role": "assistant", "content": "alt"},
                {"role": "user", "content": [{"type": "text", "text": "new"}, {"type": "text", "text": "er"}]}]  # fmt: skip
    body, _ = written("deepl", model, messages=messages)
    assert body == {"text": ["new\n\ner"], "target_lang": language}


def test_a_library_hears_the_question_alone_and_the_rest_is_named() -> None:
    messages = [{"role": "system", "content": "Be brief."}, *ASK]
    body, encoded = written("aiproxy_library", messages=messages, settings={"library_id": "7"})
    assert body == {"model": "m", "query": "Who?", "libraryId": "7", "stream": False}
    assert encoded.dropped == ("messages",)


# --- Ollama ------------------------------------------------------------------------------------------------


def test_ollama_has_pictures_beside_the_text_and_arguments_as_objects() -> None:
    messages = [*HISTORY, {"role": "user", "content": [{"type": "text", "text": "?"}, PICTURE, REMOTE]}]
    body, encoded = written(
        "ollama", messages=messages, tools=[TOOL], response_format=SHAPE, num_ctx=4096, keep_alive="5m", top_k=3, n=2
    )
    assert body["messages"] == [
        {"role": "user", "content": "In Oslo?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"place": "Oslo"}}}],
        },
        {"role": "tool", "tool_name": "weather", "content": "3 degrees"},
        {"role": "user", "content": "?", "images": [PIXEL]},
    ]
    assert (body["format"], body["keep_alive"], body["stream"]) == (SCHEMA, "5m", False)
    assert body["options"] == {"num_predict": 2048, "num_ctx": 4096, "top_k": 3}
    assert set(encoded.dropped) == {"messages.content.image", "n"}


@pytest.mark.parametrize(
    ("asked", "think"),
    [({"reasoning_effort": "low"}, "low"), ({"reasoning_effort": "none"}, False), ({"reasoning_effort": "minimal"}, True),
     ({"thinking": {"type": "disabled"}}, False), ({"think": True}, True), ({}, None)],
)  # fmt: skip
def test_ollama_thinks_as_it_is_told(asked: dict[str, Any], think: object) -> None:
    assert written("ollama", **asked)[0].get("think") == think


def test_ollama_is_told_that_claudes_clients_have_no_system_prompt() -> None:
    request = CLIENTS["anthropic"].decode_request(
        json.dumps({"model": "m", "max_tokens": 5, "messages": ASK}).encode()
    )
    body = json.loads(PROVIDERS["ollama"].encode_request(request, "m", RequestOptions()).body)
    assert body["messages"][0] == {"role": "system", "content": ""}
    assert written("ollama")[0]["messages"][0]["role"] == "user"


# --- Tencent -----------------------------------------------------------------------------------------------


def test_tencent_writes_everything_in_capitals() -> None:
    messages = [*HISTORY, {"role": "user", "content": [{"type": "text", "text": "?"}, REMOTE]}]
    named = {"type": "function", "function": {"name": "weather"}}
    body, encoded = written(
        "tencent", messages=messages, tools=[TOOL], tool_choice=named, stop=["x"], seed=1, max_tokens=5
    )
    assert body["Messages"][1]["ToolCalls"] == [
        {"Id": "c1", "Type": "function", "Function": {"Name": "weather", "Arguments": '{"place":"Oslo"}'}}
    ]
    assert body["Messages"][2] == {"Role": "tool", "Content": "3 degrees", "ToolCallId": "c1"}
    assert body["Messages"][3]["Contents"] == [
        {"Type": "text", "Text": "?"}, {"Type": "image_url", "ImageUrl": {"Url": "https://p.example/1.png"}},
    ]  # fmt: skip
    assert (body["ToolChoice"], body["CustomTool"]) == ("custom", body["Tools"][0])
    assert json.loads(body["Tools"][0]["Function"]["Parameters"]) == SCHEMA
    assert (body["Stop"], body["Seed"]) == (["x"], 1)
    assert encoded.dropped == ("max_tokens",)


# --- iFlytek -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "domain", "functions"),
    [("Spark-Lite", "lite", False), ("Spark-Pro", "generalv3", True), ("Spark-Pro-128K", "pro-128k", False),
     ("Spark-Max", "generalv3.5", True), ("Spark-Max-32K", "max-32k", False), ("Spark-4.0-Ultra", "4.0Ultra", True),
     ("SparkDesk-v2.1", "generalv2", False), ("SparkDesk-v9.9", "generalv9.9", False), ("SparkDesk", "lite", False)],
)  # fmt: skip
def test_iflyteks_domain_follows_from_the_model(model: str, domain: str, *, functions: bool) -> None:
    body, encoded = written("xunfei", model, tools=[TOOL], user="u", top_k=40)
    assert body["parameter"]["chat"] == {"domain": domain, "top_k": 6}
    assert body["header"] == {"uid": "u"}
    assert ("functions" in body["payload"]) is functions
    assert encoded.dropped == (() if functions else ("tools",))


# --- Zhipu's API of 2023, Replicate, PaLM ------------------------------------------------------------------


def test_zhipu_streams_from_another_address() -> None:
    assert zhipu.stream_url("https://u.example/model-api/chatglm_pro/invoke").endswith("/chatglm_pro/sse-invoke")
    body, encoded = written("zhipu", "chatglm_pro", temperature=0.5, max_tokens=5, tools=[TOOL])
    assert body == {"prompt": [{"role": "user", "content": "Who?"}], "temperature": 0.5}
    assert set(encoded.dropped) == {"max_tokens", "tools"}


def test_replicate_is_given_one_prompt_in_lines() -> None:
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U"},
        {"role": "assistant", "content": "A"},
        *ASK,
    ]
    body, encoded = written(
        "replicate", messages=messages, stop=["x", "y"], top_p=0.5, prompt_template="T", tools=[TOOL]
    )
    assert body == {
        "input": {
            "prompt": "system: S\nuser: U\nassistant: A\nuser: Who?\n", "top_p": 0.5, "stop_sequences": "x,y", "prompt_template": "T",
        }
    }  # fmt: skip
    assert encoded.dropped == ("tools",)


def test_palm_knows_two_authors() -> None:
    messages = [{"role": "system", "content": "S"}, *ASK]
    body, encoded = written("palm", messages=messages, n=2, top_p=0.5, max_tokens=5)
    assert body == {
        "prompt": {"messages": [{"author": "1", "content": "S"}, {"author": "0", "content": "Who?"}]},
        "candidateCount": 2,
        "topP": 0.5,
    }
    assert encoded.dropped == ("max_tokens",)


@pytest.mark.parametrize(
    "name", ["aiproxy_library", "baidu", "coze", "deepl", "palm", "replicate", "xunfei", "zhipu"]
)
def test_pictures_are_named_where_they_cannot_be_shown(name: str) -> None:
    _, encoded = written(name, messages=[{"role": "user", "content": [{"type": "text", "text": "?"}, PICTURE]}])
    assert "messages.content.image" in encoded.dropped
