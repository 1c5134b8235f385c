"""Vertex AI: where requests go, what they hold, and what becomes of the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.relay.harness import DONE, STOP, Got, Plane, Reply, delta, plane, refusal, usage
from tests.relay.views import channel
from tests.support.google import PROJECT, TOKEN, TOKEN_URL, service_account, token_answer

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView

VERTEX = 42
FOLDER = Path(__file__).parent / "vertex"
JSON = ((b"content-type", b"application/json"),)
AT = f"projects/{PROJECT}/locations"
EUROPE = f"https://europe-west1-aiplatform.googleapis.com/v1/{AT}/europe-west1"
CLAUDE = {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
CHAT = {"messages": [{"role": "user", "content": "Hi"}]}


def vertex(*models: str, base_url: str = "", key: str = "", **settings: object) -> ChannelView:
    config = {"region": "europe-west1", "vertex_ai_project_id": PROJECT, "vertex_ai_adc": service_account()}
    return channel(1, type=VERTEX, base_url=base_url, key=key, models=models, config=config | settings)


def told(body: object) -> Reply:
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


def events(*said: dict[str, Any]) -> Reply:
    pieces: list[bytes | float] = []
    for one in said:
        named = f"event: {one['event']}\n" if "event" in one else ""
        pieces.append(f"{named}data: {json.dumps(one['data'])}\n\n".encode())
    return Reply(pieces=pieces)


async def ask(view: ChannelView, body: object, path: str, *replies: Reply) -> tuple[Plane, Got]:
    """Ask through a channel that has no token yet."""
    async with plane(channels=[view]) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        p.transport.script += [told(token_answer()), *replies]
        got = await p.ask(body, path=path)
        nursery.cancel_scope.cancel()
    assert p.transport.requests[0].url == TOKEN_URL
    return p, got


def contains(got: object, wanted: object) -> bool:
    """Whether all of `wanted` is there; `$any` is anything."""
    match wanted:
        case "$any":
            return got is not None
        case dict():
            return isinstance(got, dict) and all(contains(got.get(name), value) for name, value in wanted.items())
        case list():
            return isinstance(got, list) and len(got) == len(wanted) and all(map(contains, got, wanted))
    return got == wanted


def folded(got: Got) -> dict[str, Any]:
    """What a stream of Chat says in all."""
    lines = [line.removeprefix("data: ") for line in got.body.decode().splitlines() if line.startswith("data: ")]
    chunks = [json.loads(line) for line in lines if line != "[DONE]"]
    words = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    return {"done": lines[-1] == "[DONE]", "choices": [{"index": 0, "content": "".join(words)}]}


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.json")))
async def test_requests_and_answers_are_as_they_should_be(name: str) -> None:
    recorded = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    said, wanted = recorded["reply"], recorded["response"]
    view = vertex(recorded["model"], region=recorded["region"])
    reply = events(*said["sse"]) if "sse" in said else told(said["json"])
    p, got = await ask(view, recorded["request"], recorded["path"], reply)
    request = p.transport.requests[-1]
    assert (request.method, request.url) == ("POST", recorded["url"])
    assert json.loads(p.transport.bodies[-1]) == recorded["body"]
    assert dict(request.headers)[b"authorization"] == f"Bearer {TOKEN}".encode()
    assert got.status == wanted["status"]
    assert contains(folded(got), wanted["folded"]) if "folded" in wanted else contains(got.json, wanted["body"])
    if (tokens := recorded["usage"]) is not None:
        (settled,) = p.books.settled
        assert settled.log is not None
        assert settled.log.prompt_tokens == tokens["prompt_tokens"]
        assert settled.log.completion_tokens == tokens["completion_tokens"]


async def test_claudes_own_clients_stream_where_claude_streams() -> None:
    answer = {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 3}}
    reply = events(
        {"event": "message_start", "data": {"type": "message_start", "message": answer}},
        {"event": "message_delta", "data": {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 2}}},
        {"event": "message_stop", "data": {"type": "message_stop"}},
    )
    sent = b"".join(piece for piece in reply.pieces if isinstance(piece, bytes))
    p, got = await ask(vertex("claude-x"), CLAUDE | {"stream": True}, "/v1/messages", reply)
    assert p.transport.requests[-1].url == f"{EUROPE}/publishers/anthropic/models/claude-x:streamRawPredict"
    body = json.loads(p.transport.bodies[-1])
    assert (body["anthropic_version"], body["stream"], "model" in body) == ("vertex-2023-10-16", True, False)
    assert got.body == sent


async def test_geminis_own_clients_pass() -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    p, got = await ask(
        vertex("gemini-2.0-flash"), CONTENTS, "/v1beta/models/gemini-2.0-flash:generateContent", told(answer)
    )
    assert p.transport.requests[-1].url == f"{EUROPE}/publishers/google/models/gemini-2.0-flash:generateContent"
    assert json.loads(p.transport.bodies[-1]) == CONTENTS
    assert got.json == answer


@pytest.mark.parametrize(
    ("model", "settings", "url"),
    [
        ("gemini-2.0-flash", {"region": ""}, f"https://us-central1-aiplatform.googleapis.com/v1/{AT}/us-central1"),
        ("gemini-2.0-flash", {"region": "global"}, f"https://aiplatform.googleapis.com/v1/{AT}/global"),
        ("gemini-2.0-flash", {"region": "eu"}, f"https://aiplatform.eu.rep.googleapis.com/v1/{AT}/eu"),
        ("gemini-2.5-flash-lite", {}, f"https://aiplatform.googleapis.com/v1/{AT}/global"),
        ("gemini-3-pro-preview", {}, f"https://aiplatform.googleapis.com/v1/{AT}/global"),
        ("gemini-2.0-flash", {"base_url": "http://127.0.0.1:9"}, f"http://127.0.0.1:9/v1/{AT}/europe-west1"),
        ("gemini-2.0-flash", {"base_url": "proxy.example"}, f"https://proxy.example/v1/{AT}/europe-west1"),
    ],
)
async def test_the_address_depends_on_region_model_and_base_url(
    model: str, settings: dict[str, Any], url: str
) -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    p, got = await ask(vertex(model, **settings), CHAT | {"model": model}, "/v1/chat/completions", told(answer))
    assert p.transport.requests[-1].url == f"{url}/publishers/google/models/{model}:generateContent"
    assert got.status == 200


async def test_open_models_are_asked_as_openais() -> None:
    model = "openai/gpt-oss-20b-maas"
    reply = Reply(pieces=[delta("Hi"), STOP, usage(3, 1), DONE])
    p, got = await ask(vertex(model), CHAT | {"model": model, "stream": True}, "/v1/chat/completions", reply)
    assert p.transport.requests[-1].url == f"{EUROPE}/endpoints/openapi/chat/completions"
    assert json.loads(p.transport.bodies[-1])["model"] == model
    assert got.body.endswith(DONE)


async def test_embeddings_are_asked_for_as_predictions() -> None:
    vectors = [{"embeddings": {"values": [n], "statistics": {"token_count": 4}}} for n in (0.5, 1.0)]
    body = {
        "model": "text-embedding-005",
        "input": ["a", "b"],
        "dimensions": 1,
        "task_type": "CLUSTERING",
        "user": "u",
    }
    p, got = await ask(vertex("text-embedding-005"), body, "/v1/embeddings", told({"predictions": vectors}))
    assert p.transport.requests[-1].url == f"{EUROPE}/publishers/google/models/text-embedding-005:predict"
    assert json.loads(p.transport.bodies[-1]) == {
        "instances": [{"content": text, "task_type": "CLUSTERING"} for text in ("a", "b")],
        "parameters": {"outputDimensionality": 1},
    }
    assert [one["embedding"] for one in got.json["data"]] == [[0.5], [1.0]]  # type: ignore[attr-defined]
    assert got.json["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    assert got.headers["x-oneapi-dropped"] == "user"


async def test_shape_and_safety_of_pictures_are_told_and_filtered_ones_cost_nothing() -> None:
    body = {"model": "imagen-4.0-generate-001", "prompt": "A fox", "size": "1792x1008", "seed": 7, "style": "vivid"}
    filtered = told({"predictions": [{"raiFilteredReason": "against the policies"}]})
    p, got = await ask(vertex("imagen-4.0-generate-001"), body, "/v1/images/generations", filtered)
    assert json.loads(p.transport.bodies[-1])["parameters"] == {"sampleCount": 1, "aspectRatio": "16:9", "seed": 7}
    assert got.headers["x-oneapi-dropped"] == "style"
    assert (got.status, got.error["code"]) == (400, "content_policy_violation")
    assert str(got.error["message"]).startswith("against the policies")
    assert p.books.user == 10**9


@pytest.mark.parametrize(
    ("model", "path", "url"),
    [
        ("claude-x", "/v1/messages/count_tokens", "anthropic/models/count-tokens:rawPredict"),
        ("gemini-2.0-flash", "/v1/models/gemini-2.0-flash:countTokens", "google/models/gemini-2.0-flash:countTokens"),
    ],
)
async def test_tokens_are_counted_by_google(model: str, path: str, url: str) -> None:
    asked = CLAUDE if model == "claude-x" else CONTENTS
    p, got = await ask(vertex(model), asked, path, told({"input_tokens": 5}))
    assert p.transport.requests[-1].url == f"{EUROPE}/publishers/{url}"
    sent = json.loads(p.transport.bodies[-1])
    assert sent == (CLAUDE | {"anthropic_version": "vertex-2023-10-16"} if model == "claude-x" else CONTENTS)
    assert got.json == {"input_tokens": 5}


async def test_a_key_of_three_parts_is_as_good_as_settings() -> None:
    view = vertex("gemini-2.0-flash")
    assert view.provider.settings_in(f"asia-east1|{PROJECT}|{{}}") == {
        "region": "asia-east1",
        "vertex_ai_project_id": PROJECT,
        "vertex_ai_adc": "{}",
    }


async def test_a_channel_without_a_project_is_misconfigured() -> None:
    async with plane(channels=[vertex("gemini-2.0-flash", vertex_ai_project_id="")]) as p:
        got = await p.ask(CHAT | {"model": "gemini-2.0-flash"})
    assert (got.status, got.error["code"]) == (503, "channel_misconfigured")
    assert p.books.user == 10**9


async def test_a_token_that_google_does_not_take_is_fetched_anew() -> None:
    answer = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
    settings = {"channel_suspend_seconds_for_auth": 0}
    async with plane(channels=[vertex("gemini-2.0-flash")], settings=settings) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        p.transport.script += [told(token_answer("old")), refusal(401, "expired")]
        first = await p.ask(CHAT | {"model": "gemini-2.0-flash"})
        p.transport.script += [told(token_answer("new")), told(answer), told(answer)]
        second = [await p.ask(CHAT | {"model": "gemini-2.0-flash"}) for _ in range(2)]
        nursery.cancel_scope.cancel()
    assert [first.status, *(got.status for got in second)] == [401, 200, 200]
    tokens = [dict(request.headers).get(b"authorization") for request in p.transport.requests]
    assert tokens == [None, b"Bearer old", None, b"Bearer new", b"Bearer new"]
