"""What providers report is charged to the unit: caches, pictures, sound, searches, long prompts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from gateway.registry.snapshot import ChannelView
from tests.relay.harness import Reply, plane
from tests.relay.views import channel

CATALOGUE = load_catalogue()
SONNET = "claude-sonnet-4-20250514"


def of(key: str, model: str, **changes: Any) -> ChannelView:
    row = CATALOGUE.by_key(key)
    assert row is not None
    return channel(1, **({"type": row.id, "provider": row, "base_url": "https://h", "models": (model,)} | changes))


def reply(body: dict[str, Any]) -> Reply:
    return Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])


def events(*bodies: dict[str, Any], named: bool = False) -> Reply:
    pieces = [
        (f"event: {body['type']}\n" if named else "").encode() + b"data: " + json.dumps(body).encode() + b"\n\n"
        for body in bodies
    ]
    return Reply(pieces=[*pieces, *([] if named else [b"data: [DONE]\n\n"])])


def completion(**usage: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi"}
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def gemini(usage: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "hi"}]}
    told = {"content": content, "finishReason": "STOP", **candidate}
    return {"candidates": [told], "usageMetadata": usage, "modelVersion": "gemini-3-pro-preview"}


def claude(**usage: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": SONNET,
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }


def response(*output: dict[str, Any], **usage: Any) -> dict[str, Any]:
    said = {"type": "message", "id": "m", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "hi", "annotations": []}]}  # fmt: skip
    return {"id": "r", "object": "response", "status": "completed", "model": "gpt-5", "output": [*output, said],
            "usage": usage}  # fmt: skip


def chat(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "x"}], **more}


def messages(model: str) -> tuple[str, dict[str, Any]]:
    return "/v1/messages", {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


CACHED = {"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1920}}
CLAUDE_USED = {
    "input_tokens": 600,
    "cache_read_input_tokens": 200,
    "cache_creation_input_tokens": 100,
    "output_tokens": 50,
}
SOUND = {
    "prompt_tokens": 60,
    "completion_tokens": 50,
    "prompt_tokens_details": {"text_tokens": 20, "audio_tokens": 40},
    "completion_tokens_details": {"text_tokens": 10, "audio_tokens": 40},
}
PICTURE = {
    "promptTokenCount": 1000,
    "candidatesTokenCount": 1390,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1000}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}
SEARCHED = {"groundingMetadata": {"webSearchQueries": ["a", "b"], "groundingChunks": []}}
HEARD = {
    "promptTokenCount": 1000,
    "candidatesTokenCount": 10,
    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 900}, {"modality": "TEXT", "tokenCount": 100}],
}


@pytest.mark.parametrize(
    ("key", "model", "asked", "answered", "units"),
    [
        # 86 plain at 1.25, 1920 cached at half, 300 out at 5.
        ("openai", "gpt-4o", chat, completion(**CACHED), 2808),
        ("openai", "gpt-4o", messages, completion(**CACHED), 2808),
        # DeepSeek's own name for the cached part: 0.56, cached 0.07, out 1.68 USD a million.
        ("deepseek", "deepseek-chat", chat,
         completion(prompt_tokens=2000, completion_tokens=100, prompt_cache_hit_tokens=1000), 399),
        # Claude: 600 in, 200 read at a tenth, 100 written at 1.25, 50 out at 7.5.
        ("anthropic", SONNET, messages, claude(**CLAUDE_USED), 1493),
        ("anthropic", SONNET, chat, claude(**CLAUDE_USED), 1493),
        # With a search on top.
        ("anthropic", SONNET, messages, claude(**CLAUDE_USED, server_tool_use={"web_search_requests": 2}), 11_493),
        ("anthropic", SONNET, chat, claude(**CLAUDE_USED, server_tool_use={"web_search_requests": 2}), 11_493),
        # Audio: 20 + 40 times 16 tokens in, 10 + 40 times 32 out.
        ("openai", "gpt-4o-audio-preview", chat, completion(**SOUND), 7275),
        # Gemini: cached input, sound, a picture, searches by answer (2.5) and by query (3).
        ("gemini", "gemini-2.5-flash", chat,
         gemini({"promptTokenCount": 2000, "cachedContentTokenCount": 1000, "candidatesTokenCount": 100}), 290),
        ("gemini", "gemini-2.5-flash", chat, gemini(HEARD), 15 + 450 + 13),
        ("gemini", "gemini-2.5-flash-image", chat, gemini(PICTURE), 150 + 125 + 19_350),
        ("gemini", "gemini-2.5-flash", chat,
         gemini({"promptTokenCount": 1000, "candidatesTokenCount": 1}, **SEARCHED) | {"modelVersion": "gemini-2.5-flash"},
         150 + 17_500 + 2),
        ("gemini", "gemini-3-pro-preview", messages,
         gemini({"promptTokenCount": 1000, "candidatesTokenCount": 1}, **SEARCHED), 1000 + 2 * 7000 + 6),
        # A prompt above 200 000 tokens has the upper price.
        ("gemini", "gemini-2.5-pro", chat, gemini({"promptTokenCount": 300_000, "candidatesTokenCount": 10}), 375_075),
    ],
)  # fmt: skip
async def test_whole_answers(
    key: str, model: str, asked: Any, answered: dict[str, Any], units: int, autojump_clock: MockClock
) -> None:
    path, body = asked(model)
    async with plane(channels=[of(key, model)]) as p:
        p.transport.script.append(reply(answered))
        got = await p.ask(body, path=path)
    assert got.status == 200
    assert [s.units for s in p.books.settled] == [units]
    assert p.books.user == 10**9 - units


async def test_each_search_of_a_response_is_charged(autojump_clock: MockClock) -> None:
    calls = [
        {"type": "web_search_call", "id": f"w{n}", "status": "completed", "action": {"type": "search"}}
        for n in (1, 2)
    ]
    used = {"input_tokens": 1000, "output_tokens": 100, "input_tokens_details": {"cached_tokens": 600}}
    asked = {"model": "gpt-5", "input": "x", "tools": [{"type": "web_search"}]}
    async with plane(channels=[of("openai", "gpt-5")]) as p:
        p.transport.script.append(reply(response(*calls, **used)))
        await p.ask(asked, path="/v1/responses")
    # GPT-5: 1.25, cached 0.125, out 10 USD a million; a search 0.01 USD.
    assert [s.units for s in p.books.settled] == [int(400 * 0.625 + 600 * 0.0625 + 100 * 5) + 2 * 5000]


@pytest.mark.parametrize(("size", "fee"), [("low", 12_500), (None, 13_750), ("high", 15_000)])
async def test_search_models_cost_a_fee_for_each_answered_request(
    size: str | None, fee: int, autojump_clock: MockClock
) -> None:
    model = "gpt-4o-mini-search-preview"
    options = {"web_search_options": {"search_context_size": size} if size else {}}
    own = of("openai", model, group_ratio=Decimal("0.5"))
    async with plane(channels=[own]) as p:
        p.transport.script.append(reply(completion(prompt_tokens=10, completion_tokens=40)))
        await p.ask(chat(model, **options)[1])
    # 12.75 units of tokens at half the price, and the fee whole.
    assert [s.units for s in p.books.settled] == [7 + fee]


async def test_a_search_that_failed_costs_nothing(autojump_clock: MockClock) -> None:
    model = "gpt-4o-mini-search-preview"
    failed = Reply(
        status=500, headers=((b"content-type", b"application/json"),), pieces=[b'{"error":{"message":"no"}}']
    )
    async with plane(channels=[of("openai", model)]) as p:
        p.transport.script.append(failed)
        got = await p.ask(chat(model)[1])
    assert got.status == 500
    assert [s.units for s in p.books.settled] == [0]
    assert p.books.user == 10**9


async def test_streams_are_charged_by_their_last_word(autojump_clock: MockClock) -> None:
    start = claude(input_tokens=600, cache_read_input_tokens=200, cache_creation_input_tokens=100, output_tokens=1)
    stream = events(
        {"type": "message_start", "message": start | {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": 50, "server_tool_use": {"web_search_requests": 1}}},
        {"type": "message_stop"},
        named=True,
    )  # fmt: skip
    for path, body in (messages(SONNET), chat(SONNET)):
        async with plane(channels=[of("anthropic", SONNET)]) as p:
            stream_again = Reply(pieces=list(stream.pieces))
            p.transport.script.append(stream_again)
            await p.ask(body | {"stream": True}, path=path)
        assert [s.units for s in p.books.settled] == [1493 + 5000]


async def test_a_stream_of_chunks_with_a_cache(autojump_clock: MockClock) -> None:
    said = {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]}
    over = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    async with plane(channels=[of("openai", "gpt-4o")]) as p:
        p.transport.script.append(events(said, over, {"choices": [], "usage": CACHED}))
        await p.ask(chat("gpt-4o", stream=True)[1])
    assert [s.units for s in p.books.settled] == [2808]
