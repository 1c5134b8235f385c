"""A whole answer of Claude, read into the neutral form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.anthropic.blocks_in import read_content
from adapters.formats.anthropic.failures import error_status, read_error
from adapters.formats.anthropic.usage import read_usage
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.reading import dump, is_object, load, text, unknown

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_KNOWN = frozenset({"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"})
_STOP_REASONS = {
    "end_turn": StopReason.STOP,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "tool_use": StopReason.TOOL_CALLS,
    "refusal": StopReason.CONTENT_FILTER,
    "pause_turn": StopReason.PAUSE,
}


def decode_response(body: bytes) -> Response:
    """Return what Claude answered. Raises `FormatError`, or `ProviderFailure` for an error in disguise."""
    answer = load(body)
    raise_error(answer)
    if not isinstance(answer.get("content"), list):
        raise FormatError("the answer has no content", path="content")
    extra = unknown(answer, _KNOWN)
    usage = answer.get("usage")
    return Response(
        format="anthropic",
        id=text(answer, "id"),
        model=text(answer, "model"),
        choices=[
            Choice(
                parts=read_content(answer, "content", "", extra),
                stop_reason=stop_reason(text(answer, "stop_reason")),
                stop_sequence=text(answer, "stop_sequence"),
            )
        ],
        usage=read_usage(usage),
        service_tier=text(usage, "service_tier", "usage") if is_object(usage) else "",
        extra=extra,
    )


def raise_error(answer: JsonObject) -> None:
    """Raise `ProviderFailure` if `answer` tells of an error."""
    if answer.get("type") == "error" or answer.get("error"):
        told = read_error(dump(answer), status=502)
        raise ProviderFailure(told, status=error_status(told.type))


def stop_reason(value: str) -> StopReason:
    """Return why Claude stopped."""
    return _STOP_REASONS.get(value, StopReason.STOP)
