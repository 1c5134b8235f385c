"""How embeddings are asked of providers that have a form of their own for them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from adapters.formats import anthropic, bedrock_embeddings, gemini, openai_chat
from adapters.formats.dialects import ali, baidu, tencent
from adapters.formats.dialects.dialect import failure
from adapters.formats.embeddings import (
    EmbeddingRequest,
    EmbeddingResponse,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    read_vector,
)
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import Encoded
from adapters.formats.reading import array, as_object, count, dump, is_array, load, member, text
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.formats.codec import ReadError
    from adapters.formats.neutral.terms import JsonObject


_VERTEX_NAMES = {"task_type": "task_type", "taskType": "task_type", "title": "title"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedder:
    """One provider's form. Raises `FormatError`, and `ProviderFailure` for an error with status 200."""

    encode: Callable[[EmbeddingRequest, str], Encoded]
    decode: Callable[[bytes], EmbeddingResponse]
    read_error: ReadError = openai_chat.read_error


class DecodeEmbedding(Protocol):
    """Reads what a client asks. Raises `FormatError`."""

    def __call__(self, raw: bytes, *, model: str) -> EmbeddingRequest:
        """Return the request; `model` is what is asked for where the body does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedClient:
    """One form in which clients ask for embeddings."""

    decode: DecodeEmbedding
    encode: Callable[[EmbeddingResponse, EmbeddingRequest], bytes]


def _response(vectors: list[object], tokens: int, path: str) -> EmbeddingResponse:
    if not vectors:
        raise FormatError("is required", path=path)
    read = [read_vector(vector, f"{path}[{place}]") for place, vector in enumerate(vectors)]
    return EmbeddingResponse(vectors=read, usage=Usage(input=tokens) if tokens else None)


def _left(request: EmbeddingRequest, *taken: str) -> tuple[str, ...]:
    left = [name for name in request.extra if name not in taken]
    if request.dimensions is not None and "dimensions" not in taken:
        left.append("dimensions")
    return tuple(left)


def _to_ali(request: EmbeddingRequest, model: str) -> Encoded:
    body: JsonObject = {"model": model, "input": {"texts": request.inputs}}
    parameters: JsonObject = {}
    if request.dimensions is not None:
        parameters["dimension"] = request.dimensions
    if "text_type" in request.extra:
        parameters["text_type"] = request.extra["text_type"]
    if parameters:
        body["parameters"] = parameters
    return Encoded(dump(body), _left(request, "dimensions", "text_type"))


def _from_ali(body: bytes) -> EmbeddingResponse:
    """https://help.aliyun.com/zh/model-studio/text-embedding-synchronous-api"""
    answer = load(body)
    ali.raise_error(answer)
    found = [as_object(item, "output.embeddings") for item in array(member(answer, "output") or {}, "embeddings")]
    found.sort(key=lambda item: count(item, "text_index"))
    usage = member(answer, "usage") or {}
    tokens = count(usage, "input_tokens") or count(usage, "total_tokens")
    return _response([item.get("embedding") for item in found], tokens, "output.embeddings")


def _to_baidu(request: EmbeddingRequest, model: str) -> Encoded:
    del model  # it is part of the address
    body: JsonObject = {"input": request.inputs}
    if "user" in request.extra:
        body["user_id"] = request.extra["user"]
    return Encoded(dump(body), _left(request, "user"))


def _from_baidu(body: bytes) -> EmbeddingResponse:
    baidu.raise_error(load(body))
    return decode_response(body)


def _to_cohere(request: EmbeddingRequest, model: str) -> Encoded:
    body: JsonObject = {
        "model": model,
        "texts": request.inputs,
        "input_type": request.extra.get("input_type", "search_document"),
        "embedding_types": ["float"],
    }
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if "truncate" in request.extra:
        body["truncate"] = request.extra["truncate"]
    return Encoded(dump(body), _left(request, "dimensions", "input_type", "truncate"))


