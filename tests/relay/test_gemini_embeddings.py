"""Embeddings for Gemini's clients: passed to Google, converted for everybody else, counted where nobody tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.relay.harness import Reply, plane, refusal
from tests.relay.views import channel

if TYPE_CHECKING:
    from trio.testing import MockClock

OPENAI, GEMINI, ALI, OLLAMA = 1, 24, 17, 30
JSON = ((b"content-type", b"application/json"),)
SINGLE = {"model": "models/m", "content": {"parts": [{"text": "one two"}]}, "taskType": "RETRIEVAL_QUERY"}
BATCH = {"requests": [SINGLE, {"model": "models/m", "content": {"parts": [{"text": "three"}]}}]}
EMBED, BATCH_EMBED = "/v1beta/models/m:embedContent", "/v1/models/m:batchEmbedContents"


def told(body: object) -> Reply:
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


def openai_vectors(*vectors: list[float], tokens: int = 0) -> Reply:
    data = [{"index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    usage = {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if tokens else {}
    return told({"object": "list", "data": data, **usage})


@pytest.mark.parametrize(
    ("path", "body", "answer", "action"),
    [
        (EMBED, SINGLE, {"embedding": {"values": [0.5]}}, "embedContent"),
        (BATCH_EMBED, BATCH, {"embeddings": [{"values": [0.5]}, {"values": [1.0]}]}, "batchEmbedContents"),
    ],
)
async def test_towards_google_bytes_pass(
    path: str, body: object, answer: object, action: str, autojump_clock: MockClock
) -> None:
    async with plane(channels=[channel(1, type=GEMINI, base_url="")]) as p:
        p.transport.script.append(told(answer))
        got = await p.ask(body, path=path)
    assert (got.status, got.json) == (200, answer)
    assert p.transport.requests[0].url.endswith(f"/models/m:{action}")
    assert json.loads(p.transport.bodies[0]) == body
    # Three words, or two, at 1.25 units: Google tells no tokens for these.
    assert p.books.settled[0].units == (4 if body is BATCH else 3)


async def test_googles_name_of_a_mapped_model_is_written_wherever_it_stands(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI, model_mapping={"m": "gemini-embedding-001"})]) as p:
        p.transport.script += [told({"embedding": {"values": [0.5]}}), told({"embeddings": [{"values": [0.5]}]})]
        await p.ask(SINGLE, path=EMBED)
        await p.ask(BATCH, path=BATCH_EMBED)
    single, batch = (json.loads(body) for body in p.transport.bodies)
    assert single == SINGLE | {"model": "models/gemini-embedding-001"}
    assert {one["model"] for one in batch["requests"]} == {"models/gemini-embedding-001"}
    assert batch["requests"][0]["taskType"] == "RETRIEVAL_QUERY"


async def test_a_single_text_is_embedded_by_openai(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=OPENAI, base_url="")]) as p:
        p.transport.script.append(openai_vectors([0.5, 1.0], tokens=8))
        got = await p.ask(SINGLE | {"outputDimensionality": 2}, path=EMBED)
    assert got.json["embedding"] == {"values": [0.5, 1.0]}
    assert p.transport.requests[0].url == "https://api.openai.com/v1/embeddings"
    asked = {"model": "m", "input": ["one two"], "dimensions": 2, "encoding_format": "float"}
    assert json.loads(p.transport.bodies[0]) == asked
    assert got.headers["x-oneapi-dropped"] == "taskType"
    assert [s.units for s in p.books.settled] == [10]


@pytest.mark.parametrize(
    ("type_id", "answer"),
    [
        (OPENAI, {"data": [{"embedding": [0.5]}, {"embedding": [1.0]}]}),
        (ALI, {"output": {"embeddings": [{"embedding": [0.5]}, {"text_index": 1, "embedding": [1.0]}]}}),
        (OLLAMA, {"embeddings": [[0.5], [1.0]]}),
    ],
)
async def test_a_batch_is_embedded_by_anybody(type_id: int, answer: object, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=type_id)]) as p:
        p.transport.script.append(told(answer))
        got = await p.ask(BATCH, path=BATCH_EMBED)
    assert got.json["embeddings"] == [{"values": [0.5]}, {"values": [1.0]}]
    # Nobody told, so it was counted, and the client reads what it pays.
    assert got.json["usageMetadata"] == {"promptTokenCount": 3, "totalTokenCount": 3}
    assert p.books.settled[0].units == 4


async def test_openais_clients_read_counted_tokens_where_google_tells_none(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI)]) as p:
        p.transport.script.append(told({"embeddings": [{"values": [0.5]}]}))
        got = await p.ask({"model": "m", "input": "one two three"}, path="/v1/embeddings")
    assert got.json["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert p.books.settled[0].units == 4


@pytest.mark.parametrize("type_id", [OPENAI, GEMINI])
async def test_what_goes_wrong_is_told_in_googles_words(type_id: int, autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=type_id)]) as p:
        p.transport.script.append(refusal(429, "slowly"))
        empty = await p.ask({"content": {"parts": []}}, path=EMBED)
        missing = await p.ask({}, path=BATCH_EMBED)
        busy = await p.ask(SINGLE, path=EMBED)
    assert [busy.status, missing.status] == [429, 400]
    assert (busy.error["status"], missing.error["status"]) == ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT")
    assert (empty.status, empty.error["status"]) == (400, "INVALID_ARGUMENT")
    assert p.books.user == 10**9
