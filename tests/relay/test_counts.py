"""Counting tokens: passed on where a provider can tell, done here where none can, and never charged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.relay.harness import UNREACHABLE, Reply, plane, refusal
from tests.relay.views import channel

if TYPE_CHECKING:
    from trio.testing import MockClock

ANTHROPIC, GEMINI, COMPATIBLE = 14, 24, 50
JSON = ((b"content-type", b"application/json"),)
CLAUDE_PATH, GEMINI_PATH = "/v1/messages/count_tokens", "/v1beta/models/m:countTokens"
RESPONSES_PATH = "/v1/responses/input_tokens"
PROMPT = {"model": "m", "system": "be brief", "messages": [{"role": "user", "content": "one two three"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]}


def told(body: object) -> Reply:
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


async def test_anthropic_counts_for_its_own_clients(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=ANTHROPIC, model_mapping={"m": "claude-x"}, base_url="")]) as p:
        p.transport.script.append(told({"input_tokens": 77}))
        got = await p.ask(PROMPT, path=CLAUDE_PATH + "?beta=true", headers={"anthropic-beta": "b"})
    assert (got.status, got.json) == (200, {"input_tokens": 77})
    (request,) = p.transport.requests
    assert request.url == "https://api.anthropic.com/v1/messages/count_tokens"
    assert json.loads(p.transport.bodies[0]) == PROMPT | {"model": "claude-x"}
    sent = dict(request.headers)
    assert (sent[b"x-api-key"], sent[b"anthropic-beta"]) == (b"sk-upstream", b"b")


async def test_google_counts_for_its_own_clients(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI, base_url="")]) as p:
        p.transport.script.append(told({"totalTokens": 31}))
        got = await p.ask(CONTENTS, path=GEMINI_PATH)
    assert got.json == {"totalTokens": 31}
    assert p.transport.requests[0].url.endswith("/models/m:countTokens")
    assert json.loads(p.transport.bodies[0]) == CONTENTS


@pytest.mark.parametrize("prefix", ["/v1", "/v1/v1", "/openai/v1", "/openai/v1/v1", "/api/v1/v1"])
async def test_elsewhere_claudes_prompts_are_counted_here(prefix: str, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        got = await p.ask(PROMPT, path=prefix + "/messages/count_tokens")
    assert got.json == {"input_tokens": 6}
    assert p.transport.requests == []


@pytest.mark.parametrize("path", [GEMINI_PATH, "/v1/models/m:countTokens"])
async def test_elsewhere_geminis_prompts_are_counted_here(path: str, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        whole = await p.ask({"generateContentRequest": {"model": "models/m", **CONTENTS}}, path=path)
        got = await p.ask(CONTENTS, path=path)
    assert got.json["totalTokens"] == whole.json["totalTokens"] == 4


async def test_inputs_of_responses_are_counted_here(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        got = await p.ask({"model": "m", "input": "one two three"}, path=RESPONSES_PATH)
    assert got.json == {"object": "response.input_tokens", "input_tokens": 4}


@pytest.mark.parametrize("reply", [UNREACHABLE, refusal(404), refusal(401), refusal(503)])
async def test_a_provider_that_cannot_tell_is_not_needed(reply: Reply | Exception, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=ANTHROPIC)]) as p:
        p.transport.script.append(reply)
        got = await p.ask(PROMPT, path=CLAUDE_PATH)
    assert got.json == {"input_tokens": 6}


async def test_what_a_provider_finds_wrong_is_told_in_the_clients_words(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=ANTHROPIC)]) as p:
        p.transport.script.append(refusal(400, "too odd"))
        got = await p.ask(PROMPT, path=CLAUDE_PATH)
    assert got.status == 400
    assert got.json["type"] == "error"
    assert str(got.error["message"]).startswith("too odd")


async def test_counting_is_not_charged(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=ANTHROPIC)], user_quota=0) as p:
        p.transport.script.append(told({"input_tokens": 77}))
        got = await p.ask(PROMPT, path=CLAUDE_PATH)
    assert got.status == 200
    assert (p.books.user, p.books.settled, p.books.held) == (0, [], {})


async def test_counting_needs_a_key_and_keeps_to_the_rate(autojump_clock: MockClock) -> None:
    async with plane(settings={"global_relay_rate_limit": 1}) as p:
        stranger = await p.ask(PROMPT, path=CLAUDE_PATH, key="other")
        first = await p.ask(PROMPT, path=CLAUDE_PATH)
        second = await p.ask(CONTENTS, path=GEMINI_PATH)
    assert [stranger.status, first.status, second.status] == [401, 200, 429]
    assert stranger.json["type"] == "error"
    assert second.error["status"] == "RESOURCE_EXHAUSTED"


async def test_models_that_nobody_serves_and_prompts_without_sense_are_refused(autojump_clock: MockClock) -> None:
    async with plane() as p:
        unknown = await p.ask(PROMPT | {"model": "other"}, path=CLAUDE_PATH)
        senseless = await p.ask({"model": "m", "messages": "hi"}, path=CLAUDE_PATH)
        forbidden = await p.ask({"contents": 4}, path=GEMINI_PATH)
    assert [unknown.status, senseless.status, forbidden.status] == [503, 400, 400]
    assert senseless.json["type"] == "error"
    assert forbidden.error["status"] == "INVALID_ARGUMENT"


async def test_a_token_counts_only_for_its_own_models(autojump_clock: MockClock) -> None:
    async with plane(token={"models": "x"}) as p:
        got = await p.ask(CONTENTS, path=GEMINI_PATH)
    assert (got.status, got.error["status"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    "path", ["/v1/messages/batches", "/v1beta/cachedContents", "/v1/batches", "/v1/videos", "/v1/realtime/sessions"]
)
async def test_what_is_not_offered_is_said_in_the_clients_words(path: str, autojump_clock: MockClock) -> None:
    async with plane() as p:
        got = await p.ask({}, path=path)
    assert got.status == 501
    assert "API not implemented" in str(got.error["message"])
    assert ("type" in got.json) is path.startswith("/v1/messages")
    assert ("status" in got.error) is path.startswith("/v1beta")
