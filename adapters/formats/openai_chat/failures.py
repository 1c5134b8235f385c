"""OpenAI's error envelope: read leniently, since many servers write their own, and written as OpenAI does."""

from __future__ import annotations

import msgspec

from adapters.formats.errors import ProviderError


class _ErrorObject(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw(b"null")
    type: msgspec.Raw = msgspec.Raw(b"null")
    code: msgspec.Raw = msgspec.Raw(b"null")
    param: msgspec.Raw = msgspec.Raw(b"null")


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


def read_error(body: bytes, status: int) -> ProviderError:
    """Read an error body of any of the shapes that OpenAI-compatible servers use; never raises.

    A body that is not JSON (the HTML of a proxy) is not repeated to the client.
    """
    try:
        parsed = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _plain("", status)
    error = parsed.error
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
    return _plain(
        parsed.message or parsed.msg or parsed.err or parsed.error_msg or header or nested or own or "", status
    )


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
