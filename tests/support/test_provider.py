"""The mock provider keeps its promises: other tests stand on it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import openai
import pytest
import trio

from adapters.sse import EventScanner
from adapters.transport.types import ResponseBroken
from tests.adapters.transport.servers import read, request, transport_for
from tests.support.provider import Answer, Tokens, failure, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.http1 import Http1Transport
    from adapters.transport.types import UpstreamRequest


@pytest.fixture
async def transport() -> AsyncIterator[Http1Transport]:
    transport = transport_for()
    yield transport
    await transport.aclose()


def chat(url: str, **fields: object) -> UpstreamRequest:
    body = json.dumps({"model": "m", "stream": True, **fields}).encode()
    return request(url + "/v1/chat/completions", method="POST", body=body)


def events(stream: bytes) -> list[Any]:
    return [json.loads(event.data) for event in EventScanner().feed(stream) if event.data != b"[DONE]"]


def use_official_client(url: str) -> None:
    hello: Any = [{"role": "user", "content": "hi"}]
    with openai.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client:
        whole = client.chat.completions.create(model="m", messages=hello)
        assert whole.choices[0].message.content == "Hello from the provider."
        assert whole.usage is not None
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (7, 4)
        options: Any = {"include_usage": True}
        with client.chat.completions.create(model="m", messages=hello, stream=True, stream_options=options) as stream:
            chunks = list(stream)
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello from the provider."
        assert chunks[-1].usage is not None
        assert client.embeddings.create(model="m", input=["a", "b"]).data[1].embedding == [0.25, -0.5, 1.0]
        assert client.moderations.create(input="x").results[0].flagged is False
        assert [model.id for model in client.models.list()] == ["gpt-4o-mini"]
        assert client.completions.create(model="m", prompt="x").choices[0].text == "Hello from the provider."
        with pytest.raises(openai.RateLimitError, match="slow down"):
            client.chat.completions.create(model="busy", messages=hello)
        called = client.chat.completions.create(model="tools", messages=hello)
        assert called.choices[0].message.tool_calls
        assert called.choices[0].finish_reason == "tool_calls"


async def test_the_official_client_understands_it() -> None:
    async with provider() as p:
        p.standing(Answer(tokens=Tokens(prompt=7, cached=3)), model="m")
        p.script(failure(429, "slow down", headers=(("Retry-After", "1"),)), model="busy")
        p.script(Answer(tool_call=("weather", '{"city": "Paris"}')), model="tools")
        # Not the asynchronous client: on Trio it leaves its generators to the garbage collector.
        await trio.to_thread.run_sync(use_official_client, p.url)


async def test_scripts_are_for_their_path_and_model_and_once(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(failure(500), model="other")
        p.script(failure(503), path="/v1/embeddings")
        p.script(failure(429), model="m")
        p.standing(failure(418), model="m")
        statuses = []
        for fields in ({}, {}, {"model": "other"}, {"model": "other"}):
            response = await transport.send(chat(p.url, **fields))
            statuses.append(response.status)
            await read(response)
        assert statuses == [429, 418, 500, 200]


async def test_usage_is_reported_when_asked_for_and_done_unless_told_otherwise(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(), Answer(done=False))
        plain = await read(await transport.send(chat(p.url)))
        assert plain.endswith(b"data: [DONE]\n\n")
        assert all("usage" not in event for event in events(plain))
        asked = await read(await transport.send(chat(p.url, stream_options={"include_usage": True})))
        assert b"[DONE]" not in asked
        assert events(asked)[-1] == {**events(asked)[-1], "choices": [], "usage": Tokens().json(4)}


@pytest.mark.parametrize(("answer", "sent"), [(Answer(cut_after=2), 2), (Answer(cut_after=3, reset=True), 3)])
async def test_a_cut_comes_after_so_many_events(transport: Http1Transport, answer: Answer, sent: int) -> None:
    async with provider() as p:
        p.script(answer)
        with pytest.raises(ResponseBroken):
            await read(await transport.send(chat(p.url)))
        assert p.requests[0].events_sent == sent
        assert not p.requests[0].is_answered
        p.script(Answer(cut_after=-1))
        with pytest.raises(ResponseBroken):
            await transport.send(chat(p.url))


async def test_it_knows_when_its_client_leaves(transport: Http1Transport) -> None:
    async with provider() as p:
        p.script(Answer(hang_after=1), Answer(head_after_s=math.inf), Answer())
        for _ in range(2):
            with trio.move_on_after(0.03):
                await read(await transport.send(chat(p.url)))
        await read(await transport.send(chat(p.url)))
        for gone in p.requests[:2]:
            assert await gone.wait_gone() > gone.received_at
        assert p.requests[2].is_answered
        assert not p.requests[2].gone.is_set()
        assert p.running == 0
        assert p.most_running == 1
