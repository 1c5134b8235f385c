"""OpenAI's error envelope: read leniently, since many servers write their own, and written as OpenAI does."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from adapters.formats.errors import ProviderError


class _ErrorObject(msgspec.Struct):
    """OpenAI's own; `status_msg` and `status_code` are MiniMax's."""

    message: msgspec.Raw = msgspec.Raw(b"null")
    type: msgspec.Raw = msgspec.Raw(b"null")
    code: msgspec.Raw = msgspec.Raw(b"null")
    param: msgspec.Raw = msgspec.Raw(b"null")
    status_msg: str = ""
    status_code: int | None = None


class _Detail(msgspec.Struct):
    msg: str = ""
    message: str = ""


class _Header(msgspec.Struct):
    message: str | None = None


class _Nested(msgspec.Struct):
    error: _Header | None = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorObject | str | None = None
    message: str | None = None
    msg: str | None = None
    err: str | None = None
    error_msg: str | None = None
    header: _Header | None = None
    response: _Nested | None = None
    base_resp: _ErrorObject | None = None
    """MiniMax."""
    errors: list[_Detail] | None = None
    """Cloudflare."""
    detail: str | list[_Detail] | None = None
    """Replicate, Mistral, and everything made with FastAPI."""


_STATUSES = {1000: 500, 1001: 504, 1002: 429, 1004: 401, 1008: 402, 1013: 500, 1024: 500, 1026: 400, 1027: 400,
             1033: 502, 1039: 429, 1041: 429, 2013: 400, 2045: 429, 2049: 401, 2056: 429}  # fmt: skip
"""MiniMax's `status_code` (https://platform.minimaxi.com/docs/api-reference/errorcode)."""


def read_error(body: bytes, status: int) -> ProviderError:
    """Read an error body of any of the shapes that OpenAI-compatible servers use; never raises.

    A body that is not JSON (the HTML of a proxy) is not repeated to the client.
    """
    try:
        parsed = _parsed(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _plain("", status)
    error = parsed.error
    hidden = error if isinstance(error, _ErrorObject) and error.status_code else parsed.base_resp
    if hidden is not None and hidden.status_code:
        return replace(_plain(hidden.status_msg, status), status=_STATUSES.get(hidden.status_code, 0))
    if isinstance(error, _ErrorObject) and (message := _plain_text(error.message)):
        return ProviderError(
            message=message,
            type=_plain_text(error.type),
            code=_plain_value(error.code),
            param=_plain_value(error.param) or "",
        )
    nested = parsed.response.error.message if parsed.response and parsed.response.error else None
    header = parsed.header.message if parsed.header else None
    own = error if isinstance(error, str) else None
    listed = _first(parsed.errors) or (parsed.detail if isinstance(parsed.detail, str) else _first(parsed.detail))
    said = parsed.message or parsed.msg or parsed.err or parsed.error_msg or header or nested or own or listed
    return _plain(said or "", status)


def _parsed(body: bytes) -> _ErrorBody:
    """Google's compatible endpoint puts its error into an array."""
    if body.lstrip().startswith(b"["):
        found = msgspec.json.decode(body, type=list[_ErrorBody])
        return found[0] if found else _ErrorBody()
    return msgspec.json.decode(body, type=_ErrorBody)


def _first(details: list[_Detail] | None) -> str:
    return (details[0].message or details[0].msg) if details else ""


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


def _plain_value(raw: msgspec.Raw) -> object:
    try:
        value: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        # Numbers out of range, and nesting beyond reason, pass the outer decoder unread.
        return None
    return value


def _plain_text(raw: msgspec.Raw) -> str:
    value = _plain_value(raw)
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value)
