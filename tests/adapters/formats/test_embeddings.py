"""Embeddings between OpenAI's format and Gemini's."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai
import pytest
from google import genai
from google.genai import types

from adapters.formats import embeddings, gemini
from adapters.formats.embeddings import EmbeddingRequest, EmbeddingResponse
from adapters.formats.errors import FormatError
from adapters.pricing.usage import Usage
from tests.support.tls import no_tls


def raw(**members: object) -> bytes:
    return json.dumps(members).encode()


def test_texts_go_to_gemini_one_by_one() -> None:
    request = embeddings.decode_request(raw(model="e", input=["a", "b"], dimensions=64, user="u"))
    found = gemini.encode_embed_request(request, "text-embedding-004")
    assert json.loads(found.body) == {
        "requests": [
            {
                "model": "models/text-embedding-004",
                "content": {"parts": [{"text": said}]},
                "outputDimensionality": 64,
            }
            for said in "ab"
        ]
    }
    assert found.dropped == ("user",)


def test_vectors_come_back_with_their_index_and_usage() -> None:
    request = embeddings.decode_request(raw(model="e", input=["a", "b"]))
    body = raw(embeddings=[{"values": [0.1, 0.2]}, {"values": [0.3]}], usageMetadata={"promptTokenCount": 4})
    answer = json.loads(embeddings.encode_response(gemini.decode_embed_response(body), request))
    assert [(item["index"], item["embedding"]) for item in answer["data"]] == [(0, [0.1, 0.2]), (1, [0.3])]
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert answer["model"] == "e"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"input": "a"}, "model"),
        ({"model": "e"}, "input: is required"),
        ({"model": "e", "input": [[1, 2]]}, "tokens"),
        ({"model": "e", "input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_is_wrong_is_refused(members: dict[str, object], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        embeddings.decode_request(raw(**members))


@pytest.mark.parametrize("is_single", [True, False])
def test_geminis_clients_reach_openais_format(is_single: bool) -> None:
    one = {"model": "models/e", "content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"}
    request = gemini.decode_embed_request(raw(**one) if is_single else raw(requests=[one, one]))
    assert (request.model, request.inputs) == ("e", ["a"] if is_single else ["a", "a"])
    found = embeddings.encode_request(request, "text-embedding-3-small")
    assert json.loads(found.body)["input"] == request.inputs
    assert found.dropped[0].endswith("taskType")
    answer = embeddings.decode_response(raw(data=[{"embedding": [1, 2.5]}], usage={"prompt_tokens": 3}))
    assert answer == EmbeddingResponse(vectors=[[1.0, 2.5]], usage=Usage(input=3))
    body = json.loads(gemini.encode_embed_response(answer, request))
    assert body["embedding" if is_single else "embeddings"] == (
        {"values": [1, 2.5]} if is_single else [{"values": [1, 2.5]}]
    )


def test_openais_client_asks_for_base64_and_gets_its_numbers() -> None:
    def answer(asked: httpx2.Request) -> httpx2.Response:
        request = embeddings.decode_request(asked.read())
        assert request.is_base64
        found = EmbeddingResponse(vectors=[[0.5, -0.25]], usage=Usage(input=1))
        return httpx2.Response(200, content=embeddings.encode_response(found, request), headers=JSON)

    http = httpx2.Client(transport=httpx2.MockTransport(answer), verify=no_tls())
    with openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=http) as client:
        assert list(client.embeddings.create(model="e", input="a").data[0].embedding) == [0.5, -0.25]


JSON = {"content-type": "application/json"}


def test_googles_client_gets_its_vectors() -> None:
    def answer(asked: httpx2.Request) -> httpx2.Response:
        request: Any = gemini.decode_embed_request(asked.read(), model="e")
        assert isinstance(request, EmbeddingRequest)
        found = EmbeddingResponse(vectors=[[0.5] for _ in request.inputs])
        return httpx2.Response(200, content=gemini.encode_embed_response(found, request), headers=JSON)

    options = types.HttpOptions(base_url="http://gateway", client_args={"transport": httpx2.MockTransport(answer)})
    with genai.Client(api_key="k", http_options=options) as client:
        found = client.models.embed_content(model="e", contents=["a", "b"])
    assert [vector.values for vector in found.embeddings or []] == [[0.5], [0.5]]
