"""A channel's own headers, addresses and list of endpoints; and which headers of a client travel to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView
from tests.relay.harness import Plane, Reply, answer, plane
from tests.relay.views import channel

CATALOGUE = load_catalogue()
CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
MESSAGES = CHAT | {"max_tokens": 9}
CLAUDE_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


def of(key: str, number: int = 1, **changes: Any) -> ChannelView:
    row = CATALOGUE.by_key(key)
    assert row is not None
    return channel(number, **({"type": row.id, "provider": row, "base_url": "https://h"} | changes))


def claude_answer() -> Reply:
    return Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(CLAUDE_ANSWER).encode()])


def sent(p: Plane, place: int = 0) -> dict[str, str]:
    pairs = [(name.decode().lower(), value.decode("latin-1")) for name, value in p.transport.requests[place].headers]
    assert len({name for name, _ in pairs}) == len(pairs), "a header was sent twice"
    return dict(pairs)


BETAS = {
    "anthropic-version": "2026-10-21",
    "anthropic-beta": "interleaved-thinking-2025-05-14",
    "openai-beta": "assistants=v2",
}


@pytest.mark.parametrize(
    ("key", "path", "body", "reply", "expected"),
    [
        ("anthropic", "/v1/messages", MESSAGES, claude_answer, {"anthropic-version", "anthropic-beta"}),
        ("anthropic", "/v1/chat/completions", CHAT, claude_answer, {"anthropic-version", "anthropic-beta"}),
        ("claudecompatible", "/v1/messages", MESSAGES, claude_answer, {"anthropic-version", "anthropic-beta"}),
        ("openaicompatible", "/v1/messages", MESSAGES, answer, {"openai-beta"}),
        ("openai", "/v1/chat/completions", CHAT, answer, {"openai-beta"}),
        ("ollama", "/v1/chat/completions", CHAT, answer, set()),
        ("gemini", "/v1/chat/completions", CHAT, answer, set()),
    ],
)
async def test_betas_travel_only_to_those_who_know_them(
    key: str, path: str, body: dict[str, Any], reply: Any, expected: set[str], autojump_clock: MockClock
) -> None:
    async with plane(channels=[of(key)]) as p:
        p.transport.script.append(reply())
        await p.ask(body, path=path, headers=BETAS)
    assert sent(p).keys() & BETAS.keys() == expected


async def test_a_claude_channel_gets_a_version_from_whom_has_none(autojump_clock: MockClock) -> None:
    async with plane(channels=[of("anthropic")]) as p:
        p.transport.script.append(claude_answer())
        await p.ask(CHAT)
    assert sent(p)["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in sent(p)


async def test_betas_of_client_and_channel_are_merged(autojump_clock: MockClock) -> None:
    own = of("anthropic", config={"custom_headers": {"Anthropic-Beta": "context-1m-2025-08-07,a-2025-01-01"}})
    async with plane(channels=[own]) as p:
        p.transport.script += [claude_answer(), claude_answer()]
        await p.ask(MESSAGES, path="/v1/messages", headers={"anthropic-beta": "a-2025-01-01, b-2025-01-01"})
        await p.ask(MESSAGES, path="/v1/messages")
    assert sent(p, 0)["anthropic-beta"] == "a-2025-01-01,b-2025-01-01,context-1m-2025-08-07"
    assert sent(p, 1)["anthropic-beta"] == "context-1m-2025-08-07,a-2025-01-01"


async def test_headers_of_the_channel_win(autojump_clock: MockClock) -> None:
    headers = {"X-Team": "blue", "Traceparent": "ours", "Authorization": "Custom key", "HTTP-Referer": "https://ours"}
    async with plane(channels=[of("openrouter", config={"custom_headers": headers})]) as p:
        p.transport.script.append(answer())
        await p.ask(CHAT, headers={"traceparent": "theirs"})
    got = sent(p)
    assert {name.lower(): got[name.lower()] for name in headers} == {k.lower(): v for k, v in headers.items()}
    assert got["content-type"] == "application/json"


async def test_headers_that_a_database_should_not_hold_are_left_out(autojump_clock: MockClock) -> None:
    wrong = {"Content-Length": "1", "X\r\nY": "v", "X-A": "a\r\nHost: b", "X-B": 3, "X-C": "", "X-Fine": "v"}
    async with plane(channels=[of("openaicompatible", config={"custom_headers": wrong})]) as p:
        p.transport.script.append(answer())
        got = await p.ask(CHAT)
    assert got.status == 200
    assert {name for name in sent(p) if name.startswith("x")} == {"x-fine"}
    assert "content-length" not in sent(p)


@pytest.mark.parametrize(
    ("key", "path", "body", "name", "url", "asked"),
    [
        ("openaicompatible", "/v1/chat/completions", CHAT, "chat_completions", "https://o/x?v=1", "https://o/x?v=1"),
        ("openaicompatible", "/v1/chat/completions", CHAT, "/v1/chat/completions", "/p/{model}", "https://h/p/m"),
        ("openaicompatible", "/v1/messages", MESSAGES, "chat_completions", "/p", "https://h/p"),
        ("anthropic", "/v1/chat/completions", CHAT, "claude_messages", "/p", "https://h/p"),
        ("anthropic", "/v1/chat/completions", CHAT, "chat_completions", "/p", "https://h/v1/messages"),
    ],
)
async def test_addresses_of_the_channel_take_the_place_of_the_usual(
    key: str, path: str, body: dict[str, Any], name: str, url: str, asked: str, autojump_clock: MockClock
) -> None:
    async with plane(channels=[of(key, config={"endpoint_urls": {name: url}})]) as p:
        p.transport.script.append(claude_answer() if key == "anthropic" else answer())
        got = await p.ask(body, path=path)
    assert got.status == 200
    assert p.transport.requests[0].url == asked


@pytest.mark.parametrize(
    ("served", "path", "body", "status"),
    [
        (["chat_completions"], "/v1/chat/completions", CHAT, 200),
        (["/v1/chat/completions"], "/v1/chat/completions", CHAT, 200),
        ([], "/v1/chat/completions", CHAT, 200),
        (["response_api", "claude_messages"], "/v1/chat/completions", CHAT, 503),
        (["claude_messages"], "/v1/messages", MESSAGES, 200),
        (["chat_completions"], "/v1/messages", MESSAGES, 503),
        (["chat_completions"], "/v1/embeddings", {"model": "m", "input": "x"}, 503),
        (["chat_completions"], "/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}, 200),
        (["messages"], "/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}, 503),
        (["generate_content"], "/v1beta/models/m:generateContent", {"contents": [{"parts": [{"text": "x"}]}]}, 200),
    ],
)
async def test_a_channel_serves_what_its_list_names(
    served: list[str], path: str, body: dict[str, Any], status: int, autojump_clock: MockClock
) -> None:
    async with plane(channels=[of("openaicompatible", config={"supported_endpoints": served})]) as p:
        p.transport.script.append(answer())
        got = await p.ask(body, path=path)
    assert got.status == status


async def test_what_one_channel_does_not_serve_goes_to_another(autojump_clock: MockClock) -> None:
    picky = of("openaicompatible", 1, priority=5, config={"supported_endpoints": ["embeddings"]})
    async with plane(channels=[picky, of("openaicompatible", 2, base_url="https://second")]) as p:
        p.transport.script.append(answer())
        await p.ask(CHAT)
    assert p.transport.requests[0].url.startswith("https://second/")