def _from_cohere(body: bytes) -> EmbeddingResponse:
    """https://docs.cohere.com/reference/embed"""
    answer = load(body)
    told = answer.get("embeddings")
    vectors = told if is_array(told) else array(member(answer, "embeddings") or {}, "float", "embeddings")
    meta = member(answer, "meta") or {}
    tokens = count(member(meta, "billed_units", "meta") or {}, "input_tokens")
    return _response(vectors, tokens, "embeddings")


def _to_ollama(request: EmbeddingRequest, model: str) -> Encoded:
    body: JsonObject = {"model": model, "input": request.inputs}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    for name in ("truncate", "keep_alive", "options"):
        if name in request.extra:
            body[name] = request.extra[name]
    return Encoded(dump(body), _left(request, "dimensions", "truncate", "keep_alive", "options"))


def _from_ollama(body: bytes) -> EmbeddingResponse:
    answer = load(body)
    if error := text(answer, "error"):
        raise failure(error, "ollama_error", status=500)
    return _response(array(answer, "embeddings"), count(answer, "prompt_eval_count"), "embeddings")


def _to_tencent(request: EmbeddingRequest, model: str) -> Encoded:
    del model  # there is one only
    return Encoded(dump({"InputList": request.inputs}), _left(request))


def _from_tencent(body: bytes) -> EmbeddingResponse:
    """https://cloud.tencent.com/document/api/1729/102832"""
    answer = member(load(body), "Response") or {}
    tencent.raise_error(answer)
    found = [as_object(item, "Response.Data") for item in array(answer, "Data", "Response")]
    usage = member(answer, "Usage", "Response") or {}
    tokens = count(usage, "PromptTokens") or count(usage, "TotalTokens")
    return _response([item.get("Embedding") for item in found], tokens, "Response.Data")


def _to_vertex(request: EmbeddingRequest, model: str) -> Encoded:
    del model  # it is part of the address
    told = {own: request.extra[name] for name, own in _VERTEX_NAMES.items() if name in request.extra}
    body: JsonObject = {"instances": [{"content": said, **told} for said in request.inputs]}
    if request.dimensions is not None:
        body["parameters"] = {"outputDimensionality": request.dimensions}
    return Encoded(dump(body), _left(request, "dimensions", *_VERTEX_NAMES))


def _from_vertex(body: bytes) -> EmbeddingResponse:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api"""
    answer = load(body)
    vectors: list[object] = []
    tokens = 0
    for place, item in enumerate(array(answer, "predictions")):
        told = member(as_object(item, f"predictions[{place}]"), "embeddings", f"predictions[{place}]") or {}
        vectors.append(told.get("values"))
        tokens += count(member(told, "statistics") or {}, "token_count")
    return _response(vectors, tokens, "predictions")


OPENAI = Embedder(encode=encode_request, decode=decode_response)
"""OpenAI's form, for clients that speak another."""

EMBED_CLIENTS: Mapping[str, EmbedClient] = MappingProxyType(
    {
        "openai_chat": EmbedClient(decode=decode_request, encode=encode_response),
        "gemini": EmbedClient(decode=gemini.decode_embed_request, encode=gemini.encode_embed_response),
    }
)
"""By the format of errors that a client reads."""

EMBEDDERS: Mapping[str, Embedder] = MappingProxyType(
    {
        "baidu": Embedder(encode=_to_baidu, decode=_from_baidu),
        "bedrock": Embedder(
            encode=bedrock_embeddings.encode_request,
            decode=bedrock_embeddings.decode_response,
            read_error=anthropic.read_error,
        ),
        "cohere": Embedder(encode=_to_cohere, decode=_from_cohere),
        "dashscope": Embedder(encode=_to_ali, decode=_from_ali),
        "gemini": Embedder(
            encode=gemini.encode_embed_request, decode=gemini.decode_embed_response, read_error=gemini.read_error
        ),
        "ollama": Embedder(encode=_to_ollama, decode=_from_ollama),
        "tencent": Embedder(encode=_to_tencent, decode=_from_tencent),
        "vertex": Embedder(encode=_to_vertex, decode=_from_vertex, read_error=gemini.read_error),
    }
)
"""By format, as rows of the catalogue name it; the others have OpenAI's form, which passes."""
