"""OpenAI's error envelope: read leniently, since many servers write their own, and written as OpenAI does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.reading import dump_text, is_array, is_object, load_any

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_STATUSES = {1000: 500, 1001: 504, 1002: 429, 1004: 401, 1008: 402, 1013: 500, 1024: 500, 1026: 400, 1027: 400,
             1033: 502, 1039: 429, 1041: 429, 2013: 400, 2045: 429, 2049: 401, 2056: 429}  # fmt: skip
"""MiniMax's `status_code` (https://platform.minimaxi.com/docs/api-reference/errorcode)."""
_PLACES = (
    ("message",),
    ("msg",),
    ("err",),
    ("error_msg",),
    ("header", "message"),
    ("response", "error", "message"),
    ("error",),
    ("errors",),
    ("detail",),
    ("title",),
)
"""Where servers put their words: after OpenAI's own place in the order in which one-api looked, then those of
Ollama and xAI, Cloudflare, Replicate, Mistral and everything made with FastAPI."""
_DEEPEST = 4


def read_error(body: bytes, status: int) -> ProviderError:
    """Read an error body of any of the shapes that OpenAI-compatible servers use; never raises.

    Names may be written in any case. A body that is not JSON (the HTML of a proxy) is not repeated to the client.
    """
    try:
        answer = _lowered(load_any(body))
    except FormatError:
        answer = {}
    error = answer.get("error")
    own = _lowered(error) if is_object(error) else {}
    for hidden in (own, _lowered(answer.get("base_resp"))):
        code = hidden.get("status_code")
        if isinstance(code, int) and code:
            return replace(_plain(_words(hidden.get("status_msg")), status), status=_STATUSES.get(code, 0))
    if message := _text(own.get("message")):
        param, code = own.get("param"), own.get("code")
        return ProviderError(
            message=message,
            type=_text(own.get("type")),
            code=code,
            param="" if param is None else param,
            status=status_in(code),
        )
    return _plain(next((words for place in _PLACES if (words := _words(_at(answer, place)))), ""), status)


def status_in(code: object) -> int:
    """Return the HTTP status that some servers (OpenRouter, Google) put into `code`, 0 where it is none."""
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599 else 0


def _lowered(value: object) -> JsonObject:
    """Return an object with its names in lower case; Google's compatible endpoint puts its error into an array."""
    if is_array(value):
        value = value[0] if value else None
    return {name.lower(): member for name, member in value.items()} if is_object(value) else {}


def _at(source: JsonObject, place: tuple[str, ...]) -> object:
    for name in place[:-1]:
        source = _lowered(source.get(name))
    return source.get(place[-1])


def _words(value: object, depth: int = 0) -> str:
    """Return what a member says: it is a text, or an object or a list that holds one."""
    if isinstance(value, str):
        return value
    if depth < _DEEPEST and (is_object(value) or is_array(value)):
        inner = _lowered(value)
        if is_array(value) and value and not inner:
            return _words(value[0], depth + 1)
        named = (_words(inner.get(name), depth + 1) for name in ("message", "msg", "detail", "error"))
        return next((words for words in named if words), "")
    return ""


def _text(value: object) -> str:
    """Return a member as text; what is none is told as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return dump_text(value)


def error_body(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  (the member's name, as in every codec)
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return an error as OpenAI's clients read it (https://platform.openai.com/docs/guides/error-codes)."""
    del status  # other formats tell the kind of error by it; here `type` does
    told = f"{message} (request id: {request_id})" if request_id else message
    return msgspec.json.encode({"error": {"message": told, "type": type, "param": param, "code": code}})


def _plain(message: str, status: int) -> ProviderError:
    return ProviderError(
        message=message or f"bad response status code {status}",
        type="upstream_error",
        code="bad_response_status_code",
        param=str(status),
    )
