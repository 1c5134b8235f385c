"""Google's error envelope: `{"error": {code, message, status, details}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.neutral.events import Failure
from adapters.formats.openai_chat.failures import read_error as read_openai_error
from adapters.formats.reading import dump, is_array, is_object, load_any

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    502: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_STATUS = {word: status for status, word in reversed(_WORDS.items())}
"""Of several, the first above."""
_LEAST, _MOST = 400, 599


def read_error(body: bytes, status: int) -> ProviderError:
    """Read an error body; never raises. Streams that are no SSE wrap it in an array."""
    if body.lstrip()[:1] == b"[":
        try:
            found = load_any(body)
            if is_array(found) and found and is_object(found[0]):
                body = dump(found[0])
        except FormatError:
            pass
    return read_openai_error(body, status=status)


def error_body(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  # as in all formats
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return an error as Google's clients read it."""
    return dump({"error": error_object(status, message, type, code, param, request_id)})


def error_event(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return the event that ends a stream badly; the official client raises at it."""
    return b"data: " + dump({"error": error_object(status, message, type, code, param, request_id)}) + b"\n\n"


def error_array(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return the same for a stream that is a JSON array, of which nothing went out yet."""
    return b"[" + dump({"error": error_object(status, message, type, code, param, request_id)}) + b"]"


def error_object(status: int, message: str, kind: str, code: object, param: object, request_id: str) -> JsonObject:
    """Return what stands under `error`. Type, code and parameter, which Google has no members for, are details."""
    status = status if _LEAST <= status <= _MOST else 500
    facts = {"type": kind, "param": param, "request_id": request_id}
    return {
        "code": status,
        "message": f"{message} (request id: {request_id})" if request_id else message,
        "status": _WORDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL"),
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": str(code if code is not None else kind).upper(),
                "domain": "one-api",
                "metadata": {name: str(value) for name, value in facts.items() if value},
            }
        ],
    }


def failure_of(error: JsonObject) -> Failure:
    """Return the failure that an error object inside an answer tells of."""
    message, code, word = error.get("message"), error.get("code"), error.get("status")
    status = code if isinstance(code, int) and _LEAST <= code <= _MOST else None
    if status is None:
        status = _STATUS.get(word, 502) if isinstance(word, str) else 502
    return Failure(
        message=message if isinstance(message, str) and message else "the provider reported an error",
        type=word if isinstance(word, str) and word else "upstream_error",
        code=code,
        status=status,
    )
