"""Errors of the Responses API: OpenAI's envelope before a stream, an event of its own within one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.openai_chat.failures import error_body, read_error
from adapters.formats.reading import dump, is_object

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

__all__ = ["error_body", "error_event", "failed_status", "read_error", "told"]

_STATUS_OF_CODE = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "invalid_image": 400,
    "invalid_image_format": 400,
    "invalid_base64_image": 400,
    "invalid_image_url": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "image_parse_error": 400,
    "image_content_policy_violation": 400,
    "context_length_exceeded": 400,
    "vector_store_timeout": 504,
}


def error_event(
    *,
    status: int,
    message: str,
    type: str,  # noqa: A002  # the member is called so
    code: object = None,
    param: object = None,
    request_id: str = "",
    sequence_number: int = 0,
) -> bytes:
    """Return the event that ends a stream badly.

    It tells the error twice, flat as the reference has it, and in `error`, at which the official client raises.
    """
    del status
    words = f"{message} (request id: {request_id})" if request_id else message
    body: JsonObject = {
        "type": "error",
        "sequence_number": sequence_number,
        "code": code if isinstance(code, str) or code is None else str(code),
        "message": words,
        "param": param,
        "error": {"message": words, "type": type, "param": param, "code": code},
    }
    return b"event: error\ndata: " + dump(body) + b"\n\n"


def failed_status(code: object) -> int:
    """Return the status that an error inside an answer or a stream should have come with."""
    return _STATUS_OF_CODE.get(code, 502) if isinstance(code, str) else 502


def told(source: JsonObject) -> JsonObject | None:
    """Return the error object of an answer or an event; `None` if it has none."""
    error = source.get("error")
    if isinstance(error, str) and error:
        return {"message": error}
    return error if is_object(error) and error else None
