"""Azure OpenAI: deployments in the address, a version in the query, the key in a header of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.providers.catalogue import load_catalogue
from adapters.providers.urls import upstream_url
from gateway.relay.realtime.request import _with_query
from tests.relay.harness import DONE, STOP, Reply, delta, plane, refusal, usage
from tests.relay.views import channel
from tests.support.forms import CONTENT_TYPE, form

if TYPE_CHECKING:
    from trio.testing import MockClock

    from gateway.registry.snapshot import ChannelView

AZURE = 3
BASE = "https://mine.openai.azure.com"
JSON = ((b"content-type", b"application/json"),)
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def azure(*models: str, **config: object) -> ChannelView:
    settings = {"api_version": "2024-06-01"} | config
    return channel(1, type=AZURE, base_url=BASE, key="azure-key", models=models, config=settings)


def told(body: object) -> Reply:
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


def address(endpoint: str, model: str, **config: object) -> str:
    provider = load_catalogue().provider(AZURE)
    assert provider is not None
    return upstream_url(provider, BASE, endpoint, model, config).removeprefix(BASE)


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("chat_completions", "chat/completions"),
        ("completions", "completions"),
        ("embeddings", "embeddings"),
        ("moderations", "moderations"),
        ("images_generations", "images/generations"),
        ("images_edits", "images/edits"),
        ("audio_speech", "audio/speech"),
        ("audio_transcriptions", "audio/transcriptions"),
        ("audio_translations", "audio/translations"),
        ("rerank", "rerank"),
    ],
)
def test_a_deployment_is_called_as_the_model(endpoint: str, path: str) -> None:
    got = address(endpoint, "gpt-3.5-turbo", api_version="2024-06-01")
    assert got == f"/openai/deployments/gpt-3.5-turbo/{path}?api-version=2024-06-01"


@pytest.mark.parametrize(
    ("model", "config", "version"),
    [
        ("gpt-4o", {}, "2024-03-01-preview"),
        ("gpt-4o", {"api_version": "2024-06-01"}, "2024-06-01"),
        ("o1-mini", {"api_version": "2024-06-01"}, "2024-12-01-preview"),
        ("o3", {}, "2024-12-01-preview"),
        ("gpt-5-mini", {}, "2025-04-01-preview"),
        ("gpt-5-mini", {"api_version": "2024-12-01-preview"}, "2024-12-01-preview"),
        ("gpt-image-1", {}, "2025-04-01-preview"),
    ],
)
def test_the_version_is_the_channels_but_for_models_that_need_another(
    model: str, config: dict[str, str], version: str
) -> None:
    assert address("chat_completions", model, **config).endswith(f"?api-version={version}")


def test_responses_have_no_deployment_in_their_address() -> None:
    assert address("responses", "gpt-5", api_version="2024-06-01") == "/openai/v1/responses"


@pytest.mark.parametrize(
    ("model", "url"),
    [
        (
            "gpt-4o-realtime-preview",
            "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-4o-realtime-preview",
        ),
        ("gpt-realtime", "/openai/v1/realtime?model=gpt-realtime"),
    ],
)
def test_realtime_sessions_of_either_age_name_their_model_once(model: str, url: str) -> None:
    assert _with_query(address("realtime", model), f"model={model}&key=sk".encode(), model) == url


async def test_the_key_goes_into_a_header_of_its_own(autojump_clock: MockClock) -> None:
    async with plane(channels=[azure("gpt-4o")]) as p:
        p.transport.script.append(told({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}))
        got = await p.ask(CHAT | {"model": "gpt-4o"})
    (request,) = p.transport.requests
    headers = {name.lower(): value for name, value in request.headers}
    assert headers[b"api-key"] == b"azure-key"
    assert b"authorization" not in headers
    assert request.url == f"{BASE}/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01"
    assert got.status == 200


async def test_the_chunk_about_filters_does_not_reach_the_client(autojump_clock: MockClock) -> None:
    filters = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{}]}\n\n'
    async with plane(channels=[azure("gpt-4o")]) as p:
        p.transport.script.append(Reply(pieces=[filters, delta("a"), STOP, usage(8, 2), DONE]))
        got = await p.ask(CHAT | {"model": "gpt-4o", "stream": True})
    assert got.body == delta("a") + STOP + usage(8, 2) + DONE
    assert [s.log.prompt_tokens for s in p.books.settled if s.log] == [8]


async def test_reasoning_models_get_their_limit_under_its_newer_name(autojump_clock: MockClock) -> None:
    async with plane(channels=[azure("o3-mini", "gpt-4o")]) as p:
        for model in ("o3-mini", "gpt-4o"):
            p.transport.script.append(told({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}))
            await p.ask(CHAT | {"model": model, "max_tokens": 9})
    first, second = (json.loads(body) for body in p.transport.bodies)
    assert (first.get("max_tokens"), first.get("max_completion_tokens")) == (None, 9)
    assert (second.get("max_tokens"), second.get("max_completion_tokens")) == (9, None)


async def test_responses_pass_and_are_kept(autojump_clock: MockClock) -> None:
    body = {"id": "resp_1", "status": "completed", "output": [], "usage": {"input_tokens": 4, "output_tokens": 2}}
    async with plane(channels=[azure("gpt-5")]) as p:
        p.transport.script += [told(body), told(body)]
        made = await p.ask({"model": "gpt-5", "input": "hi", "text": {"verbosity": "low"}}, path="/v1/responses")
        got = await p.ask({}, method="GET", path="/v1/responses/resp_1")
    assert (made.status, got.status) == (200, 200)
    assert [r.url for r in p.transport.requests] == [
        f"{BASE}/openai/v1/responses",
        f"{BASE}/openai/v1/responses/resp_1",
    ]
    assert json.loads(p.transport.bodies[0])["text"] == {"verbosity": "low"}


async def test_a_resource_without_responses_serves_them_by_chat(autojump_clock: MockClock) -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
    async with plane(channels=[azure("gpt-4o", api_format="chat_completion")]) as p:
        p.transport.script.append(told(answer))
        made = await p.ask({"model": "gpt-4o", "input": "hi"}, path="/v1/responses")
        got = await p.ask({}, method="GET", path="/v1/responses/resp_1")
    assert (made.json["object"], got.status) == ("response", 501)
    assert "/deployments/gpt-4o/chat/completions" in p.transport.requests[0].url


async def test_claudes_and_geminis_clients_are_served_by_chat(autojump_clock: MockClock) -> None:
    answer = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}
    contents = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    async with plane(channels=[azure("gpt-4o")]) as p:
        p.transport.script += [told(answer), told(answer)]
        claude = await p.ask(CHAT | {"model": "gpt-4o", "max_tokens": 9}, path="/v1/messages")
        gemini = await p.ask(contents, path="/v1beta/models/gpt-4o:generateContent")
    assert {r.url for r in p.transport.requests} == {
        f"{BASE}/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01"
    }
    assert claude.json["content"] == [{"type": "text", "text": "hi"}]
    assert gemini.json["candidates"][0]["content"]["parts"] == [{"text": "hi"}]  # type: ignore[index]


async def test_uploads_go_to_the_deployment(autojump_clock: MockClock) -> None:
    parts = (("model", "gpt-image-1"), ("prompt", "a cat"), ("image", b"\x89PNG", "a.png"))
    async with plane(channels=[azure("gpt-image-1")]) as p:
        p.transport.script.append(told({"created": 1, "data": [{"b64_json": "aGk="}]}))
        got = await p.ask(form(*parts), path="/v1/images/edits", headers={"content-type": CONTENT_TYPE})
    assert got.status == 200
    assert p.transport.requests[0].url == f"{BASE}/openai/deployments/gpt-image-1/images/edits?api-version=2024-06-01"


async def test_what_azure_refuses_is_told_as_it_says_it(autojump_clock: MockClock) -> None:
    async with plane(channels=[azure("gpt-4o")]) as p:
        p.transport.script.append(refusal(400, "The response was filtered"))
        got = await p.ask(CHAT | {"model": "gpt-4o"})
    assert (got.status, got.error["code"]) == (400, "c")
    assert str(got.error["message"]).startswith("The response was filtered")
