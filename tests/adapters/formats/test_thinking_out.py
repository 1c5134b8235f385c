"""How much a model shall think, in the words of every kind of server with OpenAI's formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.levels import is_thoughtless, least_of, levels_of, nearest
from adapters.formats.neutral.encoding import ReasoningStyle, RequestOptions
from adapters.formats.neutral.requests import Effort, Request
from adapters.providers.catalogue import load_catalogue

OFF = {"thinking": {"type": "disabled"}}
ON = {"thinking": {"type": "enabled", "budget_tokens": 9000}}


def claude(**members: object) -> Request:
    asked = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}], **members}
    return anthropic.decode_request(json.dumps(asked).encode())


def chat(**members: object) -> Request:
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}
    return openai_chat.decode_request(json.dumps(asked).encode())


def written(
    request: Request, model: str = "m", style: ReasoningStyle = "effort", efforts: tuple[Effort, ...] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    options = RequestOptions(reasoning_style=style, efforts=efforts)
    encoded = openai_chat.encode_request(request, model, options)
    body = json.loads(encoded.body)
    return {name: body[name] for name in body if "reason" in name or "thinking" in name}, encoded.dropped


@pytest.mark.parametrize(
    ("model", "levels"),
    [
        ("gpt-5", ("minimal", "low", "medium", "high")),
        ("gpt-5-mini-2025-08-07", ("minimal", "low", "medium", "high")),
        ("gpt-5-codex", ("low", "medium", "high")),
        ("gpt-5.1", ("low", "medium", "high")),
        ("gpt-5.1-codex-max", ("low", "medium", "high", "xhigh")),
        ("openai/gpt-5.2", ("low", "medium", "high", "xhigh")),
        ("gpt-6", ("low", "medium", "high", "xhigh")),
        ("o3", ("low", "medium", "high")),
        ("gpt-oss-120b", ("low", "medium", "high")),
        ("some-model", ("low", "medium", "high")),
    ],
)
def test_levels_of_models(model: str, levels: tuple[Effort, ...]) -> None:
    assert levels_of(model) == levels


@pytest.mark.parametrize(
    ("effort", "near"),
    [("minimal", "low"), ("low", "low"), ("medium", "high"), ("high", "high"), ("xhigh", "high"), ("max", "max")],
)
def test_the_nearest_level_is_the_one_that_deepseek_documents(effort: Effort, near: Effort) -> None:
    assert nearest(effort, ("low", "high", "max")) == near


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("gpt-5", "minimal"),
        ("gpt-5.1", "none"),
        ("gpt-5-codex", None),
        ("gpt-5-pro", None),
        ("o3", None),
        ("m", None),
    ],
)
def test_what_is_next_to_no_thinking(model: str, least: Effort | None) -> None:
    assert least_of(model) == least


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-3.5-turbo", "chatgpt-4o-latest", "gpt-5-chat-latest", "openai/gpt-4.1"]
)
def test_models_that_do_not_think_are_not_asked_to(model: str) -> None:
    assert is_thoughtless(model)
    assert written(claude(**ON), model) == ({}, ("thinking",))
    assert written(claude(**OFF), model) == ({}, ())
    # Whoever speaks OpenAI's own format knows what he asks.
    assert written(chat(reasoning_effort="low"), model)[0] == {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("model", "members", "effort"),
    [
        ("gpt-5.2", {"output_config": {"effort": "max"}}, "xhigh"),
        ("gpt-5.1", {"output_config": {"effort": "max"}}, "high"),
        ("o3", {"output_config": {"effort": "xhigh"}}, "high"),
        ("m", {"output_config": {"effort": "max"}}, "high"),
        ("gpt-5", ON, "medium"),
        ("gpt-5", OFF, "minimal"),
        ("gpt-5.1", OFF, "none"),
    ],
)
def test_claudes_wishes_as_levels_that_the_model_knows(model: str, members: dict[str, Any], effort: str) -> None:
    assert written(claude(**members), model) == ({"reasoning_effort": effort}, ())
    body = json.loads(openai_responses.encode_request(claude(**members), model, RequestOptions()).body)
    assert body["reasoning"]["effort"] == effort


def test_a_model_that_cannot_do_without_says_so() -> None:
    assert written(claude(**OFF), "o3") == ({}, ("thinking",))


def test_levels_of_openais_own_clients_stay() -> None:
    assert written(chat(reasoning_effort="xhigh"), "m") == ({"reasoning_effort": "xhigh"}, ())
    assert written(chat(reasoning_effort="minimal"), "gpt-5.1") == ({"reasoning_effort": "minimal"}, ())


@pytest.mark.parametrize(
    ("style", "members", "expected"),
    [
        ("switch", ON, {"thinking": {"type": "enabled"}}),
        ("switch", OFF, {"thinking": {"type": "disabled"}}),
        ("switch", {"output_config": {"effort": "low"}}, {"thinking": {"type": "enabled"}}),
        ("switch_and_effort", ON, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("switch_and_effort", {"output_config": {"effort": "max"}},
         {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ("switch_and_effort", {"thinking": {"type": "adaptive"}}, {"thinking": {"type": "enabled"}}),
        ("switch_and_effort", OFF, {"thinking": {"type": "disabled"}}),
        ("budget", ON, {"enable_thinking": True, "thinking_budget": 9000}),
        ("budget", {"output_config": {"effort": "low"}}, {"enable_thinking": True, "thinking_budget": 2048}),
        ("budget", OFF, {"enable_thinking": False}),
        ("object", ON, {"reasoning": {"max_tokens": 9000}}),
        ("object", OFF, {"reasoning": {"enabled": False}}),
        ("object", {"output_config": {"effort": "high"}}, {"reasoning": {"effort": "high"}}),
    ],
)  # fmt: skip
def test_members_of_servers_of_their_own(style: ReasoningStyle, members: dict[str, Any], expected: object) -> None:
    assert written(claude(**members), "m", style, ("low", "high", "max")) == (expected, ())


@pytest.mark.parametrize("style", ["effort", "object", "switch", "switch_and_effort", "budget"])
def test_nothing_wanted_is_nothing_written(style: ReasoningStyle) -> None:
    assert written(claude(), "gpt-5", style) == ({}, ())
    assert written(chat(), "gpt-5", style) == ({}, ())


def test_geminis_budget_of_zero_switches_off() -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
             "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}  # fmt: skip
    request = gemini.decode_request(json.dumps(asked).encode())
    assert written(request, "m", "switch")[0] == {"thinking": {"type": "disabled"}}


CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}


def loop(*before: dict[str, Any]) -> Request:
    return claude(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [*before, CALL]},
            {"role": "user", "content": [RESULT]},
        ]
    )


def test_calls_without_thoughts_get_a_blank_one_where_it_must_be() -> None:
    options = RequestOptions(reasoning_history="reasoning_content", thoughts_with_calls=True)
    body = json.loads(openai_chat.encode_request(loop(), "m", options).body)
    assert body["messages"][1]["reasoning_content"] == " "
    known = {"type": "thinking", "thinking": "hm", "signature": "s"}
    body = json.loads(openai_chat.encode_request(loop(known), "m", options).body)
    assert body["messages"][1]["reasoning_content"] == "hm"


def test_rows_say_how_their_servers_are_asked() -> None:
    catalogue = load_catalogue()
    styles = {p.key: (p.reasoning_style, p.reasoning_history) for p in catalogue.providers if p.reasoning_history}
    assert styles == {
        "openrouter": ("object", "reasoning_details"),
        "deepseek": ("switch_and_effort", "reasoning_content"),
        "doubao": ("switch_and_effort", "reasoning_content"),
        "moonshot": ("switch", "reasoning_content"),
        "zhipu": ("switch", "reasoning_content"),
        "alibailian": ("budget", "reasoning_content"),
        "siliconflow": ("budget", "reasoning_content"),
    }
    assert [p.key for p in catalogue.providers if p.cache_marks] == ["openrouter"]
    assert {p.key for p in catalogue.providers if p.platform} == {"awsclaude", "vertextai"}
