"""Embeddings in the forms that Bedrock's models have."""

from __future__ import annotations

import json

import pytest

from adapters.formats.embedders import EMBEDDERS
from adapters.formats.embeddings import EmbeddingRequest
from adapters.formats.errors import FormatError

SIDE = EMBEDDERS["bedrock"]
TITAN, COHERE = "amazon.titan-embed-text-v2:0", "cohere.embed-english-v3"


def test_titan_is_given_one_text() -> None:
    encoded = SIDE.encode(EmbeddingRequest(model="m", inputs=["a"], dimensions=256, extra={"user": "u"}), TITAN)
    assert json.loads(encoded.body) == {"inputText": "a", "dimensions": 256}
    assert encoded.dropped == ("user",)


def test_several_texts_for_titan_are_refused() -> None:
    with pytest.raises(FormatError, match="one text at a time"):
        SIDE.encode(EmbeddingRequest(model="m", inputs=["a", "b"]), TITAN)


def test_cohere_is_given_all_texts() -> None:
    request = EmbeddingRequest(model="m", inputs=["a", "b"], extra={"input_type": "search_query"})
    assert json.loads(SIDE.encode(request, COHERE).body) == {"texts": ["a", "b"], "input_type": "search_query"}
    encoded = SIDE.encode(EmbeddingRequest(model="m", inputs=["a"]), f"eu.{COHERE}")
    assert json.loads(encoded.body)["input_type"] == "search_document"


@pytest.mark.parametrize(
    ("answer", "vectors", "tokens"),
    [
        ({"embedding": [0.5, 1], "inputTextTokenCount": 3}, [[0.5, 1.0]], 3),
        ({"embeddings": [[0.5], [1]], "texts": ["a", "b"]}, [[0.5], [1.0]], 0),
        ({"embeddings": {"float": [[0.5]]}}, [[0.5]], 0),
    ],
)
def test_vectors_of_every_form(answer: dict[str, object], vectors: list[list[float]], tokens: int) -> None:
    response = SIDE.decode(json.dumps(answer).encode())
    assert response.vectors == vectors
    assert (response.usage.input if response.usage else 0) == tokens


@pytest.mark.parametrize("answer", [{}, {"embeddings": []}, {"embedding": "x"}, {"embeddings": [["x"]]}])
def test_what_is_no_vector_is_said(answer: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        SIDE.decode(json.dumps(answer).encode())
