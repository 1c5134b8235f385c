"""Small ways of one-api's that its clients are used to, by provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import trio

from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import Plane, Reply, plane
from tests.relay.views import channel

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView

CATALOGUE = load_catalogue()
JSON = ((b"content-type", b"application/json"),)
CLAUDE = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
DETAILS = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2}}


def of(name: str, **changes: object) -> ChannelView:
    provider = CATALOGUE.by_key(name)
    assert provider is not None
    values: dict[str, object] = {"type": provider.id, "provider": provider, "base_url": "http://up.example/v1"}
    return channel(1, **(values | {"config": {"user_id": "a"}} | changes))  # type: ignore[arg-type]


def told(body: object, status: int = 200) -> Reply:
    return Reply(status=status, headers=JSON, pieces=[json.dumps(body).encode()])


def completion(**message: object) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, **DETAILS}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def chunk(reason: str | None = None, **delta: object) -> bytes:
    value = {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    return f"data: {json.dumps(value)}\n\n".encode()


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
ON_DEMAND = ("groq", "mistral", "moonshot", "xai", "cloudflare")


def kinds(body: bytes) -> list[str]:
    return [json.loads(line[6:])["type"] for line in body.split(b"\n") if line.startswith(b"data: ")]


@pytest.mark.parametrize("name", [*ON_DEMAND, "deepseek"])
async def test_clients_of_claudes_see_thoughts_if_they_ask_for_them(
    name: str, autojump_clock: trio.testing.MockClock
) -> None:
    asks: list[tuple[dict[str, object], bool]] = [({}, name not in ON_DEMAND), (THINKING, True)]
    async with plane(channels=[of(name)]) as p:
        for asked, shown in asks:
            p.transport.script.append(told(completion(content="Yes.", reasoning_content="Hm.")))
            got = await p.ask({**CLAUDE, **asked}, path="/v1/messages")
            content: Any = got.json["content"]
            assert [part["type"] for part in content] == (["thinking", "text"] if shown else ["text"])


async def test_hidden_thoughts_keep_the_stream_awake_and_are_paid_for(autojump_clock: trio.testing.MockClock) -> None:
    thoughts = [chunk(reasoning_content="I wonder. ") for _ in range(3)]
    async with plane(channels=[of("moonshot")], settings={"first_content_timeout_sec": 20}) as p:
        pieces: list[bytes | float] = []
        for thought in thoughts:
            pieces += [thought, 15.0]
        pieces += [chunk(content="Yes."), chunk("stop"), b"data: [DONE]\n\n"]
        p.transport.script.append(Reply(pieces=pieces))
        got = await p.ask({**CLAUDE, "stream": True}, path="/v1/messages")
    seen = kinds(got.body)
    assert seen[0] == "message_start"
    assert seen.count("ping") >= 3
    assert b"wonder" not in got.body
    assert b"Yes." in got.body
    assert seen[-1] == "message_stop"
    (settled,) = p.books.settled
    assert settled.log
    assert settled.log.completion_tokens == 7, "six words of thought, and one that was said"


@pytest.mark.parametrize("name", ON_DEMAND)
async def test_whole_answers_tell_all_counts(name: str, autojump_clock: trio.testing.MockClock) -> None:
    async with plane(channels=[of(name)]) as p:
        p.transport.script.append(told(completion(content="Yes.")))
        got = await p.ask({"model": "m", "messages": CLAUDE["messages"]})
    usage: Any = got.json["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 0}
    assert usage["completion_tokens_details"] == {
        "reasoning_tokens": 2, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
    }  # fmt: skip


async def test_others_answers_pass_byte_for_byte(autojump_clock: trio.testing.MockClock) -> None:
    body = json.dumps(completion(content="Yes."), indent=3).encode()
    async with plane(channels=[of("siliconflow")]) as p:
        p.transport.script.append(Reply(headers=JSON, pieces=[body]))
        got = await p.ask({"model": "m", "messages": CLAUDE["messages"]})
    assert got.body == body


async def ask_gemini(p: Plane, path: str = "/v1/messages") -> list[str]:
    got = await p.ask(CLAUDE, path=path)
    assert got.status == 200, got.body
    return [request.url for request in p.transport.requests]


@pytest.mark.parametrize("status", [404, 405])
async def test_geminis_openai_form_is_asked_where_one_api_asked_and_then_where_it_is(
    status: int, autojump_clock: trio.testing.MockClock
) -> None:
    async with plane(channels=[of("geminiopenaicompatible")]) as p:
        p.transport.script += [told({}, status), told(completion(content="Yes."))]
        assert await ask_gemini(p) == ["http://up.example/v1/messages", "http://up.example/v1/chat/completions"]
        assert p.transport.bodies[0] == p.transport.bodies[1]


async def test_google_itself_is_asked_at_once_where_it_is(autojump_clock: trio.testing.MockClock) -> None:
    google = "https://generativelanguage.googleapis.com/v1beta/openai/"
    async with plane(channels=[of("geminiopenaicompatible", base_url=google)]) as p:
        p.transport.script.append(told(completion(content="Yes.")))
        assert await ask_gemini(p) == [google + "chat/completions"]
    async with plane(channels=[of("geminiopenaicompatible")]) as p:
        p.transport.script.append(told(completion(content="Yes.")))
        got = await p.ask({"model": "m", "messages": CLAUDE["messages"]})
        assert got.status == 200
        assert p.transport.requests[0].url == "http://up.example/v1/chat/completions"
