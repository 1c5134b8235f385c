"""Embeddings: the form between the formats, and OpenAI's own, which all but Gemini share.

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode

import msgspec

from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.neutral.terms import JsonObject
from adapters.formats.reading import (
    array,
    as_object,
    count,
    dump,
    integer,
    is_array,
    load,
    required_text,
    text,
    texts,
)
from adapters.pricing.usage import Usage

_KNOWN = frozenset(["model", "input", "dimensions", "encoding_format", "user"])
_FLOAT_BYTES = 4


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    """Texts to embed."""

    model: str
    inputs: list[str]
    dimensions: int | None = None
    is_base64: bool = False
    """The client wants vectors as base64 of 32-bit floats, as OpenAI's client does."""
    is_single: bool = False
    """Gemini: one text was asked for, not a batch."""
    extra: JsonObject = {}
    """What only the client's format knows, by path."""


class EmbeddingResponse(msgspec.Struct, kw_only=True):
    """Their vectors, in the same order."""

    vectors: list[list[float]]
    model: str = ""
    usage: Usage | None = None


def decode_request(raw: bytes, *, model: str = "") -> EmbeddingRequest:
    """Return what a client of OpenAI's format asks; `model` is what is asked for if the body does not say.

    Raises `FormatError`; tokens in place of texts are refused.
    """
    body = load(raw)
    wanted = text(body, "encoding_format")
    if wanted not in ("", "float", "base64"):
        raise FormatError("expected float or base64", path="encoding_format")
    value = body.get("input")
    if is_array(value) and value and not isinstance(value[0], str):
        raise FormatError("tokens can only be embedded by a provider of OpenAI's format", path="input")
    inputs = texts(body, "input")
    if not inputs:
        raise FormatError("is required", path="input")
    return EmbeddingRequest(
        model=text(body, "model") or model or required_text(body, "model"),
        inputs=inputs,
        dimensions=integer(body, "dimensions"),
        is_base64=wanted == "base64",
        extra={name: value for name, value in body.items() if value is not None and name not in _KNOWN - {"user"}},
    )


def encode_request(request: EmbeddingRequest, model: str) -> Encoded:
    """Return the body for a provider of OpenAI's format."""
    body: JsonObject = {"model": model, "input": request.inputs, "encoding_format": "float"}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return Encoded(dump(body), tuple(request.extra))


def decode_response(body: bytes) -> EmbeddingResponse:
    """Return what a provider of OpenAI's format answered. Raises `FormatError`."""
    answer = load(body)
    vectors: list[list[float]] = []
    for place, value in enumerate(array(answer, "data")):
        path = f"data[{place}]"
        vectors.append(read_vector(as_object(value, path).get("embedding"), f"{path}.embedding"))
    if not vectors:
        raise FormatError("is required", path="data")
    told = answer.get("usage")
    tokens = count(told, "prompt_tokens") if isinstance(told, dict) else 0
    return EmbeddingResponse(
        vectors=vectors, model=text(answer, "model"), usage=Usage(input=tokens) if tokens else None
    )


def encode_response(response: EmbeddingResponse, request: EmbeddingRequest) -> bytes:
    """Return the body for a client of OpenAI's format."""
    data: list[JsonObject] = [
        {"object": "embedding", "index": place, "embedding": _packed(vector) if request.is_base64 else vector}
        for place, vector in enumerate(response.vectors)
    ]
    tokens = response.usage.prompt_total if response.usage is not None else 0
    return dump(
        {
            "object": "list",
            "data": data,
            "model": request.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def read_vector(value: object, path: str) -> list[float]:
    """Return a vector of numbers, or of base64. Raises `FormatError`."""
    if isinstance(value, str):
        try:
            raw = b64decode(value, validate=True)
        except ValueError:
            raise FormatError("expected base64", path=path) from None
        return list(struct.unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw[: len(raw) // _FLOAT_BYTES * _FLOAT_BYTES]))
    if not is_array(value):
        raise FormatError("expected a vector", path=path)
    try:
        return msgspec.convert(value, list[float])
    except msgspec.ValidationError:
        raise FormatError("expected numbers", path=path) from None


def _packed(vector: list[float]) -> str:
    try:
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError:
        raise FormatError("a number of the vector is out of range") from None
