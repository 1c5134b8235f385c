"""Claude's error envelope (https://docs.anthropic.com/en/api/errors), and what else its platforms write."""

from __future__ import annotations

from adapters.formats.errors import FormatError, ProviderError
from adapters.formats.openai_chat.failures import read_error as read_any_error
from adapters.formats.reading import dump, is_object, load

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES = {kind: status for status, kind in _TYPES.items() if status != 503}


def read_error(body: bytes, status: int) -> ProviderError:
    """Read an error of Anthropic, Bedrock (`message`) or Vertex AI (an array, `error.status`); never raises."""
    stripped = body.strip()
    if stripped[:1] == b"[" and stripped[-1:] == b"]":
        stripped = stripped[1:-1]
    try:
        parsed = load(stripped)
    except FormatError:
        return read_any_error(body, status)
    error = parsed.get("error")
    if is_object(error) and isinstance(message := error.get("message"), str) and message:
        kind = error.get("type") or error.get("status")
        return ProviderError(
            message=message,
            type=kind if isinstance(kind, str) else "upstream_error",
            code=error.get("code"),
            param="",
            status=_STATUSES.get(kind, 0) if isinstance(kind, str) else 0,
        )
    for name in ("message", "Message"):
        if isinstance(message := parsed.get(name), str) and message:
            return ProviderError(message=message, type=error_type(status), code=None, param="")
    return read_any_error(stripped, status)


def error_type(status: int) -> str:
    """Return Claude's word for errors of an HTTP status."""
    return _TYPES.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")


def error_status(kind: str) -> int:
    """Return the HTTP status that goes with an error inside a stream or an answer that claimed success."""
    return _STATUSES.get(kind, 502)


def error_body(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  (the member's name, as in every codec)
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return an error as Claude's clients read it. A type that is not Claude's gives way to that of the status."""
    told = f"{message} (request id: {request_id})" if request_id else message
    kind = type if type in _STATUSES or type == "api_error" else error_type(status)
    error: dict[str, object] = {"type": kind, "message": told}
    if code is not None:
        error["code"] = code
    if param:
        error["param"] = param
    return dump({"type": "error", "error": error, "request_id": request_id or None})


def error_event(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  (the member's name, as in every codec)
    code: object = None,
    param: object = None,
    request_id: str = "",
) -> bytes:
    """Return the error as the last event of a stream."""
    body = error_body(status=status, message=message, type=type, code=code, param=param, request_id=request_id)
    return b"event: error\ndata: " + body + b"\n\n"
