"""Every client's format over Bedrock: Claude in its own format, all others by Converse; what is sent and charged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.providers.catalogue import load_catalogue
from gateway.ledger.types import Settlement
from gateway.registry.snapshot import ChannelView
from tests.relay.harness import Got, Reply, plane
from tests.relay.views import channel
from tests.support.frames import EVENT_STREAM, chunk, converse, exception

ROW = load_catalogue().provider(33)
CLAUDE = "claude-sonnet-4-20250514"
CLAUDE_ID = "anthropic.claude-sonnet-4-20250514-v1%3A0"
LLAMA = "llama3-3-70b-128k"
HOST = "https://bedrock-runtime.il-central-1.amazonaws.com"
PAIR = {"region": "il-central-1", "ak": "AKIDEXAMPLE", "sk": "wJalrXUtnFEMI"}


def bedrock(number: int = 1, **changes: Any) -> ChannelView:
    values: dict[str, Any] = {
        "type": 33,
        "provider": ROW,
        "key": "aws",
        "base_url": "",
        "models": (CLAUDE, LLAMA),
        "config": PAIR,
    }
    return channel(number, **(values | changes))


def json_reply(body: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status=status, headers=((b"content-type", b"application/json"),), pieces=[json.dumps(body).encode()])


def frames(*pieces: bytes) -> Reply:
    return Reply(headers=((b"content-type", EVENT_STREAM.encode()),), pieces=list(pieces))


CLAUDE_ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": CLAUDE,
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
CLAUDE_STREAM = (
    chunk({"type": "message_start", "message": CLAUDE_ANSWER | {"content": [], "stop_reason": None,
                                                               "usage": {"input_tokens": 9, "output_tokens": 0}}}),
    chunk({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}),
    chunk({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}}),
    chunk({"type": "content_block_stop", "index": 0}),
    chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
           "usage": {"output_tokens": 3}}),
    chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9}}),
)  # fmt: skip
CONVERSE_ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12},
}
CONVERSE_STREAM = (
    converse("messageStart", {"role": "assistant"}),
    converse("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
    converse("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo"}}),
    converse("contentBlockStop", {"contentBlockIndex": 0}),
    converse("messageStop", {"stopReason": "end_turn"}),
    converse("metadata", {"usage": CONVERSE_ANSWER["usage"]}),
)
ANSWERS = {CLAUDE: (CLAUDE_ANSWER, CLAUDE_STREAM), LLAMA: (CONVERSE_ANSWER, CONVERSE_STREAM)}
OPERATIONS = {
    CLAUDE: (f"/model/{CLAUDE_ID}/invoke", f"/model/{CLAUDE_ID}/invoke-with-response-stream"),
    LLAMA: (
        "/model/meta.llama3-3-70b-instruct-v1%3A0/converse",
        "/model/meta.llama3-3-70b-instruct-v1%3A0/converse-stream",
    ),
}


def chat(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "Hi"}]} | more


def messages(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/messages", {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]} | more


def responses(model: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "/v1/responses", {"model": model, "input": "Hi"} | more


def gemini(model: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
    operation = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{model}:{operation}", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


FORMATS = {"chat": chat, "messages": messages, "responses": responses, "gemini": gemini}


def said(name: str, got: Got) -> str:
    body = got.json
    match name:
        case "chat":
            return str(body["choices"][0]["message"]["content"])  # type: ignore[index]
        case "messages":
            return str(body["content"][0]["text"])  # type: ignore[index]
        case "responses":
            return str(body["output"][-1]["content"][0]["text"])  # type: ignore[index]
    return str(body["candidates"][0]["content"]["parts"][0]["text"])  # type: ignore[index]


def tokens(settlement: Settlement) -> tuple[int, int]:
    assert settlement.log is not None
    return settlement.log.prompt_tokens, settlement.log.completion_tokens


@pytest.mark.parametrize("model", [CLAUDE, LLAMA])
@pytest.mark.parametrize("name", FORMATS)
async def test_a_whole_answer_for_every_client(name: str, model: str, autojump_clock: MockClock) -> None:
    path, body = FORMATS[name](model)
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(json_reply(ANSWERS[model][0]))
        got = await p.ask(body, path=path)
    assert (got.status, said(name, got)) == (200, "Hello")
    asked = p.transport.requests[0]
    assert asked.url == HOST + OPERATIONS[model][0]
    sent = json.loads(p.transport.bodies[0])
    assert "model" not in sent
    assert "stream" not in sent
    assert (sent.get("anthropic_version") == "bedrock-2023-05-31") is (model == CLAUDE)
    assert [tokens(s) for s in p.books.settled] == [(9, 3)]


@pytest.mark.parametrize("model", [CLAUDE, LLAMA])
@pytest.mark.parametrize("name", FORMATS)
async def test_a_stream_for_every_client(name: str, model: str, autojump_clock: MockClock) -> None:
    path, body = gemini(model, stream=True) if name == "gemini" else FORMATS[name](model, stream=True)
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(frames(*ANSWERS[model][1]))
        got = await p.ask(body, path=path)
    assert got.status == 200
    assert got.headers["content-type"].startswith("text/event-stream")
    assert b"Hel" in got.body
    assert b"error" not in got.body.replace(b'"error":null', b"")
    assert p.transport.requests[0].url == HOST + OPERATIONS[model][1]
    assert [tokens(s) for s in p.books.settled] == [(9, 3)]


async def test_a_claude_clients_bytes_pass_but_for_what_the_platform_wants(autojump_clock: MockClock) -> None:
    _, body = messages(CLAUDE, stream=True, temperature=0.70, speed="fast", anthropic_version="mine")
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(frames(*CLAUDE_STREAM))
        got = await p.ask(body, path="/v1/messages", headers={"anthropic-version": "2026-10-21"})
    sent = json.loads(p.transport.bodies[0])
    assert sent == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.7,
        "speed": "fast",
    }
    names = {name for name, _ in p.transport.requests[0].headers}
    assert not names & {b"anthropic-version", b"anthropic-beta"}
    assert b"event: message_start\n" in got.body
    assert got.body.endswith(b"\n\n")


async def test_betas_go_into_the_body_and_unknown_ones_are_named(autojump_clock: MockClock) -> None:
    own = bedrock(config=PAIR | {"custom_headers": {"Anthropic-Beta": "of-the-channel-2030-01-01"}})
    asked = {"anthropic-beta": "interleaved-thinking-2025-05-14, oauth-2025-04-20"}
    async with plane(channels=[own]) as p:
        p.transport.script.append(json_reply(CLAUDE_ANSWER))
        got = await p.ask(
            messages(CLAUDE, anthropic_beta=["context-1m-2025-08-07"])[1], path="/v1/messages", headers=asked
        )
    assert json.loads(p.transport.bodies[0])["anthropic_beta"] == [
        "context-1m-2025-08-07",
        "interleaved-thinking-2025-05-14",
        "of-the-channel-2030-01-01",
    ]
    assert got.headers["x-oneapi-dropped"] == "anthropic-beta.oauth-2025-04-20"


async def test_an_inference_profile_of_the_channel_goes_first(autojump_clock: MockClock) -> None:
    arn = "arn:aws:bedrock:il-central-1:1:application-inference-profile/abc"
    own = bedrock(config=PAIR | {"inference_profile_arn_map": {CLAUDE: arn}})
    async with plane(channels=[own]) as p:
        p.transport.script.append(json_reply(CLAUDE_ANSWER))
        got = await p.ask(messages(CLAUDE)[1], path="/v1/messages")
    assert got.status == 200
    quoted = "arn%3Aaws%3Abedrock%3Ail-central-1%3A1%3Aapplication-inference-profile%2Fabc"
    assert p.transport.requests[0].url == f"{HOST}/model/{quoted}/invoke"
    log = p.books.settled[0].log
    assert log is not None
    assert log.model_name == CLAUDE


async def test_a_base_url_of_the_channel_takes_the_place_of_the_regions(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(base_url="https://vpce.example.com/")]) as p:
        p.transport.script.append(json_reply(CONVERSE_ANSWER))
        await p.ask(chat(LLAMA)[1])
    assert p.transport.requests[0].url == "https://vpce.example.com" + OPERATIONS[LLAMA][0]


async def test_a_bedrock_api_key_needs_no_pair(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(key="ABSKexample", config={"region": "us-east-1"})]) as p:
        p.transport.script.append(json_reply(CONVERSE_ANSWER))
        got = await p.ask(chat(LLAMA)[1])
    assert got.status == 200
    assert dict(p.transport.requests[0].headers)[b"authorization"] == b"Bearer ABSKexample"


async def test_a_channel_without_a_region_says_so(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(config={"ak": "a", "sk": "b"})]) as p:
        got = await p.ask(chat(LLAMA)[1])
    assert (got.status, got.error["code"]) == (503, "channel_misconfigured")
    assert "region" in str(got.error["message"])


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("logprobs", True), ("logit_bias", {"1": 2}), ("service_tier", "priority"), ("modalities", ["text", "audio"])],
)
async def test_what_no_model_there_can_do_is_refused(
    parameter: str, value: object, autojump_clock: MockClock
) -> None:
    async with plane(channels=[bedrock()]) as p:
        got = await p.ask(chat(CLAUDE, **{parameter: value})[1])
    assert (got.status, got.error["code"]) == (400, "invalid_request_error")
    assert f"validation failed: Unsupported parameter '{parameter}'" in str(got.error["message"])
    assert p.books.user == 10**9


@pytest.mark.parametrize(
    ("parameter", "value"), [("logprobs", False), ("service_tier", "auto"), ("modalities", ["text"])]
)
async def test_what_asks_for_nothing_is_not_refused(parameter: str, value: object, autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(json_reply(CLAUDE_ANSWER))
        got = await p.ask(chat(CLAUDE, **{parameter: value})[1])
    assert got.status == 200


async def test_throttling_moves_on_to_the_next_channel(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(1, priority=1), bedrock(2)], options={"RetryTimes": "1"}) as p:
        p.transport.script += [json_reply({"message": "Too many requests"}, 429), json_reply(CONVERSE_ANSWER)]
        got = await p.ask(chat(LLAMA)[1])
    assert got.status == 200
    assert len(p.transport.requests) == 2


async def test_an_exception_before_content_moves_on_too(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(1, priority=1), bedrock(2)], options={"RetryTimes": "1"}) as p:
        p.transport.script += [frames(exception("throttlingException", "no")), frames(*CLAUDE_STREAM)]
        got = await p.ask(messages(CLAUDE, stream=True)[1], path="/v1/messages")
    assert (got.status, len(p.transport.requests)) == (200, 2)
    assert b"message_stop" in got.body


async def test_an_exception_after_content_ends_the_stream_with_an_error(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(frames(*CLAUDE_STREAM[:4], exception("modelStreamErrorException", "broke")))
        got = await p.ask(chat(CLAUDE, stream=True)[1])
    assert b"broke" in got.body
    assert b"[DONE]" not in got.body
    assert p.books.settled[0].units > 0


async def test_a_damaged_frame_ends_the_stream_with_an_error(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(frames(*CLAUDE_STREAM[:4], b"\x00" * 40))
        got = await p.ask(messages(CLAUDE, stream=True)[1], path="/v1/messages")
    assert b"event: error\n" in got.body
    assert b"message_stop" not in got.body


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [(403, "You don't have access to the model", "permission_error"), (400, "bad", "invalid_request_error")],
)
async def test_errors_keep_their_status(status: int, message: str, told: str, autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(json_reply({"message": message}, status))
        got = await p.ask(messages(CLAUDE)[1], path="/v1/messages")
    assert (got.status, got.error["type"]) == (status, told)
    assert message in str(got.error["message"])


async def test_cache_reads_and_writes_are_charged_at_their_prices(autojump_clock: MockClock) -> None:
    used = {
        "input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        "output_tokens": 50,
    }
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(json_reply(CLAUDE_ANSWER | {"usage": used}))
        await p.ask(messages(CLAUDE)[1], path="/v1/messages")
    # 3 USD a million is 1.5 units a token: 100 in, 1000 read at a tenth, 200 and 100 written at 1.25 and 2, 50 out at 5.
    assert p.books.settled[0].units == 1.5 * (100 + 100 + 250 + 200 + 250)


async def test_thoughts_and_tools_over_converse(autojump_clock: MockClock) -> None:
    blocks = [
        {"reasoningContent": {"reasoningText": {"text": "hm"}}},
        {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "Rome"}}},
    ]
    reply = CONVERSE_ANSWER | {"output": {"message": {"content": blocks}}, "stopReason": "tool_use"}
    tool = {"name": "look", "input_schema": {"type": "object"}}
    async with plane(channels=[bedrock()]) as p:
        p.transport.script.append(json_reply(reply))
        got = await p.ask(messages(LLAMA, tools=[tool])[1], path="/v1/messages")
    kinds = [block["type"] for block in got.json["content"]]  # type: ignore[attr-defined]
    assert (kinds, got.json["stop_reason"]) == (["thinking", "tool_use"], "tool_use")


async def test_embeddings_of_titan(autojump_clock: MockClock) -> None:
    async with plane(channels=[bedrock(models=("amazon-titan-embed-text",))]) as p:
        p.transport.script.append(json_reply({"embedding": [0.5, 1.0], "inputTextTokenCount": 3}))
        got = await p.ask({"model": "amazon-titan-embed-text", "input": "x"}, path="/v1/embeddings")
    assert got.json["data"][0]["embedding"] == [0.5, 1.0]  # type: ignore[index]
    assert p.transport.requests[0].url == f"{HOST}/model/amazon.titan-embed-text-v2%3A0/invoke"
    assert tokens(p.books.settled[0]) == (3, 0)
