"""`embedContent` and `batchEmbedContents`, in both directions. Source: https://ai.google.dev/api/embeddings"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.embeddings import EmbeddingRequest, EmbeddingResponse, read_vector
from adapters.formats.errors import FormatError
from adapters.formats.gemini.wire import camel
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.reading import (
    array,
    as_object,
    count,
    dump,
    integer,
    is_object,
    load,
    member,
    text,
    unknown,
)
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset(["model", "content", "outputDimensionality"])


def decode_embed_request(raw: bytes, *, model: str = "") -> EmbeddingRequest:
    """Return what a client asks, one text or a batch; `model` is what the URL says. Raises `FormatError`."""
    body = camel(load(raw))
    is_single = "requests" not in body
    asked = [body] if is_single else [camel(as_object(item, "requests")) for item in array(body, "requests")]
    if not asked:
        raise FormatError("is required", path="requests")
    extra: JsonObject = {}
    inputs: list[str] = []
    for place, one in enumerate(asked):
        path = "" if is_single else f"requests[{place}]"
        extra.update(unknown(one, _KNOWN, path))
        inputs.append(_said(one, path))
    first = asked[0]
    return EmbeddingRequest(
        model=model or text(first, "model").removeprefix("models/"),
        inputs=inputs,
        dimensions=integer(first, "outputDimensionality"),
        is_single=is_single,
        extra=extra,
    )


def _said(one: JsonObject, path: str) -> str:
    inner = f"{path}.content" if path else "content"
    content = member(one, "content", path)
    parts = [] if content is None else array(content, "parts", inner)
    words = [text(as_object(part, f"{inner}.parts"), "text", f"{inner}.parts") for part in parts]
    if not any(words):
        raise FormatError("needs a text", path=inner)
    return "".join(words)


def encode_embed_request(request: EmbeddingRequest, model: str) -> Encoded:
    """Return the body of `batchEmbedContents`."""
    asked: list[JsonObject] = []
    for said in request.inputs:
        one: JsonObject = {"model": f"models/{model}", "content": {"parts": [{"text": said}]}}
        if request.dimensions is not None:
            one["outputDimensionality"] = request.dimensions
        asked.append(one)
    return Encoded(dump({"requests": asked}), tuple(request.extra))


def decode_embed_response(body: bytes) -> EmbeddingResponse:
    """Return what a provider answered. Raises `FormatError`."""
    answer = load(body)
    one = answer.get("embedding")
    found = [one] if is_object(one) else array(answer, "embeddings")
    vectors = [
        read_vector(as_object(item, f"embeddings[{place}]").get("values"), f"embeddings[{place}].values")
        for place, item in enumerate(found)
    ]
    if not vectors:
        raise FormatError("is required", path="embeddings")
    told = answer.get("usageMetadata")
    tokens = count(told, "promptTokenCount") if is_object(told) else 0
    return EmbeddingResponse(vectors=vectors, usage=Usage(input=tokens) if tokens else None)


def encode_embed_response(response: EmbeddingResponse, request: EmbeddingRequest) -> bytes:
    """Return the body for the client."""
    found: list[JsonObject] = [{"values": vector} for vector in response.vectors]
    body: JsonObject = {"embedding": found[0]} if request.is_single and found else {"embeddings": found}
    if response.usage is not None:
        body["usageMetadata"] = {
            "promptTokenCount": response.usage.prompt_total,
            "totalTokenCount": response.usage.prompt_total,
        }
    return dump(body)
