"""`countTokens`, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.gemini.request_in import read_request
from adapters.formats.gemini.request_out import write_request
from adapters.formats.gemini.usage import token_total
from adapters.formats.gemini.wire import camel
from adapters.formats.neutral.encoding import Dropped, Encoded, RequestOptions
from adapters.formats.reading import dump, load, member

if TYPE_CHECKING:
    from adapters.formats.neutral.requests import Request

_DEFAULTS = RequestOptions(default_max_tokens=0)


def decode_count_request(raw: bytes, *, model: str = "") -> Request:
    """Return the request whose prompt is to be counted. Raises `FormatError`.

    Clients send `contents`, or a whole request under `generateContentRequest`.
    """
    body = camel(load(raw))
    inner = member(body, "generateContentRequest")
    return read_request(body if inner is None else inner, model=model)


def encode_count_request(request: Request, model: str, options: RequestOptions = _DEFAULTS) -> Encoded:
    """Return the body that asks a provider to count. Raises `FormatError`."""
    dropped = Dropped()
    body = write_request(request, model, options, dropped)
    return Encoded(dump({"generateContentRequest": {"model": f"models/{model}"} | body}), dropped.names())


def decode_count_response(body: bytes) -> int:
    """Return the number of tokens that a provider counted. Raises `FormatError`."""
    return token_total(load(body))


def encode_count_response(tokens: int) -> bytes:
    """Return the body for the client."""
    return dump(
        {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}] if tokens else []}
    )
