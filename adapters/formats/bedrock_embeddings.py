"""Embeddings on Amazon Bedrock, where each maker's models have a form of their own.

Titan takes one text at a time (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html),
Cohere several (.../model-parameters-embed-v3.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.embeddings import EmbeddingResponse, read_vector
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.reading import array, count, dump, is_array, load, member
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.embeddings import EmbeddingRequest
    from adapters.formats.neutral.terms import JsonObject

_OF_COHERE = "cohere."
_OWN = ("input_type", "truncate")


def encode_request(request: EmbeddingRequest, model: str) -> Encoded:
    """Return the body for `model`. Raises `FormatError` for several texts where the model takes one."""
    body: JsonObject = {}
    if _OF_COHERE in model:
        body["texts"] = request.inputs
        body["input_type"] = request.extra.get("input_type", "search_document")
        if "truncate" in request.extra:
            body["truncate"] = request.extra["truncate"]
        if request.dimensions is not None:
            body["output_dimension"] = request.dimensions
        return Encoded(dump(body), tuple(name for name in request.extra if name not in _OWN))
    if len(request.inputs) != 1:
        raise FormatError("this model takes one text at a time", path="input")
    body["inputText"] = request.inputs[0]
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return Encoded(dump(body), tuple(request.extra))


def decode_response(body: bytes) -> EmbeddingResponse:
    """Return the vectors of either form. Raises `FormatError`."""
    answer = load(body)
    told = answer.get("embeddings")
    if told is None:
        vectors: list[object] = [answer.get("embedding")]
    else:
        vectors = told if is_array(told) else array(member(answer, "embeddings") or {}, "float", "embeddings")
    if not vectors:
        raise FormatError("is required", path="embeddings")
    read = [read_vector(vector, f"embeddings[{place}]") for place, vector in enumerate(vectors)]
    tokens = count(answer, "inputTextTokenCount")
    return EmbeddingResponse(vectors=read, usage=Usage(input=tokens) if tokens else None)
